/** Every PUBLISH that leaves on one connection, held against what is expected and against the rules of the exchange. */
import type { Properties, PublishPacket } from '@dunlin/protocol';
import { type Expectation, keyOf, sayMessage } from './expectation.ts';
import { ExpectationSearch, mayHaveWaited } from './expectation-search.ts';
import type { BrokerJudge } from './invariants.ts';
import { Change } from './journal.ts';
import type { Observed, ObservedConnection } from './observed.ts';
import type { OracleSession } from './oracle-session.ts';
import { SentOrder } from './sent-order.ts';

/** The change of what left only when it was durable. */
const CERTAIN = new Change(0);

export class SentPublishes {
  readonly #connection: ObservedConnection;
  readonly #world: Observed;
  readonly #judge: BrokerJudge;
  readonly #order: SentOrder;
  readonly #search: ExpectationSearch;
  /** By Packet Identifier: the client has not answered for good. */
  readonly #unfinished = new Set<number>();
  readonly #aliases = new Map<number, string>();

  constructor(connection: ObservedConnection, world: Observed) {
    this.#connection = connection;
    this.#world = world;
    this.#judge = world.judge;
    this.#order = new SentOrder(connection, world);
    this.#search = new ExpectationSearch(connection, world, this.#order);
  }

  /** The client has answered for good. */
  finished(packetId: number): void {
    this.#unfinished.delete(packetId);
  }

  sent(packet: PublishPacket): void {
    const topic = this.#resolveTopic(packet);
    if (topic === undefined) return;
    const session = this.#connection.session as OracleSession;
    const found = this.#search.find(session, packet, topic);
    if (found === undefined) return;
    this.#checkContent(packet, topic, found);
    this.#checkExpiry(packet, found);
    this.#order.check(session, packet, found);
    if (!packet.dup && !this.#search.mayCome(found))
      this.#judge.broken(
        'suback-first',
        `${this.#connection.label}: ${sayMessage(found.said)} comes before SUBACK${this.#search.sayGroups(keyOf(topic, packet.payload))}`,
      );
    found.hidesIdentifiers = this.#connection.version !== 5;
    if (packet.qos === 0) {
      found.state = 'done';
      return;
    }
    this.#checkDurable(session, packet, found);
    if (found.state === 'due') found.change = this.#changeOf(session, found);
    found.state = 'sent';
    found.packetId = packet.packetId;
    found.link = this.#connection.link.number;
    session.inflight.set(packet.packetId, found);
    this.#unfinished.add(packet.packetId);
    const window = Math.min(
      this.#connection.version === 5 ? (this.#connection.connect?.properties.receiveMaximum ?? 65_535) : 65_535,
      this.#world.limits.inflightMessagesMax,
    );
    this.#judge.check(
      this.#unfinished.size <= window,
      'receive-maximum',
      () => `${this.#connection.label}: ${this.#unfinished.size} messages are unfinished, more than ${window}`,
    );
  }

  /** What the queue entry of a delivery came with; undefined where there is none in the store. */
  #changeOf(session: OracleSession, { kind, qos, said, isStored }: Expectation): Change | undefined {
    const hasEntry = kind === 'live' ? isStored : session.isStored;
    if (!hasEntry) return undefined;
    if (qos === 2) return CERTAIN;
    return kind === 'live' ? said.change : this.#world.oracle.journal.current;
  }

  #checkDurable(session: OracleSession, packet: PublishPacket, found: Expectation): void {
    if (packet.qos !== 2 || packet.dup || session.sessionExpiryInterval === 0) return;
    if (this.#world.isEnqueuePending(session, packet.packetId))
      this.#judge.broken(
        'durable-first',
        `${this.#connection.label}: PUBLISH ${packet.packetId} leaves at QoS 2 before its queue entry is committed: ${sayMessage(found.said)}`,
      );
  }

  #resolveTopic(packet: PublishPacket): string | undefined {
    const alias = packet.properties.topicAlias;
    if (alias === undefined) return packet.topic;
    const maximum = this.#connection.connect?.properties.topicAliasMaximum ?? 0;
    const known = this.#aliases.get(alias);
    if (alias > maximum || packet.qos === 2 || packet.dup || (packet.topic === '' && known === undefined)) {
      this.#judge.broken(
        'topic-alias',
        `${this.#connection.label}: PUBLISH with Topic Alias ${alias} of ${maximum}, QoS ${packet.qos}${packet.dup ? ', DUP' : ''}, topic "${packet.topic}"`,
      );
      return undefined;
    }
    if (packet.topic !== '') this.#aliases.set(alias, packet.topic);
    return this.#aliases.get(alias);
  }

  #checkContent(packet: PublishPacket, topic: string, { said }: Expectation): void {
    const isSame =
      topic === said.topic &&
      Buffer.compare(packet.payload, said.payload) === 0 &&
      (this.#connection.version !== 5 || sayProperties(packet.properties) === sayProperties(said.properties));
    if (!isSame)
      this.#judge.broken(
        'as-published',
        `${this.#connection.label}: ${sayMessage(said)} came changed: "${topic}", ${packet.payload.length} bytes, ${sayProperties(packet.properties)} instead of ${sayProperties(said.properties)}`,
      );
  }

  #checkExpiry(packet: PublishPacket, { said }: Expectation): void {
    const interval = packet.properties.messageExpiryInterval;
    if (said.expiresAtMs === undefined) {
      this.#judge.check(
        interval === undefined,
        'expiry',
        () => `${this.#connection.label}: a Message Expiry Interval nobody set`,
      );
      return;
    }
    const restMs = said.expiresAtMs - this.#world.nowMs();
    if (packet.dup || mayHaveWaited(this.#connection.link, said)) return;
    const isZero = said.properties.messageExpiryInterval === 0 && said.atMs === this.#world.nowMs();
    this.#judge.check(
      restMs > 0 || isZero,
      'expiry',
      () => `${this.#connection.label}: ${sayMessage(said)} leaves ${-restMs} ms after its expiry [MQTT-3.3.2-5]`,
    );
    const due = Math.max(1, Math.floor(restMs / 1000));
    if (this.#connection.version === 5)
      this.#judge.check(
        interval === due,
        'expiry',
        () =>
          `${this.#connection.label}: the Message Expiry Interval is ${interval} where ${due} is right [MQTT-3.3.2-6]`,
      );
  }
}

/** The properties that go on to subscribers, in a form that can be compared. */
function sayProperties(properties: Properties): string {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  const correlation = correlationData === undefined ? undefined : Buffer.from(correlationData).toString('hex');
  return JSON.stringify([payloadFormatIndicator, contentType, responseTopic, correlation, userProperties]);
}
