/** Messages for the contract suites, and the bounded wait for what an adapter may do later. */
import assert from 'node:assert/strict';
import type { QoS } from '@dunlin/protocol';
import { resolveLimits } from '../limits.ts';
import { Message } from '../message.ts';
import { createMetrics } from '../metrics.ts';
import { TopicTable } from '../topics.ts';

const topics = new TopicTable(resolveLimits(), true, createMetrics());
const turnsMax = 1_000;

/** A retained message that owns its bytes. */
export function sampleMessage(topic: string, text = 'payload', qos: QoS = 1): Message {
  return Message.of(topics.named(topic), Buffer.from(text), { qos, retain: true, publisher: 'sample' });
}

/** Waits up to 1,000 turns of the event loop for a condition, and fails without it. */
export async function eventually(happened: () => boolean): Promise<void> {
  for (let turn = 0; turn < turnsMax && !happened(); turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(happened(), 'did not happen in 1,000 turns');
}
