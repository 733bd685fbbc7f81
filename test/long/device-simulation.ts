/** A thousand worlds of devices; the short form of this is `test/device-simulation/device-simulation.test.ts`. And broken services are found out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MUTATIONS } from '../device-simulation/mutations.ts';
import { report, runSeeds } from '../device-simulation/run-seeds.ts';
import { simulate } from '../device-simulation/simulation.ts';
import { checkCaught } from '../simulation-harness/mutation.ts';

const SEEDS = 1000;
const SEEDS_PER_MUTATION = 40;

test(`nothing is wrong with commands and presence in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.crashes > SEEDS, `only ${summary.crashes} servers ended without a word`);
});

describe('a broken service is found out', () => {
  for (const mutation of MUTATIONS)
    test(`when ${mutation.title}`, () =>
      checkCaught(mutation, SEEDS_PER_MUTATION, (seed) => simulate({ ...mutation, seed })));
});
