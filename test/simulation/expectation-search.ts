/** Which expectation a PUBLISH fulfils: the same payload may be due more than once, and in several ways. */
import type { PublishPacket } from '@dunlin/protocol';
import { type Expectation, type GroupExpectation, keyOf, type Said, sameNumbers, sayMessage } from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import type { Link } from './network.ts';
import { sharedExpectation } from './new-expectation.ts';
import type { Observed, ObservedConnection } from './observed.ts';
import type { OracleSession } from './oracle-session.ts';
import type { SentOrder } from './sent-order.ts';
import { canFree, free } from './shared-takers.ts';

export class ExpectationSearch {
  readonly #connection: ObservedConnection;
  readonly #world: Observed;
  readonly #judge: BrokerJudge;
  readonly #order: SentOrder;

  constructor(connection: ObservedConnection, world: Observed, order: SentOrder) {
    this.#connection = connection;
    this.#world = world;
    this.#judge = world.judge;
    this.#order = order;
  }

  /** Says what is wrong where there is none. */
  find(session: OracleSession, packet: PublishPacket, topic: string): Expectation | undefined {
    return packet.dup ? this.#findRepeated(session, packet, topic) : this.#findDue(session, packet, topic);
  }

  #findRepeated(session: OracleSession, packet: PublishPacket, topic: string): Expectation | undefined {
    const key = keyOf(topic, packet.payload);
    const before = session.inflight.get(packet.packetId);
    if (before === undefined) {
      // The first one may have been lost in an outbox that nobody saw.
      const due = (session.expected.get(key) ?? []).filter(
        (one) =>
          one.state === 'due' &&
          one.detachments < session.detachments &&
          this.#isLike(one, packet) &&
          // What may have been sent before a crash expires no more.
          (one.isOfFormerProcess || this.#fits(session, one, packet)),
      );
      const lost = due.find(isUnexcused) ?? due[0] ?? this.#takeShared(session, packet, key);
      if (lost === undefined)
        this.#judge.broken(
          'exactly-once',
          `${this.#connection.label}: PUBLISH ${packet.packetId} with DUP was not sent before: ${key} on "${topic}"`,
        );
      return lost;
    }
    if (keyOf(before.said.topic, before.said.payload) !== key || before.qos !== packet.qos) {
      this.#judge.broken(
        'packet-identifiers',
        `${this.#connection.label}: PUBLISH ${packet.packetId} with DUP is not ${sayMessage(before.said)} but ${key} on "${topic}"`,
      );
      return undefined;
    }
    this.#judge.check(
      before.state === 'sent',
      'exactly-once',
      () => `${this.#connection.label}: PUBLISH ${packet.packetId} is sent again after PUBREC`,
    );
    this.#judge.check(
      before.link !== this.#connection.link.number,
      'exactly-once',
      () => `${this.#connection.label}: PUBLISH ${packet.packetId} is sent again on the same connection [MQTT-4.4.0-1]`,
    );
    return before;
  }

  #findDue(session: OracleSession, packet: PublishPacket, topic: string): Expectation | undefined {
    const key = keyOf(topic, packet.payload);
    if (packet.qos > 0 && session.inflight.has(packet.packetId)) {
      this.#judge.broken(
        'packet-identifiers',
        `${this.#connection.label}: Packet Identifier ${packet.packetId} is in use [MQTT-2.2.1-4]`,
      );
      return undefined;
    }
    const all = session.expected.get(key) ?? [];
    const due = all.filter((one) => one.state === 'due' && this.#isLike(one, packet));
    // The same payload may have been published twice, after a lost PUBACK: the copy that fits is meant.
    due.sort((a, b) => Number(this.#fits(session, b, packet)) - Number(this.#fits(session, a, packet)));
    const known = due.filter((one) => this.mayCome(one));
    const found =
      known.find(isUnexcused) ?? this.#takeShared(session, packet, key) ?? known[0] ?? due.find(isUnexcused) ?? due[0];
    if (found !== undefined) return found;
    const finished = all.find((one) => one.state !== 'due' && this.#isLike(one, packet));
    const what = `${key} on "${topic}" at QoS ${packet.qos}, RETAIN ${packet.retain ? 1 : 0}, identifiers [${packet.properties.subscriptionIdentifiers ?? []}]${this.sayGroups(key)}`;
    const expected = all
      .map((one) => `${one.kind} QoS ${one.qos} RETAIN ${one.retain ? 1 : 0} [${one.identifiers}] ${one.state}`)
      .join('; ');
    if (finished !== undefined && finished.state !== 'void')
      this.#judge.broken('exactly-once', `${this.#connection.label}: again ${what}; expected were: ${expected}`);
    else
      this.#judge.broken(
        'only-what-was-asked',
        `${this.#connection.label}: ${what}; expected were: ${expected || 'nothing'}`,
      );
    return undefined;
  }

  sayGroups(key: string): string {
    const groups = this.#world.oracle.groups.of(key);
    const texts = groups.map(({ filter, taker, members }) => {
      const names = [...members.keys()].map((member) => (member as OracleSession).name.text);
      return `${filter} of ${names}${taker === undefined ? '' : `, taken by ${(taker.session as OracleSession).name.text}`}`;
    });
    return texts.length === 0 ? '' : ` (${texts.join('; ')})`;
  }

  /** After its SUBACK; a store that answers later may let a live one go first. */
  mayCome({ kind, subscriptions }: Expectation): boolean {
    return (
      subscriptions.some(({ isAcknowledged }) => isAcknowledged) || (kind !== 'retained' && !this.#world.isSynchronous)
    );
  }

  /** Whether neither expiry nor order speak against it. */
  #fits(session: OracleSession, { said, qos, kind }: Expectation, packet: PublishPacket): boolean {
    if (said.expiresAtMs !== undefined && !packet.dup && !mayHaveWaited(this.#connection.link, said)) {
      const restMs = said.expiresAtMs - this.#world.nowMs();
      if (restMs <= 0 && said.atMs < this.#world.nowMs()) return false;
      if (
        this.#connection.version === 5 &&
        packet.properties.messageExpiryInterval !== Math.max(1, Math.floor(restMs / 1000))
      )
        return false;
    }
    return kind !== 'live' || this.#order.mayFollow(session, said, qos);
  }

  #isLike(one: Expectation, packet: PublishPacket): boolean {
    if (one.qos !== packet.qos || one.retain !== packet.retain) return false;
    if (this.#connection.version !== 5) return true;
    const identifiers = [...(packet.properties.subscriptionIdentifiers ?? [])].sort((a, b) => a - b);
    return sameNumbers(one.identifiers, identifiers);
  }

  /** Nobody sees through which of several groups a message came: takers may change places. */
  #takeShared(session: OracleSession, packet: PublishPacket, key: string): Expectation | undefined {
    const groups = this.#world.oracle.groups.of(key);
    let best: { group: GroupExpectation; shared: Expectation } | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const group of groups)
      for (const subscription of group.members.get(session) ?? []) {
        const shared = sharedExpectation(session, group, subscription);
        if (!this.#isLike(shared, packet)) continue;
        const rank =
          (this.mayCome(shared) ? 0 : 4) +
          (this.#fits(session, shared, packet) ? 0 : 2) +
          (group.taker === undefined ? 0 : 1);
        if (rank >= bestRank || !canFree(group, groups)) continue;
        best = { group, shared };
        bestRank = rank;
      }
    if (best === undefined) return undefined;
    const { group, shared } = best;
    free(group, groups);
    group.taker = shared;
    session.add(key, shared);
    return shared;
  }
}

/** In the outbox, while the wire was full. */
export function mayHaveWaited({ server }: Link, { atMs }: Said): boolean {
  return server.isFull || server.lastFullMs >= atMs;
}

function isUnexcused(one: Expectation): boolean {
  return one.excuse === undefined;
}
