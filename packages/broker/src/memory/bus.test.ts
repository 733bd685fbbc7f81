import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busContract } from '../contract/bus.ts';
import { sampleMessage } from '../contract/samples.ts';
import type { Message } from '../message.ts';
import { LoopbackBus } from './bus.ts';

busContract('LoopbackBus', async () => new LoopbackBus());

test('returns what the receiver said, at once', () => {
  const bus = new LoopbackBus();
  const message = sampleMessage('a');
  assert.equal(bus.publish(message), false);
  const taken: Message[] = [];
  bus.receive((one) => taken.push(one) > 0);
  assert.equal(bus.publish(message), true);
  assert.equal(taken[0], message);
});
