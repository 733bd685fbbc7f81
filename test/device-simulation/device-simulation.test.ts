/**
 * Whole worlds from seeds: nothing is wrong with commands and presence in any of them. Whether broken services are found out,
 * `test/long/device-simulation.ts` shows.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

const SEEDS = 12;

test(`nothing is wrong in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.sent > 1_000, `only ${summary.sent} commands went out`);
  assert.ok(summary.crashes > 10, `only ${summary.crashes} servers ended without a word`);
  for (const state of ['acknowledged', 'failed', 'expired', 'sent', 'superseded'])
    assert.ok((summary.states[state] ?? 0) > 30, `only ${summary.states[state]} commands were ${state}`);
});

test('a seed makes the same world each time', async () => {
  const results = [await simulate({ seed: 5 }), await simulate({ seed: 5 })];
  assert.deepEqual(results[0], results[1]);
});
