/** What the rounds of `crash-child.ts` leave in a store, and whether they are there as a whole. */
import assert from 'node:assert/strict';
import type { LmdbEnvironment } from '../environment.ts';
import { everything } from './writes.ts';

/** Sessions that each shared message goes to, and rounds that it stays in their queues. */
export const SESSIONS = 4;
export const ROUNDS_KEPT = 10;

/** Of the message that is shared in a round; some are so long that LMDB gives them pages of their own. */
export function sharedPayload(round: number): string {
  return `${round} `.repeat(round % 4 === 0 ? 4_000 : 400);
}

/**
 * Returns the last round in the store, 0 for none, when everything of the rounds that are to be there is there, nothing
 * else, and the check finds nothing.
 * @throws AssertionError where it is neither the last acknowledged nor a later one that was begun, or not whole
 */
export async function lastWholeRound(
  environment: LmdbEnvironment,
  acknowledged: number,
  begun: number,
): Promise<number> {
  const { store } = environment;
  const retained = store.retained.get('round');
  const last = retained === undefined ? 0 : Number(String(retained.message.payload));
  assert.ok(last === acknowledged || last === begun, `round ${last}, acknowledged ${acknowledged}, begun ${begun}`);
  const rounds = Array.from({ length: Math.min(last, ROUNDS_KEPT) }, (_, index) => last - index).reverse();
  for (let session = 1; session <= SESSIONS; session++) {
    const stored = await store.queue(session, 0, 1_000);
    const shared = stored.filter(({ position }) => position % 2 === 0);
    assert.deepEqual(
      shared.map(({ position }) => position / 2),
      rounds,
    );
    for (const { position, message } of shared) assert.equal(String(message.payload), sharedPayload(position / 2));
  }
  const numbers = (await everything(store.sessions())).map(({ record }) => record.number);
  assert.deepEqual(
    numbers.filter((number) => number > 100),
    last === 0 ? [] : [100 + last],
  );
  await environment.swept();
  const report = await environment.check();
  assert.deepEqual(report.problems, []);
  assert.deepEqual([report.bodies, report.garbage, report.sessions], [rounds.length, 0, numbers.length]);
  // The sessions are a batch of their own, before the first round.
  assert.ok([last === 0 ? 0 : SESSIONS + 1, last === 0 ? SESSIONS : SESSIONS + 1].includes(numbers.length));
  return last;
}
