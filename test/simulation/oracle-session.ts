/** A session as it ought to be: subscriptions, what is to come, what is on its way, the will. */

import type { Write } from '@dunlin/broker';
import type { Will } from '@dunlin/protocol';
import type { ClientName, Expectation, ExpectationState, OracleSubscription, Said } from './expectation.ts';
import { type Change, Durable, type Journal } from './journal.ts';

/** A will whose connection has ended. */
export interface DueWill {
  readonly will: Will;
  readonly dueAtMs: number;
}

/** A QoS 2 PUBLISH of the client whose PUBREL has not come. */
export interface ReceivedMessage {
  /** What PUBREC waits for. */
  readonly writes: readonly Write[];
  readonly change: Change;
  readonly said: Said;
}

/** What the store has of a session itself. */
export interface RecordFact {
  readonly sessionExpiryInterval: number;
  /** 0 while connected. */
  readonly expiresAtMs: number;
}

/** The will that the store has of a session. */
export interface WillFact {
  readonly will: Will;
  /** 0 while connected. */
  readonly dueAtMs: number;
  /** The will as a message, when it has gone out. */
  said: Said | undefined;
}

/** What the store may have of a session after a crash, but for its queue: that is told by the expectations. */
export class StoredFacts {
  readonly record: Durable<RecordFact | undefined>;
  readonly will: Durable<WillFact | undefined>;
  /** By filter. */
  readonly subscriptions = new Map<string, Durable<OracleSubscription | undefined>>();
  /** By Packet Identifier. */
  readonly received = new Map<number, Durable<ReceivedMessage | undefined>>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.record = new Durable<RecordFact | undefined>(journal, undefined);
    this.will = new Durable<WillFact | undefined>(journal, undefined);
  }

  subscription(filter: string): Durable<OracleSubscription | undefined> {
    return this.#of(this.subscriptions, filter);
  }

  receivedMessage(packetId: number): Durable<ReceivedMessage | undefined> {
    return this.#of(this.received, packetId);
  }

  #of<K, V>(facts: Map<K, Durable<V | undefined>>, key: K): Durable<V | undefined> {
    let fact = facts.get(key);
    if (fact === undefined) {
      fact = new Durable<V | undefined>(this.#journal, undefined);
      facts.set(key, fact);
    }
    return fact;
  }
}

export class OracleSession {
  readonly name: ClientName;
  /** Under which the store has it. */
  readonly number: number;
  readonly stored: StoredFacts;
  /** It has, or had, shared subscriptions: what they gave it is handed over page by page when it ends. */
  hadShares = false;
  /** Number of the link that has it; 0 for none. */
  link = 0;
  /** CONNACK has left on that link. */
  isGreeted = false;
  sessionExpiryInterval = 0;
  /** Infinity while connected or when it never ends. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  hasEnded = false;
  /** How often a connection of it has ended. */
  detachments = 0;
  will: Will | undefined = undefined;
  dueWill: DueWill | undefined = undefined;
  readonly subscriptions = new Map<string, OracleSubscription>();
  /** Everything ever expected, by key of the message. */
  readonly expected = new Map<string, Expectation[]>();
  /** On its way to the client, by Packet Identifier. */
  readonly inflight = new Map<number, Expectation>();
  /** By Packet Identifier of the client. */
  readonly received = new Map<number, ReceivedMessage>();
  /** Smallest Maximum Packet Size of its connections. */
  smallestPacket = Number.POSITIVE_INFINITY;
  /** Last publication first sent, by publisher, topic and QoS. */
  readonly lastSent = new Map<string, number>();

  constructor(name: ClientName, number: number, journal: Journal) {
    this.name = name;
    this.number = number;
    this.stored = new StoredFacts(journal);
  }

  /** Whether it outlives its connection. */
  get isStored(): boolean {
    return this.sessionExpiryInterval > 0;
  }

  takeReceived(packetId: number, received: ReceivedMessage): void {
    this.received.set(packetId, received);
    if (this.isStored) this.stored.receivedMessage(packetId).set(received);
  }

  releaseReceived(packetId: number): void {
    this.received.delete(packetId);
    if (this.stored.record.possible.at(-1) !== undefined) this.stored.receivedMessage(packetId).set(undefined);
  }

  add(key: string, expectation: Expectation): void {
    const list = this.expected.get(key);
    if (list === undefined) this.expected.set(key, [expectation]);
    else list.push(expectation);
  }

  *all(): Generator<Expectation> {
    for (const list of this.expected.values()) yield* list;
  }

  finish(packetId: number, state: ExpectationState, change: Change): void {
    const expectation = this.inflight.get(packetId);
    if (expectation === undefined) return;
    expectation.state = state;
    // What the store has of a delivery it follows to its end, whatever has become of the session.
    expectation.change = expectation.isStored ? change : undefined;
    if (state === 'received' && expectation.isStored) expectation.releaseChange = change;
    if (state === 'done') this.inflight.delete(packetId);
  }
}
