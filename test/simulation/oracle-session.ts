/** A session as it ought to be: subscriptions, what is to come, what is on its way, the will. */

import type { Write } from '@dunlin/broker';
import type { Will } from '@dunlin/protocol';
import type { ClientName, Expectation, ExpectationState, OracleSubscription } from './expectation.ts';

/** A will whose connection has ended. */
export interface DueWill {
  readonly will: Will;
  readonly dueAtMs: number;
}

export class OracleSession {
  readonly name: ClientName;
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
  /** QoS 2 identifiers of the client, with the writes that PUBREC waits for. */
  readonly received = new Map<number, Write[]>();
  /** Smallest Maximum Packet Size of its connections. */
  smallestPacket = Number.POSITIVE_INFINITY;
  /** Last publication first sent, by publisher, topic and QoS. */
  readonly lastSent = new Map<string, number>();

  constructor(name: ClientName) {
    this.name = name;
  }

  add(key: string, expectation: Expectation): void {
    const list = this.expected.get(key);
    if (list === undefined) this.expected.set(key, [expectation]);
    else list.push(expectation);
  }

  *all(): Generator<Expectation> {
    for (const list of this.expected.values()) yield* list;
  }

  finish(packetId: number, state: ExpectationState): void {
    const expectation = this.inflight.get(packetId);
    if (expectation === undefined) return;
    expectation.state = state;
    if (state === 'done') this.inflight.delete(packetId);
  }
}
