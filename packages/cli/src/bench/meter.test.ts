import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Meter } from './meter.ts';

test('only what was counted between begin and end is measured', () => {
  const meter = new Meter();
  meter.counters.published = 5;
  assert.equal(meter.isMeasuring, false);
  meter.begin();
  assert.equal(meter.isMeasuring, true);
  meter.counters.published += 3;
  meter.counters.receivedBytes += 10;
  meter.end();
  meter.counters.published += 100;
  meter.end();
  const { published, receivedBytes, received } = meter.measured();
  assert.deepEqual([published, receivedBytes, received, meter.isMeasuring], [3, 10, 0, false]);
});
