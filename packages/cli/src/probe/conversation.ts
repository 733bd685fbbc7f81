/** One connection of a probe: packets one by one, so that a check decides what is said and when. */

import type { ClientWire } from '@dunlin/client';
import { reasonCodeOfReturnCode } from '@dunlin/client';
import {
  type ClientPacket,
  type ConnackPacket,
  type ConnectPacket,
  checkUtf8,
  type DisconnectPacket,
  decodeServerPacket,
  FrameReader,
  NO_PROPERTIES,
  type Packet,
  PacketWriter,
  type Properties,
  type MqttError as ProtocolError,
  type ProtocolVersion,
  type PublishPacket,
  type QoS,
  type SubscriptionRequest,
  writeClientPacket,
} from '@dunlin/protocol';
import { Obstacle, refusal } from './obstacle.ts';

/** What a check publishes. */
export interface Publishing {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: Properties;
}

/** Who sees the packets. */
export interface Onlookers {
  readonly sent: (packet: Packet) => void;
  readonly received: (packet: Packet) => void;
}

type PacketOf<Type extends Packet['type'], One extends Packet = Packet> = One extends Packet
  ? Type extends One['type']
    ? One
    : never
  : never;

/** The server has so long to say something of its own before nothing counts as its answer. */
const QUIET_MS = 300;

/** Packets that may wait for somebody, and their payloads by the largest packet: a server cannot fill the memory. */
const CAME_MAX = 10_000;
const CAME_PACKETS_MAX = 4;

/** An open connection, whether CONNECT was sent or not. */
export class Conversation {
  readonly version: ProtocolVersion;
  /** False: what comes at QoS 1 and 2 stays without an answer. */
  isAcknowledging = true;
  /** Of the server, once it came. */
  disconnect: DisconnectPacket | undefined;
  /** Undefined while the connection is open. */
  ended: string | undefined;
  readonly #wire: ClientWire;
  readonly #reader: FrameReader;
  readonly #onlookers: Onlookers;
  readonly #signal: AbortSignal;
  readonly #gone = Promise.withResolvers<void>();
  #came: Packet[] = [];
  #wake: (() => void)[] = [];
  /** Of payloads that wait. */
  #cameBytes = 0;
  readonly #cameBytesMax: number;
  #packetId = 0;
  /** Of an end that has one without DISCONNECT. */
  #reasonCode: number | undefined;

  /** Opens the wire. When the signal comes, whatever is waited for ends with an obstacle. */
  constructor(
    wire: ClientWire,
    version: ProtocolVersion,
    packetBytesMax: number,
    signal: AbortSignal,
    onlookers: Onlookers,
  ) {
    this.version = version;
    this.#wire = wire;
    this.#reader = new FrameReader(packetBytesMax);
    this.#cameBytesMax = CAME_PACKETS_MAX * packetBytesMax;
    this.#signal = signal;
    this.#onlookers = onlookers;
    signal.addEventListener('abort', () => this.#notify());
    wire.open({
      received: (chunk) => this.#received(chunk),
      ended: () => this.#end('the server closed the connection'),
      drained: () => {},
      closed: (error) => {
        this.#end(error === undefined ? 'the connection was closed' : error.message);
        this.#gone.resolve();
      },
    });
  }

  /** Sends CONNECT and settles with an accepting CONNACK. */
  async begin(packet: ConnectPacket): Promise<ConnackPacket> {
    this.send(packet);
    const connack = await this.packet('connack', 'CONNECT');
    const code = this.version === 5 ? connack.reasonCode : reasonCodeOfReturnCode(connack.reasonCode);
    if (code !== 0) throw refusal('CONNECT', code, connack, connack.properties);
    return connack;
  }

  /** Nothing where the connection has ended. */
  send(packet: ClientPacket): void {
    if (this.ended !== undefined) return;
    const writer = new PacketWriter();
    writeClientPacket(writer, packet, this.version);
    this.#onlookers.sent(packet);
    // Every transport takes any Uint8Array; the type says Buffer because Node's reads give one.
    this.#wire.write(writer.bytes.subarray(0, writer.length) as Buffer);
  }

  /** The next packet of a type, and of an identifier if given; `what` it answers is for the obstacle. */
  async packet<Type extends Packet['type']>(type: Type, what: string, packetId?: number): Promise<PacketOf<Type>> {
    for (;;) {
      const at = this.#came.findIndex(
        (packet) =>
          packet.type === type && (packetId === undefined || (packet as { packetId: number }).packetId === packetId),
      );
      if (at >= 0) {
        const [packet] = this.#came.splice(at, 1);
        this.#cameBytes -= payloadBytes(packet);
        return packet as PacketOf<Type>;
      }
      this.#checkOpen(what);
      await this.#news();
    }
  }

  /** The next message; waits for it. */
  message(what = 'waiting for the message'): Promise<PublishPacket> {
    return this.packet('publish', what);
  }

  /** What came of messages until now, and within the time that a server has to say something. */
  async messages(): Promise<PublishPacket[]> {
    await this.ping();
    await this.pause(QUIET_MS);
    await this.ping();
    const found = this.#came.filter((packet) => packet.type === 'publish');
    this.#came = this.#came.filter((packet) => packet.type !== 'publish');
    this.#cameBytes = 0;
    return found;
  }

  /** Settles with the granted QoS. */
  async subscribe(
    filter: string,
    options: Partial<SubscriptionRequest> = {},
    properties: Properties = NO_PROPERTIES,
  ): Promise<number> {
    const packetId = this.#nextId();
    const request = {
      qos: 1 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
      ...options,
      filter,
    };
    this.send({ type: 'subscribe', packetId, properties, subscriptions: [request] });
    const suback = await this.packet('suback', 'SUBSCRIBE', packetId);
    const [code] = suback.reasonCodes;
    if (code >= 0x80) throw refusal('SUBSCRIBE', code, suback, suback.properties);
    return code;
  }

  /** Settles when the server has taken it over, at QoS 0 when it was sent. */
  async publish(topic: string, payload: string | Uint8Array, options: Publishing = {}): Promise<void> {
    const { qos = 1, retain = false, properties = NO_PROPERTIES } = options;
    const packetId = qos === 0 ? 0 : this.#nextId();
    this.send({ type: 'publish', dup: false, qos, retain, topic, packetId, properties, payload: Buffer.from(payload) });
    if (qos === 0) return;
    const answer = await this.packet(qos === 1 ? 'puback' : 'pubrec', 'PUBLISH', packetId);
    if (answer.reasonCode >= 0x80) throw refusal('PUBLISH', answer.reasonCode, answer, answer.properties);
    if (qos === 2) await this.release(packetId);
  }

  /** Sends a QoS 2 message and leaves it open at PUBREC; settles with its packet identifier. */
  async publishOpen(topic: string): Promise<number> {
    const packetId = this.#nextId();
    const payload = Buffer.from('open');
    this.send({
      type: 'publish',
      dup: false,
      qos: 2,
      retain: false,
      topic,
      packetId,
      properties: NO_PROPERTIES,
      payload,
    });
    const answer = await this.packet('pubrec', 'PUBLISH', packetId);
    if (answer.reasonCode >= 0x80) throw refusal('PUBLISH', answer.reasonCode, answer, answer.properties);
    return packetId;
  }

  /** Ends an exchange of QoS 2. */
  async release(packetId: number): Promise<void> {
    this.send({ type: 'pubrel', packetId, reasonCode: 0, properties: NO_PROPERTIES });
    await this.packet('pubcomp', 'PUBREL', packetId);
  }

  /** All that was sent before has been handled when this settles. */
  async ping(): Promise<void> {
    this.send({ type: 'pingreq' });
    await this.packet('pingresp', 'PINGREQ');
  }

  /** Waits; ends early with an obstacle where the check is over. */
  async pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    if (this.#signal.aborted) throw this.#signal.reason;
  }

  /** Waits until the server ends the connection, at most so long; true where it has. */
  async endedWithin(ms: number): Promise<boolean> {
    const untilMs = performance.now() + ms;
    while (this.ended === undefined && !this.#signal.aborted) {
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return false;
      const timer = setTimeout(() => this.#notify(), leftMs);
      await this.#news();
      clearTimeout(timer);
    }
    return this.ended !== undefined;
  }

  /** Leaves in order, so that no will goes out; settles when the wire is gone. */
  leave(): Promise<void> {
    this.send({ type: 'disconnect', reasonCode: 0, properties: NO_PROPERTIES });
    this.#wire.close();
    this.#end('this client has left');
    return this.#gone.promise;
  }

  /** Cuts the connection as a failing network does. */
  cut(): void {
    this.#wire.destroy();
    this.#end('this client has cut the connection');
  }

  #nextId(): number {
    this.#packetId += 1;
    return this.#packetId;
  }

  #checkOpen(what: string): void {
    if (this.#signal.aborted) {
      const { reason } = this.#signal;
      throw reason instanceof Obstacle ? new Obstacle(`${what}: ${reason.message}`, reason.answer) : reason;
    }
    if (this.ended === undefined) return;
    if (this.disconnect !== undefined)
      throw refusal(`${what}: DISCONNECT`, this.disconnect.reasonCode, this.disconnect, this.disconnect.properties);
    throw new Obstacle(`${what}: ${this.ended}`, false, this.#reasonCode);
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #received(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk);
      while (this.ended === undefined && this.#reader.next()) {
        const { bytes, start, bodyStart, end } = this.#reader;
        this.#take(decodeServerPacket(this.version, bytes, start, bodyStart, end, checkUtf8));
      }
    } catch (error) {
      this.#wire.destroy();
      const { message, code } = error as ProtocolError;
      // A server from before 5.0 says in its own form that it does not know the version.
      const isOlder = code === 'unsupported-protocol-version';
      if (isOlder) this.#reasonCode = 0x84;
      this.#end(isOlder ? message : `the server broke the standard: ${message}`);
    }
    this.#notify();
  }

  #take(packet: Packet): void {
    this.#onlookers.received(packet);
    if (packet.type === 'disconnect') {
      this.disconnect = packet;
      this.#end('the server sent DISCONNECT');
      this.#wire.close();
      return;
    }
    // The bytes are the transport's again when the call returns.
    this.#came.push(packet.type === 'publish' ? { ...packet, payload: new Uint8Array(packet.payload) } : packet);
    this.#cameBytes += payloadBytes(packet);
    if (this.#came.length > CAME_MAX || this.#cameBytes > this.#cameBytesMax) {
      this.#end('the server sends far more than was asked for');
      this.#wire.destroy();
      return;
    }
    if (this.isAcknowledging) this.#acknowledge(packet);
  }

  #acknowledge(packet: Packet): void {
    const answer = { reasonCode: 0, properties: NO_PROPERTIES };
    if (packet.type === 'pubrel') this.send({ type: 'pubcomp', packetId: packet.packetId, ...answer });
    if (packet.type !== 'publish' || packet.qos === 0) return;
    this.send({ type: packet.qos === 1 ? 'puback' : 'pubrec', packetId: packet.packetId, ...answer });
  }

  #end(why: string): void {
    this.ended ??= why;
    this.#notify();
  }
}

function payloadBytes(packet: Packet): number {
  return packet.type === 'publish' ? packet.payload.length : 0;
}
