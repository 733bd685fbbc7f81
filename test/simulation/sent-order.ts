/** The order of what leaves on one connection: that of publication, and what is sent again as it was sent first. */
import type { PublishPacket } from '@dunlin/protocol';
import { type Expectation, keyOf, type Said, sayMessage } from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import type { Observed, ObservedConnection } from './observed.ts';
import type { OracleSession } from './oracle-session.ts';

export class SentOrder {
  readonly #connection: ObservedConnection;
  readonly #world: Observed;
  readonly #judge: BrokerJudge;
  /** Last publication sent, by publisher, topic and QoS. */
  readonly #lastSent = new Map<string, number>();
  #lastResent = 0;

  constructor(connection: ObservedConnection, world: Observed) {
    this.#connection = connection;
    this.#world = world;
    this.#judge = world.judge;
  }

  /** Whether the message may come next. */
  mayFollow(session: OracleSession, said: Said, qos: number): boolean {
    const order = orderKey(said, qos);
    return Math.max(this.#lastSent.get(order) ?? 0, session.lastSent.get(order) ?? 0) < said.number;
  }

  check(session: OracleSession, packet: PublishPacket, found: Expectation): void {
    const { said } = found;
    // One empty payload is like another.
    if (said.payload.length === 0) return;
    if (packet.dup) {
      // Perhaps sent before a crash, or dropped and not forgotten in time: it stands where the queue has it.
      if (found.sentOrder === 0) found.sentOrder = this.#lastResent;
      this.#judge.check(
        found.sentOrder >= this.#lastResent,
        'order',
        () => `${this.#connection.label}: ${sayMessage(said)} is re-sent after one that was sent later [MQTT-4.6.0-1]`,
      );
      this.#lastResent = found.sentOrder;
    } else found.sentOrder = this.#world.nextOrder();
    if (found.kind !== 'live' || this.#isShared(session, found)) return;
    const key = orderKey(said, found.qos);
    this.#judge.check(
      (this.#lastSent.get(key) ?? 0) < said.number,
      'order',
      () =>
        `${this.#connection.label}: ${sayMessage(said)} comes after message number ${this.#lastSent.get(key)} [MQTT-4.6.0-6]`,
    );
    this.#lastSent.set(key, said.number);
    if (packet.dup) return;
    this.#judge.check(
      (session.lastSent.get(key) ?? 0) < said.number,
      'order',
      () =>
        `${this.#connection.label}: ${sayMessage(said)} comes after message number ${session.lastSent.get(key)} of an earlier connection`,
    );
    session.lastSent.set(key, said.number);
  }

  #isShared(session: OracleSession, { said }: Expectation): boolean {
    return this.#world.oracle.groups
      .of(keyOf(said.topic, said.payload))
      .some((group) => group.members.has(session) || group.excuse !== undefined);
  }
}

/** What stays in order: messages of one publisher, topic and QoS. */
function orderKey(said: Said, qos: number): string {
  return `${said.publisher.text} ${said.topic} ${said.qos} ${qos}`;
}
