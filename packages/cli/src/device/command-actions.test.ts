import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunningServer } from '@dunlin/server';
import { addCamera, connectCamera, deviceDirectory, dunlinAt, startDevices } from '../contract/device-server.ts';

const directory = deviceDirectory();
const dunlin = dunlinAt(directory);
const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-commands-'));
let server: RunningServer;
let token: string;
before(async () => {
  server = await startDevices(directory);
  token = await addCamera(dunlin);
});
after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

test('a wake-up of a device that is away says so, and ends with 12', async () => {
  const { exitCode, out } = await dunlin('device', 'wake', 'cam-1', '--wait', '1s', '--ttl', '1s');
  assert.equal(exitCode, 12);
  assert.match(out, /^wake to cam-1: queued\n {2}The device is not connected, and never was\. It goes out when/);
  assert.match(out, /\n {2}command [\w-]+\n$/);
});

test('one whose time is over within the wait says that it expired, and ends with 13', async () => {
  const { exitCode, out } = await dunlin('device', 'wake', 'cam-1', '--wait', '30s', '--ttl', '1s');
  assert.equal(exitCode, 13);
  assert.match(out, /^wake to cam-1: expired\n {2}It did not go out in time\.\n/);
});

test('one that a newer one supersedes says so, and ends with 14', async () => {
  const first = dunlin('device', 'command', 'cam-1', 'ring', '--wait', '30s', '--command-id', 'ring-1');
  let state: string | undefined;
  while (state !== 'queued') {
    const { commands } = JSON.parse((await dunlin('device', 'show', 'cam-1', '--json')).out);
    state = commands.find(({ id }: { id: string }) => id === 'ring-1')?.state;
  }
  await dunlin('device', 'command', 'cam-1', 'ring', '--no-wait', '--command-id', 'ring-2', '--ttl', '1s');
  const { exitCode, out } = await first;
  assert.deepEqual([exitCode, out], [14, 'ring to cam-1: failed\n  Superseded by ring-2.\n  command ring-1\n']);
  const shown = (await dunlin('device', 'show', 'cam-1')).out;
  assert.match(shown, /\n {2}command +ring ring-1 failed \(superseded by ring-2\), requested /);
});

test('a device at QoS 1 confirms, one at QoS 0 leaves it open, which is no failure', async () => {
  for (const [qos, word, code] of [
    [1, 'confirmed', 0],
    [0, 'sent unconfirmed', 0],
  ] as const) {
    const camera = await connectCamera(server, token);
    await camera.subscribe('things/t1', { qos }, () => {});
    const { exitCode, out } = await dunlin('device', 'wake', 'cam-1', '--wait', '30s');
    assert.deepEqual([exitCode, out.split('\n')[0]], [code, `wake to cam-1: ${word}`]);
    await camera.disconnect();
  }
});

test('a command with an input waits for what the device says: done, failed, or nothing yet', async () => {
  const camera = await connectCamera(server, token);
  let state: string | undefined = 'done';
  await camera.subscribe('things/t1', { qos: 1 }, async (message) => {
    const { id, do: what, input } = message.json() as { id: string; do: string; input?: { seconds: number } };
    if (what !== 'record' || state === undefined) return;
    assert.deepEqual(input, { seconds: 5 });
    await camera.publish('things/t1/done', { id, state }, { qos: 1 });
  });
  const input = join(scratch, 'input.json');
  writeFileSync(input, '{"seconds":5}');
  const done = await dunlin('device', 'command', 'cam-1', 'record', '--input', `@${input}`, '--wait', '30s');
  assert.deepEqual([done.exitCode, done.out.split('\n')[0]], [0, 'record to cam-1: acknowledged']);
  state = 'failed';
  const failed = await dunlin('device', 'command', 'cam-1', 'record', '--input', '{"seconds":5}', '--wait', '30s');
  assert.equal(failed.exitCode, 14);
  assert.match(failed.out, /^record to cam-1: failed\n {2}The device says that it failed\.\n/);
  state = undefined;
  const open = [
    'device',
    'command',
    'cam-1',
    'record',
    '--input',
    '{"seconds":5}',
    '--wait',
    '1s',
    '--command-id',
    'open-1',
  ];
  const received = await dunlin(...open);
  assert.equal(received.exitCode, 11);
  assert.match(received.out, /^record to cam-1: received\n {2}The device has it \(PUBACK\), and has not said yet/);
  const again = await dunlin(...open, '--json');
  assert.deepEqual(
    [again.exitCode, JSON.parse(again.out).id, JSON.parse(again.out).outcome],
    [11, 'open-1', 'received'],
  );
  await camera.disconnect();
});

test('says what is wrong with an input, by the tool and by the API', async () => {
  const send = (...more: string[]) => dunlin('device', 'command', 'cam-1', 'record', ...more);
  const noJson = await send('--input', '{');
  assert.deepEqual(
    [noJson.exitCode, noJson.err],
    [1, "dunlin device: Cannot use --input '{': expected JSON, or @FILE that holds it\n"],
  );
  assert.equal((await send('--input', `@${join(scratch, 'none')}`)).exitCode, 3);
  const schema = await send('--input', '{"seconds":"x"}');
  assert.equal(schema.exitCode, 1);
  assert.match(schema.err, /seconds/);
  assert.equal((await dunlin('device', 'command', 'cam-1', 'dance')).exitCode, 5);
  assert.equal((await dunlin('device', 'wake', 'nobody')).exitCode, 5);
});
