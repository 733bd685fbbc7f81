/** Whole worlds from seeds: nothing is wrong with the client in any of them, and broken clients are found out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MUTATIONS, type Mutation } from './mutations.ts';
import { report, runSeeds } from './run-seeds.ts';
import { simulate } from './simulation.ts';

const SEEDS = 40;
/** The first world in which a fault shows is not always the first. */
const SEEDS_PER_MUTATION = 30;

test(`nothing is wrong in ${SEEDS} worlds`, async () => {
  const summary = await runSeeds(1, SEEDS);
  assert.equal(summary.failures.length, 0, summary.failures.map(report).join('\n'));
  assert.ok(summary.deliveries > 5000, `only ${summary.deliveries} deliveries were looked at`);
  assert.ok(summary.crashes > 20, `only ${summary.crashes} servers ended without a word`);
  assert.ok(summary.deceived < SEEDS / 5, `${summary.deceived} worlds ended early`);
});

test('a seed makes the same world each time', async () => {
  const results = [await simulate({ seed: 5 }), await simulate({ seed: 5 })];
  assert.deepEqual(results[0], results[1]);
});

describe('a broken client is found out', () => {
  for (const mutation of MUTATIONS) test(`when ${mutation.title}`, () => checkCaught(mutation));
});

async function checkCaught({ caughtBy, damage }: Mutation): Promise<void> {
  for (let seed = 1; seed <= SEEDS_PER_MUTATION; seed++) {
    const { violation } = await simulate({ seed, damage });
    if (violation === undefined) continue;
    assert.ok(
      caughtBy.includes(violation.invariant),
      `seed ${seed}: "${violation.invariant}" caught it: ${violation.text}`,
    );
    return;
  }
  assert.fail(`nothing was wrong in ${SEEDS_PER_MUTATION} worlds`);
}
