/**
 * Watches one connection from the broker's side of the wire: tells the oracle what comes in, holds what goes out
 * against what the oracle expects and against the rules of the packet exchange.
 */
import type { Write } from '@dunlin/broker';
import {
  type ConnackPacket,
  type ConnectPacket,
  decodeConnect,
  decodePacket,
  FrameReader,
  type Packet,
  type ProtocolVersion,
  type PublishAckPacket,
  type PublishPacket,
  ReasonCode,
} from '@dunlin/protocol';
import type { OracleSubscription } from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import type { Change } from './journal.ts';
import type { Link } from './network.ts';
import type { Observed, ObservedConnection } from './observed.ts';
import type { Oracle } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import { OwedAnswers } from './owed-answers.ts';
import { SentPublishes } from './sent-publishes.ts';

const PACKET_BYTES_MAX = 268_435_460;
/** User name of clients that the authenticator refuses. */
export const REFUSED_USER = 'refused';

export class Observer implements ObservedConnection {
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
  readonly #answers: OwedAnswers;
  readonly #publishes: SentPublishes;
  /** Topic Aliases of the client. */
  readonly #aliases = new Map<number, string>();
  /** Writes that the step under way has caused. */
  writes: Write[] = [];

  constructor(link: Link, world: Observed) {
    this.link = link;
    this.#world = world;
    this.#oracle = world.oracle;
    this.#judge = world.judge;
    this.#answers = new OwedAnswers(this, world);
    this.#publishes = new SentPublishes(this, world);
    this.lastReceivedMs = world.nowMs();
  }

  get label(): string {
    return `link ${this.link.number}${this.connect === undefined ? '' : ` ("${this.session?.name.text ?? this.connect.clientId}", ${this.version})`}`;
  }

  /** Answers that have not left. */
  get owed(): string[] {
    return this.#answers.texts;
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
      this.#answers.owe({ type: 'connack', packetId: 0, reasonCodes, writes: [], change: this.#change });
  }

  #stepOpen(session: OracleSession, packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        this.publishesHandled += 1;
        this.#stepPublish(session, packet);
        return;
      case 'puback':
        this.#publishes.finished(packet.packetId);
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
        this.#publishes.finished(packet.packetId);
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
        this.#answers.owePingresp();
        return;
      case 'disconnect':
        this.#goodbye = this.#change;
        this.#oracle.saidGoodbye(session, packet.reasonCode, packet.properties.sessionExpiryInterval);
        return;
    }
  }

  #owe(type: Packet['type'], packetId: number, reasonCodes: readonly number[] | undefined, then?: () => void): void {
    this.#answers.owe({ type, packetId, reasonCodes, writes: this.writes, change: this.#change, then });
  }

  /** What the present step changes. */
  get #change(): Change {
    return this.#oracle.journal.current;
  }

  #stepPublish(session: OracleSession, packet: PublishPacket): void {
    const alias = packet.properties.topicAlias;
    if (alias !== undefined && packet.topic !== '') this.#aliases.set(alias, packet.topic);
    const topic = packet.topic === '' ? (this.#aliases.get(alias as number) as string) : packet.topic;
    const repeated = packet.qos === 2 ? session.received.get(packet.packetId) : undefined;
    if (repeated !== undefined) {
      this.#answers.owe({ type: 'pubrec', packetId: packet.packetId, reasonCodes: [0], ...repeated });
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
      this.#publishes.finished(packetId);
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
    this.#answers.owe({
      type: 'connack',
      packetId: 0,
      reasonCodes: [0],
      writes: [...this.writes],
      change: this.#change,
    });
    if (isResumed) this.#answers.oweReleases(session);
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
        this.#publishes.sent(packet);
        return;
      case 'pingresp':
        this.#answers.sentPingresp();
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
        if (this.#answers.sent(packet) && packet.type === 'connack') this.#sentConnack(packet);
        return;
      default:
        this.#judge.broken('well-formed', `${this.label}: ${packet.type.toUpperCase()} from a broker`);
    }
  }

  #sentDisconnect(): void {
    this.#hasGoneAway = true;
    this.#judge.check(this.version === 5, 'well-formed', () => `${this.label}: DISCONNECT to a 3.x client`);
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
}
