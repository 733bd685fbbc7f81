import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addCamera,
  type Dunlin,
  deviceDirectory,
  dunlinAt,
  dunlinByUrl,
  startDevices,
} from '../contract/device-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { run } from '../tool.ts';

async function entries(dunlin: Dunlin, ...argv: string[]): Promise<{ action: string; by: string; target: string }[]> {
  return JSON.parse((await dunlin('device', 'audit', ...argv, '--json')).out);
}

const actions = async (dunlin: Dunlin, ...argv: string[]) =>
  (await entries(dunlin, ...argv)).map(({ action }) => action);

async function auditWith(dunlin: Dunlin, by: RegExp): Promise<void> {
  await addCamera(dunlin);
  await dunlin('device', 'add', 'cam-2', '--type', 'lamp');
  await dunlin('device', 'change', 'cam-2', '--owner', 'ada');
  const { exitCode, out, err } = await dunlin('device', 'audit', 'cam-2');
  assert.deepEqual([exitCode, err], [0, '']);
  const [title, changed, added, ...rest] = out.trimEnd().split('\n');
  assert.match(title, /^WHEN \(UTC\) +ACTION +OF +BY +ADDRESS +CHANGE$/);
  assert.match(changed, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}device\.change {2}cam-2 .* owner: none -> "ada"$/);
  assert.match(added, / device\.add +cam-2 .* type: "lamp"/);
  assert.deepEqual(rest, []);
  for (const line of [changed, added]) assert.equal(line.indexOf('cam-2'), title.indexOf('OF'));
  assert.match((await entries(dunlin, 'cam-2'))[0].by, by);
  assert.deepEqual(await actions(dunlin, 'cam-1'), ['token.issue', 'device.add']);
  assert.deepEqual(await actions(dunlin, '--action', 'device.add', '--since', '1h'), ['device.add', 'device.add']);
  assert.deepEqual(await actions(dunlin, '--before', '1h'), []);
  assert.deepEqual(await actions(dunlin, '--by', 'owner:ada'), []);
  assert.deepEqual(await actions(dunlin, '--refused'), []);
  const all = await actions(dunlin, '--all');
  assert.deepEqual(all.slice(0, 4), ['device.change', 'device.add', 'token.issue', 'device.add']);
  const cut = await dunlin('device', 'audit', '--limit', '1', '--json');
  assert.deepEqual([JSON.parse(cut.out).length, /^There are more: --limit/.test(cut.err)], [1, true]);
}

test('says who changed what, of one device or of all, the newest first, by the control socket', async () => {
  const directory = deviceDirectory();
  await using _server = await startDevices(directory);
  await auditWith(dunlinAt(directory), /^local$/);
});

test('the same by a URL with an API key', async () => {
  await using server = await startDevices(deviceDirectory());
  await auditWith(await dunlinByUrl(server), /^key:/);
});

test('the same where no server runs', async () => {
  await auditWith(dunlinAt(deviceDirectory()), /^offline$/);
});

test('an action that the log does not have is a wrong command line, and one without entries is not', async () => {
  const dunlin = dunlinAt(deviceDirectory());
  assert.equal((await dunlin('device', 'audit', '--action', 'claim.end')).out, 'There is none.\n');
  const { exitCode, err } = await dunlin('device', 'audit', '--action', 'token.revok');
  assert.equal(exitCode, 1);
  assert.match(err, /Cannot find what was done by --action "token\.revok": .*did you mean token\.revoke\?\n$/);
});

test('colours are for a terminal alone', async () => {
  const directory = deviceDirectory();
  const dunlin = dunlinAt(directory);
  await dunlin('device', 'add', 'l-1', '--type', 'lamp');
  await dunlin('device', 'remove', 'l-1');
  const terminal = new RecordedTerminal();
  Object.assign(terminal.output, { isTTY: true });
  await run(['device', 'audit', 'l-1', '--config', `${directory}/dunlin.yaml`], terminal);
  const plain = (await dunlin('device', 'audit', 'l-1')).out;
  assert.equal(terminal.out.replaceAll(/\x1b\[\d+m/g, ''), plain);
  assert.match(terminal.out, /^\x1b\[1mWHEN .*\n\x1b\[33m.* device\.remove .*\x1b\[0m\n\d/);
});
