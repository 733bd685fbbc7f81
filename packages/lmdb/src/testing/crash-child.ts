/**
 * Commits in a loop until it is killed, or so many rounds: each round enqueues a message for several sessions and a small one for one of
 * them, replaces a retained message, and removes what was enqueued some rounds before. It writes "b<round>" before and
 * "a<round>" after a round is acknowledged.
 *
 *     node crash-child.ts <directory> <durability> <first round> <plain | passing> [rounds]
 *
 * With "plain" no session is deleted, so that nothing but the rounds is ever written. After the last round it ends as if
 * it were killed.
 */
import { writeSync } from 'node:fs';
import type { Message, Retained, Write } from '@dunlin/broker';
import { openLmdb } from '../environment.ts';
import { ROUNDS_KEPT, SESSIONS, sharedPayload } from './rounds.ts';
import { dequeue, enqueue, message, putSession, putSubscription } from './writes.ts';

/** The writes of a round. `sent` holds the messages of the rounds before, as they were enqueued. */
function roundOf(
  round: number,
  sent: Map<number, readonly [shared: Message, small: Message]>,
  plain: boolean,
  retained: Retained | undefined,
): Write[] {
  const shared = message('shared', sharedPayload(round));
  const small = message('small', `${round}`);
  sent.set(round, [shared, small]);
  const put = { message: message('round', `${round}`), sequence: round };
  const writes: Write[] = [{ op: 'putRetained', retained: put, former: retained }];
  for (let session = 1; session <= SESSIONS; session++) writes.push(enqueue(session, 2 * round, shared, 2));
  writes.push(enqueue(1, 2 * round + 1, small));
  // One session comes and goes with every round.
  if (!plain) writes.push(...passing(100 + round, shared));
  const old = sent.get(round - ROUNDS_KEPT);
  if (old === undefined) return writes;
  sent.delete(round - ROUNDS_KEPT);
  for (let session = 1; session <= SESSIONS; session++)
    writes.push(dequeue(session, 2 * (round - ROUNDS_KEPT), old[0], 2));
  writes.push(dequeue(1, 2 * (round - ROUNDS_KEPT) + 1, old[1]));
  return writes;
}

function passing(session: number, shared: Message): Write[] {
  const comes = [putSession(session), putSubscription(session, 'a/b'), enqueue(session, 1, shared)];
  return [...comes, { op: 'deleteSession', session: session - 1 }];
}

async function run(
  directory: string,
  durability: 'durable' | 'process',
  first: number,
  plain: boolean,
  rounds: number,
): Promise<void> {
  const { store } = await openLmdb({ directory, durability });
  await store.commit(Array.from({ length: SESSIONS }, (_, index) => putSession(index + 1)));
  const sent = new Map<number, readonly [Message, Message]>();
  for (const stored of await store.queue(1, 0, 1_000)) {
    const round = Math.floor(stored.position / 2);
    const [shared, small] = sent.get(round) ?? [stored.message, stored.message];
    sent.set(round, stored.position % 2 === 0 ? [stored.message, small] : [shared, stored.message]);
  }
  for (let round = first; round < first + rounds; round++) {
    const writes = roundOf(round, sent, plain, store.retained.get('round'));
    writeSync(1, `b${round}\n`);
    await store.commit(writes);
    writeSync(1, `a${round}\n`);
  }
}

if (import.meta.main) {
  const [directory, durability, first, plain, rounds = 'Infinity'] = process.argv.slice(2);
  await run(directory, durability as 'durable' | 'process', Number(first), plain === 'plain', Number(rounds));
  process.kill(process.pid, 'SIGKILL');
}
