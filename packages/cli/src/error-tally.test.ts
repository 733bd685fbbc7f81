import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '@dunlin/client';
import { ErrorTally } from './error-tally.ts';
import { CommandError } from './exit-codes.ts';

test('failures are counted by code, reason and what the system said, the most frequent first', () => {
  const tally = new ErrorTally();
  const first = new MqttError('refused', 'no', { reasonCode: 0x87 });
  tally.add(first);
  tally.add(
    new MqttError('connection-failed', 'no', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
    3,
  );
  tally.add(new MqttError('timed-out', 'no'));
  tally.add(new TypeError('no'));
  tally.add(new CommandError(0x84, 'no'));
  assert.deepEqual(tally.rows(), [
    { error: 'connection-failed: ECONNREFUSED', count: 3 },
    { error: 'refused: Not authorized (0x87)', count: 1 },
    { error: 'timed-out', count: 1 },
    { error: 'TypeError', count: 1 },
    { error: 'refused: Unsupported Protocol Version (0x84)', count: 1 },
  ]);
  assert.deepEqual([tally.total, tally.first], [7, first]);
});

test('kinds beyond a hundred are counted together', () => {
  const tally = new ErrorTally();
  for (let kind = 0; kind < 150; kind++) {
    const cause = Object.assign(new Error(), { code: `E${kind}` });
    tally.add(new MqttError('connection-failed', 'no', { cause }));
  }
  assert.equal(tally.rows().length, 101);
  assert.deepEqual(tally.rows()[0], { error: 'others', count: 50 });
});
