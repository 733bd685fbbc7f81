/** A client of raw bytes: sends anything, parses every answer strictly, and waits for exactly what a test expects. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, type Channel, type ChannelStream, openChannel } from './channel.ts';
import {
  type Connack,
  dump,
  type Packet,
  type PacketName,
  type PacketOf,
  type Publish,
  packetLength,
  parse,
  ServerFault,
  type Suback,
} from './parser.ts';
import * as wire from './wire.ts';

/** Milliseconds a test waits for something that must come; generous, since it is only used up by a failure. */
export const PATIENCE_MS = 8000;
/** Milliseconds of quiet before `expectNothing` asks with PINGREQ. */
export const QUIET_MS = 80;

export type { Address } from './channel.ts';

export type ConnectOptions = Omit<wire.ConnectFields, 'version'>;
export type Fields<Name extends PacketName> = Partial<Omit<PacketOf<Name>, 'type' | 'raw' | 'payload'>> & {
  payload?: wire.Text;
};

/**
 * One connection to the broker under test, over any transport.
 *
 * `send…` methods write and return at once; `expect…` methods take the next packet and reject with a hexadecimal dump
 * when it is another one, when nothing comes within `PATIENCE_MS`, or when the server broke the standard;
 * `subscribe`, `unsubscribe`, `deliver` and `receive` do a whole exchange.
 */
export class RawClient {
  readonly version: wire.Version;
  /** Bytes of MQTT, whatever carries them. */
  readonly socket: ChannelStream;
  /** Every packet received, in order, for tests that look back. */
  readonly received: Packet[] = [];
  /** What the server did wrong first. */
  fault: Error | undefined;
  /** The server ended its side or reset the connection. */
  closed = false;
  /** CONNACK 0x00 has come. */
  connected = false;
  #buffer: Buffer = Buffer.alloc(0);
  #queue: Packet[] = [];
  #wake: (() => void)[] = [];
  #nextId = 1;
  readonly #cut: () => void;

  constructor({ stream, cut }: Channel, version: wire.Version) {
    this.version = version;
    this.socket = stream;
    this.#cut = cut;
    stream.on('data', (chunk) => this.#onData(chunk as Buffer));
    stream.on('end', () => this.#onClose());
    stream.on('close', () => this.#onClose());
    stream.on('error', (error) => {
      if (error instanceof ServerFault) this.fault ??= error;
      this.#onClose();
    });
  }

  /** Opens a connection and sends nothing of MQTT; settles when it is established. */
  static async open(address: Address, version: wire.Version): Promise<RawClient> {
    return new RawClient(await openChannel(address), version);
  }

  #onData(chunk: Buffer): void {
    if (this.fault !== undefined) return;
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    try {
      for (let length = packetLength(this.#buffer); length > 0; length = packetLength(this.#buffer)) {
        const parsed = parse(Buffer.from(this.#buffer.subarray(0, length)), this.version);
        this.#buffer = this.#buffer.subarray(length);
        if (parsed.type === 'connack' && parsed.code === 0) this.connected = true;
        this.received.push(parsed);
        this.#queue.push(parsed);
      }
    } catch (error) {
      this.fault = error as Error;
    }
    this.#notify();
  }

  #onClose(): void {
    this.closed = true;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits until `done` returns something other than undefined; undefined once `milliseconds` have passed. */
  async #until<Value>(done: () => Value | undefined, milliseconds: number): Promise<Value | undefined> {
    const limit = Date.now() + milliseconds;
    for (;;) {
      const value = done();
      if (value !== undefined) return value;
      const left = limit - Date.now();
      if (left <= 0) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, left);
      this.#wake.push(resolve);
      await promise;
      clearTimeout(timer);
    }
  }

  #state(): string {
    const rest = this.#queue.map((packet) => `${packet.type}:\n${dump(packet.raw)}`);
    const bytes = this.#buffer.length > 0 ? `; unparsed bytes:\n${dump(this.#buffer)}` : '';
    const queue = rest.length > 0 ? `; received instead:\n${rest.slice(0, 5).join('\n')}` : '; nothing was received';
    return `${this.closed ? '; the server closed the connection' : ''}${queue}${bytes}`;
  }

  /** Writes bytes as one chunk. */
  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** An unused Packet Identifier, counting from 1. */
  nextId(): number {
    return this.#nextId++;
  }

  /** Takes the next packet, which must be of this type and have these fields. */
  async expect<Name extends PacketName>(
    name: Name,
    fields: Fields<Name> = {},
    milliseconds = PATIENCE_MS,
  ): Promise<PacketOf<Name>> {
    await this.#until(() => this.#queue[0] ?? this.fault ?? (this.closed || undefined), milliseconds);
    const next = this.#queue[0];
    if (next === undefined && this.fault !== undefined) throw this.fault;
    if (next === undefined || next.type !== name) throw new Error(`expected ${name}${this.#state()}`);
    const wrong = difference(next, fields);
    if (wrong !== undefined) throw new Error(`${name}: ${wrong}\n${dump(next.raw)}`);
    this.#queue.shift();
    return next as PacketOf<Name>;
  }

  /** Takes the first packet of this type with these fields, leaving others in the queue. */
  async find<Name extends PacketName>(
    name: Name,
    fields: Fields<Name> = {},
    milliseconds = PATIENCE_MS,
  ): Promise<PacketOf<Name>> {
    const index = (): number =>
      this.#queue.findIndex((packet) => packet.type === name && difference(packet, fields) === undefined);
    const found = await this.#until(() => {
      const at = index();
      return at >= 0 ? at : (this.fault ?? (this.closed ? -1 : undefined));
    }, milliseconds);
    if (found instanceof Error) throw found;
    if (found === undefined || found < 0) {
      throw new Error(`expected ${name} with ${JSON.stringify(fields)}${this.#state()}`);
    }
    return this.#queue.splice(found, 1)[0] as PacketOf<Name>;
  }

  /**
   * Checks that nothing is waiting: stays quiet for `milliseconds`, then sends PINGREQ, whose answer must come next.
   * What was sent before on this connection has then been handled.
   */
  async expectNothing(milliseconds = QUIET_MS): Promise<void> {
    await sleep(milliseconds);
    this.send(wire.pingreq());
    await this.expect('pingresp');
  }

  /** Checks that neither a packet nor a close comes within `milliseconds`, without sending anything. */
  async expectSilence(milliseconds: number): Promise<void> {
    const end = await this.#until(() => this.#queue[0] ?? this.fault ?? (this.closed || undefined), milliseconds);
    if (end !== undefined) throw this.fault ?? new Error(`expected ${milliseconds} ms of silence${this.#state()}`);
  }

  /**
   * Waits for the server to end the connection. Before it there may be a CONNACK (while not connected) or, in 5.0, a
   * DISCONNECT (once connected) with one of `codes`; neither may come when `codes` is empty.
   * Returns the code seen, if one was.
   */
  async expectClose(codes: readonly number[] = [], milliseconds = PATIENCE_MS): Promise<number | undefined> {
    const ended = await this.#until(() => this.fault ?? (this.closed || undefined), milliseconds);
    if (this.fault !== undefined) throw this.fault;
    if (ended === undefined) throw new Error(`expected the server to close the connection${this.#state()}`);
    const last = this.#queue[0];
    if (last === undefined) return undefined;
    const mayCarry = this.connected ? 'disconnect' : 'connack';
    if ((this.version < 5 && this.connected) || last.type !== mayCarry || this.#queue.length > 1) {
      throw new Error(`expected a close without other packets${this.#state()}`);
    }
    this.#queue.shift();
    if (!codes.includes(last.code)) {
      const wanted = codes.map((code) => `0x${code.toString(16)}`).join(', ');
      throw new Error(`closed with ${last.type} code 0x${last.code.toString(16)}, not ${wanted}\n${dump(last.raw)}`);
    }
    return last.code;
  }

  /** Waits for CONNACK with one of these codes, Session Present 0, and the close behind it. */
  async expectRefusal(...codes: number[]): Promise<Connack> {
    const connack = await this.expect('connack');
    if (!codes.includes(connack.code)) {
      throw new Error(`CONNACK code 0x${connack.code.toString(16)}, not ${codes.join(' or ')}\n${dump(connack.raw)}`);
    }
    await this.expectClose();
    return connack;
  }

  /** Drops packets that have come so far and returns them. */
  drain(): Packet[] {
    return this.#queue.splice(0);
  }

  /** Sends CONNECT of this client's version. */
  sendConnect(options: ConnectOptions = {}): void {
    this.send(wire.connect({ version: this.version, ...options }));
  }

  /** Sends CONNECT and takes CONNACK 0x00. */
  async connect(options: ConnectOptions = {}): Promise<Connack> {
    this.sendConnect(options);
    return this.expect('connack', { code: 0 });
  }

  sendPublish(fields: wire.PublishFields): void {
    this.send(wire.publish(this.version, fields));
  }

  /** Publishes and does the QoS exchange as its sender; returns the code of PUBACK or PUBREC (0 for QoS 0). */
  async deliver(fields: wire.PublishFields): Promise<number> {
    const qos = fields.qos ?? 0;
    const id = fields.id ?? (qos > 0 ? this.nextId() : 0);
    this.sendPublish({ ...fields, id });
    if (qos === 0) return 0;
    const answer = await this.find(qos === 1 ? 'puback' : 'pubrec', { id });
    if (qos === 1 || answer.code >= 0x80) return answer.code;
    this.send(wire.ack('pubrel', id));
    await this.find('pubcomp', { id, code: 0 });
    return answer.code;
  }

  /** Takes the next packet, which must be this PUBLISH, and does the QoS exchange as its receiver. */
  async receive(fields: Fields<'publish'> = {}): Promise<Publish> {
    const publish = await this.expect('publish', fields);
    await this.acknowledge(publish);
    return publish;
  }

  /** Does the receiver's part of a PUBLISH: nothing, PUBACK, or PUBREC and PUBCOMP. */
  async acknowledge(publish: Publish): Promise<void> {
    if (publish.qos === 1) this.send(wire.ack('puback', publish.id));
    if (publish.qos !== 2) return;
    this.send(wire.ack('pubrec', publish.id));
    await this.find('pubrel', { id: publish.id, code: 0 });
    this.send(wire.ack('pubcomp', publish.id));
  }

  /** Subscribes and returns SUBACK; a bare string is a filter at QoS 0. PUBLISH packets before it stay queued. */
  async subscribe(...filters: (string | wire.FilterFields)[]): Promise<Suback> {
    return this.subscribeWith({}, ...filters);
  }

  async subscribeWith(properties: wire.Properties, ...filters: (string | wire.FilterFields)[]): Promise<Suback> {
    const id = this.nextId();
    const pairs = filters.map((filter): wire.FilterFields => (typeof filter === 'string' ? [filter, 0] : filter));
    this.send(wire.subscribe(this.version, id, pairs, properties));
    return this.find('suback', { id });
  }

  async unsubscribe(...filters: wire.Text[]): Promise<Suback> {
    const id = this.nextId();
    this.send(wire.unsubscribe(this.version, id, filters));
    return this.find('unsuback', { id });
  }

  /** PINGREQ and its answer: everything sent before has been handled. Other packets stay queued. */
  async ping(): Promise<void> {
    this.send(wire.pingreq());
    await this.find('pingresp');
  }

  /** Sends DISCONNECT (code 0) and waits for the server to close. */
  async disconnect(): Promise<void> {
    this.send(wire.disconnect());
    this.socket.end();
    await this.#until(() => this.closed || undefined, PATIENCE_MS);
    this.socket.destroy();
  }

  /** Cuts the connection without DISCONNECT, as a network failure does. */
  cut(): void {
    this.#cut();
  }
}

/** What differs between a packet and wanted fields, or undefined. */
function difference(packet: Packet, fields: object): string | undefined {
  for (const [name, wanted] of Object.entries(fields)) {
    if (wanted === undefined) continue;
    const found = (packet as unknown as Record<string, unknown>)[name];
    if (same(found, wanted)) continue;
    return `${name} is ${show(found)}, not ${show(wanted)}`;
  }
  return undefined;
}

function same(found: unknown, wanted: unknown): boolean {
  if (found instanceof Uint8Array) return Buffer.from(wanted as Uint8Array).equals(found);
  if (typeof found === 'object') return JSON.stringify(found) === JSON.stringify(wanted);
  return found === wanted;
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${JSON.stringify(Buffer.from(value).toString())}`;
  return JSON.stringify(value) ?? 'absent';
}
