import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveLimits } from './service-limits.ts';

const TABLE = { waitsMax: { default: 5, minimum: 1, maximum: 9, unit: 'waits', description: 'Waits.' } };

test('a limit has its default, or what is given within its range', () => {
  assert.deepEqual(resolveLimits(TABLE, {}), { waitsMax: 5 });
  assert.deepEqual(resolveLimits(TABLE, { waitsMax: 9 }), { waitsMax: 9 });
  for (const waitsMax of [0, 10, 1.5, Number.NaN])
    assert.throws(() => resolveLimits(TABLE, { waitsMax }), {
      name: 'RangeError',
      message: `Cannot set waitsMax to ${waitsMax}: a whole number of waits from 1 to 9 is expected`,
    });
});
