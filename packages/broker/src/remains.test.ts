import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from './entry.ts';
import { Inflight } from './inflight.ts';
import { Message } from './message.ts';
import { Queue } from './queue.ts';
import { remainsOf } from './remains.ts';
import { storedTopic } from './topics.ts';

const holder = { keep: () => undefined, release: () => undefined };

function entry(position: number, qos: 1 | 2, share: string | undefined, sent: Entry['sent'] = 'never'): Entry {
  const message = Message.of(storedTopic('t'), Buffer.alloc(1));
  const common = { retain: false, identifiers: [], ticket: 0, place: 0, isStored: true, released: false };
  return { ...common, position, message, qos, share, sent };
}

test('hands over what shared subscriptions gave it, but no QoS 2 message that was sent [MQTT-4.8.2-5], and counts the others', () => {
  const inflight = new Inflight(holder, 10);
  for (const one of [entry(1, 1, 'g'), entry(2, 2, 'g'), entry(3, 1, undefined)])
    inflight.open(one.position, one.qos, one);
  const queue = new Queue(holder, true);
  for (const one of [entry(4, 2, 'g', 'perhaps'), entry(5, 2, 'g'), entry(6, 1, undefined)]) queue.push(one, true);
  const { handOver, rest, dropped } = remainsOf(inflight, queue);
  assert.deepEqual(
    handOver.map(({ position }) => position),
    [1, 5],
  );
  assert.deepEqual([rest, dropped, queue.size], [undefined, 4, 0]);
});

test('has nothing to hand over where there was nothing', () => {
  assert.deepEqual(remainsOf(undefined, undefined), { handOver: [], rest: undefined, dropped: 0 });
});

test('leaves the rest that the store alone has to be read', () => {
  const queue = new Queue(holder, true);
  for (const one of [entry(1, 1, undefined), entry(2, 1, 'g')]) queue.push(one, true, false);
  const { handOver, rest, dropped } = remainsOf(undefined, queue);
  assert.deepEqual([handOver.length, rest, rest?.pagedSize, dropped], [0, queue, 2, 1]);
});
