import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunningServer } from '@dunlin/server';
import { type Dunlin, deviceDirectory, dunlinAt, dunlinByUrl, startDevices } from '../contract/device-server.ts';

interface Begun {
  readonly claimId: string;
  readonly code: string;
  readonly secret: string;
}

/** As a device does. */
async function ask(server: RunningServer, path: string, body?: object, headers: Record<string, string> = {}) {
  const url = `http://127.0.0.1:${server.listeners[1].port}/api/v1/claims${path}`;
  const json = body && { 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers: { ...json, ...headers }, ...(body && { body: JSON.stringify(body) }) });
}

const begin = async (server: RunningServer) =>
  (await (await ask(server, '', { type: 'lamp', attributes: { model: 'L1' } })).json()) as Begun;

async function collected(
  server: RunningServer,
  { claimId, secret }: Begun,
): Promise<{ state?: string; code?: string }> {
  const answer = await ask(server, `/${claimId}/collect`, undefined, { 'x-claim-secret': secret });
  return (await answer.json()) as { state?: string; code?: string };
}

async function claimsWith(server: RunningServer, dunlin: Dunlin): Promise<void> {
  assert.equal((await dunlin('device', 'claims')).out, 'There is none.\n');
  const [lamp, stranger] = [await begin(server), await begin(server)];
  const listed = await dunlin('device', 'claims');
  assert.match(listed.out, /^CLAIM +TYPE +STATE +BEGUN +ENDS +ADDRESS +OWNER +DEVICE +ATTRIBUTES\n/);
  for (const { claimId, code, secret } of [lamp, stranger]) {
    assert.ok(listed.out.includes(`${claimId}  lamp  open`) && listed.out.includes('127.0.0.1  '));
    assert.ok(!listed.out.includes(code) && !listed.out.includes(secret));
  }
  assert.match((await dunlin('device', 'claims', '--limit', '1')).err, /^There are more/);
  const refused = await dunlin('device', 'refuse', stranger.claimId);
  assert.equal(refused.out, 'Refused the claim of a lamp at 127.0.0.1: it has to begin anew.\n');
  assert.equal((await dunlin('device', 'refuse', stranger.claimId)).exitCode, 5);
  assert.equal((await collected(server, stranger)).code, 'claim-unknown');
  const { exitCode, out, err } = await dunlin(
    'device',
    'claim',
    lamp.code.toLowerCase(),
    '--owner',
    'ada',
    '--name',
    'Hall',
  );
  const id = out.trimEnd();
  assert.equal(exitCode, 0);
  assert.match(out, /^[\da-f-]{36}\n$/);
  assert.match(err, new RegExp(`is ${id} and belongs to ada\\.\nIt gets its credentials when it next asks\\.\n$`));
  const device = JSON.parse((await dunlin('device', 'show', id, '--json')).out);
  assert.deepEqual([device.owner, device.name, device.attributes], ['ada', 'Hall', { model: 'L1' }]);
  assert.equal((await collected(server, lamp)).state, 'ready');
  // The same device anew, and nobody else's.
  const again = await begin(server);
  const replace = (owner: string) => dunlin('device', 'claim', again.code, '--owner', owner, '--replaces', id);
  assert.equal((await replace('bob')).exitCode, 5);
  assert.equal((await replace('ada')).out, `${id}\n`);
  const late = await dunlin('device', 'refuse', again.claimId);
  assert.match(late.out, new RegExp(`\nThe device ${id} that was made for it is still in the registry\\.\n$`));
}

test('an operator lists claims, enters the code of one and refuses another, by the control socket', async () => {
  const directory = deviceDirectory();
  await using server = await startDevices(directory);
  await claimsWith(server, dunlinAt(directory));
});

test('the same by a URL with an API key', async () => {
  await using server = await startDevices(deviceDirectory());
  await claimsWith(server, await dunlinByUrl(server));
});

test('where no server runs a code that one gave still counts, and for any other it says so', async () => {
  const directory = deviceDirectory();
  const dunlin = dunlinAt(directory);
  const first = await startDevices(directory);
  const lamp = await begin(first);
  await first.stop();
  assert.match((await dunlin('device', 'claims')).out, new RegExp(lamp.claimId));
  const claimed = await dunlin('device', 'claim', lamp.code, '--owner', 'ada');
  assert.match(claimed.err, /It gets its credentials when a server runs and the device asks\.\n$/);
  const wrong = await dunlin('device', 'claim', 'AAAAAA', '--owner', 'ada');
  assert.equal(wrong.exitCode, 5);
  assert.match(
    wrong.err,
    /Cannot find a device that shows this code: .*\nNo server runs: a device gets a code to show from one/,
  );
  await using second = await startDevices(directory);
  assert.equal((await collected(second, lamp)).state, 'ready');
});

test('a code is entered for somebody, and what cannot be the id of a claim asks for no other path', async () => {
  const dunlin = dunlinAt(deviceDirectory());
  const nobody = await dunlin('device', 'claim', 'K7M4PX');
  assert.deepEqual(
    [nobody.exitCode, nobody.err],
    [1, 'dunlin device: Cannot claim a device for nobody: expected --owner USER, whose it is\n'],
  );
  for (const id of ['..', '../x', 'a/b']) assert.equal((await dunlin('device', 'refuse', id)).exitCode, 1, id);
});
