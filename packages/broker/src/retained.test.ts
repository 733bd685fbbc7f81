import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from './contract/samples.ts';
import { resolveLimits } from './limits.ts';
import { Message } from './message.ts';
import { type Retained, RetainedMessages } from './retained.ts';
import type { TopicCursor } from './topic-tree.ts';

function all(cursor: TopicCursor<Retained>): string[] {
  const found: string[] = [];
  for (let i = 0; i < 1_000 && !cursor.isDone; i++) {
    const retained = cursor.next(10);
    if (retained !== undefined) found.push(retained.message.payload.toString());
  }
  return found.sort();
}

function expiring(topic: string, expiresAtMs: number): Message {
  return Message.of(sampleMessage(topic).topic, Buffer.from('x'), {
    retain: true,
    properties: { messageExpiryInterval: expiresAtMs / 1_000 },
  });
}

/** What a message counts alone. */
function bytesOf(message: Message): number {
  const retained = new RetainedMessages(resolveLimits());
  retained.set(message);
  return retained.bytes;
}

test('keeps the last message of each topic, with its count and bytes [MQTT-3.3.1-5]', () => {
  const retained = new RetainedMessages(resolveLimits());
  const [a, b, newer] = [sampleMessage('a', '1'), sampleMessage('b', '22'), sampleMessage('a', '333')];
  for (const message of [a, b, newer]) retained.set(message);
  assert.deepEqual([retained.count, retained.bytes, retained.get('a')], [2, bytesOf(b) + bytesOf(newer), newer]);
  assert.deepEqual([retained.delete('a'), retained.delete('a')], [true, false]);
  assert.deepEqual([retained.count, retained.bytes, retained.get('a')], [1, bytesOf(b), undefined]);
  assert.deepEqual(all(retained.cursor('#')), ['22']);
});

test('counts for a message at least what it holds, and more for a topic of more levels', () => {
  const [flat, deep] = [sampleMessage('a-b-c-d'), sampleMessage('a/b/c/d')];
  assert.equal(flat.heldBytes, deep.heldBytes);
  assert.ok(bytesOf(flat) >= flat.heldBytes);
  assert.ok(bytesOf(deep) > bytesOf(flat));
});

test('has room for a replacement where it has none for another topic', () => {
  const retained = new RetainedMessages(resolveLimits({ retainedMessagesMax: 1 }));
  retained.set(sampleMessage('a'));
  assert.deepEqual(
    [retained.hasRoomFor(sampleMessage('a', 'new')), retained.hasRoomFor(sampleMessage('b'))],
    [true, false],
  );
});

test('holds retainedBytesMax, also where a small message is replaced by a large one', () => {
  const retained = new RetainedMessages(resolveLimits({ retainedBytesMax: 1_000 }));
  retained.set(sampleMessage('a', 'x'));
  assert.equal(retained.hasRoomFor(sampleMessage('b', 'x'.repeat(2_000))), false);
  assert.equal(retained.hasRoomFor(sampleMessage('a', 'x'.repeat(2_000))), false);
  assert.equal(retained.hasRoomFor(sampleMessage('a', 'x'.repeat(500))), true);
});

test('sweeps what has expired, and never a newer message of the topic', () => {
  const retained = new RetainedMessages(resolveLimits());
  retained.set(expiring('a', 5_000));
  retained.set(expiring('b', 5_000));
  retained.set(expiring('b', 60_000));
  retained.set(expiring('c', 5_000));
  retained.set(sampleMessage('c', 'stays'));
  const swept: string[] = [];
  for (let nowMs = 0; nowMs <= 10_000; nowMs += 500) retained.sweep(nowMs, (topic) => swept.push(topic));
  assert.deepEqual([swept, retained.count], [['a'], 2]);
});

test('numbers changes so that a replay knows what came after it', () => {
  const retained = new RetainedMessages(resolveLimits());
  retained.set(sampleMessage('a'));
  const { sequence } = retained;
  retained.set(sampleMessage('b'));
  const sequences: number[] = [];
  const cursor = retained.cursor('#');
  while (!cursor.isDone) sequences.push(cursor.next(10)?.sequence ?? sequence);
  assert.ok(Math.max(...sequences) > sequence);
});
