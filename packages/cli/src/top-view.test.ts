import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf } from './cells.ts';
import { SysMeter } from './sys-meter.ts';
import { bytesText, durationText, stateLine, type TopState, titleLine, topLines } from './top-view.ts';
import { TopicTable } from './topic-table.ts';

const same = (text: string): string => text;
const plain = { bold: same, dim: same, red: same };

function state(more: Partial<TopState> = {}): TopState {
  const meter = new SysMeter();
  const say = (values: Readonly<Record<string, string | number>>): void => {
    for (const [name, value] of Object.entries(values)) meter.take(`$SYS/broker/${name}`, Buffer.from(String(value)));
    meter.settle();
  };
  say({ version: 'dunlin 0.1.0', uptime: '7200 seconds', 'bytes/received': 0, 'publish/messages/received': 100 });
  say({ uptime: '7210 seconds', 'bytes/received': 123_456, 'publish/messages/received': 350 });
  say({ 'clients/connected': 12, 'clients/disconnected': 3, 'retained messages/count': 7, 'subscriptions/count': 9 });
  const topics = new TopicTable();
  for (const topic of ['a', 'b', 'b', 'c/long', 'b'])
    topics.add({ topic, payload: Buffer.alloc(topic.length * 10) }, 1000);
  return {
    server: 'mqtt://localhost:1883',
    meter,
    trouble: undefined,
    filters: [],
    topics,
    sort: 'rate',
    isPaused: false,
    nowMs: 2000,
    ...more,
  };
}

test('the screen shows the numbers of the server, aligned, with a dash for what it has not said', () => {
  assert.deepEqual(topLines(state(), plain, { columns: 80, rows: 24 }), [
    'mqtt://localhost:1883  dunlin 0.1.0  up 2 h 0 min',
    'clients      12 there          3 away            - sockets',
    'publishes/s  in 25.0           out -',
    'packets/s    in -              out -',
    'bytes/s      in 12.3 kB        out -',
    'dropped      -/s               - in all',
    'kept         7 retained        9 subscriptions   - stored          - held',
    'q ends, s sorts (by rate), p pauses',
  ]);
});

test('topics stand below, sorted as asked for', () => {
  const names = (sort: TopState['sort']): string[] =>
    topLines(state({ filters: ['#'], sort }), plain, { columns: 60, rows: 24 })
      .slice(9, 12)
      .map((line) => line.split(' ')[0]);
  assert.deepEqual(names('rate'), ['b', 'a', 'c/long']);
  assert.deepEqual(names('messages'), ['b', 'a', 'c/long']);
  assert.deepEqual(names('bytes'), ['c/long', 'b', 'a']);
  assert.deepEqual(names('name'), ['a', 'b', 'c/long']);
  const lines = topLines(state({ filters: ['#'] }), plain, { columns: 60, rows: 24 });
  assert.equal(lines[8], 'topic                                msg/s messages    bytes');
  assert.equal(lines[9], 'b                                      3.0        3     30 B');
  assert.match(String(lines.at(-1)), /^3 topics, 5 messages; q ends, s sorts \(by rate\), p pauses$/);
});

test('no line is wider than the terminal, no view higher, and the keys stay in sight', () => {
  for (const columns of [1, 10, 40, 79, 200]) {
    for (const rows of [1, 2, 8, 10, 24]) {
      const hostile = { filters: ['#'], server: '\x1b[2J温度', trouble: 'x'.repeat(300) };
      const lines = topLines(state(hostile), plain, { columns, rows });
      assert.ok(lines.length <= rows, `${lines.length} of ${rows}`);
      for (const line of lines) assert.ok(cellsOf(line) <= columns && !line.includes('\x1b'), line);
      if (columns === 200) assert.match(String(lines.at(-1)), /q ends/);
    }
  }
});

test('what is wrong is said, and that the screen stands still', () => {
  const lines = topLines(state({ trouble: 'gone', isPaused: true }), plain, { columns: 80, rows: 24 });
  assert.deepEqual(lines.slice(-2), ['gone', 'q ends, s sorts (by rate), PAUSED, p goes on']);
});

test('lines have their columns below the titles', () => {
  const titles = titleLine({ filters: ['#'] });
  const line = stateLine(state({ filters: ['#'] }), 4.2);
  assert.equal(line, '        12      25.0         -   12.3 kB         -         -         7         9       4.2  b');
  assert.equal(titles.indexOf('seen/s') + 'seen/s'.length, line.indexOf('4.2') + 3);
  assert.equal(stateLine(state(), 0).length, titleLine({ filters: [] }).length);
});

test('bytes have three digits or so, durations two units', () => {
  assert.deepEqual([undefined, 0, 999, 999.6, 12_345, 99_960, 1_000_000, 2.5e15, 9e18].map(bytesText), [
    '-',
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 kB',
    '100 kB',
    '1.0 MB',
    '2.5 PB',
    '9000 PB',
  ]);
  assert.deepEqual([0, 59, 60, 3661, 90_000, 864_000].map(durationText), [
    '0 s',
    '59 s',
    '1 min 0 s',
    '1 h 1 min',
    '1 d 1 h',
    '10 d 0 h',
  ]);
});
