import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './testing/world.ts';

test('ends sessions whose time comes together in slices, each at the latest with a later tick', () => {
  const world = new World();
  for (let i = 0; i < 8; i++) world.connect(`c${i}`, { properties: { sessionExpiryInterval: 10 } }).break();
  world.pass(9_500);
  assert.equal(world.broker.sessionsById.size, 8);
  // Each look at the clock takes half of a slice: not all of them fit into one.
  world.clock.msPerLook = 10;
  world.pass(800);
  const left = world.broker.sessionsById.size;
  assert.ok(left > 0 && left < 8, `${left} are left`);
  world.clock.msPerLook = 0;
  world.pass(1_000);
  assert.deepEqual([world.broker.sessionsById.size, world.broker.metrics.sessionsExpired], [0, 8]);
});

test('sends a delayed will at its time, before the end of its session', () => {
  const world = new World();
  const watcher = world.connect('watcher');
  watcher.subscribe('will');
  const properties = { willDelayInterval: 5 };
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0 as const, retain: false, properties };
  world.connect('a', { will, properties: { sessionExpiryInterval: 20 } }).break();
  world.pass(4_500);
  assert.deepEqual(watcher.takePayloads(), []);
  world.pass(1_000);
  assert.deepEqual([watcher.takePayloads(), world.broker.sessionsById.has('a')], [['gone'], true]);
  world.pass(15_500);
  assert.equal(world.broker.sessionsById.has('a'), false);
});
