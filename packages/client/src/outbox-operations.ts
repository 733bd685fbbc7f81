/**
 * What a batch is in the file of an outbox: operations, one behind the other.
 *
 *     put         1  sequence f64  packetId u16  state u8  flags u8  expiresAtMs f64  length u32  content[length]
 *     move        2  sequence f64  packetId u16  state u8
 *     remove      3  sequence f64
 *     client id   4  length u16  text[length]
 *
 * Content is topic and properties as they stand in a PUBLISH of MQTT 5.0, then the payload. Bits 0 and 1 of the flags
 * are the QoS, bit 2 is RETAIN. NaN never expires. Numbers have their greatest byte first.
 */
import {
  encodeProperties,
  readProperties,
  readUtf8,
  readVarint,
  utf8Length,
  varintSize,
  writeUtf8,
} from '@dunlin/protocol';
import type { OutboxRecord } from './outbox-store.ts';

/** Where a record stands in its exchange; the only part of it that changes. */
export type OutboxProgress = Pick<OutboxRecord, 'packetId' | 'state'>;

/** Told each operation by `readOperations`, in order. */
export interface OperationVisitor {
  /** The operation is bytes [start, end) of the body. */
  put(sequence: number, progress: OutboxProgress, start: number, end: number): void;
  move(sequence: number, progress: OutboxProgress): void;
  remove(sequence: number): void;
  clientId(clientId: string): void;
}

const PUT = 1;
const MOVE = 2;
const REMOVE = 3;
const CLIENT_ID = 4;
const STATES = ['waiting', 'sent', 'released'] as const;

const SEQUENCE_AT = 1;
const PACKET_ID_AT = 9;
const STATE_AT = 11;
const MOVE_BYTES = 12;
const REMOVE_BYTES = 9;
const FLAGS_AT = 12;
const EXPIRES_AT = 13;
const LENGTH_AT = 21;
const PUT_BYTES = 25;
const TEXT_AT = 3;
const RETAIN = 4;

/** The least room that is asked for when more is needed. */
const ROOM_BYTES = 65_536;

/** Operations in one growing buffer, behind room for a frame's head. */
export class OperationWriter {
  /** Where the next operation goes. */
  end: number;
  readonly #start: number;
  #bytes: Uint8Array;
  #view: DataView;

  /** @param headBytes what is left free at the start */
  constructor(headBytes: number) {
    this.#start = headBytes;
    this.end = headBytes;
    this.#bytes = new Uint8Array(ROOM_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get isEmpty(): boolean {
    return this.end === this.#start;
  }

  /** Head and operations: a view, valid until the next operation is added. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.end);
  }

  /** Takes every operation away, and gives back what a large one took. */
  clear(): void {
    this.end = this.#start;
    if (this.#bytes.length > 16 * ROOM_BYTES) this.#grow(0);
  }

  /** Adds a record; returns how many bytes it takes. Throws, adding nothing, what cannot be in a PUBLISH. */
  put(record: OutboxRecord): number {
    const topicBytes = utf8Length(record.topic);
    if (topicBytes > 0xffff) throw new Error(`its topic has ${topicBytes} bytes, at most 65535 are expected`);
    const properties = encodeProperties(record.properties, 'publish');
    const contentBytes = 2 + topicBytes + properties.length + record.payload.length;
    if (contentBytes > 0xffff_ffff) throw new Error(`it has ${contentBytes} bytes, at most 4294967295 are expected`);
    const at = this.#take(PUT, PUT_BYTES + contentBytes, record.sequence);
    this.#progress(at, record);
    this.#bytes[at + FLAGS_AT] = record.qos | (record.retain ? RETAIN : 0);
    this.#view.setFloat64(at + EXPIRES_AT, record.expiresAtMs ?? Number.NaN);
    this.#view.setUint32(at + LENGTH_AT, contentBytes);
    this.#view.setUint16(at + PUT_BYTES, topicBytes);
    const topicEnd = writeUtf8(this.#bytes, at + PUT_BYTES + 2, record.topic);
    this.#bytes.set(properties, topicEnd);
    this.#bytes.set(record.payload, topicEnd + properties.length);
    return this.end - at;
  }

  /** Adds a put as `readOperations` found it, further on in its exchange. */
  copyPut(put: Uint8Array, progress: OutboxProgress): void {
    const at = this.#room(put.length);
    this.#bytes.set(put, at);
    this.#progress(at, progress);
  }

  move(sequence: number, progress: OutboxProgress): void {
    this.#progress(this.#take(MOVE, MOVE_BYTES, sequence), progress);
  }

  remove(sequence: number): void {
    this.#take(REMOVE, REMOVE_BYTES, sequence);
  }

  clientId(clientId: string): void {
    const length = utf8Length(clientId);
    if (length > 0xffff) throw new Error(`the Client Identifier has ${length} bytes, at most 65535 are expected`);
    const at = this.#room(TEXT_AT + length);
    this.#bytes[at] = CLIENT_ID;
    this.#view.setUint16(at + 1, length);
    writeUtf8(this.#bytes, at + TEXT_AT, clientId);
  }

  #take(kind: number, bytes: number, sequence: number): number {
    if (!Number.isSafeInteger(sequence)) throw new Error(`its sequence is ${sequence}, a safe integer is expected`);
    const at = this.#room(bytes);
    this.#bytes[at] = kind;
    this.#view.setFloat64(at + SEQUENCE_AT, sequence);
    return at;
  }

  #progress(at: number, { packetId, state }: OutboxProgress): void {
    this.#view.setUint16(at + PACKET_ID_AT, packetId);
    this.#bytes[at + STATE_AT] = STATES.indexOf(state);
  }

  /** Where `bytes` more may be written. */
  #room(bytes: number): number {
    const at = this.end;
    if (at + bytes > this.#bytes.length) this.#grow(at + bytes);
    this.end = at + bytes;
    return at;
  }

  #grow(bytes: number): void {
    const doubled = bytes === 0 ? 0 : Math.min(this.#bytes.length * 2, bytes + 16 * ROOM_BYTES);
    const grown = new Uint8Array(Math.max(ROOM_BYTES, bytes, doubled));
    grown.set(this.#bytes.subarray(0, this.end));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Tells the visitor the operations of `body`. Throws a RangeError or the protocol's MqttError where it is none. */
export function readOperations(body: Uint8Array, visitor: OperationVisitor): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  for (let at = 0; at < body.length; ) {
    const kind = body[at];
    if (kind === CLIENT_ID) {
      const start = at + TEXT_AT;
      at = within(body, start + view.getUint16(at + 1));
      visitor.clientId(readUtf8(body, start, at));
      continue;
    }
    const sequence = view.getFloat64(at + SEQUENCE_AT);
    if (kind === REMOVE) {
      visitor.remove(sequence);
      at += REMOVE_BYTES;
      continue;
    }
    const progress = { packetId: view.getUint16(at + PACKET_ID_AT), state: stateOf(view.getUint8(at + STATE_AT)) };
    if (kind === MOVE) {
      visitor.move(sequence, progress);
      at += MOVE_BYTES;
      continue;
    }
    if (kind !== PUT) throw new RangeError(`There is no operation ${kind}`);
    const end = within(body, at + PUT_BYTES + view.getUint32(at + LENGTH_AT));
    visitor.put(sequence, progress, at, end);
    at = end;
  }
}

/** The record of a put as `readOperations` found it; its bytes are views of `put`. Throws as that does. */
export function recordOf(put: Uint8Array, { packetId, state }: OutboxProgress): OutboxRecord {
  const view = new DataView(put.buffer, put.byteOffset, put.length);
  const flags = put[FLAGS_AT];
  const expiresAtMs = view.getFloat64(EXPIRES_AT);
  const topicAt = PUT_BYTES + 2;
  const topicEnd = within(put, topicAt + view.getUint16(PUT_BYTES));
  const propertyBytes = readVarint(put, topicEnd, put.length);
  const propertiesAt = topicEnd + varintSize(propertyBytes);
  const payloadAt = within(put, propertiesAt + propertyBytes);
  return {
    sequence: view.getFloat64(SEQUENCE_AT),
    topic: readUtf8(put, topicAt, topicEnd),
    payload: put.subarray(payloadAt),
    qos: (flags & 3) as 0 | 1 | 2,
    retain: (flags & RETAIN) !== 0,
    // A server's, since a client that passes messages on may keep their Subscription Identifiers.
    properties: readProperties(put, propertiesAt, payloadAt, 'publish', 'server'),
    expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs,
    packetId,
    state,
  };
}

function stateOf(number: number): OutboxRecord['state'] {
  const state = STATES[number];
  if (state === undefined) throw new RangeError(`There is no state ${number}`);
  return state;
}

function within(bytes: Uint8Array, end: number): number {
  if (end > bytes.length) throw new RangeError('An operation runs past its frame');
  return end;
}
