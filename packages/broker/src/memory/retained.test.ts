import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from '../contract/samples.ts';
import { Message, retainedBytes } from '../message.ts';
import { MemoryRetained } from './retained.ts';

// The contract of a Store says the rest; `store.test.ts` runs it.

test('knows its count, its bytes and the highest sequence', () => {
  const retained = new MemoryRetained();
  const [a, b] = [sampleMessage('a', 'x'), sampleMessage('a/b', 'xx')];
  retained.put({ message: a, sequence: 1 });
  retained.put({ message: b, sequence: 2 });
  retained.put({ message: a, sequence: 3 });
  retained.delete('a/b');
  retained.delete('never there');
  assert.deepEqual(retained.summary(), { messages: 1, bytes: retainedBytes(a), lastSequence: 3 });
  assert.deepEqual([retained.count, retained.bytes], [1, retainedBytes(a)]);
});

test('forgets the deadline of a message with the message', () => {
  const retained = new MemoryRetained();
  const expiring = (topic: string) =>
    Message.of(sampleMessage(topic).topic, Buffer.from('x'), { properties: { messageExpiryInterval: 5 } });
  for (const [index, topic] of ['a', 'b', 'c'].entries()) retained.put({ message: expiring(topic), sequence: index });
  retained.put({ message: sampleMessage('b'), sequence: 4 });
  assert.deepEqual([...retained.expired(6_000, 10)].sort(), ['a', 'c']);
  retained.delete('a');
  assert.deepEqual(retained.expired(9_000, 10), ['c']);
});
