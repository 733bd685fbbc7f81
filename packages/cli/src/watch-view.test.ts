import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf } from './cells.ts';
import { TopicTable } from './topic-table.ts';
import { ageText, rateText, watchLines } from './watch-view.ts';

const plain = { bold: (text: string) => text, dim: (text: string) => text };

function lines(messages: readonly [string, string | Uint8Array][], columns = 60, rows = 10): string[] {
  const table = new TopicTable();
  for (const [topic, payload] of messages) table.add({ topic, payload: Buffer.from(payload as string) }, 1000);
  return watchLines(table, plain, { columns, rows, nowMs: 3000 });
}

test('there is a line for each topic, and the head and the foot say what they are', () => {
  const messages: [string, string][] = [
    ['room/1/temperature', '22.5'],
    ['room/2/temperature', ''],
    ['room/1/temperature', '23'],
  ];
  assert.deepEqual(lines(messages), [
    'topic               last value        age  messages    msg/s',
    'room/1/temperature  23               2.0s         2      1.0',
    'room/2/temperature  (null)           2.0s         1      0.5',
    '2 topics, 3 messages; Ctrl-C ends',
  ]);
});

test('no line is wider than the terminal, whatever topics and payloads are, and no more lines than rows', () => {
  const messages: [string, string | Uint8Array][] = [
    ['a'.repeat(300), 'x'.repeat(300)],
    ['温度/計', '温度'.repeat(100)],
    ['\u001b[2J', '\u001b[31m\nred\u202e'],
    ['binary', Uint8Array.of(0, 255, 254)],
    ['cut', 'ü'.repeat(2000)],
    ['z', '1'],
  ];
  for (const columns of [1, 20, 40, 80, 200]) {
    for (const rows of [1, 3, 5, 24]) {
      const found = lines(messages, columns, rows);
      assert.ok(found.length <= Math.max(3, rows), `${found.length} lines`);
      for (const line of found) {
        assert.ok(cellsOf(line) <= columns, `${columns}: ${line}`);
        assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
      }
    }
  }
  assert.match(lines(messages, 200)[3], /^binary +0x00fffe /);
  assert.match(
    lines(messages, 80, 4).at(-1) ?? '',
    /^2 of 6 topics, 6 messages; Ctrl-C ends; a narrower -t shows the others$/,
  );
});

test('long topics that begin the same way can be told apart', () => {
  const [, first, second] = lines(
    ['1', '2'].map((line) => [`plant/hall/line/machine/sensor/${line}/temperature`, 'x'.repeat(100)]),
  );
  assert.match(first, /^plant\/….*\/1\/temperature /);
  assert.match(second, /^plant\/….*\/2\/temperature /);
});

test('ages and rates are short', () => {
  assert.deepEqual([-1, 0, 950, 9949, 12_000, 99_000, 100_000, 7_200_000, 864_000_000].map(ageText), [
    '0.0s',
    '0.0s',
    '0.9s',
    '9.9s',
    '12s',
    '99s',
    '1m',
    '2h',
    '10d',
  ]);
  assert.deepEqual([0, 0.04, 12.34, 99.94, 1234.5].map(rateText), ['0.0', '0.0', '12.3', '99.9', '1235']);
});
