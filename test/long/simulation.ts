/** Two thousand worlds; the short form of this is `test/simulation/simulation.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, runSeeds } from '../simulation/run-seeds.ts';

const SEEDS = 1000;

test(`nothing is wrong in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
});

test(`nothing is wrong in ${SEEDS} worlds with many crashes`, async () => {
  const summary = await runSeeds(SEEDS + 1, SEEDS, undefined, 8);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.crashes > SEEDS, `only ${summary.crashes} brokers ended without a word`);
});
