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

async function failureOf(position: number): Promise<{ code: string; message: string } | undefined> {
  try {
    await store.commit([enqueue(1, position, message('a', Buffer.alloc(BYTES, 1)))]);
  } catch (error) {
    const { code, message: text } = error as Error & { code: string };
    return { code, message: text };
  }
}

let committed = 0;
let first = await failureOf(1);
for (; first === undefined; first = await failureOf(committed + 1)) committed += 1;
const second = await failureOf(committed + 1);
const [stored] = await store.queue(1, 0, 1);
await environment.close();
// An unhandled rejection would end the process before this.
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(JSON.stringify({ committed, first, second, read: `position ${stored.position}` }));
