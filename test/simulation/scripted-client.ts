/**
 * A client that keeps to the standard, in whatever version: its own small QoS state machine on the codec.
 *
 * It does what its script tells it; what it gets it hands to `arrived`. It keeps its half of the session state between
 * connections, and drops it when the broker has dropped the other half.
 */
import {
  type ConnackPacket,
  type ConnectPacket,
  decodePacket,
  encodePacket,
  FrameReader,
  NO_PROPERTIES,
  type Packet,
  type ProtocolVersion,
  type PublishPacket,
  type SubscriptionRequest,
} from '@dunlin/protocol';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import type { Link } from './network.ts';

/** A PUBLISH of ours that is not finished. */
interface Unfinished {
  packet: PublishPacket;
  isReleased: boolean;
  /** On the present connection. */
  isSent: boolean;
}

export interface ClientHost {
  readonly time: VirtualTime;
  /** Makes a link and hands its other end to the broker. */
  dial(): Link;
  /** The application behind a client gets a message. */
  arrived(link: Link, clientId: string, packet: PublishPacket, topic: string): void;
}

const PACKET_BYTES_MAX = 268_435_460;

export class ScriptedClient {
  readonly random: SeededRandom;
  readonly #host: ClientHost;
  /** Empty until an identifier was assigned. */
  clientId: string;
  version: ProtocolVersion;
  link: Link | undefined = undefined;
  /** CONNACK with success has come on the present link. */
  isConnected = false;
  #connect: ConnectPacket | undefined = undefined;
  #reader = new FrameReader(PACKET_BYTES_MAX);
  readonly #out = new Map<number, Unfinished>();
  readonly #received = new Set<number>();
  #waiting: PublishPacket[] = [];
  #nextId = 0;
  readonly #requests = new Set<number>();
  #serverWindow: number;
  readonly #window: number;
  #aliasMaximum = 0;
  #aliasesOut = new Map<string, number>();
  #aliasesIn = new Map<number, string>();
  /** Acknowledgements held back while `isSlow`. */
  #held: Packet[] = [];
  isSlow = false;
  /** It has dropped its half of the session and the broker may not know. */
  owesCleanStart = false;
  /** The largest packet the broker takes. */
  serverPacketMax = PACKET_BYTES_MAX;
  keepAliveS = 0;

  /** `window`: unfinished messages at the most, whatever the broker allows. */
  constructor(clientId: string, version: ProtocolVersion, random: SeededRandom, host: ClientHost, window: number) {
    this.#window = window;
    this.#serverWindow = window;
    this.clientId = clientId;
    this.version = version;
    this.random = random;
    this.#host = host;
  }

  /** Whether the client has nothing under way. */
  get isIdle(): boolean {
    return this.#out.size === 0 && this.#waiting.length === 0 && this.#requests.size === 0 && this.#held.length === 0;
  }

  get unfinished(): string {
    return `${this.#out.size} unfinished, ${this.#waiting.length} waiting, ${this.#requests.size} requests`;
  }

  /** Opens a connection; a former one is left to itself. */
  connect(packet: ConnectPacket): void {
    if (packet.cleanStart) {
      this.#forget();
      this.owesCleanStart = true;
    }
    this.version = packet.protocolVersion;
    this.#connect = packet;
    this.#reader = new FrameReader(PACKET_BYTES_MAX);
    this.isConnected = false;
    this.#aliasesOut = new Map();
    this.#aliasesIn = new Map();
    this.#aliasMaximum = 0;
    this.#held = [];
    this.keepAliveS = packet.keepAlive;
    const link = this.#host.dial();
    this.link = link;
    link.client.open({
      received: (chunk) => this.#chunk(link, chunk),
      ended: () => {
        link.client.close();
        this.#gone(link);
      },
      drained: () => {},
      closed: () => this.#gone(link),
    });
    this.send(packet);
  }

  #gone(link: Link): void {
    if (this.link !== link) return;
    this.link = undefined;
    this.isConnected = false;
  }

  /** Lets go of the connection without a word, as another program with the same identifier would. */
  abandon(): void {
    this.link = undefined;
    this.isConnected = false;
  }

  send(packet: Packet): void {
    this.link?.client.write(Buffer.from(encodePacket(packet, this.version)));
  }

  #forget(): void {
    this.#out.clear();
    this.#received.clear();
    this.#requests.clear();
    this.#waiting = [];
    this.#held = [];
  }

  #chunk(link: Link, chunk: Uint8Array): void {
    if (this.link !== link) return;
    this.#reader.push(chunk);
    while (this.link === link && this.#reader.next()) {
      const { bytes, start, bodyStart, end } = this.#reader;
      this.#handle(link, decodePacket(this.version, 'client', bytes, start, bodyStart, end));
    }
  }

  #handle(link: Link, packet: Packet): void {
    switch (packet.type) {
      case 'connack':
        this.#connack(link, packet);
        return;
      case 'publish':
        this.#publish(link, packet);
        return;
      case 'puback':
        this.#finished(packet.packetId);
        return;
      case 'pubrec':
        this.#pubrec(packet.packetId, packet.reasonCode);
        return;
      case 'pubrel':
        this.#received.delete(packet.packetId);
        this.#acknowledge('pubcomp', packet.packetId, 0);
        return;
      case 'pubcomp':
        this.#finished(packet.packetId);
        return;
      case 'suback':
      case 'unsuback':
        this.#requests.delete(packet.packetId);
    }
  }

  #connack(link: Link, packet: ConnackPacket): void {
    if (packet.reasonCode !== 0) {
      link.client.close();
      this.#gone(link);
      return;
    }
    this.isConnected = true;
    this.owesCleanStart = false;
    const { properties } = packet;
    if (properties.assignedClientIdentifier !== undefined) this.clientId = properties.assignedClientIdentifier;
    this.#serverWindow = Math.min(this.#window, properties.receiveMaximum ?? this.#window);
    this.#aliasMaximum = properties.topicAliasMaximum ?? 0;
    this.serverPacketMax = properties.maximumPacketSize ?? PACKET_BYTES_MAX;
    if (this.#connect?.cleanStart === true) {
      this.#pump();
      return;
    }
    this.#requests.clear();
    if (!packet.sessionPresent && this.version !== 3) {
      this.#out.clear();
      this.#received.clear();
    }
    for (const one of this.#out.values()) one.isSent = false;
    this.#sendAgain();
    this.#pump();
  }

  #publish(link: Link, packet: PublishPacket): void {
    const alias = packet.properties.topicAlias;
    if (alias !== undefined && packet.topic !== '') this.#aliasesIn.set(alias, packet.topic);
    const topic = packet.topic === '' ? (this.#aliasesIn.get(alias ?? 0) ?? '') : packet.topic;
    const isNew = packet.qos < 2 || !this.#received.has(packet.packetId);
    // Now and then a 5.0 client does not take a message.
    const reasonCode = this.version === 5 && packet.qos > 0 && isNew && this.random.chance(0.02) ? 0x80 : 0;
    if (isNew && reasonCode === 0) this.#host.arrived(link, this.clientId, packet, topic);
    if (packet.qos === 2 && reasonCode === 0) this.#received.add(packet.packetId);
    if (packet.qos > 0) this.#acknowledge(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId, reasonCode);
  }

  #acknowledge(type: 'puback' | 'pubrec' | 'pubcomp', packetId: number, reasonCode: number): void {
    const packet: Packet = { type, packetId, reasonCode, properties: NO_PROPERTIES };
    if (this.isSlow) this.#held.push(packet);
    else this.send(packet);
  }

  /** Sends the acknowledgements held back, in order. */
  catchUp(): void {
    this.isSlow = false;
    for (const packet of this.#held) this.send(packet);
    this.#held = [];
  }

  #pubrec(packetId: number, reasonCode: number): void {
    const one = this.#out.get(packetId);
    if (reasonCode >= 0x80 || one === undefined) {
      this.#finished(packetId);
      return;
    }
    one.isReleased = true;
    this.send({ type: 'pubrel', packetId, reasonCode: 0, properties: NO_PROPERTIES });
  }

  #finished(packetId: number): void {
    this.#out.delete(packetId);
    this.#pump();
  }

  /** Publishes now, or when the window allows. `packet` has no identifier yet. */
  publish(packet: PublishPacket): void {
    if (packet.qos === 0) {
      this.send(this.#aliased(packet));
      return;
    }
    this.#waiting.push(packet);
    this.#pump();
  }

  /** PUBRELs at once, PUBLISHes in order as the window allows. */
  #sendAgain(): void {
    let sent = 0;
    for (const { isSent } of this.#out.values()) if (isSent) sent += 1;
    for (const [packetId, one] of this.#out) {
      if (one.isSent || (!one.isReleased && sent >= this.#serverWindow)) continue;
      one.isSent = true;
      sent += 1;
      if (one.packet.qos === 1) one.packet = renamed(one.packet);
      const again = one.packet;
      if (one.isReleased) this.send({ type: 'pubrel', packetId, reasonCode: 0, properties: NO_PROPERTIES });
      else this.send({ ...again, dup: true, properties: this.version === 5 ? again.properties : NO_PROPERTIES });
    }
  }

  #pump(): void {
    if (this.isConnected) this.#sendAgain();
    while (this.link !== undefined && this.#waiting.length > 0 && this.#out.size < this.#serverWindow) {
      const packet: PublishPacket = { ...(this.#waiting.shift() as PublishPacket), packetId: this.#identifier() };
      this.#out.set(packet.packetId, { packet, isReleased: false, isSent: true });
      this.send(this.#aliased(packet));
    }
  }

  /** The same PUBLISH with a Topic Alias, new, changed or known, as the dice say. */
  #aliased(packet: PublishPacket): PublishPacket {
    if (this.version !== 5 || !this.isConnected || this.#aliasMaximum === 0 || !this.random.chance(0.4)) return packet;
    const known = this.#aliasesOut.get(packet.topic);
    if (known !== undefined && this.random.chance(0.8))
      return { ...packet, topic: '', properties: { ...packet.properties, topicAlias: known } };
    const alias = this.random.between(1, Math.min(4, this.#aliasMaximum));
    for (const [topic, other] of this.#aliasesOut) if (other === alias) this.#aliasesOut.delete(topic);
    this.#aliasesOut.set(packet.topic, alias);
    return { ...packet, properties: { ...packet.properties, topicAlias: alias } };
  }

  #identifier(): number {
    do this.#nextId = this.#nextId === 65_535 ? 1 : this.#nextId + 1;
    while (this.#out.has(this.#nextId) || this.#requests.has(this.#nextId));
    return this.#nextId;
  }

  subscribe(subscriptions: readonly SubscriptionRequest[], identifier: number): void {
    const packetId = this.#identifier();
    this.#requests.add(packetId);
    const properties = this.version === 5 && identifier > 0 ? { subscriptionIdentifiers: [identifier] } : NO_PROPERTIES;
    this.send({ type: 'subscribe', packetId, properties, subscriptions });
  }

  unsubscribe(filters: readonly string[]): void {
    const packetId = this.#identifier();
    this.#requests.add(packetId);
    this.send({ type: 'unsubscribe', packetId, properties: NO_PROPERTIES, filters });
  }

  /** Says goodbye and closes. */
  disconnect(reasonCode: number, sessionExpiryInterval: number | undefined): void {
    const { link } = this;
    if (link === undefined) return;
    const properties =
      sessionExpiryInterval === undefined || this.version !== 5 ? NO_PROPERTIES : { sessionExpiryInterval };
    this.send({ type: 'disconnect', reasonCode, properties });
    this.abandon();
    link.client.close();
  }

  /** What it may ask for in DISCONNECT: an expiry of 0 may not be raised. */
  get mayChangeExpiry(): boolean {
    return this.version === 5 && (this.#connect?.properties.sessionExpiryInterval ?? 0) > 0;
  }
}

/**
 * The same PUBLISH under another number. A broker takes a QoS 1 PUBLISH that is sent again for a new message; who watches
 * could not tell the two apart.
 */
function renamed(packet: PublishPacket): PublishPacket {
  const text = Buffer.from(packet.payload).toString('latin1');
  const colon = text.indexOf(':');
  return colon < 0
    ? packet
    : { ...packet, payload: Buffer.from(`${text.slice(0, colon)}'${text.slice(colon)}`, 'latin1') };
}
