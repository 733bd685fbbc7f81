/** Every golden vector, whole, in pieces, at an offset and damaged. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decodePacket } from './decode.ts';
import { encodePacket } from './encode.ts';
import { MqttError } from './errors.ts';
import { FrameReader } from './frame-reader.ts';
import type { Side } from './packet-types.ts';
import type { Packet, ProtocolVersion } from './packets.ts';
import { PublishFrame } from './publish-frame.ts';

interface Vector {
  readonly title: string;
  readonly version: ProtocolVersion;
  readonly receiver: Side;
  readonly bytes: string;
  readonly strictText?: boolean;
  readonly packet?: unknown;
  readonly canonical?: boolean;
  readonly error?: { readonly code: string; readonly reasonCode: number };
}

const MAXIMUM_PACKET_SIZE = 1_048_576;
const BINARY_KEYS = new Set(['payload', 'password', 'correlationData', 'authenticationData']);
const directory = new URL('../vectors/', import.meta.url);
const files = readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, vectors: JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Vector[] }));
const all = files.flatMap((file) => file.vectors);

for (const { name, vectors } of files) {
  describe(`golden vectors of ${name}`, () => {
    for (const vector of vectors) {
      test(`${vector.error ? 'refuses' : 'reads'} ${vector.title}`, () => checkWhole(vector));
    }
  });
}

test('every vector gives the same result at every split point and byte by byte [MQTT-4.2-1]', () => {
  for (const vector of all) {
    const bytes = bytesOf(vector.bytes);
    for (let split = 1; split < bytes.length; split++) {
      checkResult(vector, decodePieces(vector, [bytes.subarray(0, split), bytes.subarray(split)]));
    }
    checkResult(
      vector,
      decodePieces(
        vector,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ),
    );
  }
});

test('every vector gives the same result in a buffer at an offset among other bytes', () => {
  for (const vector of all) {
    const bytes = bytesOf(vector.bytes);
    for (const filler of [0x00, 0xff]) {
      const memory = new Uint8Array(bytes.length + 32).fill(filler);
      memory.set(bytes, 13);
      checkResult(vector, decodePieces(vector, [new Uint8Array(memory.buffer, 13, bytes.length)]));
    }
  }
});

test('valid vectors follow one another in one chunk and each is found whole', () => {
  const valid = all.filter((vector) => vector.packet !== undefined);
  const stream = bytesOf(valid.map((vector) => vector.bytes).join(''));
  const reader = new FrameReader(MAXIMUM_PACKET_SIZE);
  reader.push(stream);
  for (const vector of valid) {
    assert.equal(reader.next(), true);
    assert.deepEqual(plain(decodeCurrent(vector, reader)), vector.packet, vector.title);
  }
  assert.equal(reader.next(), false);
});

test('every vector with one bit flipped gives a packet, a wait for more bytes or an MqttError', () => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    for (const vector of all) {
      const bytes = bytesOf(vector.bytes);
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        bytes[bit >> 3] ^= 1 << (bit & 7);
        decodePieces(vector, [bytes]);
        bytes[bit >> 3] ^= 1 << (bit & 7);
      }
    }
  } finally {
    Error.stackTraceLimit = limit;
  }
});

test('every valid vector cut short is refused or, where 5.0 and 3.1 have short forms, another packet', () => {
  for (const vector of all.filter((candidate) => candidate.packet !== undefined && candidate.canonical !== false)) {
    const bytes = bytesOf(vector.bytes);
    const bodyStart = bytes[1] < 0x80 ? 2 : 3;
    for (let end = bodyStart; end < bytes.length; end++) {
      const result = attempt(() => decodePacket(vector.version, vector.receiver, bytes, 0, bodyStart, end));
      if (result instanceof MqttError) continue;
      assert.notDeepEqual(plain(result), vector.packet, `${vector.title}, cut at ${end}`);
    }
  }
});

test('PublishFrame agrees with decodePacket on every PUBLISH', () => {
  for (const vector of all.filter((candidate) => candidate.bytes.startsWith('3'))) {
    const bytes = bytesOf(vector.bytes);
    const result = decodePieces(vector, [bytes]);
    const frame = new PublishFrame(vector.receiver, { strictText: vector.strictText });
    const reader = new FrameReader(MAXIMUM_PACKET_SIZE);
    const read = attempt(() => {
      reader.push(bytes);
      if (!reader.next()) return undefined;
      frame.read(vector.version, reader.bytes, reader.start, reader.bodyStart, reader.end);
      return frame.topic();
    });
    if (result instanceof MqttError) {
      assert.ok(read instanceof MqttError, vector.title);
      assert.equal(read.reasonCode, result.reasonCode, vector.title);
      continue;
    }
    assert.ok(result?.type === 'publish', vector.title);
    assert.equal(read, result.topic, vector.title);
    assert.equal(
      frame.hasProperties,
      Object.keys(result.properties).some((key) => key !== 'topicAlias'),
    );
    assert.equal(frame.topicAlias, result.properties.topicAlias ?? 0, vector.title);
    assert.deepEqual(frame.properties(), result.properties, vector.title);
    assert.deepEqual(bytes.subarray(frame.payloadStart, frame.end), new Uint8Array(result.payload), vector.title);
  }
});

function checkWhole(vector: Vector): void {
  const result = decodePieces(vector, [bytesOf(vector.bytes)]);
  checkResult(vector, result);
  if (vector.canonical === false || result === undefined || result instanceof MqttError) return;
  assert.equal(Buffer.from(encodePacket(result, vector.version)).toString('hex'), vector.bytes);
}

function checkResult(vector: Vector, result: Packet | MqttError | undefined): void {
  if (vector.error === undefined) {
    assert.deepEqual(plain(result), vector.packet, vector.title);
    return;
  }
  assert.ok(result instanceof MqttError, `${vector.title}: was accepted`);
  assert.deepEqual({ code: result.code, reasonCode: result.reasonCode }, vector.error, vector.title);
}

/** The one packet in the pieces, its fault, or undefined when bytes are missing. Each piece is destroyed after use. */
function decodePieces(vector: Vector, pieces: readonly Uint8Array[]): Packet | MqttError | undefined {
  const reader = new FrameReader(MAXIMUM_PACKET_SIZE);
  return attempt(() => {
    for (const piece of pieces) {
      const chunk = Uint8Array.from(piece);
      reader.push(chunk);
      if (reader.next()) return decodeCurrent(vector, reader);
      chunk.fill(0xee);
    }
    return undefined;
  });
}

function decodeCurrent(vector: Vector, reader: FrameReader): Packet {
  const { bytes, start, bodyStart, end } = reader;
  return decodePacket(vector.version, vector.receiver, bytes, start, bodyStart, end, { strictText: vector.strictText });
}

function attempt<T>(action: () => T): T | MqttError {
  try {
    return action();
  } catch (error) {
    if (error instanceof MqttError) return error;
    throw error;
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** A packet as JSON holds it: binary fields in hexadecimal, absent fields absent. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (key, field: unknown) => {
    if (!BINARY_KEYS.has(key)) return field;
    return Buffer.from(Object.values(field as Uint8Array)).toString('hex');
  });
  return text === undefined ? undefined : JSON.parse(text);
}
