/**
 * A Session: what outlives connections (section 4.1). Subscriptions, the queue, unfinished exchanges, the will.
 *
 * Pure: it writes into the group commit and into its connection's outbox, and touches nothing else. What a session
 * does not use it does not have, since most sessions are idle.
 */
import type { QoS, ReceiverFlow } from '@dunlin/protocol';
import type { Connection } from './connection.ts';
import { fits } from './delivery.ts';
import { dropReason, isDenied } from './delivery-checks.ts';
import { ENTRY_BYTES, type Entry, FORGOTTEN, newEntry, packetIdOf } from './entry.ts';
import { Inflight } from './inflight.ts';
import type { Message } from './message.ts';
import type { Permissions, QueueSummary, SessionRecord } from './ports.ts';
import { type MessageHolder, Queue } from './queue.ts';
import { type PageReader, readPage } from './queue-pages.ts';
import { makeRoom, pausesDropping, type QueueOwner } from './queue-room.ts';
import { type DeliveryOutcome, OpenReceipts } from './receipt.ts';
import { type Remains, remainsOf } from './remains.ts';
import type { Replay } from './replay.ts';
import { Replays, type ReplayTarget } from './replays.ts';
import { AHEAD_MIN, SentMark } from './sent-mark.ts';
import type { SessionContext } from './session-context.ts';
import { recordOf, type Subscription } from './subscription.ts';
import type { ArmedWill } from './will.ts';

const UNKNOWN = { step: 'unknown', entry: undefined } as const;

export class Session implements MessageHolder, QueueOwner, PageReader, ReplayTarget {
  readonly clientId: string;
  /** Names the session in the store; never given again. */
  readonly number: number;
  readonly #context: SessionContext;
  /** The connection that has the session, from CONNECT on. */
  owner: Connection | undefined = undefined;
  /** The same once its CONNACK has left: deliveries go there. */
  connection: Connection | undefined = undefined;
  /** A newer connection under the same identifier is taking over. */
  isSucceeded = false;
  /** The store has a record of it. */
  hasRecord = false;
  /** Whose it is, of a stored session; see `SessionCounts`. */
  username: string | undefined = undefined;
  /** Whom it is bound to; undefined where nobody was asked who they are. */
  identity: string | undefined = undefined;
  /** What its names take in memory. */
  nameBytes = 0;
  /** Seconds; 0 ends the session with its connection. */
  sessionExpiryInterval = 0;
  /** Wall clock at which it ends; undefined while connected or when it never ends. */
  expiresAtMs: number | undefined = undefined;
  /** Of the wheel that sees to its end and to its delayed will. */
  deadlineMs = 0;
  will: ArmedWill | undefined = undefined;
  permissions: Permissions | undefined = undefined;
  /** Not all that comes to it may it receive; see `delivery-checks.ts`. */
  checksDeliveries = false;
  subscriptions: Map<string, Subscription> | undefined = undefined;
  /** What they take in memory, by `subscriptionBytes`. */
  subscriptionBytes = 0;
  /** How many of them are shared. */
  sharedSubscriptions = 0;
  receiver: ReceiverFlow | undefined = undefined;
  /** QoS 2 messages, by identifier, that no other broker has taken yet. */
  undecided: Map<number, Promise<number>> | undefined = undefined;
  /** Of deliveries that are followed and not over. */
  receipts: OpenReceipts | undefined = undefined;
  #inflight: Inflight | undefined = undefined;
  #queue: Queue | undefined = undefined;
  /** By filter, in the order they began. */
  #replays: Replays | undefined = undefined;
  /** Of what waits in memory or is in flight, each with its entry. */
  #heldBytes = 0;
  /** The last queue position given. */
  #position = 0;
  /** Of a session that is stored, or was. */
  #sentMark: SentMark | undefined = undefined;
  #isWaiting = false;

  constructor(clientId: string, number: number, context: SessionContext) {
    this.clientId = clientId;
    this.number = number;
    this.#context = context;
  }

  /** Its state is in the store and survives the connection. */
  get isStored(): boolean {
    return this.sessionExpiryInterval > 0;
  }
  get queuedMessages(): number {
    return this.#queue?.size ?? 0;
  }
  get inflightMessages(): number {
    return this.#inflight?.size ?? 0;
  }
  /** For the open batch, where a client has come. */
  connectedRecord(): SessionRecord {
    if (this.isStored) this.#sentMark ??= new SentMark();
    return this.#record(0, this.#sentMark?.begin(this.#context.commits.ticket) ?? 0);
  }

  /** While none is there: it ends at this wall clock. */
  absentRecord(expiresAtMs: number): SessionRecord {
    return this.#record(expiresAtMs, this.#sentMark?.settle() ?? 0);
  }

  #record(expiresAtMs: number, sentUpTo: number): SessionRecord {
    const { number, clientId, username, identity, sessionExpiryInterval } = this;
    return { number, clientId, username, identity, sessionExpiryInterval, expiresAtMs, sentUpTo };
  }

  /** Whether a message could go out at once: a member of a shared subscription is chosen by this. */
  hasRoomFor(message: Message, identifiers: readonly number[]): boolean {
    const connection = this.connection;
    if (connection === undefined || !connection.hasRoom) return false;
    if (message.qos > 0 && (this.queuedMessages > 0 || this.#inflight?.hasQuota() === false)) return false;
    return this.fits(message, identifiers);
  }

  /** Whether the message keeps within the client's Maximum Packet Size. */
  fits(message: Message, identifiers: readonly number[]): boolean {
    const connection = this.connection;
    return connection === undefined || fits(connection, message, identifiers);
  }

  /** Sends the message, queues it, or drops it; only the session knows which. False where a message of QoS 1 or 2 found no room. */
  deliver(message: Message, subscription: Subscription, share: string | undefined): boolean {
    if (this.checksDeliveries && isDenied(this, message, this.#context)) return true;
    const qos = Math.min(message.qos, subscription.qos);
    const retain = message.retain && subscription.retainAsPublished;
    if (qos > 0) return this.#deliverAcknowledged(message, qos as 1 | 2, retain, subscription.identifiers, share);
    if (this.connection === undefined) this.#context.metrics.messagesDroppedAbsent += 1;
    else this.connection.sendQoS0(message, retain, subscription.identifiers);
    return true;
  }

  #deliverAcknowledged(
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    identifiers: readonly number[],
    share: string | undefined,
  ): boolean {
    const connection = this.connection;
    const isStored = this.isStored;
    const position = this.#nextPosition();
    const isNext =
      connection !== undefined &&
      (this.#queue === undefined || this.#queue.isEmpty) &&
      (qos === 1 || !isStored) &&
      this.#maySend(connection, position, isStored);
    if (isNext && !isStored && share === undefined && message.receipt === undefined) {
      if (connection.sendAcknowledged(message, qos, packetIdOf(position), retain, false, identifiers)) {
        this.#position = position;
        (this.#inflight as Inflight).open(packetIdOf(position), qos, FORGOTTEN);
      }
      return true;
    }
    const hasMemory = this.#context.hasMemory(connection === undefined);
    if (!hasMemory && !(isStored && this.#pages)) {
      this.#context.memoryShort(this.clientId);
      this.#context.metrics.messagesDroppedQueueFull += 1;
      return false;
    }
    if (!isNext && this.#queue !== undefined && !makeRoom(this.#queue, message, this, this.#context)) return false;
    this.#position = position;
    if (message.receipt !== undefined) {
      this.receipts ??= new OpenReceipts();
      this.receipts.add(position, message.receipt);
    }
    message.own();
    const entry = this.#enqueue(position, message, qos, retain, identifiers, share);
    if (isNext) {
      this.#send(connection, entry);
      return true;
    }
    this.#context.metrics.messagesQueued += 1;
    this.#ownQueue().push(entry, isStored, connection !== undefined && hasMemory);
    if (connection !== undefined) this.pump();
    return true;
  }

  /** Whether the store keeps entries of a stored session where they cost no memory of this process. */
  get #pages(): boolean {
    return !this.#context.store.inMemory;
  }

  /** A new entry; of a stored session it goes into the open batch. */
  #enqueue(
    position: number,
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    identifiers: readonly number[],
    share: string | undefined,
  ): Entry {
    const { isStored } = this;
    const { commits } = this.#context;
    const entry = newEntry(position, message, qos, retain, identifiers, share, isStored ? commits : undefined);
    if (isStored) commits.write({ op: 'enqueue', session: this.number, entry });
    return entry;
  }

  #ownQueue(): Queue {
    this.#queue ??= new Queue(this, this.#pages);
    return this.#queue;
  }

  /** Sends what waits, as the client's window and the outbox allow; then goes on with replays. */
  pump(): void {
    const queue = this.#queue;
    if (queue !== undefined && !queue.isEmpty) this.#pumpQueue(queue);
    if (this.#replays !== undefined && (queue === undefined || queue.isEmpty)) this.#pumpReplays(this.#replays);
  }

  #pumpQueue(queue: Queue): void {
    let dropped = 0;
    for (;;) {
      const connection = this.connection;
      if (connection === undefined) return;
      const entry = queue.peek();
      if (entry === undefined) {
        if (!queue.isPaged || !this.readPage(queue)) return;
        continue;
      }
      if (entry.released) {
        this.#sendPubrelAgain(connection, queue, entry);
        continue;
      }
      const reason = dropReason(this, entry, this.#context);
      if (reason !== undefined) {
        if (pausesDropping(this, dropped, this.#context)) return;
        this.drop(queue, reason);
        dropped += 1;
        continue;
      }
      if (!this.#maySend(connection, entry.position, entry.isStored)) return;
      if (entry.qos === 2 && !this.#context.commits.isDurable(entry.ticket)) {
        this.continueWhenDurable();
        return;
      }
      queue.shift();
      this.#send(connection, entry);
    }
  }

  /** Of a message that the store had when the broker started. */
  #sendPubrelAgain(connection: Connection, queue: Queue, entry: Entry): void {
    const packetId = packetIdOf(entry.position);
    queue.shift();
    this.#inflight ??= new Inflight(this, connection.sendMaximum);
    this.#inflight.open(packetId, 2, entry);
    connection.sendPubrel(packetId);
  }

  readPage(queue: Queue, entriesMax?: number): boolean {
    return readPage(this, queue, this.#context, entriesMax);
  }

  has(queue: Queue): boolean {
    return queue === this.#queue;
  }

  setAside(queue: Queue): boolean {
    const { limits } = this.#context;
    if (this.connection !== undefined || !this.#context.hasMemory(true)) return false;
    const entry = queue.peek() as Entry;
    this.#inflight ??= new Inflight(this, limits.inflightMessagesMax);
    // What was under way lies behind what was acknowledged and not yet removed.
    const hasRoom = this.#inflight.size < limits.inflightMessagesMax + AHEAD_MIN;
    if (!hasRoom || !this.#inflight.mayKeep(entry.position, limits.queueBytesMax)) return false;
    queue.shift();
    this.#inflight.setAside(packetIdOf(entry.position), entry);
    return true;
  }

  continueWhenDurable(toDrop = false): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    if (toDrop) this.#context.commits.waitToDrop(this);
    else this.#context.commits.wait(this);
  }

  /** The batch it waited for is durable. */
  durable(): void {
    this.#isWaiting = false;
    this.pump();
  }

  #nextPosition(): number {
    return this.#inflight === undefined ? this.#position + 1 : this.#inflight.nextPosition(this.#position);
  }

  #maySend(connection: Connection, position: number, isStored: boolean): boolean {
    if (!connection.hasRoom || connection.held !== undefined) return false;
    this.#inflight ??= new Inflight(this, connection.sendMaximum);
    if (this.#inflight.hasRoomFor(position, this.#context.limits.queueBytesMax))
      return !isStored || this.#isMarked(position);
    this.#context.metrics.windowsClosed += 1;
    return false;
  }

  /** Whether the store knows that what is at the position may be sent. Sees to that in time, and waits where it was late. */
  #isMarked(position: number): boolean {
    const { commits } = this.#context;
    const mark = this.#sentMark as SentMark;
    const isMarked = mark.covers(position, commits);
    if (mark.isDue(position, commits))
      commits.write({ op: 'putSession', session: this.#record(0, mark.raise(position, commits.ticket)) });
    if (!isMarked) this.continueWhenDurable();
    return isMarked;
  }

  #send(connection: Connection, entry: Entry): void {
    const packetId = packetIdOf(entry.position);
    this.#sentMark?.sent(entry.position);
    if (
      connection.sendAcknowledged(
        entry.message,
        entry.qos,
        packetId,
        entry.retain,
        entry.sent !== 'never',
        entry.identifiers,
      )
    )
      (this.#inflight as Inflight).open(packetId, entry.qos, entry);
    // Too large for this client: counted as delivered [MQTT-3.1.2-25].
    else this.#finished(entry, 'lost');
  }

  drop(queue: Queue, counter: 'messagesExpired' | 'messagesDroppedQueueFull' | 'messagesDroppedDenied'): void {
    const entry = queue.peek() as Entry;
    queue.shift();
    this.#context.metrics[counter] += 1;
    this.#finished(entry, 'lost');
    if (entry.isStored) this.#context.commits.dropped(entry.message);
  }

  /** A delivery of the message stays in memory. */
  keep(message: Message): void {
    this.#heldBytes += message.heldBytes + ENTRY_BYTES;
    this.#context.keep(message, this.connection === undefined);
  }

  release(message: Message): void {
    this.#heldBytes -= message.heldBytes + ENTRY_BYTES;
    this.#context.release(message, this.connection === undefined);
  }

  /** The delivery is over: the store forgets it. Returns the ticket of that. */
  #finished(entry: Entry, outcome: DeliveryOutcome): number {
    if (this.receipts?.settle(entry.position, outcome) === false) this.receipts = undefined;
    if (!entry.isStored) return 0;
    const { commits } = this.#context;
    if (commits.takeBack(entry.ticket, entry.place)) return commits.ticket;
    return commits.write({ op: 'dequeue', session: this.number, entry });
  }

  puback(packetId: number): void {
    this.#over(this.#inflight?.puback(packetId));
  }

  /** Returns 0x00 with the ticket PUBREL waits for, or 0x92 where the identifier is unknown, or undefined: it is over. */
  pubrec(packetId: number, reasonCode: number): { reasonCode: number; ticket: number } | undefined {
    const { step, entry } = this.#inflight?.pubrec(packetId, reasonCode) ?? UNKNOWN;
    if (step === 'unknown') return reasonCode >= 0x80 ? undefined : { reasonCode: 0x92, ticket: 0 };
    if (step === 'release') return { reasonCode: 0, ticket: this.#released(entry as Entry) };
    this.#over(entry);
    return undefined;
  }

  /** Returns the ticket of "PUBREC received". */
  #released(entry: Entry): number {
    if (!entry.isStored) return 0;
    return this.#context.commits.write({ op: 'release', session: this.number, entry });
  }

  pubcomp(packetId: number): void {
    this.#over(this.#inflight?.pubcomp(packetId));
  }

  /** The client has finished a delivery: there is room for the next. */
  #over(entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.#finished(entry, 'acknowledged');
    this.pump();
  }

  /** Retained messages are due to new subscriptions, when their SUBACK has left. */
  addReplays(replays: readonly Replay[]): void {
    if (replays.length > 0) this.#replays ??= new Replays();
    for (const replay of replays) this.#replays?.add(replay);
  }

  /** The subscription took the place of the one with its filter, and asked for no replay of its own. */
  replaceReplay(subscription: Subscription): void {
    this.#replays?.replace(subscription, this.#context.retainedSequence);
  }

  /** Up to which sequence retained messages are due to the subscription of a filter; undefined where none are. */
  replayUpTo(filter: string): number | undefined {
    return this.#replays?.upTo(filter);
  }

  /** The subscription is gone: so is its replay. */
  cancelReplay(filter: string): void {
    this.#replays?.cancel(filter);
    if (this.#replays?.isEmpty === true) this.#replays = undefined;
  }

  #pumpReplays(replays: Replays): void {
    replays.pump(this, this.#context);
    if (replays.isEmpty) this.#replays = undefined;
  }

  roomFor({ qos }: Subscription): Connection | undefined {
    const connection = this.connection;
    if (connection === undefined || connection.held !== undefined) return undefined;
    const hasRoom = qos > 0 ? this.#maySend(connection, this.#nextPosition(), this.isStored) : connection.hasRoom;
    return hasRoom ? connection : undefined;
  }

  sendRetained(connection: Connection, message: Message, subscription: Subscription): boolean {
    if (this.checksDeliveries && isDenied(this, message, this.#context)) return true;
    this.#context.metrics.retainedSent += 1;
    const { identifiers } = subscription;
    const qos = Math.min(message.qos, subscription.qos) as QoS;
    if (qos === 0) {
      connection.sendQoS0(message, true, identifiers);
      return true;
    }
    const position = this.#nextPosition();
    this.#position = position;
    const entry = this.#enqueue(position, message, qos, true, identifiers, undefined);
    if (qos === 1 || !this.isStored) {
      this.#send(connection, entry);
      return true;
    }
    const queue = this.#ownQueue();
    queue.push(entry, true);
    this.#pumpQueue(queue);
    return queue.isEmpty;
  }

  replayDone(subscription: Subscription): void {
    if (!this.isStored) return;
    const record = recordOf(subscription, undefined);
    this.#context.commits.write({ op: 'putSubscription', session: this.number, subscription: record });
  }

  continueReplays(): void {
    this.#context.continueLater(this);
  }

  /** The queue that the store has kept. New positions are above the mark, whatever of the queue is left. */
  restoreQueue(summary: QueueSummary, sentUpTo: number): void {
    this.#position = Math.max(summary.lastPosition, sentUpTo);
    this.#sentMark = new SentMark(sentUpTo);
    if (summary.messages > 0) this.#ownQueue().restore(summary, sentUpTo);
  }

  /** A connection takes the session up: open PUBLISHes go back in front of the queue, PUBRELs are told at once. */
  resume(connection: Connection): void {
    this.connection = connection;
    this.#context.moved(this, this.#heldBytes);
    this.#replays?.goOn(this.#context.retainedSequence);
    if (this.#inflight === undefined) return;
    const { released, again } = this.#inflight.resume(connection.sendMaximum);
    for (const packetId of released) connection.sendPubrel(packetId);
    if (again.length > 0 || this.#queue !== undefined) this.#ownQueue().putBack(again);
  }

  /** The connection is gone; the session may wait for another. */
  detach(): void {
    this.owner = undefined;
    const wasThere = this.connection !== undefined;
    this.connection = undefined;
    if (wasThere) this.#context.moved(this, this.#heldBytes);
    this.#isWaiting = false;
    if (!this.isStored) {
      this.#replays = undefined;
      return;
    }
    this.#queue?.spill();
    if (wasThere) this.#replays?.pause(this.#context.retainedSequence);
  }

  /** The session ends. Returns what it leaves. */
  end(): Remains {
    const remains = remainsOf(this.#inflight, this.#queue);
    this.#context.metrics.messagesDroppedSessionEnd += remains.dropped;
    this.receipts?.lose();
    this.#inflight = undefined;
    this.#queue = undefined;
    this.#replays = undefined;
    return remains;
  }
}
