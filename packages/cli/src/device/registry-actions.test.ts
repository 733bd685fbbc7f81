import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunningServer } from '@dunlin/server';
import { addCamera, connectCamera, deviceDirectory, dunlinAt, startDevices } from '../contract/device-server.ts';

const directory = deviceDirectory();
const dunlin = dunlinAt(directory);
let server: RunningServer;
const tokens = new Map<string, string>();
before(async () => {
  server = await startDevices(directory);
  for (const id of ['cam-1', 'cam-2', 'other']) tokens.set(id, await addCamera(dunlin, id));
});
after(() => server.stop());

const idsOf = (out: string) => JSON.parse(out).map(({ id }: { id: string }) => id);

test('lists find by type, group, prefix and state, and say when there are more', async () => {
  await dunlin('device', 'change', 'cam-2', '--group', 'front', '--group', 'garden');
  await dunlin('device', 'disable', 'other');
  const list = async (...flags: string[]) => idsOf((await dunlin('device', 'list', '--json', ...flags)).out);
  assert.deepEqual(await list('--type', 'camera', '--prefix', 'cam'), ['cam-1', 'cam-2']);
  assert.deepEqual(await list('--group', 'garden'), ['cam-2']);
  assert.deepEqual(await list('--disabled'), ['other']);
  assert.deepEqual(await list('--enabled', '--attribute', 'thing=t1'), ['cam-1', 'cam-2']);
  const { out, err } = await dunlin('device', 'list', '--limit', '2');
  assert.equal(out.split('\n').length, 4);
  assert.equal(err, 'There are more: --limit COUNT shows so many, --all all of them.\n');
  const json = await dunlin('device', 'list', '--limit', '2', '--json');
  assert.deepEqual([idsOf(json.out).length, json.err], [2, err]);
  assert.deepEqual(await list('--all'), ['cam-1', 'cam-2', 'other']);
  assert.equal((await dunlin('device', 'list', '--all', '--limit', '2')).exitCode, 1);
  assert.equal((await dunlin('device', 'list', '--connected')).out, 'There is none.\n');
});

test('a type that is not configured is an error where nothing is found of it', async () => {
  for (const action of ['list', 'export']) {
    const { exitCode, out, err } = await dunlin('device', action, '--type', 'camra');
    assert.deepEqual([exitCode, out], [1, '']);
    assert.match(
      err,
      /Cannot find devices of the type "camra": the configuration has none of this name, did you mean camera\?/,
    );
    assert.equal((await dunlin('device', action, '--type', 'player')).exitCode, 0);
  }
});

test('a change names what it changes, and takes away what it is told to', async () => {
  await dunlin('device', 'change', 'cam-1', '--owner', 'ada', '--attribute', 'room=a=b', '--group', 'g');
  const before = JSON.parse((await dunlin('device', 'show', 'cam-1', '--json')).out);
  assert.deepEqual([before.owner, before.attributes.room, before.groups], ['ada', 'a=b', ['g']]);
  await dunlin('device', 'change', 'cam-1', '--owner', '', '--no-attribute', 'room', '--no-group');
  const shown = JSON.parse((await dunlin('device', 'show', 'cam-1', '--json')).out);
  assert.deepEqual([shown.owner, shown.attributes, shown.groups], [undefined, { space: 's1', thing: 't1' }, []]);
  assert.deepEqual([shown.presence.session, shown.tokens.length, shown.certificates, shown.commands], [0, 1, [], []]);
});

test('says which flags go together', async () => {
  const wrong: [string[], RegExp][] = [
    [['add', 'x'], /Cannot add a device: expected --type TYPE/],
    [['change', 'cam-1'], /Cannot change nothing: expected --type/],
    [['change', 'cam-1', '--group', 'a', '--no-group'], /Cannot use --no-group with --group/],
    [['list', '--group', 'a', '--group', 'b'], /Cannot look for several groups/],
    [['list', '--attribute', 'a=1', '--attribute', 'b=2'], /Cannot look for several attributes/],
  ];
  for (const [argv, message] of wrong) {
    const { exitCode, err } = await dunlin('device', ...argv);
    assert.equal(exitCode, 1);
    assert.match(err, message);
  }
});

test('lists find by whether devices are connected together with everything else, with when and from where', async () => {
  const camera = await connectCamera(server, tokens.get('cam-1') ?? '');
  const list = (...flags: string[]) => dunlin('device', 'list', '--attribute', 'space=s1', ...flags);
  // What is stored of a connection comes a moment after it.
  let there = '';
  while (!there.includes('cam-1')) there = (await list('--connected', '--type', 'camera', '--enabled')).out;
  assert.match(there, /^ID +TYPE +CONNECTED +ADDRESS +LISTENER +CLIENT ID +ATTRIBUTES\n/);
  assert.match(there, /\ncam-1 +camera +.*127\.0\.0\.1 +mqtt +s1-cam-1 +space=s1 thing=t1\n$/);
  assert.equal((await list('--connected', '--disabled')).out, 'There is none.\n');
  const away = await list('--not-connected', '--json');
  assert.deepEqual(idsOf(away.out), ['cam-2', 'other']);
  assert.match((await list('--not-connected')).out, /^ID +TYPE +STATE +LAST SEEN +ATTRIBUTES\ncam-2 .* never /);
  await camera.disconnect();
});
