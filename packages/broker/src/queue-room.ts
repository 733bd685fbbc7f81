/** What a full queue gives up so that one more message may wait: what has expired, then what the settings say. */
import type { Connection } from './connection.ts';
import { type Entry, mayDrop } from './entry.ts';
import type { Message } from './message.ts';
import type { Queue } from './queue.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';

/** The session, as its full queue sees it. */
export interface QueueOwner {
  readonly clientId: string;
  /** Undefined while its client is away. */
  readonly connection: Connection | undefined;
  /** Reads what comes next into memory, so many entries at the most; true where `peek` has it now. */
  readPage(queue: Queue, entriesMax: number): boolean;
  /** Drops what `peek` returns, and counts it. */
  drop(queue: Queue, counter: 'messagesExpired' | 'messagesDroppedQueueFull' | 'messagesDroppedDenied'): void;
  /** What `peek` returns must be sent again: it waits from now on as what is in flight, within its limits. False where it stays. */
  setAside(queue: Queue): boolean;
}

/** Read of a queue that is in the store alone: a client that is away shall cost no memory for being full. */
const ENTRIES_READ = 32;
/** Entries between two looks at the clock: so many are taken away even where the time of the turn is over. */
const STEPS_A_LOOK = 64;

/** Whether the queue has room for the message, after making some. Where not, the message counts as dropped. */
export function makeRoom(queue: Queue, message: Message, owner: QueueOwner, context: SessionContext): boolean {
  const { limits, settings, metrics } = context;
  const hasRoom = () => queue.size < limits.queueMessagesMax && queue.bytes + message.heldBytes <= limits.queueBytesMax;
  if (hasRoom()) return true;
  const room = new RoomMaker(queue, owner, context);
  while (!hasRoom() && room.dropExpired());
  if (!hasRoom()) {
    const isLong = queue.size >= limits.queueMessagesMax;
    context.queueFull(owner.clientId, isLong ? 'queueMessagesMax' : 'queueBytesMax');
    if (settings.queueFull === 'drop-oldest' && message.heldBytes <= limits.queueBytesMax)
      while (!hasRoom() && room.dropOldest());
  }
  // What was read to look at it is in memory only while there is some.
  if (owner.connection === undefined && !context.hasMemory(true)) queue.spill();
  if (hasRoom()) return true;
  metrics.messagesDroppedQueueFull += 1;
  return false;
}

/** Whether dropping what has expired pauses after so many entries, since the time or the open batch has no more room. */
export function pausesDropping(session: Session, dropped: number, context: SessionContext): boolean {
  if (!context.commits.mayDrop) {
    session.continueWhenDurable(true);
    return true;
  }
  const isLook = dropped > 0 && dropped % STEPS_A_LOOK === 0;
  if (!isLook || context.clockMs() < context.pauseAtMs()) return false;
  context.continueLater(session);
  return true;
}

/** Takes away from the front, until the time that a turn has for what is long is over. */
class RoomMaker {
  readonly #queue: Queue;
  readonly #owner: QueueOwner;
  readonly #context: SessionContext;
  #steps = 0;

  constructor(queue: Queue, owner: QueueOwner, context: SessionContext) {
    this.#queue = queue;
    this.#owner = owner;
    this.#context = context;
  }

  /** Drops the first one where it has expired: nobody will get it, and it takes room from what is still wanted. */
  dropExpired(): boolean {
    const entry = this.#oldest();
    if (entry === undefined || !mayDrop(entry) || !entry.message.isExpired(this.#context.nowMs)) return false;
    this.#owner.drop(this.#queue, 'messagesExpired');
    return true;
  }

  /** Drops the first that was never sent; what perhaps was, and may be half way, waits for its client elsewhere. */
  dropOldest(): boolean {
    const entry = this.#oldest();
    if (entry === undefined) return false;
    if (entry.sent !== 'never') {
      if (this.#owner.setAside(this.#queue)) return true;
      // So many were not under way: the rest only looks so. A client that is there takes it in a moment.
      if (this.#owner.connection !== undefined || !mayDrop(entry)) return false;
    }
    this.#owner.drop(this.#queue, 'messagesDroppedQueueFull');
    return true;
  }

  #oldest(): Entry | undefined {
    const queue = this.#queue;
    const context = this.#context;
    this.#steps += 1;
    if (this.#steps % STEPS_A_LOOK === 0 && context.clockMs() >= context.pauseAtMs()) return undefined;
    if (queue.peek() === undefined && queue.isPaged) this.#owner.readPage(queue, ENTRIES_READ);
    return queue.peek();
  }
}
