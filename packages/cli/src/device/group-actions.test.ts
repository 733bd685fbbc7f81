import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from '@dunlin/client/node';
import type { RunningServer } from '@dunlin/server';
import { Api } from '../api/api.ts';
import {
  addCamera,
  type Dunlin,
  deviceDirectory,
  dunlinAt,
  dunlinByUrl,
  startDevices,
} from '../contract/device-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { CommandError, ConnectionLostError, ExitCode } from '../exit-codes.ts';
import { run } from '../tool.ts';
import { readDeviceFlags } from './device-flags.ts';
import { sendToGroup } from './group-actions.ts';

const directory = deviceDirectory();
const local = dunlinAt(directory);
let server: RunningServer;
const tokens = new Map<string, string>();

before(async () => {
  server = await startDevices(directory);
  for (const id of ['cam-1', 'cam-2', 'cam-3']) {
    tokens.set(id, await addCamera(local, id));
    await local('device', 'change', id, '--group', 'hall');
  }
});
after(() => server.stop());

/** A camera of the group, subscribed to what it is woken by. */
async function camera(id: string, qos: 0 | 1) {
  const url = `mqtt://127.0.0.1:${server.listeners[0].port}`;
  const options = { clientId: `s1-${id}`, username: id, password: tokens.get(id) ?? '', reconnect: false } as const;
  const client = await connect(url, options);
  await client.subscribe('things/t1', { qos }, () => {});
  return client;
}

test('wakes a group by the socket and by a URL, tells confirmed from unconfirmed, and says what still waits', async () => {
  const ways: Dunlin[] = [local, await dunlinByUrl(server)];
  const clients = [await camera('cam-1', 1), await camera('cam-2', 0)];
  for (const dunlin of ways) {
    const all = await dunlin('device', 'wake', '--group', 'hall', '--rate', '1000', '--wait', '1s');
    assert.equal(all.exitCode, 12);
    assert.match(all.out, /^wake to hall: 3 asked, 1 confirmed, 1 sent unconfirmed, 1 queued\n {2}batch [\w-]+\n$/);
  }
  const third = await camera('cam-3', 1);
  const done = await local('device', 'wake', '--group', 'hall', '--wait', '30s', '--json');
  const { requested, state, counts } = JSON.parse(done.out);
  assert.deepEqual([done.exitCode, requested, state, counts.confirmed], [0, 3, 'done', 2]);
  for (const client of [...clients, third]) await client.disconnect();
});

test('an input that the command does not take is refused before anything goes to the group', async () => {
  const sent = await local(
    'device',
    'command',
    'record',
    '--group',
    'hall',
    '--input',
    '{"seconds":"x"}',
    '--wait',
    '1s',
  );
  assert.deepEqual([sent.exitCode, sent.out], [1, '']);
  assert.match(sent.err, /^dunlin device: Cannot send the command "record" to the group "hall"/);
});

test('a group of nobody, which may be mistyped, is refused, whether somebody waits or not', async () => {
  for (const argv of [['wake'], ['wake', '--no-wait'], ['command', 'wake', '--no-wait']]) {
    const { exitCode, out, err } = await local('device', ...argv, '--group', 'hal');
    assert.deepEqual([exitCode, out], [1, '']);
    assert.match(err, /to the group "hal": group is "hal": no device is in it, at least one is expected/);
  }
});

test('one that is under way is cancelled by its id, and the same id is the same batch', async () => {
  const begin = () => local('device', 'wake', '--group', 'hall', '--rate', '1', '--no-wait', '--command-id', 'b-1');
  for (const { exitCode, out } of [await begin(), await begin()])
    assert.deepEqual([exitCode, out], [0, 'wake to hall: begun\n  batch b-1\n']);
  const cancelled = await local('device', 'cancel', 'b-1', '--json');
  assert.equal(JSON.parse(cancelled.out).state, 'cancelled');
  const nothing = await local('device', 'cancel', 'nothing');
  assert.deepEqual([nothing.exitCode, nothing.out], [5, '']);
});

test('on a terminal one line counts while it goes on', async () => {
  const terminal = new RecordedTerminal();
  Object.assign(terminal.errors, { isTTY: true, columns: 100 });
  const argv = [
    'device',
    'wake',
    '--group',
    'hall',
    '--rate',
    '2',
    '--wait',
    '1s',
    '--config',
    `${directory}/dunlin.yaml`,
  ];
  assert.equal(await run(argv, terminal), 12);
  assert.match(terminal.err, /\r\x1b\[K\d asked/);
  assert.ok(terminal.err.endsWith('\x1b[K'));
});

test('says which words and flags go together', async () => {
  const wrong: [string[], RegExp][] = [
    [['wake', 'cam-1', '--group', 'hall'], /Cannot use "cam-1": expected nothing behind wake but flags/],
    [['command', '--group', 'hall'], /expected dunlin device command TYPE, see/],
    [['command', '..', '--group', 'hall'], /Cannot use the TYPE "\.\."/],
    [['wake', 'cam-1', '--rate', '5'], /Cannot use --rate: expected --group beside it/],
    [['wake', '--group', 'a', '--group', 'b'], /Cannot send to several groups: one --group is expected/],
  ];
  for (const [argv, message] of wrong) {
    const { exitCode, err } = await local('device', ...argv);
    assert.equal(exitCode, 1);
    assert.match(err, message);
  }
});

test('a server that goes away is told of with the batch, that it goes on, and what follows it then', async () => {
  const begun = { id: 'b-7', group: 'my hall', type: 'wake', state: 'running', requested: 0, refused: 0, refusals: [] };
  const send = (atOnce: boolean, lost: Error) => {
    const request = async ({ method }: { readonly method: string }) => {
      if (atOnce || method === 'GET') throw lost;
      return { status: 202, headers: {}, body: JSON.stringify(begun) };
    };
    const api = new Api({ kind: 'control', request, close: async () => {} });
    const { flags } = readDeviceFlags(['wake', '--group', 'my hall', '--command-id', 'b-7']);
    return sendToGroup(api, 'wake', flags, new RecordedTerminal());
  };
  const again = "dunlin device wake --group 'my hall' --command-id b-7";
  for (const lost of [new ConnectionLostError('reset'), new CommandError(ExitCode.network, 'none runs')])
    await assert.rejects(send(false, lost), {
      exitCode: 2,
      message: `Cannot follow batch b-7: the connection to the server was lost. ${lost.message}\nThe batch goes on when the server is back; this follows it then:\n  ${again}`,
    });
  await assert.rejects(send(true, new ConnectionLostError('reset')), {
    exitCode: 2,
    message: `reset\nWhether batch b-7 has begun is not known. When the server is back, this begins or follows it:\n  ${again}`,
  });
  // Where nobody was reached nothing has begun.
  await assert.rejects(send(true, new CommandError(ExitCode.network, 'none runs')), { message: 'none runs' });
});
