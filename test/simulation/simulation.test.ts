/** Whole worlds from seeds: nothing is wrong in any of them. Whether broken brokers are found out, `test/long/simulation.ts` shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

const SEEDS = 24;

test(`nothing is wrong in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.deliveries > 5_000, `only ${summary.deliveries} deliveries were looked at`);
  assert.ok(summary.crashes > 10, `only ${summary.crashes} brokers ended without a word`);
});

test('a seed makes the same world each time', async () => {
  const results = [await simulate({ seed: 5 }), await simulate({ seed: 5 })];
  assert.deepEqual(results[0], results[1]);
});
