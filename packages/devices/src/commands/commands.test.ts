import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyPlain } from '@dunlin/broker';
import { turns } from '../testing/clock.ts';
import { CommandWorld } from '../testing/command-world.ts';
import { MemoryTables } from '../testing/registry.ts';

const wake = { deviceId: 'cam1', type: 'wake', by: 'ada' };
const show = { deviceId: 'pix1', type: 'show', input: { artwork: 'a' }, by: 'ada' };

test('a command is stored as it was asked for, and told of', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const nowMs = world.clock.nowMs();
  const made = await commands.request({ ...wake, ttlS: 5, id: 'mine' });
  assert.deepEqual(await commands.get('mine'), copyPlain(made));
  assert.deepEqual(
    [made.state, made.requestedAtMs, made.expiresAtMs, made.by],
    ['queued', nowMs, nowMs + 5_000, 'ada'],
  );
  assert.deepEqual(world.events, [
    { name: 'commandQueued', commandId: 'mine', deviceId: 'cam1', type: 'wake', by: 'ada' },
  ]);
  assert.deepEqual([commands.open, commands.openOf('cam1'), commands.openOf('cam2')], [1, 1, 0]);
});

test('the same id again is the same command, also when both come at once and when it has ended', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const twice = await Promise.all([commands.request({ ...show, id: 'x' }), commands.request({ ...show, id: 'x' })]);
  assert.deepEqual(copyPlain(twice[0]), copyPlain(twice[1]));
  await commands.cancel('x', 'ada');
  assert.equal((await commands.request({ ...show, id: 'x', input: { artwork: 'a' } })).state, 'failed');
  for (const other of [{ deviceId: 'pix2' }, { type: 'reset' }, { input: { artwork: 'b' } }])
    await assert.rejects(commands.request({ ...show, id: 'x', ...other }), { code: 'command-conflict' });
  assert.equal(world.named('commandQueued').length, 1);
});

test('the time that a type gives is cut to what commands may have', async () => {
  const world = new CommandWorld();
  const commands = await world.open({ commandTtlMaxS: 10 });
  const { requestedAtMs, expiresAtMs } = await commands.request(wake);
  assert.equal(expiresAtMs - requestedAtMs, 10_000);
});

test('no more commands are open than may be, of a device and in all, and the end of one makes room', async () => {
  const world = new CommandWorld();
  const commands = await world.open({ commandsPerDeviceMax: 2, commandsMax: 3 });
  const results = await Promise.allSettled([1, 2, 3].map(() => commands.request(wake)));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  );
  await assert.rejects(commands.request(wake), { code: 'device-commands-limit', message: /\(commandsPerDeviceMax\)$/ });
  await commands.request({ ...wake, deviceId: 'cam2' });
  await assert.rejects(commands.request(show), { code: 'commands-limit' });
  assert.equal(world.named('deviceLimitReached').length, 3);
  await world.connect('cam2', 1);
  await commands.request(show);
  assert.equal(commands.open, 3);
});

test('a command that is cancelled does not go out; one that has ended cannot be', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  const { state, why } = await commands.cancel('id1', 'eve');
  assert.deepEqual([state, why], ['failed', 'cancelled by eve']);
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, []);
  await assert.rejects(commands.cancel('id1', 'eve'), { code: 'command-ended', message: /it has ended, it is failed/ });
  for (const id of ['nobody', '../x']) await assert.rejects(commands.cancel(id, 'eve'), { code: 'unknown-command-id' });
  await commands.request({ ...wake, ttlS: 1 });
  world.clock.setWallClock(2_000);
  await assert.rejects(commands.cancel('id2', 'eve'), { code: 'command-ended', message: /it is expired/ });
});

test('a caller waits for the end of a command, for its writing at QoS 0, or for its time', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(show);
  const ended = commands.wait('id1', 5_000);
  await world.connect('pix1', 1);
  world.broker.say('player/pix1/done', { id: 'id1' });
  assert.equal((await ended)?.state, 'acknowledged');
  assert.equal((await commands.wait('id1', 5_000))?.state, 'acknowledged');
  await world.connect('cam1', 0);
  await commands.request(wake);
  assert.equal((await commands.wait('id2', 5_000))?.state, 'sent');
  await commands.request({ ...wake, deviceId: 'cam2' });
  const late = commands.wait('id3', 1_000);
  await world.clock.passInTurns(1_000);
  assert.equal((await late)?.state, 'queued');
  assert.equal(await commands.wait('nobody', 1_000), undefined);
});

test('where as many callers wait as may, another one gets the command as it is', async () => {
  const world = new CommandWorld();
  const commands = await world.open({ commandWaitsMax: 1 });
  await commands.request(wake);
  const first = commands.wait('id1', 5_000);
  assert.equal((await commands.wait('id1', 5_000))?.state, 'queued');
  assert.equal(world.named('deviceLimitReached').length, 1);
  await commands.close();
  await first;
});

test('commands are listed newest first by device, and page by page', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  for (let n = 0; n < 3; n++) await commands.request({ ...wake, ...(n === 1 && { batchId: 'b' }) });
  await commands.request({ ...wake, deviceId: 'cam2' });
  const ids = async (query: object) => (await commands.list({ limit: 9, ...query })).records.map(({ key }) => key);
  assert.deepEqual(await ids({ deviceId: 'cam1' }), ['id3', 'id2', 'id1']);
  assert.deepEqual(await ids({}), ['id3', 'id2', 'id1', 'id4']);
  assert.deepEqual(await ids({ batchId: 'b' }), ['id2']);
  const { cursor } = await commands.list({ deviceId: 'cam1', limit: 2 });
  assert.deepEqual(await ids({ deviceId: 'cam1', cursor }), ['id1']);
});

test('a device has none of the commands of one that had its id before, which stay among all', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  const ids = async (query: object) => (await commands.list({ limit: 9, ...query })).records.map(({ key }) => key);
  const camera = world.devices.get('cam1');
  assert.ok(camera);
  world.devices.delete('cam1');
  await commands.deviceRemoved('cam1');
  assert.deepEqual(await ids({ deviceId: 'cam1' }), []);
  world.devices.set('cam1', camera);
  world.generation = 'g2';
  assert.deepEqual(await ids({ deviceId: 'cam1' }), []);
  await commands.request(wake);
  assert.deepEqual(await ids({ deviceId: 'cam1' }), ['id2']);
  assert.deepEqual((await ids({})).sort(), ['id1', 'id2']);
  assert.equal((await commands.get('id1'))?.state, 'failed');
});

test('a service that is opened anew goes on with what is open, in order, and lets expire what is over', async () => {
  const world = new CommandWorld();
  const before = await world.open();
  await before.request({ ...wake, ttlS: 1 });
  for (let n = 0; n < 2; n++) await before.request(wake);
  world.clock.setWallClock(-3_600_000);
  // The process dies here: nothing is closed.
  const commands = await world.open();
  assert.deepEqual([commands.open, commands.openOf('cam1')], [3, 3]);
  const made = await commands.request(wake);
  world.clock.setWallClock(3_601_000);
  await world.clock.passInTurns(1_000);
  assert.equal((await commands.get('id1'))?.state, 'expired');
  assert.ok(made.order > ((await commands.get('id3'))?.order ?? Infinity));
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, ['id2', 'id3']);
});

test('a device that is removed has no command that could still go out', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  for (const type of ['wake', 'sleep']) await commands.request({ ...wake, type });
  await commands.deviceChanged('cam1');
  assert.equal(commands.open, 2);
  world.devices.delete('cam1');
  await commands.deviceChanged('cam1');
  assert.deepEqual([commands.open, (await commands.get('id2'))?.why], [0, 'the device was removed']);
});

test('a command that was asked for in the moment in which its device is removed ends with the others', async () => {
  const tables = new MemoryTables();
  const stored = Promise.withResolvers<void>();
  const world = new CommandWorld({
    table: (definition) => {
      const table = tables.table(definition);
      const { put } = table;
      table.put = async (...written) => {
        await stored.promise;
        return put.apply(table, written);
      };
      return table;
    },
  });
  const commands = await world.open();
  const requested = commands.request(wake);
  await turns();
  world.devices.delete('cam1');
  const removed = commands.deviceRemoved('cam1');
  await turns();
  stored.resolve();
  const { id } = await requested;
  await removed;
  assert.deepEqual([commands.open, (await commands.get(id))?.why], [0, 'the device was removed']);
});

test('a device that comes under the id of another one does not get its commands', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  await commands.request({ ...wake, deviceId: 'cam2' });
  world.generation = 'g2';
  await commands.deviceChanged('cam1');
  await world.connect('cam2', 1);
  assert.deepEqual([commands.open, world.sentIds], [0, []]);
});

test('a service that is closed sends nothing more and leaves no timer', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  await commands.close();
  await commands.close();
  await world.connect('cam1', 1);
  await turns();
  assert.deepEqual([world.sentIds, world.clock.timers], [[], 0]);
});

test('a failure of the table is told and nothing goes wrong beside it', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  const table = world.tables.table<unknown>({ name: 'device-commands', indexes: {} });
  const { scan } = table;
  table.scan = () => assert.fail('disk');
  await world.connect('cam1', 1);
  assert.deepEqual(
    world.named('deviceServiceFailed').map((event) => 'error' in event && event.error),
    ['AssertionError [ERR_ASSERTION]: disk'],
  );
  table.scan = scan;
  await world.clock.passInTurns(1_000);
  assert.deepEqual(world.sentIds, ['id1']);
});

test('the oldest commands that have ended make room for others', async () => {
  const world = new CommandWorld();
  const commands = await world.open({ commandHistoryMax: 2 });
  for (const id of ['one', 'two', 'three']) {
    await commands.request({ ...wake, id });
    await commands.cancel(id, 'ada');
    await world.clock.passInTurns(1);
  }
  await turns(20);
  const kept = await Promise.all(['one', 'two', 'three'].map((id) => commands.get(id)));
  assert.deepEqual(
    kept.map((command) => command?.id),
    [undefined, 'two', 'three'],
  );
  assert.equal(world.named('deviceLimitReached').length, 1);
  await commands.close();
});
