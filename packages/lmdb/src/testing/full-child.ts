/**
 * Commits large messages until a write fails, then tries once more and reads. Tells in JSON what came of it.
 *
 *     node full-child.ts <directory> <durability>
 */
import { openLmdb } from '../environment.ts';
import { enqueue, message, putSession } from './writes.ts';

const BYTES = 100_000;
const [directory, durability] = process.argv.slice(2);
const environment = await openLmdb({ directory, durability: durability as 'durable' | 'process' });
const { store } = environment;
await store.commit([putSession(1)]);

const table = environment.table<number>({ name: 'behind', indexes: {} });

type Failure = { code: string; message: string } | undefined;

function failureOf(result: PromiseSettledResult<unknown>): Failure {
  return result.status === 'rejected' ? { code: result.reason.code, message: result.reason.message } : undefined;
}

/** A large commit, and a small write that comes right behind it. */
async function attempt(position: number): Promise<[Failure, Failure]> {
  const large = message('a', Buffer.alloc(BYTES, 1));
  const results = await Promise.allSettled([
    (async () => store.commit([enqueue(1, position, large)]))(),
    table.put(`${position}`, position),
  ]);
  return [failureOf(results[0]), failureOf(results[1])];
}

let committed = 0;
let [first, behind] = await attempt(1);
for (; first === undefined && behind === undefined; [first, behind] = await attempt(committed + 1)) committed += 1;
const [second] = await attempt(committed + 1);
const [stored] = await store.queue(1, 0, 1);
await environment.close();
// An unhandled rejection would end the process before this.
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(JSON.stringify({ committed, first, behind, second, read: `position ${stored.position}` }));
