/**
 * Group commit: what must be durable before what leaves. The one place that decides it.
 *
 * Writes of a turn gather in the open batch. At the end of the turn the batch is closed and given to the Store, one
 * transaction at a time; while it runs the next batch gathers here, since a write given to a store cannot be taken
 * back, and one that still gathers can. So an idle broker commits at once and a busy one commits in large batches.
 *
 * Each batch has a ticket, a number that rises. Whatever depends on writes remembers the ticket of the batch they went
 * into and leaves when `isDurable(ticket)`. Who waits registers once per batch and is called when it is durable.
 *
 * What waits (a session with expiry 0 writes nothing, so its traffic waits for nothing):
 *   PUBACK, PUBREC          for the message in every stored session and retained slot, and for the received identifier
 *   PUBLISH QoS 2 to a stored session   for its queue entry, which holds the identifier
 *   PUBREL                  for "PUBREC received"
 *   PUBCOMP                 for the identifier forgotten
 *   SUBACK, UNSUBACK        for the change, of a stored session
 *   CONNACK                 for what CONNECT changed
 *   the close after DISCONNECT   for the will removed and the expiry changed
 * QoS 0 and 1 deliveries and PINGRESP wait for nothing.
 *
 * A failed commit is fatal: nothing of it or after it is ever released.
 */
import { ENTRY_BYTES } from './entry.ts';
import type { Message } from './message.ts';
import type { Metrics } from './metrics.ts';
import type { Store, Write } from './ports.ts';

/** Who is told that everything up to a ticket is durable. */
export interface Waiter {
  durable(): void;
}

/** The broker, as its group commit sees it. */
export interface CommitOwner {
  /** Called before anybody is told of a batch whose answer came later. */
  beginTurn(): void;
  /** Called once, when the store has refused a batch: the broker stops. */
  storeFailed(error: unknown): void;
  /** Somebody who was told threw. */
  internalError(error: unknown): void;
}

/**
 * Bytes of messages that the open batch may hold of dropped ones before who drops at will waits: with a slow disk a
 * batch would hold whole queues, and take long to be written.
 */
const DROPPED_BYTES_MAX = 4 * 1024 ** 2;

export class GroupCommit {
  readonly #store: Store;
  readonly #metrics: Metrics;
  readonly #owner: CommitOwner;
  #batch: (Write | undefined)[] = [];
  /** Places in the batch whose write was taken back. */
  #holes = 0;
  #written = 0;
  /** Bytes of messages that nobody but the open batch holds, and nobody but the one under way. */
  #droppedBytes = 0;
  #runningDroppedBytes = 0;
  #waiters: Waiter[] = [];
  /** Who wants to drop more, in the order they came. */
  #droppers: Waiter[] = [];
  #ticket = 1;
  #durable = 0;
  #running = false;
  #broken = false;
  #tellBroken: () => void = () => undefined;
  readonly #whenBroken = new Promise<void>((resolve) => {
    this.#tellBroken = resolve;
  });

  constructor(store: Store, metrics: Metrics, owner: CommitOwner) {
    this.#store = store;
    this.#metrics = metrics;
    this.#owner = owner;
  }

  /** The ticket of the batch that gathers now. */
  get ticket(): number {
    return this.#ticket;
  }

  /** Differs before and after a step that wrote something, or that depends on what is on its way. */
  get written(): number {
    return this.#written;
  }

  /** Whether all that was written is durable. */
  get isIdle(): boolean {
    return !this.#running && !this.#broken && this.#batch.length === 0;
  }

  isDurable(ticket: number): boolean {
    return ticket <= this.#durable;
  }

  /** Adds a write to the open batch and returns its ticket. */
  write(write: Write): number {
    this.#written += 1;
    this.#batch.push(write);
    return this.#ticket;
  }

  /** An entry was dropped and waits in the open batch to be removed; so does its message where nobody else holds that. */
  dropped(message: Message): void {
    this.#droppedBytes += ENTRY_BYTES + (message.holders === 0 ? message.heldBytes : 0);
  }

  /** Whether the open batch takes one more that could be dropped later. */
  get mayDrop(): boolean {
    return this.#droppedBytes < DROPPED_BYTES_MAX;
  }

  /** Calls `waiter.durable()` once, when a batch is durable and the open one takes more, behind who waits already. */
  waitToDrop(waiter: Waiter): void {
    this.#droppers.push(waiter);
  }

  /** Bytes of messages that were dropped and that a batch still holds. */
  get droppedBytes(): number {
    return this.#droppedBytes + this.#runningDroppedBytes;
  }

  /** The step under way writes nothing, and its answer waits as if it did: what it says holds when all before is durable. */
  depend(): void {
    this.#written += 1;
  }

  /** Where in the batch that gathers now the next write goes, for `takeBack`. */
  get place(): number {
    return this.#batch.length;
  }

  /**
   * Takes the write at a place of a batch back, which then never happened: true while that batch still gathers. So what
   * was delivered and acknowledged while the disk was busy with others costs no write at all.
   */
  takeBack(ticket: number, place: number): boolean {
    if (ticket !== this.#ticket) return false;
    this.#batch[place] = undefined;
    this.#holes += 1;
    return true;
  }

  /** Calls `waiter.durable()` once, when the batch that gathers now is durable. */
  wait(waiter: Waiter): void {
    this.#waiters.push(waiter);
  }

  /** Settles when everything written so far is durable or the store has failed; needs an end of turn for it. */
  flushed(): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => this.wait({ durable: resolve })), this.#whenBroken]);
  }

  /** Gives the open batch to the store, unless one is on its way. Called at the end of every turn. */
  endOfTurn(): void {
    while (!this.#running && !this.#broken && (this.#batch.length > 0 || this.#waiters.length > 0)) this.#commit();
  }

  /** The store cannot be read, which is as fatal as a failed commit. */
  fail(error: unknown): void {
    if (!this.#broken) this.#break(error);
  }

  #commit(): void {
    const batch = this.#wholeBatch();
    const waiters = this.#waiters;
    const ticket = this.#ticket;
    this.#batch = [];
    this.#waiters = [];
    this.#runningDroppedBytes = this.#droppedBytes;
    this.#droppedBytes = 0;
    this.#ticket += 1;
    this.#metrics.commits += 1;
    this.#metrics.writes += batch.length;
    let committed: void | Promise<void>;
    try {
      committed = batch.length === 0 ? undefined : this.#store.commit(batch);
    } catch (error) {
      this.#break(error);
      return;
    }
    if (committed === undefined) {
      this.#release(ticket, waiters);
      return;
    }
    this.#running = true;
    committed.then(
      () => {
        this.#running = false;
        this.#owner.beginTurn();
        this.#release(ticket, waiters);
        this.endOfTurn();
      },
      (error: unknown) => this.#break(error),
    );
  }

  #wholeBatch(): Write[] {
    const batch = this.#holes === 0 ? this.#batch : this.#batch.filter((write) => write !== undefined);
    this.#holes = 0;
    return batch as Write[];
  }

  #release(ticket: number, waiters: readonly Waiter[]): void {
    this.#durable = ticket;
    this.#runningDroppedBytes = 0;
    for (const waiter of waiters) this.#tell(waiter);
    const droppers = this.#droppers;
    this.#droppers = [];
    let told = 0;
    while (told < droppers.length && this.mayDrop) this.#tell(droppers[told++]);
    this.#droppers = [...droppers.slice(told), ...this.#droppers];
  }

  /** One connection's fault keeps nobody else waiting. */
  #tell(waiter: Waiter): void {
    try {
      waiter.durable();
    } catch (error) {
      this.#owner.internalError(error);
    }
  }

  #break(error: unknown): void {
    this.#broken = true;
    this.#tellBroken();
    this.#owner.storeFailed(error);
  }
}
