import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientRows, clientTable, medianOf } from './client-rows.ts';

test('every row is measured against every broker', () => {
  const rows = clientRows(['mosquitto', 'dunlin-memory']);
  assert.equal(rows.length, 14);
  assert.equal(new Set(rows.map(({ what, qos, broker }) => `${what} ${qos} ${broker}`)).size, 14);
});

test('the median is that of the runs that have the figure', () => {
  assert.equal(medianOf([{ cpuUs: 3 }, {}, { cpuUs: 1 }, { cpuUs: 2 }], 'cpuUs'), 2);
  assert.equal(medianOf([{ cpuUs: 3 }, { cpuUs: 1 }], 'cpuUs'), 2);
  assert.equal(medianOf([{}], 'cpuUs'), undefined);
});

test('the table says how many times as cheap, and whether that is the aim', () => {
  const [row] = clientRows(['mosquitto']);
  const runs = (dunlin: number, mqttjs: number) => ({ dunlin: [{ cpuUs: dunlin }], mqttjs: [{ cpuUs: mqttjs }] });
  const cells = (dunlin: number, mqttjs: number) =>
    clientTable([[row, runs(dunlin, mqttjs)]])
      .split('\n')[2]
      .split('|')
      .map((cell) => cell.trim());
  assert.deepEqual(cells(1, 3.5).slice(1, 9), [
    'publish, QoS 0',
    'Mosquitto',
    'CPU a message, µs',
    '1.00',
    '3.50',
    '3.50 ×',
    '≥ 3 ×',
    'yes',
  ]);
  assert.equal(cells(1, 2)[8], 'no');
});
