import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './testing/world.ts';

test('relays', () => {
  const world = new World();
  const a = world.connect('a');
  const b = world.connect('b', { protocolVersion: 4 });
  b.subscribe('x/#', { qos: 2 });
  a.publish('x/y', { qos: 2 });
  console.log(a.takeAll(), b.takeAll());
});
