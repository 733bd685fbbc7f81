/**
 * Reads the pages of a session's queue: how much at once, and what it means where nothing comes. Batches commit in order,
 * so what can be read is what comes first.
 */
import type { Connection } from './connection.ts';
import { PAGE_ENTRIES, type Queue } from './queue.ts';
import type { SessionContext } from './session-context.ts';

/** The session, as the reading of its queue sees it. */
export interface PageReader {
  readonly number: number;
  readonly connection: Connection | undefined;
  readonly inflightMessages: number;
  /** Whether this is still its queue. */
  has(queue: Queue): boolean;
  /** Goes on with what is there. */
  pump(): void;
  /** The same when all that is written now is durable. */
  continueWhenDurable(): void;
}

/** Returns true where entries came at once; where they come later the session goes on by itself. */
export function readPage(
  reader: PageReader,
  queue: Queue,
  context: SessionContext,
  entriesMax = PAGE_ENTRIES,
): boolean {
  const { commits, store } = context;
  const { connection } = reader;
  const hasMemory = context.hasMemory(connection === undefined);
  // Who has something under way asks again when that is over, and has given its memory back by then.
  if (!hasMemory && connection !== undefined && reader.inflightMessages > 0) return false;
  const wasIdle = commits.isIdle;
  const read = queue.readPage(store, reader.number, hasMemory ? entriesMax : 1);
  if (!(read instanceof Promise)) return hasPage(reader, queue, context, read, wasIdle);
  read.then(
    (found) => {
      context.beginTurn();
      if (!hasPage(reader, queue, context, found, wasIdle)) return;
      // Read for a client that has gone meanwhile.
      if (connection !== undefined && reader.connection === undefined) queue.spill();
      else reader.pump();
    },
    (error: unknown) => commits.fail(error),
  );
  return false;
}

function hasPage(
  reader: PageReader,
  queue: Queue,
  { commits }: SessionContext,
  found: boolean,
  wasIdle: boolean,
): boolean {
  if (!reader.has(queue)) return false;
  if (queue.peek() !== undefined) return true;
  // Others may have taken it already.
  if (found) return false;
  // Either it is still gathering, or the store has lost it.
  if (wasIdle) commits.fail(queue.lost(reader.number));
  else reader.continueWhenDurable();
  return false;
}
