/** A scripted client for tests: it sends what it is told, right or wrong, and keeps what comes, packet by packet. */
import {
  type ConnackPacket,
  type ConnectPacket,
  decodePacket,
  encodePacket,
  FrameReader,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type PublishAckPacket,
  type PublishPacket,
  type QoS,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
} from '@dunlin/protocol';
import type { MemoryOptions, MemoryWire, WireHandler } from '@dunlin/transport';
import type { World } from './world.ts';

/** What a test says of its CONNECT; the rest is the least that is valid. */
export interface TestConnect extends Partial<Omit<ConnectPacket, 'type'>> {
  readonly wire?: MemoryOptions;
}

/** What a test says of its PUBLISH. */
export interface TestPublish {
  readonly payload?: string | Uint8Array;
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetId?: number;
  readonly properties?: Properties;
}

/** What a test says of a subscription, with its Subscription Identifier. */
export type TestSubscribe = Partial<SubscriptionRequest> & { readonly identifier?: number };

export type PacketOf<T extends Packet['type']> = T extends PublishAckPacket['type']
  ? PublishAckPacket
  : Extract<Packet, { type: T }>;

export class TestClient implements WireHandler {
  readonly wire: MemoryWire;
  readonly version: ProtocolVersion;
  /** What came and was not taken, oldest first. */
  readonly packets: Packet[] = [];
  /** Every byte that came. */
  bytesReceived = 0;
  isClosed = false;
  readonly #world: World;
  readonly #reader = new FrameReader(268_435_460);
  #packetId = 0;

  constructor(world: World, wire: MemoryWire, version: ProtocolVersion) {
    this.#world = world;
    this.wire = wire;
    this.version = version;
    wire.open(this);
  }

  received(chunk: Buffer): void {
    this.bytesReceived += chunk.length;
    this.#reader.push(Buffer.from(chunk));
    while (this.#reader.next()) {
      const { bytes, start, bodyStart, end } = this.#reader;
      this.packets.push(decodePacket(this.version, 'client', bytes, start, bodyStart, end));
    }
  }

  ended(): void {}

  drained(): void {}

  closed(): void {
    this.isClosed = true;
  }

  /** Writes bytes without giving a turn. */
  write(...parts: readonly (Packet | Uint8Array)[]): void {
    this.wire.write(
      Buffer.concat(parts.map((part) => (part instanceof Uint8Array ? part : encodePacket(part, this.version)))),
    );
  }

  /** Writes packets or raw bytes in one piece and lets them be handled. */
  send(...parts: readonly (Packet | Uint8Array)[]): void {
    this.write(...parts);
    this.#world.run();
  }

  connect(options: TestConnect = {}): void {
    this.send(this.connectPacket(options));
  }

  connectPacket(options: TestConnect = {}): ConnectPacket {
    const { wire: _wire, ...fields } = options;
    return {
      type: 'connect',
      protocolVersion: this.version,
      bridge: false,
      clientId: 'client',
      cleanStart: true,
      keepAlive: 0,
      properties: {},
      ...fields,
    };
  }

  /** CONNECT and its answer. */
  handshake(options: TestConnect = {}): ConnackPacket {
    this.connect(options);
    return this.take('connack');
  }

  publishPacket(topic: string, options: TestPublish = {}): PublishPacket {
    const { payload = 'payload', qos = 0, retain = false, dup = false, properties = {} } = options;
    const packetId = qos === 0 ? 0 : (options.packetId ?? this.nextPacketId());
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    return { type: 'publish', topic, qos, retain, dup, packetId, properties, payload: bytes };
  }

  /** Sends PUBLISH; returns its Packet Identifier. */
  publish(topic: string, options: TestPublish = {}): number {
    const packet = this.publishPacket(topic, options);
    this.send(packet);
    return packet.packetId;
  }

  subscribePacket(filter: string, options: TestSubscribe = {}): SubscribePacket {
    const { identifier, ...rest } = options;
    const properties = identifier === undefined ? {} : { subscriptionIdentifiers: [identifier] };
    const request = {
      filter,
      qos: 0 as QoS,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
      ...rest,
    };
    return { type: 'subscribe', packetId: this.nextPacketId(), properties, subscriptions: [request] };
  }

  /** Sends SUBSCRIBE with one filter and takes SUBACK. */
  subscribe(filter: string, options: TestSubscribe = {}): SubackPacket {
    this.send(this.subscribePacket(filter, options));
    return this.take('suback');
  }

  /** Sends one of PUBACK, PUBREC, PUBREL, PUBCOMP. */
  acknowledge(type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', packetId: number, reasonCode = 0): void {
    this.send({ type, packetId, reasonCode, properties: {} });
  }

  disconnect(reasonCode = 0, properties: Properties = {}): void {
    this.send({ type: 'disconnect', reasonCode, properties });
  }

  /** Breaks the network connection. */
  break(): void {
    this.wire.fail(new Error('broken by the test'));
    this.#world.run();
  }

  nextPacketId(): number {
    this.#packetId = (this.#packetId % 65_535) + 1;
    return this.#packetId;
  }

  /** Takes the oldest packet, which must be of the type. */
  take<T extends Packet['type']>(type: T): PacketOf<T> {
    const packet = this.packets.shift();
    if (packet?.type !== type)
      throw new Error(`expected ${type}, found ${packet === undefined ? 'nothing' : JSON.stringify(packet)}`);
    return packet as PacketOf<T>;
  }

  /** Takes everything. */
  takeAll(): Packet[] {
    return this.packets.splice(0);
  }

  /** Takes everything and sends the answers that it wants, in one piece; returns the PUBLISH packets. */
  answerAll(): PublishPacket[] {
    const publishes: PublishPacket[] = [];
    const answers: PublishAckPacket[] = [];
    const answer = (type: PublishAckPacket['type'], packetId: number) =>
      answers.push({ type, packetId, reasonCode: 0, properties: {} });
    for (const packet of this.takeAll()) {
      if (packet.type === 'pubrel') answer('pubcomp', packet.packetId);
      if (packet.type === 'pubrec') answer('pubrel', packet.packetId);
      if (packet.type !== 'publish') continue;
      publishes.push(packet);
      if (packet.qos > 0) answer(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
    }
    if (answers.length > 0) this.send(...answers);
    return publishes;
  }

  /** Takes everything and returns the payloads of the PUBLISH packets as text. */
  takePayloads(): string[] {
    return this.takeAll().flatMap((packet) =>
      packet.type === 'publish' ? [Buffer.from(packet.payload).toString()] : [],
    );
  }
}
