/**
 * Watches one connection from the broker's side of the wire: tells the oracle what comes in, holds what goes out
 * against what the oracle expects and against the rules of the packet exchange.
 */
import type { Limits, Write } from '@dunlin/broker';
import {
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  decodeConnect,
  decodePacket,
  FrameReader,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type PublishAckPacket,
  type PublishPacket,
  ReasonCode,
} from '@dunlin/protocol';
import {
  type Expectation,
  type GroupExpectation,
  keyOf,
  type OracleSubscription,
  type Said,
  sameNumbers,
  sayMessage,
} from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import { Change } from './journal.ts';
import { raisesMark } from './mark-raise.ts';
import type { Link } from './network.ts';
import { sharedExpectation } from './new-expectation.ts';
import type { Oracle } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import { endsReplay } from './replay-end.ts';
import { canFree, free } from './shared-takers.ts';

/** An answer the broker owes. */
interface Answer {
  readonly type: Packet['type'];
  readonly packetId: number;
  /** 5.0 Reason Codes; undefined where any success will do. */
  readonly reasonCodes: readonly number[] | undefined;
  /** Must be committed before it leaves. */
  readonly writes: readonly Write[];
  /** What its packet has changed, which is certain when it has left. */
  readonly change: Change;
  readonly then?: () => void;
}

/** What an observer needs of its world. */
export interface Observed {
  readonly oracle: Oracle;
  readonly judge: BrokerJudge;
  readonly limits: Limits;
  /** Whether the store answers at once, always. */
  readonly isSynchronous: boolean;
  /** Whether the broker is being stopped. */
  readonly isStopping: boolean;
  /** Whether more waits than the broker may hold. */
  readonly isMemoryShort: boolean;
  nowMs(): number;
  isCommitted(write: Write): boolean;
  /** Of the broker's session under the identifier. */
  sessionNumber(clientId: string): number;
  /** The queue entry of the session that goes by the Packet Identifier is not yet committed. */
  isEnqueuePending(session: OracleSession, packetId: number): boolean;
  /** Numbers everything that is first sent. */
  nextOrder(): number;
  trace(link: Link, direction: '▶' | '◀', packet: Packet): void;
}

/** The writes that each answer waits for. */
const AWAITED: Readonly<Record<string, readonly Write['op'][]>> = {
  connack: ['putSession', 'deleteSession', 'putWill', 'deleteWill'],
  puback: ['enqueue', 'putRetained', 'deleteRetained'],
  pubrec: ['enqueue', 'putRetained', 'deleteRetained', 'putReceived'],
  pubrel: ['release'],
  pubcomp: ['deleteReceived'],
  suback: ['putSubscription'],
  unsuback: ['deleteSubscription'],
};

const PACKET_BYTES_MAX = 268_435_460;
/** User name of clients that the authenticator refuses. */
export const REFUSED_USER = 'refused';
/** The change of what left only when it was durable. */
const CERTAIN = new Change(0);

export class Observer {
  readonly link: Link;
  readonly #world: Observed;
  readonly #oracle: Oracle;
  readonly #judge: BrokerJudge;
  readonly #incoming = new FrameReader(PACKET_BYTES_MAX);
  readonly #outgoing = new FrameReader(PACKET_BYTES_MAX);
  #written: Buffer[] = [];
  version: ProtocolVersion = 4;
  connect: ConnectPacket | undefined = undefined;
  session: OracleSession | undefined = undefined;
  /** Packets of the client that the broker has begun to handle. */
  packetsHandled = 0;
  publishesHandled = 0;
  packetsSent = 0;
  /** The broker said that the connection has ended. */
  isOver = false;
  #isConnected = false;
  #isResumed = false;
  #hasGoneAway = false;
  /** What DISCONNECT has changed, which is certain when the broker closes the connection. */
  #goodbye: Change | undefined = undefined;
  lastReceivedMs: number;
  readonly #answers: Answer[] = [];
  #pings = 0;
  /** PUBRELs that a resumed session owes. */
  #releases = new Set<number>();
  readonly #unfinished = new Set<number>();
  readonly #aliasesIn = new Map<number, string>();
  readonly #aliasesOut = new Map<number, string>();
  readonly #lastSent = new Map<string, number>();
  #lastResent = 0;
  /** Writes that the step under way has caused. */
  writes: Write[] = [];

  constructor(link: Link, world: Observed) {
    this.link = link;
    this.#world = world;
    this.#oracle = world.oracle;
    this.#judge = world.judge;
    this.lastReceivedMs = world.nowMs();
  }

  get label(): string {
    return `link ${this.link.number}${this.connect === undefined ? '' : ` ("${this.session?.name.text ?? this.connect.clientId}", ${this.version})`}`;
  }

  /** Answers that have not left. */
  get owed(): string[] {
    return this.#answers.map(({ type, packetId }) => `${type.toUpperCase()} ${packetId}`);
  }

  get isOpen(): boolean {
    return this.#isConnected && !this.isOver;
  }

  /** The broker is about to receive a chunk. */
  received(chunk: Buffer): void {
    this.lastReceivedMs = this.#world.nowMs();
    this.#incoming.push(Buffer.from(chunk));
  }

  /** The broker begins to handle the next packet. */
  step(): void {
    if (!this.#incoming.next()) {
      this.#judge.broken('metrics', `${this.label}: the broker handles a packet that was not sent`);
      return;
    }
    this.packetsHandled += 1;
    this.#oracle.journal.nextStep();
    const { bytes, start, bodyStart, end } = this.#incoming;
    const packet =
      this.connect === undefined
        ? decodeConnect(bytes, start, bodyStart, end)
        : decodePacket(this.version, 'server', bytes, start, bodyStart, end);
    this.writes = [];
    if (packet.type === 'connect') {
      this.connect = packet;
      this.version = packet.protocolVersion;
    }
    this.#world.trace(this.link, '▶', packet);
    this.#judge.check(
      !this.isOver,
      'one-owner',
      () => `${this.label}: the broker handles ${packet.type.toUpperCase()} after the connection ended`,
    );
    if (this.session === undefined) this.#stepConnect(packet);
    else this.#stepOpen(this.session, packet);
  }

  #stepConnect(packet: Packet): void {
    if (packet.type !== 'connect') return;
    const isIdMissing =
      packet.clientId === '' && (packet.protocolVersion === 3 || (packet.protocolVersion === 4 && !packet.cleanStart));
    const reasonCodes = isIdMissing
      ? [ReasonCode.clientIdentifierNotValid]
      : packet.username === REFUSED_USER
        ? [ReasonCode.badUserNameOrPassword]
        : undefined;
    if (reasonCodes !== undefined)
      this.#answers.push({ type: 'connack', packetId: 0, reasonCodes, writes: [], change: this.#change });
  }

  #stepOpen(session: OracleSession, packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        this.publishesHandled += 1;
        this.#stepPublish(session, packet);
        return;
      case 'puback':
        this.#unfinished.delete(packet.packetId);
        session.finish(packet.packetId, 'done', this.#change);
        return;
      case 'pubrec':
        this.#stepPubrec(session, packet);
        return;
      case 'pubrel':
        session.releaseReceived(packet.packetId);
        this.#owe('pubcomp', packet.packetId, undefined);
        return;
      case 'pubcomp':
        this.#unfinished.delete(packet.packetId);
        session.finish(packet.packetId, 'done', this.#change);
        return;
      case 'subscribe': {
        const made: OracleSubscription[] = [];
        const codes = this.#oracle.subscribe(session, packet, made);
        this.#owe('suback', packet.packetId, codes, () => {
          for (const subscription of made) subscription.isAcknowledged = true;
        });
        return;
      }
      case 'unsubscribe':
        this.#owe('unsuback', packet.packetId, this.#oracle.unsubscribe(session, packet));
        return;
      case 'pingreq':
        this.#pings += 1;
        return;
      case 'disconnect':
        this.#goodbye = this.#change;
        this.#oracle.saidGoodbye(session, packet.reasonCode, packet.properties.sessionExpiryInterval);
        return;
    }
  }

  #owe(type: Packet['type'], packetId: number, reasonCodes: readonly number[] | undefined, then?: () => void): void {
    this.#answers.push({ type, packetId, reasonCodes, writes: this.writes, change: this.#change, then });
  }

  /** What the present step changes. */
  get #change(): Change {
    return this.#oracle.journal.current;
  }

  #stepPublish(session: OracleSession, packet: PublishPacket): void {
    const alias = packet.properties.topicAlias;
    if (alias !== undefined && packet.topic !== '') this.#aliasesIn.set(alias, packet.topic);
    const topic = packet.topic === '' ? (this.#aliasesIn.get(alias as number) as string) : packet.topic;
    const repeated = packet.qos === 2 ? session.received.get(packet.packetId) : undefined;
    if (repeated !== undefined) {
      this.#answers.push({ type: 'pubrec', packetId: packet.packetId, reasonCodes: [0], ...repeated });
      return;
    }
    const isDenied = this.#oracle.isDenied(topic);
    const said = this.#oracle.saidBy(session, packet, topic);
    const isWanted = !isDenied && this.#oracle.publish(said);
    if (packet.qos === 0) return;
    const reasonCode = isDenied
      ? ReasonCode.notAuthorized
      : isWanted
        ? ReasonCode.success
        : ReasonCode.noMatchingSubscribers;
    if (packet.qos === 2 && !isDenied)
      session.takeReceived(packet.packetId, { writes: this.writes, change: this.#change, said });
    this.#owe(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId, [reasonCode]);
  }

  #stepPubrec(session: OracleSession, packet: PublishAckPacket): void {
    const { packetId, reasonCode } = packet;
    if (reasonCode >= 0x80) {
      this.#unfinished.delete(packetId);
      session.finish(packetId, 'done', this.#change);
      return;
    }
    session.finish(packetId, 'received', this.#change);
    this.#owe('pubrel', packetId, undefined);
  }

  /** The broker says that this connection has its client. */
  connected(clientId: string, sessionPresent: boolean): void {
    const connect = this.connect as ConnectPacket;
    const { cleanStart, properties } = connect;
    const expiry =
      connect.protocolVersion === 5 ? (properties.sessionExpiryInterval ?? 0) : cleanStart ? 0 : 0xffffffff;
    const maximumPacketSize = properties.maximumPacketSize ?? PACKET_BYTES_MAX;
    const facts = {
      link: this.link.number,
      number: this.#world.sessionNumber(clientId),
      cleanStart,
      sessionExpiryInterval: expiry,
      will: connect.will,
      maximumPacketSize,
    };
    const { session, isResumed } = this.#oracle.connected(clientId, facts);
    this.#judge.check(
      isResumed === sessionPresent,
      'session-present',
      () => `${this.label}: session present ${sessionPresent} where ${isResumed} is right`,
    );
    this.session = session;
    this.#isResumed = isResumed;
    this.#answers.push({
      type: 'connack',
      packetId: 0,
      reasonCodes: [0],
      writes: [...this.writes],
      change: this.#change,
    });
    if (isResumed)
      for (const [packetId, one] of session.inflight) if (one.state === 'received') this.#releases.add(packetId);
  }

  /** The broker says that this connection has ended. */
  disconnected(): void {
    if (this.isOver) return;
    this.look();
    this.isOver = true;
    if (this.session?.link === this.link.number) this.#oracle.detached(this.session);
  }

  /** The broker closes its end of the connection. */
  closing(): void {
    if (this.#goodbye !== undefined) this.#goodbye.isAcknowledged = true;
  }

  /** The process of the broker has ended. */
  crashed(): void {
    this.isOver = true;
  }

  /** A breath of the broker is over. */
  afterEach(): void {
    this.look();
    this.#judge.check(this.isOver || !this.#hasGoneAway, 'one-owner', () => `${this.label} got DISCONNECT and goes on`);
  }

  written(bytes: Buffer): void {
    this.#written.push(Buffer.from(bytes));
  }

  /** Looks at what the broker has written. */
  look(): void {
    if (this.#written.length === 0) return;
    const chunks = this.#written;
    this.#written = [];
    for (const chunk of chunks) {
      this.#outgoing.push(chunk);
      for (;;) {
        let packet: Packet;
        try {
          if (!this.#outgoing.next()) break;
          const { bytes, start, bodyStart, end } = this.#outgoing;
          packet = decodePacket(this.version, 'client', bytes, start, bodyStart, end);
          this.#world.trace(this.link, '◀', packet);
          this.#checkSize(packet, end - start);
        } catch (error) {
          this.#judge.broken('well-formed', `${this.label}: ${(error as Error).message}`);
          return;
        }
        this.#sent(packet);
      }
    }
  }

  #checkSize(packet: Packet, size: number): void {
    const maximum = this.connect?.properties.maximumPacketSize ?? PACKET_BYTES_MAX;
    this.#judge.check(
      size <= maximum,
      'packet-size',
      () => `${this.label}: ${packet.type.toUpperCase()} has ${size} bytes, more than ${maximum}`,
    );
  }

  #sent(packet: Packet): void {
    this.packetsSent += 1;
    this.#judge.check(
      !this.#hasGoneAway,
      'answers-in-order',
      () => `${this.label}: ${packet.type.toUpperCase()} follows DISCONNECT`,
    );
    if (!this.#isConnected && packet.type !== 'connack') {
      this.#judge.broken(
        'answers-in-order',
        `${this.label}: ${packet.type.toUpperCase()} comes before CONNACK [MQTT-3.2.0-1]`,
      );
      return;
    }
    switch (packet.type) {
      case 'publish':
        this.#sentPublish(packet);
        return;
      case 'pingresp':
        this.#pings -= 1;
        this.#judge.check(this.#pings >= 0, 'answers-in-order', () => `${this.label}: PINGRESP nobody asked for`);
        return;
      case 'disconnect':
        this.#sentDisconnect();
        return;
      case 'connack':
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
      case 'suback':
      case 'unsuback':
        this.#sentAnswer(packet);
        return;
      default:
        this.#judge.broken('well-formed', `${this.label}: ${packet.type.toUpperCase()} from a broker`);
    }
  }

  #sentDisconnect(): void {
    this.#hasGoneAway = true;
    this.#judge.check(this.version === 5, 'well-formed', () => `${this.label}: DISCONNECT to a 3.x client`);
  }

  #sentAnswer(
    packet: Exclude<
      Packet,
      | PublishPacket
      | DisconnectPacket
      | { type: 'connect' | 'pingreq' | 'pingresp' | 'auth' | 'subscribe' | 'unsubscribe' }
    >,
  ): void {
    const packetId = packet.type === 'connack' ? 0 : packet.packetId;
    if (packet.type === 'pubrel' && this.#releases.delete(packetId)) return;
    // Who comes while it stops is sent away.
    if (packet.type === 'connack' && packet.reasonCode !== 0 && this.#world.isStopping) return;
    // A will for which there is no memory.
    if (packet.type === 'connack' && packet.reasonCode !== 0 && this.connect?.will !== undefined) {
      if (this.#world.isMemoryShort) return;
    }
    const owed = this.#answers[0];
    const text = `${packet.type.toUpperCase()} ${packetId}`;
    if (owed === undefined || owed.type !== packet.type || owed.packetId !== packetId) {
      this.#judge.broken(
        'answers-in-order',
        `${this.label}: ${text} where ${owed === undefined ? 'nothing' : `${owed.type.toUpperCase()} ${owed.packetId}`} was due`,
      );
      return;
    }
    this.#answers.shift();
    const awaited = AWAITED[packet.type];
    const missing = owed.writes.find(
      (write, index) =>
        awaited.includes(write.op) &&
        !endsReplay(write, owed.writes.slice(0, index)) &&
        !raisesMark(write, owed.writes.slice(0, index)) &&
        !this.#world.isCommitted(write),
    );
    this.#judge.check(
      missing === undefined,
      'durable-first',
      () => `${this.label}: ${text} leaves before its "${missing?.op}" is committed`,
    );
    if (packet.type === 'connack') this.#sentConnack(packet);
    this.#checkReasonCodes(packet, owed);
    owed.change.isAcknowledged = true;
    owed.then?.();
  }

  #sentConnack(packet: ConnackPacket): void {
    this.#isConnected = packet.reasonCode === 0;
    if (this.session !== undefined) this.session.isGreeted = this.#isConnected;
    const isPresent = this.#isResumed && this.version !== 3;
    this.#judge.check(
      packet.sessionPresent === isPresent,
      'session-present',
      () => `${this.label}: CONNACK with Session Present ${packet.sessionPresent}`,
    );
    if (packet.reasonCode === 0 && this.connect?.clientId === '' && this.version === 5)
      this.#judge.check(
        packet.properties.assignedClientIdentifier === this.session?.name.text,
        'session-present',
        () => `${this.label}: no Assigned Client Identifier`,
      );
  }

  #checkReasonCodes(packet: Packet, owed: Answer): void {
    if (owed.reasonCodes === undefined) return;
    const sent = 'reasonCodes' in packet ? packet.reasonCodes : 'reasonCode' in packet ? [packet.reasonCode] : [];
    let due = owed.reasonCodes;
    if (this.version !== 5) {
      if (packet.type === 'connack') due = due[0] === 0 ? [0] : sent[0] > 0 ? sent : [1];
      else if (packet.type === 'suback')
        due = due.map((code, index) => (code < 0x80 ? code : this.version === 3 ? sent[index] : 0x80));
      else due = packet.type === 'unsuback' ? [] : [0];
    }
    this.#judge.check(
      sameNumbers(sent, due),
      'answers-in-order',
      () => `${this.label}: ${packet.type.toUpperCase()} ${owed.packetId} with [${sent}] where [${due}] is right`,
    );
  }

  #sentPublish(packet: PublishPacket): void {
    const topic = this.#resolveTopic(packet);
    if (topic === undefined) return;
    const session = this.session as OracleSession;
    const found = packet.dup ? this.#findRepeated(session, packet, topic) : this.#findDue(session, packet, topic);
    if (found === undefined) return;
    this.#checkContent(packet, topic, found);
    this.#checkExpiry(packet, found);
    this.#checkOrder(session, packet, found);
    if (!packet.dup && !this.#mayCome(found))
      this.#judge.broken(
        'suback-first',
        `${this.label}: ${sayMessage(found.said)} comes before SUBACK${this.#sayGroups(keyOf(topic, packet.payload))}`,
      );
    found.hidesIdentifiers = this.version !== 5;
    if (packet.qos === 0) {
      found.state = 'done';
      return;
    }
    this.#checkDurable(session, packet, found);
    if (found.state === 'due') found.change = this.#changeOf(session, found);
    found.state = 'sent';
    found.packetId = packet.packetId;
    found.link = this.link.number;
    session.inflight.set(packet.packetId, found);
    this.#unfinished.add(packet.packetId);
    const window = Math.min(
      this.version === 5 ? (this.connect?.properties.receiveMaximum ?? 65_535) : 65_535,
      this.#world.limits.inflightMessagesMax,
    );
    this.#judge.check(
      this.#unfinished.size <= window,
      'receive-maximum',
      () => `${this.label}: ${this.#unfinished.size} messages are unfinished, more than ${window}`,
    );
  }

  /** What the queue entry of a delivery came with; undefined where there is none in the store. */
  #changeOf(session: OracleSession, { kind, qos, said, isStored }: Expectation): Change | undefined {
    const hasEntry = kind === 'live' ? isStored : session.isStored;
    if (!hasEntry) return undefined;
    if (qos === 2) return CERTAIN;
    return kind === 'live' ? said.change : this.#change;
  }

  #checkDurable(session: OracleSession, packet: PublishPacket, found: Expectation): void {
    if (packet.qos !== 2 || packet.dup || session.sessionExpiryInterval === 0) return;
    if (this.#world.isEnqueuePending(session, packet.packetId))
      this.#judge.broken(
        'durable-first',
        `${this.label}: PUBLISH ${packet.packetId} leaves at QoS 2 before its queue entry is committed: ${sayMessage(found.said)}`,
      );
  }

  #resolveTopic(packet: PublishPacket): string | undefined {
    const alias = packet.properties.topicAlias;
    if (alias === undefined) return packet.topic;
    const maximum = this.connect?.properties.topicAliasMaximum ?? 0;
    const known = this.#aliasesOut.get(alias);
    if (alias > maximum || packet.qos === 2 || packet.dup || (packet.topic === '' && known === undefined)) {
      this.#judge.broken(
        'topic-alias',
        `${this.label}: PUBLISH with Topic Alias ${alias} of ${maximum}, QoS ${packet.qos}${packet.dup ? ', DUP' : ''}, topic "${packet.topic}"`,
      );
      return undefined;
    }
    if (packet.topic !== '') this.#aliasesOut.set(alias, packet.topic);
    return this.#aliasesOut.get(alias);
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
          `${this.label}: PUBLISH ${packet.packetId} with DUP was not sent before: ${key} on "${topic}"`,
        );
      return lost;
    }
    if (keyOf(before.said.topic, before.said.payload) !== key || before.qos !== packet.qos) {
      this.#judge.broken(
        'packet-identifiers',
        `${this.label}: PUBLISH ${packet.packetId} with DUP is not ${sayMessage(before.said)} but ${key} on "${topic}"`,
      );
      return undefined;
    }
    this.#judge.check(
      before.state === 'sent',
      'exactly-once',
      () => `${this.label}: PUBLISH ${packet.packetId} is sent again after PUBREC`,
    );
    this.#judge.check(
      before.link !== this.link.number,
      'exactly-once',
      () => `${this.label}: PUBLISH ${packet.packetId} is sent again on the same connection [MQTT-4.4.0-1]`,
    );
    return before;
  }

  #findDue(session: OracleSession, packet: PublishPacket, topic: string): Expectation | undefined {
    const key = keyOf(topic, packet.payload);
    if (packet.qos > 0 && session.inflight.has(packet.packetId)) {
      this.#judge.broken(
        'packet-identifiers',
        `${this.label}: Packet Identifier ${packet.packetId} is in use [MQTT-2.2.1-4]`,
      );
      return undefined;
    }
    const all = session.expected.get(key) ?? [];
    const due = all.filter((one) => one.state === 'due' && this.#isLike(one, packet));
    // The same payload may have been published twice, after a lost PUBACK: the copy that fits is meant.
    due.sort((a, b) => Number(this.#fits(session, b, packet)) - Number(this.#fits(session, a, packet)));
    const known = due.filter((one) => this.#mayCome(one));
    const found =
      known.find(isUnexcused) ?? this.#takeShared(session, packet, key) ?? known[0] ?? due.find(isUnexcused) ?? due[0];
    if (found !== undefined) return found;
    const finished = all.find((one) => one.state !== 'due' && this.#isLike(one, packet));
    const what = `${key} on "${topic}" at QoS ${packet.qos}, RETAIN ${packet.retain ? 1 : 0}, identifiers [${packet.properties.subscriptionIdentifiers ?? []}]${this.#sayGroups(key)}`;
    const expected = all
      .map((one) => `${one.kind} QoS ${one.qos} RETAIN ${one.retain ? 1 : 0} [${one.identifiers}] ${one.state}`)
      .join('; ');
    if (finished !== undefined && finished.state !== 'void')
      this.#judge.broken('exactly-once', `${this.label}: again ${what}; expected were: ${expected}`);
    else this.#judge.broken('only-what-was-asked', `${this.label}: ${what}; expected were: ${expected || 'nothing'}`);
    return undefined;
  }

  #sayGroups(key: string): string {
    const groups = this.#oracle.groups.of(key);
    const texts = groups.map(({ filter, taker, members }) => {
      const names = [...members.keys()].map((member) => (member as OracleSession).name.text);
      return `${filter} of ${names}${taker === undefined ? '' : `, taken by ${(taker.session as OracleSession).name.text}`}`;
    });
    return texts.length === 0 ? '' : ` (${texts.join('; ')})`;
  }

  /** After its SUBACK; a store that answers later may let a live one go first. */
  #mayCome({ kind, subscriptions }: Expectation): boolean {
    return (
      subscriptions.some(({ isAcknowledged }) => isAcknowledged) || (kind !== 'retained' && !this.#world.isSynchronous)
    );
  }

  /** Whether neither expiry nor order speak against it. */
  #fits(session: OracleSession, { said, qos, kind }: Expectation, packet: PublishPacket): boolean {
    if (said.expiresAtMs !== undefined && !packet.dup && !this.#mayHaveWaited(said)) {
      const restMs = said.expiresAtMs - this.#world.nowMs();
      if (restMs <= 0 && said.atMs < this.#world.nowMs()) return false;
      if (this.version === 5 && packet.properties.messageExpiryInterval !== Math.max(1, Math.floor(restMs / 1000)))
        return false;
    }
    const order = orderKey(said, qos);
    return kind !== 'live' || Math.max(this.#lastSent.get(order) ?? 0, session.lastSent.get(order) ?? 0) < said.number;
  }

  #isLike(one: Expectation, packet: PublishPacket): boolean {
    if (one.qos !== packet.qos || one.retain !== packet.retain) return false;
    if (this.version !== 5) return true;
    const identifiers = [...(packet.properties.subscriptionIdentifiers ?? [])].sort((a, b) => a - b);
    return sameNumbers(one.identifiers, identifiers);
  }

  /** Nobody sees through which of several groups a message came: takers may change places. */
  #takeShared(session: OracleSession, packet: PublishPacket, key: string): Expectation | undefined {
    const groups = this.#oracle.groups.of(key);
    let best: { group: GroupExpectation; shared: Expectation } | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const group of groups)
      for (const subscription of group.members.get(session) ?? []) {
        const shared = sharedExpectation(session, group, subscription);
        if (!this.#isLike(shared, packet)) continue;
        const rank =
          (this.#mayCome(shared) ? 0 : 4) +
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

  #checkContent(packet: PublishPacket, topic: string, { said }: Expectation): void {
    const isSame =
      topic === said.topic &&
      Buffer.compare(packet.payload, said.payload) === 0 &&
      (this.version !== 5 || sayProperties(packet.properties) === sayProperties(said.properties));
    if (!isSame)
      this.#judge.broken(
        'as-published',
        `${this.label}: ${sayMessage(said)} came changed: "${topic}", ${packet.payload.length} bytes, ${sayProperties(packet.properties)} instead of ${sayProperties(said.properties)}`,
      );
  }

  #checkExpiry(packet: PublishPacket, { said }: Expectation): void {
    const interval = packet.properties.messageExpiryInterval;
    if (said.expiresAtMs === undefined) {
      this.#judge.check(interval === undefined, 'expiry', () => `${this.label}: a Message Expiry Interval nobody set`);
      return;
    }
    const restMs = said.expiresAtMs - this.#world.nowMs();
    if (packet.dup || this.#mayHaveWaited(said)) return;
    const isZero = said.properties.messageExpiryInterval === 0 && said.atMs === this.#world.nowMs();
    this.#judge.check(
      restMs > 0 || isZero,
      'expiry',
      () => `${this.label}: ${sayMessage(said)} leaves ${-restMs} ms after its expiry [MQTT-3.3.2-5]`,
    );
    const due = Math.max(1, Math.floor(restMs / 1000));
    if (this.version === 5)
      this.#judge.check(
        interval === due,
        'expiry',
        () => `${this.label}: the Message Expiry Interval is ${interval} where ${due} is right [MQTT-3.3.2-6]`,
      );
  }

  /** In the outbox, while the wire was full. */
  #mayHaveWaited({ atMs }: Said): boolean {
    return this.link.server.isFull || this.link.server.lastFullMs >= atMs;
  }

  #checkOrder(session: OracleSession, packet: PublishPacket, found: Expectation): void {
    const { said } = found;
    // One empty payload is like another.
    if (said.payload.length === 0) return;
    if (packet.dup) {
      // Perhaps sent before a crash, or dropped and not forgotten in time: it stands where the queue has it.
      if (found.sentOrder === 0) found.sentOrder = this.#lastResent;
      this.#judge.check(
        found.sentOrder >= this.#lastResent,
        'order',
        () => `${this.label}: ${sayMessage(said)} is re-sent after one that was sent later [MQTT-4.6.0-1]`,
      );
      this.#lastResent = found.sentOrder;
    } else found.sentOrder = this.#world.nextOrder();
    if (found.kind !== 'live' || this.#isShared(session, found)) return;
    const key = orderKey(said, found.qos);
    this.#judge.check(
      (this.#lastSent.get(key) ?? 0) < said.number,
      'order',
      () => `${this.label}: ${sayMessage(said)} comes after message number ${this.#lastSent.get(key)} [MQTT-4.6.0-6]`,
    );
    this.#lastSent.set(key, said.number);
    if (packet.dup) return;
    this.#judge.check(
      (session.lastSent.get(key) ?? 0) < said.number,
      'order',
      () =>
        `${this.label}: ${sayMessage(said)} comes after message number ${session.lastSent.get(key)} of an earlier connection`,
    );
    session.lastSent.set(key, said.number);
  }

  #isShared(session: OracleSession, { said }: Expectation): boolean {
    return this.#oracle.groups
      .of(keyOf(said.topic, said.payload))
      .some((group) => group.members.has(session) || group.excuse !== undefined);
  }
}

/** What stays in order: messages of one publisher, topic and QoS. */
function orderKey(said: Said, qos: number): string {
  return `${said.publisher.text} ${said.topic} ${said.qos} ${qos}`;
}

function isUnexcused(one: Expectation): boolean {
  return one.excuse === undefined;
}

/** The properties that go on to subscribers, in a form that can be compared. */
function sayProperties(properties: Properties): string {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  const correlation = correlationData === undefined ? undefined : Buffer.from(correlationData).toString('hex');
  return JSON.stringify([payloadFormatIndicator, contentType, responseTopic, correlation, userProperties]);
}
