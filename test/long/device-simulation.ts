/** A thousand worlds of devices; the short form of this is `test/device-simulation/device-simulation.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, runSeeds } from '../device-simulation/run-seeds.ts';

const SEEDS = 1000;

test(`nothing is wrong with commands and presence in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.crashes > SEEDS, `only ${summary.crashes} servers ended without a word`);
});
