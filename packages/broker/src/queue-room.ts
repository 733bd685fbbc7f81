/** What a full queue gives up so that one more message may wait: what has expired, then what the settings say. */
import { type Entry, mayExpire } from './entry.ts';
import type { Message } from './message.ts';
import type { Queue } from './queue.ts';
import type { SessionContext } from './session-context.ts';

/** The session, as its full queue sees it. */
export interface QueueOwner {
  readonly clientId: string;
  /** Reads what comes next into memory, so many entries at the most; true where `peek` has it now. */
  readPage(queue: Queue, entriesMax: number): boolean;
  /** Drops what `peek` returns, and counts it. */
  drop(queue: Queue, counter: 'messagesExpired' | 'messagesDroppedQueueFull' | 'messagesDroppedDenied'): void;
}

/** Read of a queue that is in the store alone: a client that is away shall cost no memory for being full. */
const ENTRIES_READ = 32;

/** Whether the queue has room for the message, after making some. Where not, the message counts as dropped. */
export function makeRoom(queue: Queue, message: Message, owner: QueueOwner, context: SessionContext): boolean {
  const { limits, settings, metrics } = context;
  const hasRoom = () => queue.size < limits.queueMessagesMax && queue.bytes + message.heldBytes <= limits.queueBytesMax;
  if (hasRoom()) return true;
  dropExpired(queue, owner, context.nowMs);
  if (hasRoom()) return true;
  context.queueFull(owner.clientId, queue.size < limits.queueMessagesMax ? 'queueBytesMax' : 'queueMessagesMax');
  if (settings.queueFull === 'drop-oldest' && message.heldBytes <= limits.queueBytesMax) {
    while (dropOldest(queue, owner)) if (hasRoom()) return true;
  }
  metrics.messagesDroppedQueueFull += 1;
  return false;
}

/** Drops what has expired at the front: nobody will get it, and it takes room from what is still wanted. */
function dropExpired(queue: Queue, owner: QueueOwner, nowMs: number): void {
  for (let entry = oldest(queue, owner); entry !== undefined && mayExpire(entry); entry = oldest(queue, owner)) {
    if (!entry.message.isExpired(nowMs)) return;
    owner.drop(queue, 'messagesExpired');
  }
}

/** Drops the oldest that was never sent: what was, the client may have already. */
function dropOldest(queue: Queue, owner: QueueOwner): boolean {
  if (oldest(queue, owner)?.sent !== 'never') return false;
  owner.drop(queue, 'messagesDroppedQueueFull');
  return true;
}

function oldest(queue: Queue, owner: QueueOwner): Entry | undefined {
  if (queue.peek() === undefined && queue.isPaged) owner.readPage(queue, ENTRIES_READ);
  return queue.peek();
}
