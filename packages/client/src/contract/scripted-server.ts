/** A server that does what a test says, packet by packet, on the in-memory transport; it may break every rule. */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import {
  decodePacket,
  encodePacket,
  FrameReader,
  NO_PROPERTIES,
  PACKET_BYTES_MAXIMUM,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type PublishAckPacket,
  type PublishPacket,
} from '@dunlin/protocol';
import { type MemoryOptions, type MemoryWire, memoryPair } from '@dunlin/transport';
import type { Client } from '../client.ts';
import { clientsOn } from '../create-client.ts';
import type { Dial } from '../dial.ts';
import { SYSTEM } from '../environment.ts';
import type { ConnectOptions } from '../options.ts';

/** A test that waits this long for a packet has failed. */
const PATIENCE_MS = 5000;

/** What a test may set of the server, besides the options of the client. */
export interface Script {
  readonly version?: ProtocolVersion;
  /** Of the CONNACK. */
  readonly properties?: Properties;
  readonly sessionPresent?: boolean;
  readonly wire?: MemoryOptions;
}

/** Servers that tests left behind; a client that waits for CONNACK would keep the process for its whole time-out. */
const servers: ScriptedServer[] = [];
after(() => {
  for (const server of servers) server.cut();
});

type PacketOf<Type extends Packet['type']> = Type extends PublishAckPacket['type']
  ? PublishAckPacket
  : Extract<Packet, { type: Type }>;

/** The server's end of one connection. */
export class ScriptedServer {
  readonly version: ProtocolVersion;
  /** Everything that the client sent and nobody has taken. */
  readonly packets: Packet[] = [];
  isClosed = false;
  readonly #wire: MemoryWire;
  readonly #reader = new FrameReader(PACKET_BYTES_MAXIMUM);
  readonly #chunks: Uint8Array[] = [];
  #wake: () => void = () => {};

  constructor(wire: MemoryWire, version: ProtocolVersion) {
    this.#wire = wire;
    this.version = version;
    wire.open({
      received: (chunk) => this.#received(chunk),
      ended: () => {},
      drained: () => {},
      closed: () => {
        this.isClosed = true;
        this.#wake();
      },
    });
  }

  /** The bytes of everything that the client sent. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Sends a packet as a server should. */
  send(packet: Packet): void {
    this.sendBytes(encodePacket(packet, this.version));
  }

  /** Sends bytes, whatever they are: a Uint8Array or hexadecimal digits. */
  sendBytes(bytes: Uint8Array | string): void {
    this.#wire.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : Buffer.from(bytes));
  }

  /** Sends a PUBLISH; what is not given is plain. */
  publish(fields: Partial<PublishPacket> & { readonly topic: string }): void {
    this.send({
      type: 'publish',
      dup: false,
      qos: 0,
      retain: false,
      packetId: 0,
      properties: NO_PROPERTIES,
      payload: new Uint8Array(0),
      ...fields,
    });
  }

  /** Answers with the Reason Code. */
  answer(
    type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
    packetId: number,
    reasonCode = 0,
    properties: Properties = {},
  ) {
    this.send({ type, packetId, reasonCode, properties });
  }

  /** Takes the next packet of the client, which must be of this type. */
  async next<Type extends Packet['type']>(type: Type): Promise<PacketOf<Type>> {
    await this.#until(() => this.packets.length > 0, `${type.toUpperCase()} from the client`);
    const packet = this.packets.shift() as Packet;
    assert.equal(packet.type, type);
    return packet as PacketOf<Type>;
  }

  /** Waits until the client has closed the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.isClosed, 'the client to close');
  }

  /** The client ends the connection: with DISCONNECT of this code in 5.0, without a word in 3.x. */
  async expectEnd(reasonCode: number): Promise<void> {
    await this.closed();
    const codes = this.packets.map((packet) => (packet.type === 'disconnect' ? packet.reasonCode : packet.type));
    assert.deepEqual(codes, this.version === 5 ? [reasonCode] : []);
  }

  /** Nothing more has come once everything under way has arrived. */
  async expectNothing(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.deepEqual(this.packets, []);
  }

  /** Reads no more. */
  pause(): void {
    this.#wire.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#wire.resume();
  }

  /** Breaks the connection. */
  cut(): void {
    this.#wire.destroy();
  }

  /** Closes the connection in order, without a DISCONNECT. */
  close(): void {
    this.#wire.close();
  }

  #received(chunk: Uint8Array): void {
    const own = Uint8Array.from(chunk);
    this.#chunks.push(own);
    this.#reader.push(own);
    while (this.#reader.next()) {
      const { bytes, start, bodyStart, end } = this.#reader;
      this.packets.push(decodePacket(this.version, 'server', bytes.slice(), start, bodyStart, end));
    }
    this.#wake();
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!isDone()) {
      const left = deadline - performance.now();
      const found = this.packets.map((packet) => packet.type).join(', ') || 'nothing';
      assert.ok(left > 0, `waited for ${what}; found ${found}`);
      assert.ok(!this.isClosed, `waited for ${what}; the client closed instead`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** The servers that a client dials, one after the other. */
export class Servers {
  readonly dial: Dial;
  readonly #script: Script;
  readonly #version: ProtocolVersion;
  readonly #dialled: ScriptedServer[] = [];
  #wake: () => void = () => {};
  /** The URLs that were dialled. */
  readonly urls: string[] = [];

  constructor(version: ProtocolVersion, script: Script) {
    this.#version = version;
    this.#script = script;
    this.dial = async ({ url }) => {
      const [ours, theirs] = memoryPair(setImmediate, this.#script.wire);
      const server = new ScriptedServer(theirs, this.#version);
      servers.push(server);
      this.urls.push(String(url));
      this.#dialled.push(server);
      this.#wake();
      return ours;
    };
  }

  /** The server of the next connection. */
  async next(): Promise<ScriptedServer> {
    while (this.#dialled.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('waited for the client to dial')), PATIENCE_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#dialled.shift() as ScriptedServer;
  }

  /** The server of the next connection, which has accepted it; CONNECT is taken from the packets. */
  async accept(sessionPresent = false, properties: Properties = {}): Promise<ScriptedServer> {
    const server = await this.next();
    await server.next('connect');
    server.send({ type: 'connack', sessionPresent, reasonCode: 0, properties });
    return server;
  }
}

/** Makes clients that dial scripted servers alone. */
export const { createClient, connect } = clientsOn({
  dial: () => Promise.reject(new Error('no dial was given')),
  environment: SYSTEM,
});

/** Options by which a client has one connection and sends nothing of its own accord. */
export const PLAIN: ConnectOptions = { clientId: 'test', keepAlive: 0, reconnect: false };

/** A client that has sent CONNECT to a server which has not answered. */
export function dial(
  options: ConnectOptions = {},
  script: Script = {},
): { server: ScriptedServer; connecting: Promise<Client> } {
  const version = script.version ?? options.protocolVersion ?? 5;
  const [ours, theirs] = memoryPair(setImmediate, script.wire);
  const server = new ScriptedServer(theirs, version);
  servers.push(server);
  const connecting = connect('mqtt://test', { ...PLAIN, dial: async () => ours, ...options, protocolVersion: version });
  // A test that looks at the server only need not care for the client's failure.
  connecting.catch(() => {});
  return { server, connecting };
}

/** A client whose CONNECT was accepted; CONNECT is taken from the packets. */
export async function connected(
  options: ConnectOptions = {},
  script: Script = {},
): Promise<{ server: ScriptedServer; client: Client }> {
  const { server, connecting } = dial(options, script);
  await server.next('connect');
  const { sessionPresent = false, properties = {} } = script;
  server.send({ type: 'connack', sessionPresent, reasonCode: 0, properties });
  const client = await connecting;
  // A client that has just connected lets its caller speak first and reads on with the next timer.
  await new Promise((resolve) => setTimeout(resolve, 1));
  return { server, client };
}

/** A connected client with one subscription, and what it received. */
export async function subscribed(options: ConnectOptions = {}, script: Script = {}, filter = '#') {
  const { server, client } = await connected(options, script);
  const messages: { topic: string; text: string; qos: number }[] = [];
  const subscribing = client.subscribe(filter, { qos: 2 }, (message) => {
    messages.push({ topic: message.topic, text: message.text(), qos: message.qos });
  });
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [2] });
  const subscription = await subscribing;
  return { server, client, subscription, messages };
}

/** Waits until what was sent in memory has been handled. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}
