/** Two thousand worlds; the short form of this is `test/simulation/simulation.test.ts`. And broken brokers are found out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MUTATIONS } from '../simulation/mutations.ts';
import { report, runSeeds } from '../simulation/run-seeds.ts';
import { simulate } from '../simulation/simulation.ts';
import { checkCaught } from '../simulation-harness/mutation.ts';

const SEEDS = 1000;
const SEEDS_PER_MUTATION = 60;

test(`nothing is wrong in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
});

test(`nothing is wrong in ${SEEDS} worlds with many crashes`, async () => {
  const summary = await runSeeds(SEEDS + 1, SEEDS, undefined, 8);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.crashes > SEEDS, `only ${summary.crashes} brokers ended without a word`);
});

describe('a broken broker is found out', () => {
  for (const mutation of MUTATIONS)
    test(`when ${mutation.title}`, () =>
      checkCaught(mutation, SEEDS_PER_MUTATION, (seed) => simulate({ ...mutation, seed })));
});
