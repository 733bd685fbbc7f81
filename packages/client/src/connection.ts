/** One Network Connection of the client: bytes to packets and back, one write for all packets of a turn. */

import {
  decodeServerPacket,
  FrameReader,
  type Packet,
  PacketWriter,
  type ProtocolVersion,
  protocolError,
  writeClientPacketWithin,
} from '@dunlin/protocol';
import type { Wire, WireHandler } from '@dunlin/transport';
import { MqttError } from './errors.ts';

/** Who is told what happens on the connection. */
export interface ConnectionOwner {
  /** A packet came; its binary values are views, valid until the call returns. What it throws closes the connection. */
  received(packet: Packet): void;
  /** Bytes came, whatever they are. */
  heard(): void;
  /** A packet went into the output. */
  sent(packet: Packet): void;
  /** What was sent before has left this process. */
  flushed(): void;
  /** `received` or the decoder threw; nothing more is read. */
  failed(error: Error): void;
  /** The connection is gone. `error` where it broke. Called once, also after `close`. */
  closed(error: Error | undefined): void;
}

/** First bytes of what may come first: CONNACK, and in MQTT 5.0 DISCONNECT and AUTH. */
const FIRST_BYTES: readonly number[] = [0x20, 0xe0, 0xf0];

/** Bytes and packets of one wire. */
export class Connection implements WireHandler {
  /** Bytes that the server takes in one packet. */
  maximumPacketSize = Number.POSITIVE_INFINITY;
  readonly #wire: Wire;
  readonly #version: ProtocolVersion;
  readonly #reader: FrameReader;
  readonly #owner: ConnectionOwner;
  #output: Uint8Array[] = [];
  #outputBytes = 0;
  #isFlushAsked = false;
  /** The wire keeps bytes until `drained`. */
  #isFull = false;
  #isPaused = false;
  #isFirst = true;
  #state: 'open' | 'closing' | 'closed' = 'open';

  constructor(wire: Wire, version: ProtocolVersion, maximumPacketSize: number, owner: ConnectionOwner) {
    this.#wire = wire;
    this.#version = version;
    this.#reader = new FrameReader(maximumPacketSize);
    this.#owner = owner;
  }

  /** Starts reading. */
  open(): void {
    this.#wire.open(this);
  }

  /** True while bytes wait to leave this process. */
  get isBusy(): boolean {
    return this.#outputBytes > 0 || this.#isFull;
  }

  /**
   * Puts a packet into the output, which leaves at the end of the turn; nothing once the connection closes.
   *
   * Throws `ProtocolError` for a packet that cannot be written and `MqttError` 'not-supported' (0x95) for one that is
   * larger than the server takes [MQTT-3.2.2-15].
   */
  send(packet: Packet): void {
    if (this.#state !== 'open') return;
    const writer = new PacketWriter();
    if (!writeClientPacketWithin(writer, packet, this.#version, this.maximumPacketSize)) {
      const message = `Cannot send ${packet.type.toUpperCase()}: the server takes packets of at most ${this.maximumPacketSize} bytes [MQTT-3.2.2-15]`;
      throw new MqttError('not-supported', message, { reasonCode: 0x95 });
    }
    this.#output.push(writer.bytes.subarray(0, writer.length));
    this.#outputBytes += writer.length;
    this.#owner.sent(packet);
    if (this.#isFlushAsked) return;
    this.#isFlushAsked = true;
    queueMicrotask(() => this.#flush());
  }

  /** Stops handling packets until `resume`; what was read and not handled is kept. */
  pause(): void {
    if (this.#state !== 'open' || this.#isPaused) return;
    this.#isPaused = true;
    this.#wire.pause();
  }

  /** Goes on behind the packet at which `pause` was called. */
  resume(): void {
    if (this.#state !== 'open' || !this.#isPaused) return;
    this.#isPaused = false;
    this.#readPackets();
    if (!this.#isPaused) this.#wire.resume();
  }

  /** Sends what is in the output and closes; the wire gives a slow peer a while. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#flush();
    this.#state = 'closing';
    this.#wire.close();
  }

  /** Closes at once; what was not sent is lost. */
  destroy(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closing';
    this.#wire.destroy();
  }

  /** From the wire. */
  received(chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#owner.heard();
    if (this.#isFirst && !this.#isMqtt(chunk[0])) return;
    this.#isFirst = false;
    this.#reader.push(chunk);
    this.#readPackets();
  }

  /** From the wire: the server will say no more, which for a client is the end. */
  ended(): void {
    if (this.#state === 'open') this.destroy();
  }

  /** From the wire. */
  drained(): void {
    this.#isFull = false;
    if (this.#outputBytes === 0) this.#owner.flushed();
  }

  /** From the wire. */
  closed(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#output = [];
    this.#outputBytes = 0;
    this.#owner.closed(error);
  }

  /** Something else than an MQTT server is told at once: its first bytes may claim a long packet that never comes. */
  #isMqtt(first: number): boolean {
    if (FIRST_BYTES.includes(first)) return true;
    const found = `0x${first.toString(16).toUpperCase().padStart(2, '0')}`;
    this.#owner.failed(
      protocolError(
        `Cannot accept the answer: it begins with ${found}, expected CONNACK (0x20); is this an MQTT server?`,
      ),
    );
    return false;
  }

  #readPackets(): void {
    try {
      while (this.#state === 'open' && this.#reader.next()) {
        const { bytes, start, bodyStart, end } = this.#reader;
        this.#owner.received(decodeServerPacket(this.#version, bytes, start, bodyStart, end));
        if (this.#isPaused) {
          // The transport may use the chunk again when this call returns.
          this.#reader.hold();
          return;
        }
      }
    } catch (error) {
      this.#owner.failed(error as Error);
    }
  }

  #flush(): void {
    this.#isFlushAsked = false;
    if (this.#state !== 'open' || this.#outputBytes === 0) return;
    const bytes = this.#output.length === 1 ? this.#output[0] : joined(this.#output, this.#outputBytes);
    this.#output = [];
    this.#outputBytes = 0;
    const isTaken = this.#wire.write(bytes);
    if (!isTaken) this.#isFull = true;
    else if (!this.#isFull) this.#owner.flushed();
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
