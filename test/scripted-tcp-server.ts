/** A server on a free port of this machine that does what a test says, packet by packet. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after } from 'node:test';
import {
  decodePacket,
  encodePacket,
  FrameReader,
  NO_PROPERTIES,
  PACKET_BYTES_MAXIMUM,
  type Packet,
  type ProtocolVersion,
  type PublishAckPacket,
} from '@dunlin/protocol';

/** What waits for something of another party fails after this. */
const PATIENCE_MS = 10_000;

type PacketOf<Type extends Packet['type']> = Type extends PublishAckPacket['type']
  ? PublishAckPacket
  : Extract<Packet, { readonly type: Type }>;

/** Things in the order in which they came, for who waits for them. */
class Line<Item> {
  readonly items: Item[] = [];
  #wake = (): void => {};

  push(item: Item): void {
    this.items.push(item);
    this.#wake();
  }

  async next(what: string): Promise<Item> {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.items.length === 0) {
      const leftMs = deadline - performance.now();
      assert.ok(leftMs > 0, `waited in vain for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.items.shift() as Item;
  }
}

/** The server's end of one connection. */
export class Peer {
  readonly socket: Socket;
  /** Settles when the client has closed; true where it was in order. */
  readonly closed: Promise<boolean>;
  readonly #version: ProtocolVersion;
  readonly #packets = new Line<Packet>();

  constructor(socket: Socket, version: ProtocolVersion) {
    this.socket = socket;
    this.#version = version;
    const reader = new FrameReader(PACKET_BYTES_MAXIMUM);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      reader.push(Uint8Array.from(chunk));
      while (reader.next()) {
        const { bytes, start, bodyStart, end } = reader;
        this.#packets.push(decodePacket(version, 'server', bytes.slice(), start, bodyStart, end));
      }
    });
    this.closed = once(socket, 'close').then(([hadError]) => !hadError);
  }

  /** What came and was not taken. */
  get types(): string[] {
    return this.#packets.items.map(({ type }) => type);
  }

  send(packet: Packet): void {
    this.socket.write(encodePacket(packet, this.#version));
  }

  /** Sends a PUBLISH; `packetId` above 0: of QoS 1. */
  publish(topic: string, text: string, packetId = 0): void {
    const qos = packetId === 0 ? 0 : 1;
    const payload = new TextEncoder().encode(text);
    const fields = { dup: false, retain: false, properties: NO_PROPERTIES };
    this.send({ type: 'publish', topic, payload, qos, packetId, ...fields });
  }

  /** Takes the next packet of the client, which must be of this type. */
  async next<Type extends Packet['type']>(type: Type): Promise<PacketOf<Type>> {
    const packet = await this.#packets.next(`${type} from the client`);
    assert.equal(packet.type, type);
    return packet as PacketOf<Type>;
  }

  /** Takes SUBSCRIBE and grants it, or refuses with 0x80. */
  async grant(reasonCode = 0): Promise<PacketOf<'subscribe'>> {
    const packet = await this.next('subscribe');
    const { packetId } = packet;
    this.send({ type: 'suback', packetId, properties: NO_PROPERTIES, reasonCodes: [reasonCode] });
    return packet;
  }

  /** Breaks the connection. */
  cut(): void {
    this.socket.destroy();
  }
}

/** The server. */
export class TcpServer {
  readonly port: number;
  readonly #peers = new Line<Peer>();

  private constructor(port: number) {
    this.port = port;
  }

  /** Starts it; it ends behind the tests of the file. */
  static async start(version: ProtocolVersion = 4): Promise<TcpServer> {
    const sockets: Socket[] = [];
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const server = new TcpServer((listener.address() as AddressInfo).port);
    listener.on('connection', (socket) => {
      sockets.push(socket);
      server.#peers.push(new Peer(socket, version));
    });
    after(() => {
      listener.close();
      for (const socket of sockets) socket.destroy();
    });
    return server;
  }

  /** The next connection. */
  next(): Promise<Peer> {
    return this.#peers.next('a connection');
  }

  /** The next connection, whose CONNECT is taken and accepted. */
  async accept({ sessionPresent = false, reasonCode = 0 } = {}): Promise<Peer & { connect: PacketOf<'connect'> }> {
    const peer = await this.next();
    const connect = await peer.next('connect');
    peer.send({ type: 'connack', sessionPresent, reasonCode, properties: NO_PROPERTIES });
    return Object.assign(peer, { connect });
  }
}
