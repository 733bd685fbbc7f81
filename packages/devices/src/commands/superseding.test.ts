import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '../testing/clock.ts';
import { CommandWorld } from '../testing/command-world.ts';

const ring = { deviceId: 'cam1', type: 'ring', by: 'ada' };

test('of ten that wait for a device that sleeps the last goes out, and the others are told as superseded by the next', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const first = await commands.request(ring);
  const waiting = commands.wait(first.id, 1_000);
  for (let more = 0; more < 8; more++) await commands.request(ring);
  const last = await commands.request(ring);
  const { state, why, endedAtMs } = (await waiting) ?? assert.fail();
  assert.deepEqual([state, why, endedAtMs], ['failed', 'superseded by id2', world.clock.nowMs()]);
  const ended = world.named('commandEnded').map((event) => 'why' in event && event.why);
  assert.deepEqual(
    ended,
    Array.from({ length: 9 }, (_, index) => `superseded by id${index + 2}`),
  );
  assert.deepEqual([commands.open, commands.openOf('cam1')], [1, 1]);
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, [last.id]);
});

test('other types, other devices and types that do not supersede are left alone', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  for (const other of [{}, { type: 'wake' }, { type: 'wake' }, { deviceId: 'cam2' }])
    await commands.request({ ...ring, ...other });
  await commands.request(ring);
  assert.deepEqual([commands.openOf('cam1'), commands.openOf('cam2')], [3, 1]);
});

test('of those that are requested at once the newest stays', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const all = await Promise.all(Array.from({ length: 5 }, () => commands.request(ring)));
  const newest = all.reduce((one, other) => (one.order > other.order ? one : other));
  await world.connect('cam1', 1);
  assert.deepEqual([world.sentIds, commands.open], [[newest.id], 0]);
});

test('what is on its way or has gone out is not superseded, and goes out again until it is confirmed', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  world.broker.answers = () => undefined;
  await world.connect('cam1', 1);
  await commands.request(ring);
  await turns();
  await commands.request(ring);
  await commands.request(ring);
  const states = async () =>
    (await Promise.all(['id1', 'id2', 'id3'].map((id) => commands.get(id)))).map((one) => one?.state);
  assert.deepEqual([world.sentIds, await states()], [['id1'], ['queued', 'failed', 'queued']]);
  // At QoS 0 it is written, and nobody knows whether it arrived.
  world.broker.answers = () => 'written';
  for (const { settle } of world.broker.sent) settle('lost');
  await world.disconnect('cam1');
  await world.connect('cam1', 0);
  await commands.request(ring);
  await turns();
  assert.deepEqual(await states(), ['sent', 'failed', 'sent']);
  assert.deepEqual(world.sentIds, ['id1', 'id1', 'id3', 'id4']);
});

test('a command that superseded others is the same one again where its id is asked for again', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request({ ...ring, id: 'a' });
  await commands.request({ ...ring, id: 'b' });
  assert.equal((await commands.request({ ...ring, id: 'a' })).state, 'failed');
  assert.equal((await commands.get('b'))?.state, 'queued');
});
