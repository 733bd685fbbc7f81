/**
 * Writes PUBLISH packets into outboxes.
 *
 * The frame of a message is made once per form (3.x or 5.0, with or without Packet Identifier): the first recipient's
 * outbox gets it built, the next ones get a copy with the identifier set. Where the frame that came in already has the
 * form that goes out, that is copied.
 */
import type { ProtocolVersion } from '@dunlin/protocol';
import type { Message } from './message.ts';
import type { BufferPool, Outbox } from './outbox.ts';

/** Payloads from here on are sent from where they are, if they own their memory. */
const REFERENCED_BYTES_MIN = 16 * 1024;
/** Below this a loop copies faster than a call. */
const LOOP_BYTES_MAX = 24;

/** Where a finished frame of a form stands: in an outbox, until a buffer is recycled. */
interface Form {
  message: Message | undefined;
  buffer: Buffer | undefined;
  start: number;
  length: number;
  /** Offset of the Packet Identifier from `start`. */
  identifierAt: number;
  recycled: number;
}

export class PublishWriter {
  readonly #pool: BufferPool;
  readonly #forms: readonly Form[];

  constructor(pool: BufferPool) {
    this.#pool = pool;
    const form = (): Form => ({
      message: undefined,
      buffer: undefined,
      start: 0,
      length: 0,
      identifierAt: 0,
      recycled: -1,
    });
    this.#forms = [form(), form(), form(), form()];
  }

  /**
   * Writes one PUBLISH.
   * @param header first byte: type, DUP, QoS, RETAIN
   * @param packetId 0 for QoS 0
   * @param alias 0: none; above 0: known, the topic is left out; below 0: new, sent with the topic
   * @param remaining seconds of Message Expiry Interval left; 0 for none
   */
  write(
    outbox: Outbox,
    message: Message,
    version: ProtocolVersion,
    header: number,
    packetId: number,
    identifiers: readonly number[],
    alias: number,
    remaining: number,
  ): void {
    if (
      packetId === 0 &&
      message.frameVersion !== 0 &&
      (version === 5) === (message.frameVersion === 5) &&
      alias === 0 &&
      identifiers.length === 0
    ) {
      const length = message.frameEnd - message.frameStart;
      const buffer = outbox.reserve(length);
      copyBytes(message.bytes, message.frameStart, message.frameEnd, buffer, outbox.length);
      buffer[outbox.length] = header;
      outbox.length += length;
      return;
    }
    const form = this.#forms[(version === 5 ? 1 : 0) | (packetId === 0 ? 0 : 2)];
    const isPlain = alias === 0 && identifiers.length === 0;
    if (isPlain && form.message === message && form.recycled === this.#pool.recycled) {
      this.#copy(outbox, form, header, packetId);
      return;
    }
    const body = bodyLength(message, version, packetId, identifiers, alias, remaining);
    const payloadLength = message.payloadEnd - message.payloadStart;
    const isReferenced = message.owned && payloadLength >= REFERENCED_BYTES_MIN;
    const buffer = outbox.reserve(1 + varintLength(body) + body - (isReferenced ? payloadLength : 0));
    const start = outbox.length;
    buffer[start] = header;
    const topicAt = writeVarint(buffer, start + 1, body);
    const identifierAt = writeTopic(buffer, topicAt, message, alias);
    let at = identifierAt;
    if (packetId !== 0) {
      buffer[at++] = packetId >>> 8;
      buffer[at++] = packetId & 0xff;
    }
    if (version === 5) at = writeProperties(buffer, at, message, identifiers, alias, remaining);
    if (isReferenced) {
      outbox.length = at;
      outbox.reference(message.payload);
      return;
    }
    copyBytes(message.bytes, message.payloadStart, message.payloadEnd, buffer, at);
    outbox.length = at + payloadLength;
    if (!isPlain) return;
    form.message = message;
    form.buffer = buffer;
    form.start = start;
    form.length = outbox.length - start;
    form.identifierAt = identifierAt - start;
    form.recycled = this.#pool.recycled;
  }

  /** Forgets the message of the turn, so that nothing keeps it alive. */
  forget(): void {
    for (const form of this.#forms) {
      form.message = undefined;
      form.buffer = undefined;
    }
  }

  #copy(outbox: Outbox, form: Form, header: number, packetId: number): void {
    const length = form.length;
    const source = form.buffer as Buffer;
    const buffer = outbox.reserve(length);
    const at = outbox.length;
    copyBytes(source, form.start, form.start + length, buffer, at);
    buffer[at] = header;
    if (packetId !== 0) {
      buffer[at + form.identifierAt] = packetId >>> 8;
      buffer[at + form.identifierAt + 1] = packetId & 0xff;
    }
    outbox.length = at + length;
  }
}

/** Size in bytes of the PUBLISH that `write` would make. */
export function publishLength(
  message: Message,
  version: ProtocolVersion,
  packetId: number,
  identifiers: readonly number[],
  alias: number,
  remaining: number,
): number {
  const body = bodyLength(message, version, packetId, identifiers, alias, remaining);
  return 1 + varintLength(body) + body;
}

function bodyLength(
  message: Message,
  version: ProtocolVersion,
  packetId: number,
  identifiers: readonly number[],
  alias: number,
  remaining: number,
): number {
  let length =
    (alias > 0 ? 2 : message.topic.encoded.length) +
    (packetId === 0 ? 0 : 2) +
    message.payloadEnd -
    message.payloadStart;
  if (version === 5) {
    const properties = propertiesLength(message, identifiers, alias, remaining);
    length += varintLength(properties) + properties;
  }
  return length;
}

function propertiesLength(message: Message, identifiers: readonly number[], alias: number, remaining: number): number {
  let length = message.properties.length + (remaining > 0 ? 5 : 0) + (alias === 0 ? 0 : 3);
  for (const identifier of identifiers) length += 1 + varintLength(identifier);
  return length;
}

/** Writes the Topic Name, empty where a known alias stands for it; returns the offset behind it. */
function writeTopic(buffer: Buffer, at: number, message: Message, alias: number): number {
  const topic = message.topic.encoded;
  if (alias <= 0) {
    copyBytes(topic, 0, topic.length, buffer, at);
    return at + topic.length;
  }
  buffer[at] = 0;
  buffer[at + 1] = 0;
  return at + 2;
}

function writeProperties(
  buffer: Buffer,
  start: number,
  message: Message,
  identifiers: readonly number[],
  alias: number,
  remaining: number,
): number {
  let at = writeVarint(buffer, start, propertiesLength(message, identifiers, alias, remaining));
  if (remaining > 0) {
    buffer[at++] = 0x02;
    at = buffer.writeUInt32BE(remaining, at);
  }
  if (alias !== 0) {
    const number = alias < 0 ? -alias : alias;
    buffer[at++] = 0x23;
    buffer[at++] = number >>> 8;
    buffer[at++] = number & 0xff;
  }
  for (const identifier of identifiers) {
    buffer[at++] = 0x0b;
    at = writeVarint(buffer, at, identifier);
  }
  const properties = message.properties;
  if (properties.length > 0) {
    copyBytes(properties, 0, properties.length, buffer, at);
    at += properties.length;
  }
  return at;
}

function copyBytes(source: Buffer, start: number, end: number, target: Buffer, at: number): void {
  if (end - start > LOOP_BYTES_MAX) source.copy(target, at, start, end);
  else for (let from = start, to = at; from < end; ) target[to++] = source[from++];
}

function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}
