import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopicTable } from './topic-table.ts';

const message = (topic: string, payload = 'x') => ({ topic, payload: Buffer.from(payload) });

test('topics are sorted by name and keep what came last', () => {
  const table = new TopicTable();
  for (const [at, topic] of ['b', 'a', 'c', 'a'].entries()) table.add(message(topic, `${topic}${at}`), at);
  assert.deepEqual(
    table.entries.map(({ topic, messages, bytes, lastMs, payload }) => [
      topic,
      messages,
      bytes,
      lastMs,
      String(payload),
    ]),
    [
      ['a', 2, 4, 3, 'a3'],
      ['b', 1, 2, 0, 'b0'],
      ['c', 1, 2, 2, 'c2'],
    ],
  );
  assert.deepEqual([table.messages, table.bytes, table.beyond], [4, 8, 0]);
});

test('topics are bounded, and so is what is kept of a payload', () => {
  const table = new TopicTable(2);
  for (const topic of ['a', 'b', 'c', 'a', 'd']) table.add(message(topic), 0);
  assert.deepEqual([table.entries.length, table.messages, table.beyond], [2, 5, 2]);
  table.add(message('a', 'y'.repeat(100_000)), 0);
  assert.deepEqual([table.entries[0].payload.length, table.entries[0].payloadBytes], [1024, 100_000]);
});
