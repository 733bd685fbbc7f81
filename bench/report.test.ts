import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BrokerName, brokerNames, selectBrokers } from './broker-kinds.ts';
import { loadOptions, parseResult } from './load.ts';
import type { RowResults } from './measure.ts';
import { columnsOf, faultsOf, formatNumber, formatTable, linesOf, median, meets, ratio } from './report.ts';
import { brokersOf, type Figure, type Row, rows, selectRows } from './rows.ts';

const lower: Figure = { key: 'a', title: 'CPU', unit: 'µs', better: 'lower', aims: [{ times: 4 }] };
const row: Row = {
  table: 'traffic',
  id: 'r',
  title: 'Row',
  load: 'pairs',
  fresh: false,
  timed: true,
  figures: [lower],
};

test('takes the median of the runs that have the figure', () => {
  assert.equal(median([{ a: 3 }, { a: 1 }, { a: 2 }], 'a'), 2);
  assert.equal(median([{ a: 3 }, { error: 'x' }, { a: 1 }], 'a'), 2);
  assert.equal(median([{ error: 'x' }], 'a'), undefined);
  assert.equal(median(undefined, 'a'), undefined);
});

test('counts a ratio above one as better, whichever way the figure counts', () => {
  assert.equal(ratio(lower, 2, 8), 4);
  assert.equal(ratio({ ...lower, better: 'higher' }, 8, 2), 4);
  assert.equal(ratio(lower, undefined, 8), undefined);
  assert.equal(ratio(lower, 0, 8), undefined);
});

test('tells an aim met from one missed and one not measured', () => {
  assert.equal(meets({ times: 4 }, 1, 4), true);
  assert.equal(meets({ times: 4 }, 1, 3.99), false);
  assert.equal(meets({ times: 4 }, 1, undefined), undefined);
  assert.equal(meets({ least: 10 }, 10, undefined), true);
  assert.equal(meets({ least: 10 }, 9, undefined), false);
  assert.equal(meets({ most: 10 }, 11, undefined), false);
  assert.equal(meets({ most: 10 }, undefined, undefined), undefined);
});

test('fills a line of the table and leaves what was not measured blank', () => {
  assert.deepEqual(linesOf(row, { dunlin: [{ a: 0.5 }], mosquitto: [{ a: 5 }] }), [
    ['Row', 'CPU, µs', '0.500', '5.00', '–', '10.0 ×', '≥ 4 ×', 'yes', '–', '–', '–'],
  ]);
  assert.equal(linesOf(row, { dunlin: [{ a: 2 }], mosquitto: [{ a: 5 }] })[0][7], 'no');
});

const stored: Row = {
  ...row,
  table: 'durable',
  figures: [
    { ...lower, aims: [{ most: 4 }, { most: 1, of: 'dunlin-memory' }] },
    { ...lower, key: 'b', better: 'higher', aims: [{ times: 1, than: 'nats' }] },
  ],
};

test('fills a line for the stored with a cell for each broker, and with each aim and whether it is met', () => {
  const results: RowResults = {
    dunlin: [{ a: 3, b: 20 }],
    'dunlin-memory': [{ a: 2 }],
    mosquitto: [{ error: 'gone' }],
    nats: [{ a: 9, b: 10 }],
  };
  assert.deepEqual(linesOf(stored, results), [
    ['Row', 'CPU, µs', '3.00', '–', '2.00', 'failed', '–', '–', '9.00', '≤ 4.00; ≤ 1.00 (Dunlin memory)', 'yes; no'],
    ['', 'CPU, µs', '20.0', '–', '–', 'failed', '–', '–', '10.0', '≥ 1 × NATS JetStream', 'yes'],
  ]);
});

test('says in the cell of a broker that is not installed that it is not', () => {
  const results: RowResults = { nats: [{ error: 'not installed (Debian: nats-server)', absent: 'nats-server' }] };
  assert.equal(linesOf(stored, results)[0][columnsOf('durable').indexOf('NATS JetStream')], 'not installed');
});

test('compares in a row the brokers of its table that have what it needs', () => {
  const wanted: BrokerName[] = ['dunlin', 'aedes', 'nats'];
  assert.deepEqual(brokersOf(row, wanted), ['dunlin', 'aedes']);
  assert.deepEqual(brokersOf(stored, wanted), ['dunlin', 'nats']);
  assert.deepEqual(brokersOf({ ...stored, unsupported: { nats: 'no QoS 2' } }, wanted), ['dunlin']);
});

test('selects brokers by name, and says which there are for a name that is none', () => {
  assert.deepEqual(selectBrokers(['nats', 'dunlin']), ['dunlin', 'nats']);
  assert.deepEqual(selectBrokers(), brokerNames);
  assert.throws(() => selectBrokers(['rabbit']), /Unknown broker "rabbit"; there are dunlin, /);
});

test('gives mqload the options of a row, its duration where it is timed, and another count when asked', () => {
  const counted: Row = { ...row, load: 'queue --count 1000 --qos 1', timed: false };
  assert.deepEqual(loadOptions(row, { seconds: 3 }), ['pairs', '--duration', '3']);
  assert.deepEqual(loadOptions(counted, { seconds: 3 }), ['queue', '--count', '1000', '--qos', '1']);
  assert.deepEqual(loadOptions(counted, { seconds: 3, count: 5 }), ['queue', '--count', '5', '--qos', '1']);
});

test('says what failed, what was lost and when the generator was the limit', () => {
  const results: RowResults = {
    dunlin: [
      { lost: 2, dup: 0 },
      { lost: 1, gen_pct: 99, lag_p99_us: 900 },
    ],
    aedes: [{ error: 'gone' }],
  };
  assert.deepEqual(faultsOf({ ...row, unsupported: { mosquitto: 'no x' } }, results), [
    'r, dunlin: lost 3 in 2 runs',
    'r, dunlin: the generator was busy 99 %, so the rate is its limit',
    "r, dunlin: the generator was late (99 %: 900 µs), so the tail is the machine's",
    'r, aedes: 1 of 1 runs failed: gone',
    'r, mosquitto: no x',
  ]);
});

test('writes three significant digits', () => {
  assert.deepEqual([1234567, 123.4, 12.34, 1.234, 0.1234, 0, undefined].map(formatNumber), [
    '1,234,567',
    '123',
    '12.3',
    '1.23',
    '0.123',
    '0',
    '–',
  ]);
});

test('aligns every line of a table', () => {
  const lengths = formatTable('traffic', linesOf(row, {}))
    .split('\n')
    .map((line) => line.length);
  assert.equal(lengths.length, 3);
  assert.equal(new Set(lengths).size, 1);
  assert.equal(linesOf(row, {})[0].length, columnsOf('traffic').length);
});

test('selects rows by id or by a part of it', () => {
  assert.deepEqual(selectRows([]), rows);
  assert.deepEqual(
    selectRows(['pair1-q0']).map(({ id }) => id),
    ['pair1-q0'],
  );
  assert.deepEqual(
    selectRows(['fanin50']).map(({ id }) => id),
    ['fanin50'],
  );
  assert.deepEqual(
    selectRows(['fanout']).map(({ id }) => id),
    ['fanout100', 'fanout1000'],
  );
  assert.throws(() => selectRows(['fanout', 'nothing']), /No row fits "nothing"/);
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
});

test('reads the last object that mqload printed, and its complaints when there is none', () => {
  assert.deepEqual(parseResult('# text\n{"a":1}\n', ''), { a: 1 });
  assert.deepEqual(parseResult('', 'mqload: no\n'), { error: 'mqload: no' });
  assert.deepEqual(parseResult('{"msgs":0,"cpu_us_msg":0}\n', ''), { error: 'no message was delivered' });
  assert.match(parseResult('{"a":nan}\n', '').error ?? '', /not JSON/);
});
