/** One Network Connection of the client: bytes to packets and back, one write for all packets of a turn. */

import {
  type ClientPacket,
  decodeServerPacket,
  NO_PROPERTIES,
  PACKET_BYTES_MAXIMUM,
  type Packet,
  PacketStream,
  PacketWriter,
  type ProtocolVersion,
  writeClientPacketWithin,
} from '@dunlin/protocol';
import type { WireHandler } from '@dunlin/transport/wire';
import type { ClientWire } from './dial.ts';
import { MqttError } from './errors.ts';
import { checkFirstByte } from './first-byte.ts';
import type { KeepAlive } from './keep-alive.ts';

/** What the server answered to a publish. */
export interface PublishResult {
  /** 0x00, or 0x10 where the server says that nobody subscribes (5.0). Always 0x00 at QoS 0. */
  readonly reasonCode: number;
  /** Of the PUBACK or PUBREC. */
  readonly properties: typeof NO_PROPERTIES;
}

/** Of a publish that no packet answers. */
export const SENT: PublishResult = Object.freeze({ reasonCode: 0, properties: NO_PROPERTIES });

/** Who is told what happens on the connection. */
export interface ConnectionOwner {
  /** A packet came; its binary values are views, valid until the call returns. What it throws closes the connection. */
  received(packet: Packet): void;
  /** The wire has room again. */
  drained(): void;
  /** `received` or the decoder threw; nothing more is read. */
  failed(error: Error): void;
  /** The connection is gone. `error` where it broke. Called once, also after `close`. */
  closed(error: Error | undefined): void;
}

/** Sees every packet, where somebody wants to. */
export interface PacketTap {
  readonly isOpen: boolean;
  sent(packet: Packet): void;
  received(packet: Packet): void;
}

/** Of a packet before CONNACK: nobody has shown yet who they are, and properties take many times their bytes. */
const FIRST_PACKETS_BYTES_MAX = 131_072;
/** What may be refused to whoever asks for it. */
const REQUESTS: readonly Packet['type'][] = ['connect', 'publish', 'subscribe', 'unsubscribe', 'auth'];
/** The output is written before the end of the turn when it has so many bytes. */
const OUTPUT_BYTES = 65_536;
/**
 * Nothing more is read while a full wire has been given so many bytes. A server that keeps to a Receive Maximum never
 * sends what takes so many to answer, unless it reads; so two that wait for each other wait no longer than it does.
 */
const BEHIND_BYTES_MAX = 1_048_576;
/** The output buffer is kept up to this size while nothing is sent. */
const OUTPUT_BYTES_KEPT = 16_384;

/** Bytes and packets of one wire. */
export class Connection implements WireHandler {
  /** Undefined where nobody is told any more. */
  owner: ConnectionOwner | undefined;
  /** Settles when the wire is gone. */
  readonly gone: Promise<void>;
  readonly #tellGone: () => void;
  /** Bytes that the server takes in one packet. */
  maximumPacketSize = PACKET_BYTES_MAXIMUM;
  /** Told of what comes and goes. */
  keepAlive: KeepAlive | undefined;
  readonly #wire: ClientWire;
  readonly #version: ProtocolVersion;
  readonly #reader: PacketStream;
  readonly #receivedBytesMax: number;
  readonly #tap: PacketTap;
  #writer = new PacketWriter();
  #isFlushAsked = false;
  /** The wire keeps bytes until `drained`. */
  #isFull = false;
  #isPaused = false;
  /** Bytes given to a full wire since it was: what is published waits then, so they are answers. */
  #bytesBehind = 0;
  #isFirst = true;
  #state: 'open' | 'closing' | 'broken' | 'closed' = 'open';
  /** The one promise of all that wait for the output to leave. */
  #left: PromiseWithResolvers<PublishResult> | undefined;
  #endError: MqttError | undefined;

  constructor(
    wire: ClientWire,
    version: ProtocolVersion,
    maximumPacketSize: number,
    tap: PacketTap,
    owner: ConnectionOwner,
  ) {
    this.#wire = wire;
    this.#version = version;
    this.#reader = new PacketStream(Math.min(maximumPacketSize, FIRST_PACKETS_BYTES_MAX));
    this.#receivedBytesMax = maximumPacketSize;
    this.#tap = tap;
    ({ promise: this.gone, resolve: this.#tellGone } = Promise.withResolvers<void>());
    this.owner = owner;
  }

  /** Starts reading. */
  open(): void {
    this.#wire.open(this);
  }

  /** True where messages may be sent: the wire is there, and took all that was written. */
  get isWritable(): boolean {
    return this.#state === 'open' && !this.#isFull;
  }

  /**
   * Settles when all that was sent has left this process; rejects where the connection breaks before. All who ask before
   * it settles share one promise.
   */
  left(): Promise<PublishResult> {
    this.#left ??= Promise.withResolvers();
    const { promise } = this.#left;
    if (this.#state === 'closed') this.#settleLeft(this.#endError);
    else if (this.#state === 'open') this.#tellLeft();
    return promise;
  }

  /**
   * Puts a packet into the output, which leaves at the end of the turn; nothing once the connection closes.
   *
   * Throws the codes of the protocol for a packet that cannot be written and `MqttError` 'not-supported' (0x95) for a
   * request that is larger than the server takes [MQTT-3.2.2-15]. An answer or PINGREQ that is larger fails the
   * connection, which cannot go on without it; DISCONNECT is left out.
   */
  send(packet: ClientPacket): void {
    if (this.#state !== 'open') return;
    if (!writeClientPacketWithin(this.#writer, packet, this.#version, this.maximumPacketSize)) {
      const message = `Cannot send ${packet.type.toUpperCase()}: the server takes at most ${this.maximumPacketSize} bytes [MQTT-3.2.2-15]`;
      const error = new MqttError('not-supported', message, { reasonCode: 0x95 });
      if (REQUESTS.includes(packet.type)) throw error;
      if (packet.type !== 'disconnect') this.owner?.failed(error);
      return;
    }
    if (this.#tap.isOpen) this.#tap.sent(packet);
    if (this.#writer.length >= OUTPUT_BYTES) this.#flush();
    if (this.#isFlushAsked) return;
    this.#isFlushAsked = true;
    queueMicrotask(() => {
      this.#isFlushAsked = false;
      this.#flush();
    });
  }

  /** CONNACK has come: packets may be as large as the client says. */
  accepted(): void {
    this.#reader.maximumPacketSize = this.#receivedBytesMax;
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
    if (!this.#isPaused && this.#bytesBehind <= BEHIND_BYTES_MAX) this.#wire.resume();
  }

  /** Sends what is in the output and closes; the wire gives a slow peer a while. `error`: why, for who waits. */
  close(error?: MqttError): void {
    if (this.#state !== 'open') return;
    this.#flush();
    this.#state = 'closing';
    this.#endError = error;
    this.#wire.close();
  }

  /** Closes at once; what was not sent is lost. */
  destroy(error?: MqttError): void {
    if (this.#state === 'closed') return;
    this.#state = 'broken';
    this.#endError = error;
    this.#wire.destroy();
  }

  /** From the wire. */
  received(chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.keepAlive?.received();
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
    if (this.#bytesBehind > BEHIND_BYTES_MAX && !this.#isPaused) this.#wire.resume();
    this.#bytesBehind = 0;
    this.#tellLeft();
    if (this.#state === 'open') this.owner?.drained();
  }

  /** From the wire. */
  closed(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    const wasOrderly = this.#state === 'closing' && error === undefined;
    this.#endError ??= lost(error);
    this.#state = 'closed';
    this.#settleLeft(wasOrderly ? undefined : this.#endError);
    this.#tellGone();
    this.owner?.closed(error);
  }

  #readPackets(): void {
    try {
      if (this.#isFirst) checkFirstByte(this.#reader.bytes[0]);
      this.#isFirst = false;
      while (this.#state === 'open' && this.#reader.next()) {
        const { bytes, start, bodyStart, end } = this.#reader;
        // What other publishers write in text is not for this client to end its connection at: no further check.
        const packet = decodeServerPacket(this.#version, bytes, start, bodyStart, end);
        if (this.#tap.isOpen) this.#tap.received(packet);
        this.owner?.received(packet);
        if (this.#isPaused) {
          // The transport may use the chunk again when this call returns.
          this.#reader.hold();
          return;
        }
      }
    } catch (error) {
      this.owner?.failed(error as Error);
    }
  }

  #flush(): void {
    const writer = this.#writer;
    if (this.#state !== 'open' || writer.length === 0) return;
    const bytes = writer.bytes.subarray(0, writer.length);
    if (this.#isFull) {
      this.#bytesBehind += bytes.length;
      if (this.#bytesBehind > BEHIND_BYTES_MAX) this.#wire.pause();
    }
    const isTaken = this.#wire.write(bytes);
    this.keepAlive?.sent();
    if (!isTaken) this.#isFull = true;
    if (isTaken && writer.bytes.length <= OUTPUT_BYTES_KEPT) writer.length = 0;
    else this.#writer = new PacketWriter(isTaken ? OUTPUT_BYTES_KEPT : undefined);
    this.#tellLeft();
  }

  #tellLeft(): void {
    if (this.#left !== undefined && !this.#isFull && this.#writer.length === 0) this.#settleLeft(undefined);
  }

  #settleLeft(error: MqttError | undefined): void {
    const left = this.#left;
    this.#left = undefined;
    if (error === undefined) left?.resolve(SENT);
    else left?.reject(error);
  }
}

/** The error of a connection that ended without a word. `guess` follows in its text. */
export function lost(cause: Error | undefined, guess = ''): MqttError {
  const words = cause === undefined ? 'the server closed it' : cause.message;
  return new MqttError('connection-lost', `The connection was lost: ${words}${guess}`, { cause });
}
