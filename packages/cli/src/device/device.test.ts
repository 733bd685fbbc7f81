import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  addCamera,
  connectCamera,
  type Dunlin,
  deviceDirectory,
  dunlinAt,
  dunlinByUrl,
  startDevices,
} from '../contract/device-server.ts';

/** What can be done without a device that comes: the same whichever way the API is asked. */
async function livesThrough(dunlin: Dunlin): Promise<void> {
  const without = await dunlin('device', 'add', 'cam-1', '--type', 'camera', '--attribute', 'thing=t1');
  assert.equal(without.exitCode, 1);
  assert.equal(
    without.err,
    'dunlin device: Cannot add the device "cam-1": attributes.space is missing: a device of the type camera is expected to have it\n',
  );
  const token = await addCamera(dunlin);
  assert.match(token, /^dt_[\w-]{22,}$/);
  const again = await dunlin(
    'device',
    'add',
    'cam-1',
    '--type',
    'camera',
    '--attribute',
    'thing=t1',
    '--attribute',
    'space=s1',
  );
  assert.equal(again.exitCode, 5);
  assert.match(again.err, /^dunlin device: Cannot add the device "cam-1": /);

  const listed = await dunlin('device', 'list', '--attribute', 'space=s1');
  assert.equal(
    listed.out,
    'ID     TYPE    STATE    NAME  GROUPS  ATTRIBUTES\ncam-1  camera  enabled                space=s1 thing=t1\n',
  );
  const changes = ['--name', 'Hall', '--group', 'front', '--owner', 'ada', '--no-attribute', 'room'];
  assert.equal((await dunlin('device', 'change', 'cam-1', ...changes)).out, 'Changed cam-1.\n');
  assert.equal((await dunlin('device', 'disable', 'cam-1')).exitCode, 0);
  const shown = await dunlin('device', 'show', 'cam-1');
  assert.match(shown.out, /^cam-1\n {2}type +camera\n {2}name +Hall\n {2}state +disabled: it is not let in\n/);
  assert.match(
    shown.out,
    /\n {2}presence +it never connected\n(?: .*\n)* {2}token +[\w-]+ counts for good; never used\n/,
  );
  assert.equal((await dunlin('device', 'enable', 'cam-1')).exitCode, 0);
  const [seen] = JSON.parse((await dunlin('device', 'list', '--json', '--owner', 'ada')).out);
  assert.deepEqual([seen.id, seen.groups, seen.enabled], ['cam-1', ['front'], true]);

  const queued = await dunlin('device', 'wake', 'cam-1', '--no-wait', '--json', '--command-id', 'wake-1');
  assert.deepEqual([queued.exitCode, JSON.parse(queued.out).state], [0, 'queued']);
  assert.match((await dunlin('device', 'cancel', 'wake-1')).out, /^Cancelled: it is not sent any more\./);
  assert.equal((await dunlin('device', 'cancel', 'wake-1')).exitCode, 5);
  const exported = await dunlin('device', 'export', '--format', 'csv');
  assert.match(exported.out, /^id,type,name,.*\r\ncam-1,camera,Hall,front,ada,true,/);
  assert.equal((await dunlin('device', 'remove', 'cam-1')).out, 'Removed cam-1.\n');
  assert.equal((await dunlin('device', 'list')).out, 'There is none.\n');
  const gone = await dunlin('device', 'show', 'cam-1');
  assert.deepEqual(gone, {
    exitCode: 5,
    out: '',
    err: 'dunlin device: Cannot find the device "cam-1": the id of one is expected\n',
  });
}

test('a device is added, found, changed, commanded and removed by the control socket', async () => {
  const directory = deviceDirectory();
  await using _ = await startDevices(directory);
  await livesThrough(dunlinAt(directory));
});

test('the same by a URL with an API key', async () => {
  await using server = await startDevices(deviceDirectory());
  await livesThrough(await dunlinByUrl(server));
});

test('the same where no server runs, which then has what was done', async () => {
  const directory = deviceDirectory();
  const dunlin = dunlinAt(directory);
  await livesThrough(dunlin);
  const token = await addCamera(dunlin);
  const waits = await dunlin('device', 'wake', 'cam-1');
  assert.equal(waits.exitCode, 12);
  assert.match(waits.out, /^wake to cam-1: queued\n {2}No server runs\. It goes out when one does/);
  const stored = await dunlin('device', 'wake', 'cam-1', '--no-wait');
  assert.equal(stored.exitCode, 0);
  assert.match(stored.out, /^wake to cam-1: queued\n {2}No server runs\. It goes out when one does/);
  assert.match((await dunlin('device', 'why', 'cam-1')).out, /\nWhat it was refused for only a running server knows/);
  await using server = await startDevices(directory);
  const camera = await connectCamera(server, token);
  const woken = new Promise(
    (resolve) => void camera.subscribe('things/t1', { qos: 1 }, (message) => resolve(message.json())),
  );
  assert.equal(((await woken) as { do: string }).do, 'wake');
  await camera.disconnect();
});

test('why names what refused a device: its password, the field of its Client Identifier, a rule', async () => {
  const directory = deviceDirectory();
  await using server = await startDevices(directory);
  const dunlin = dunlinAt(directory);
  const token = await addCamera(dunlin);
  await assert.rejects(connectCamera(server, 'wrong'));
  assert.match(
    (await dunlin('device', 'why', 'cam-1')).out,
    /It was last refused .*, (now|\d+ s ago):\n {4}why +its password is none of its tokens \(token\)\n/,
  );
  await assert.rejects(connectCamera(server, token, 'else\u202ewhere-cam-1'));
  const field = await dunlin('device', 'why', 'cam-1');
  assert.equal(field.exitCode, 0);
  assert.match(
    field.out,
    /why +its Client Identifier is not one of this device \(client-id\)\n {4}found +\{space\} of the client id is/,
  );
  assert.match(
    field.out,
    /\{attr\.space\} of the device is expected: "s1"\n {4}client +"else\\u202ewhere-cam-1" from 127\.0\.0\.1 at mqtt\n/,
  );
  assert.ok(!field.out.includes('\u202e'));
  await assert.rejects(connectCamera(server, token, 'shapeless'));
  const shape = (await dunlin('device', 'why', 'cam-1')).out;
  assert.match(
    shape,
    /found +the client id does not fit "\{space\}-\{deviceId\}", which for this device is "s1-cam-1"\n/,
  );
  assert.match(shape, /remedy +set another one at the device, or correct its attributes: dunlin device change cam-1 /);
  await dunlin('device', 'add', 'frame-1', '--type', 'player');
  await assert.rejects(connectCamera(server, '', 'x', 'frame-1'));
  const bare = (await dunlin('device', 'why', 'frame-1')).out;
  assert.match(
    bare,
    /\(device-credential\)\n {4}found +no certificate came at the listener "mqtt", .* certificates only\n/,
  );
  assert.doesNotMatch(bare, /device token/);
  const camera = await connectCamera(server, token);
  await camera.subscribe('secret', {}, () => {}).catch(() => {});
  assert.match(
    (await dunlin('device', 'why', 'cam-1')).out,
    /may not subscribe to this filter \(subscribe\)\n {4}found +"secret"/,
  );
  // What is stored of a connection comes a moment after it.
  let there = '';
  while (!there.includes('cam-1')) there = (await dunlin('device', 'list', '--connected')).out;
  assert.match(there, /\ncam-1 .* 127\.0\.0\.1 +mqtt +s1-cam-1 +space=s1 thing=t1\n$/);
  await dunlin('device', 'disable', 'cam-1');
  const disabled = await dunlin('device', 'why', 'cam-1');
  assert.equal(disabled.exitCode, 4);
  assert.match(disabled.out, /^cam-1, of the type camera, cannot come in as things are:\n {2}the device is disabled/);
  const nobody = await dunlin('device', 'why', 'nobody');
  assert.deepEqual(
    [nobody.exitCode, nobody.out.split('\n')[0]],
    [4, 'nobody cannot come in: there is no such device.'],
  );
});

test('a word that cannot be an id asks for no other path of the API', async () => {
  const dunlin = dunlinAt(deviceDirectory());
  for (const id of ['..', '../keys', 'a/b', 'a b', '$x', '\ud800'])
    assert.equal((await dunlin('device', 'show', id)).exitCode, 1, id);
  assert.equal((await dunlin('device', 'command', 'cam-1', '..')).exitCode, 1);
  assert.equal((await dunlin('device', 'cancel', '../x')).exitCode, 1);
});

test('without a server, a configuration or a URL it says what is expected', async () => {
  const directory = deviceDirectory();
  const { RecordedTerminal } = await import('../contract/recorded-terminal.ts');
  const { run } = await import('../tool.ts');
  const terminal = new RecordedTerminal();
  const data = join(directory, 'data');
  assert.equal(await run(['device', 'list', '--data', data], terminal), 2);
  assert.equal(
    terminal.err,
    `dunlin device: Cannot ask a server: none runs with the data directory ${data}\n` +
      'Name the data directory with --data DIR, the configuration of the server with --config FILE, or its API with --url.\n',
  );
});
