import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RatesView } from './rates-view.ts';
import { TopicTable } from './topic-table.ts';

test('a table tells the rates since the last one, the busiest first, and what came in all', () => {
  const table = new TopicTable();
  const view = new RatesView(table, 0);
  const send = (topic: string, count: number): void => {
    for (let at = 0; at < count; at++) table.add({ topic, payload: Buffer.alloc(10) }, 0);
  };
  send('quiet', 5);
  send('busy', 20);
  assert.deepEqual(view.look(2000), [
    '2.0 s: 25 messages, 2 topics',
    'msg/s  messages  bytes  topic',
    ' 10.0        20    200  busy',
    '  2.5         5     50  quiet',
  ]);
  send('quiet', 2);
  const second = ['  1.0         7     70  quiet', '  0.0        20    200  busy'];
  assert.deepEqual(view.look(4000).slice(2), second);
  const total = ['  2.0        20    200  busy', '  0.7         7     70  quiet'];
  assert.deepEqual(view.total(10_000).slice(2), total);
});

test('many topics are summed up behind the busiest, and a topic cannot play with the terminal', () => {
  const table = new TopicTable(60);
  const view = new RatesView(table, 0);
  for (let at = 0; at < 70; at++) table.add({ topic: `\u001b${at}`, payload: Buffer.alloc(1) }, 0);
  const lines = view.total(1000);
  assert.equal(lines.length, 53);
  assert.equal(lines[0], '1.0 s: 70 messages, 60 topics');
  assert.match(lines[2], /\\u001b0$/);
  assert.equal(lines.at(-1), 'and 20 messages on other topics');
});

test('one message on one topic is no plural', () => {
  const table = new TopicTable();
  table.add({ topic: 'a', payload: Buffer.alloc(1) }, 0);
  assert.equal(new RatesView(table, 0).total(1000)[0], '1.0 s: 1 message, 1 topic');
});
