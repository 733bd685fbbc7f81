import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DialRequest } from '@dunlin/client';
import { memoryPair, type WireHandler } from '@dunlin/transport';
import { HeldWires } from './held-wires.ts';

/** A held wire, the other end of it, and what its owner was told; turns run when the test says so. */
async function dialed(wires: HeldWires) {
  const waiting: (() => void)[] = [];
  const [near, far] = memoryPair((run) => void waiting.push(run));
  const wire = await wires.dialing(async () => near)({} as DialRequest);
  const told: string[] = [];
  const handler: WireHandler = {
    received: (chunk) => told.push(`received "${Buffer.from(chunk)}"`),
    ended: () => told.push('ended'),
    drained: () => {},
    closed: () => told.push('closed'),
  };
  wire.open(handler);
  far.open({ ...handler, received: (chunk) => told.push(`sent "${Buffer.from(chunk)}"`), closed: () => {} });
  const turns = (): string[] => {
    while (waiting.length > 0) for (const run of waiting.splice(0)) run();
    return told.splice(0);
  };
  return { wire, far, turns };
}

test('a held wire reads nothing until it is released, and writes as before', async () => {
  const wires = new HeldWires();
  const { wire, far, turns } = await dialed(wires);
  wires.hold();
  wires.hold();
  far.write(Buffer.from('a'));
  wire.write(Buffer.from('b'));
  assert.deepEqual(turns(), ['sent "b"']);
  wires.release();
  assert.deepEqual(turns(), ['received "a"']);
  wires.release();
  wire.destroy();
  assert.deepEqual(turns(), ['closed']);
});

test('what its owner has paused stays paused when it is released, and the other way round', async () => {
  const wires = new HeldWires();
  const { wire, far, turns } = await dialed(wires);
  wire.pause();
  wires.hold();
  far.write(Buffer.from('a'));
  wires.release();
  assert.deepEqual(turns(), []);
  wires.hold();
  wire.resume();
  assert.deepEqual(turns(), []);
  wires.release();
  assert.deepEqual(turns(), ['received "a"']);
  wire.destroy();
});

test('the owner of a held wire does not take the peer for dead, and is left alone when it is gone', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const wires = new HeldWires();
  const { wire, turns } = await dialed(wires);
  wires.hold();
  context.mock.timers.tick(1000);
  assert.deepEqual(turns(), ['received ""']);
  wire.close();
  turns();
  wires.hold();
  context.mock.timers.tick(1000);
  assert.deepEqual(turns(), []);
});
