/**
 * Fuzzes the decoder: `FrameReader`, `decodePacket` and `PublishFrame` on damaged packets of all versions, for both
 * receivers. Whatever the bytes, there is a packet, a wait for more, or an MqttError; the cuts do not matter; what was
 * decoded can be encoded and is the same again; and no memory is held that the bytes did not pay for.
 */
import {
  decodePacket,
  encodePacket,
  FrameReader,
  MqttError,
  type Packet,
  type ProtocolVersion,
  PublishFrame,
  type Side,
} from '@dunlin/protocol';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { CORPUS } from './corpus.ts';
import { mutate } from './mutator.ts';

export interface Finding {
  readonly target: 'decoder' | 'connection';
  readonly seed: number;
  readonly number: number;
  readonly what: string;
  /** The bytes, in hexadecimal. */
  readonly bytes: string;
}

interface Case {
  readonly bytes: Buffer;
  readonly version: ProtocolVersion;
  readonly receiver: Side;
  readonly strictText: boolean;
  readonly maximumPacketSize: number;
}

type Outcome = { readonly packets: Packet[]; readonly error: MqttError | undefined };

const PACKETS_MAX = 50;
const HELD_BYTES_SLACK = 4096 + 8;

/** Runs `count` cases of a seed; returns the first that goes wrong. */
export function fuzzDecoder(seed: number, count: number): Finding | undefined {
  const random = new SeededRandom(seed);
  const traceLimit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    for (let number = 0; number < count; number++) {
      const one = makeCase(random);
      const what = check(one, random);
      if (what !== undefined)
        return {
          target: 'decoder',
          seed,
          number,
          what: `${what} (version ${one.version}, ${one.receiver})`,
          bytes: one.bytes.toString('hex'),
        };
    }
  } finally {
    Error.stackTraceLimit = traceLimit;
  }
  return undefined;
}

function makeCase(random: SeededRandom): Case {
  const seedling = random.pick(CORPUS);
  const isOther = random.chance(0.1);
  let bytes = mutate(random, seedling.bytes, CORPUS);
  if (random.chance(0.1)) bytes = Buffer.concat([bytes, random.pick(CORPUS).bytes]);
  return {
    bytes,
    version: isOther ? random.pick([3, 4, 5] as const) : seedling.version,
    receiver: isOther ? random.pick(['server', 'client'] as const) : seedling.receiver,
    strictText: random.chance(0.7),
    maximumPacketSize: random.pick([64, 1024, 1_048_576, 268_435_460]),
  };
}

function check(one: Case, random: SeededRandom): string | undefined {
  try {
    const whole = decodeAll(one, [one.bytes]);
    const pieces = decodeAll(one, cut(random, one.bytes));
    if (say(whole) !== say(pieces)) return `cut into pieces it gives ${say(pieces)} instead of ${say(whole)}`;
    for (const packet of whole.packets) {
      const what = checkRoundTrip(packet, one);
      if (what !== undefined) return what;
    }
    return undefined;
  } catch (error) {
    return error instanceof Wrong ? error.message : `throws ${String(error)}`;
  }
}

class Wrong extends Error {}

function cut(random: SeededRandom, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = random.chance(0.3) ? 1 : random.between(1, bytes.length - at);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

function decodeAll(one: Case, pieces: readonly Buffer[]): Outcome {
  const reader = new FrameReader(one.maximumPacketSize);
  const packets: Packet[] = [];
  let received = 0;
  try {
    for (const piece of pieces) {
      const chunk = Buffer.from(piece);
      received += chunk.length;
      reader.push(chunk);
      while (packets.length < PACKETS_MAX && reader.next()) packets.push(decodeOne(reader, one));
      if (packets.length >= PACKETS_MAX) break;
      chunk.fill(0xee);
      if (reader.heldBytes > 2 * received + HELD_BYTES_SLACK)
        throw new Wrong(`holds ${reader.heldBytes} bytes after ${received} were received`);
    }
    return { packets, error: undefined };
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    return { packets, error };
  }
}

function decodeOne(reader: FrameReader, { version, receiver, strictText }: Case): Packet {
  const { bytes, start, bodyStart, end } = reader;
  const frameError = bytes[start] >> 4 === 3 ? readFrame(reader, version, receiver, strictText) : undefined;
  let packet: Packet;
  try {
    packet = decodePacket(version, receiver, bytes, start, bodyStart, end, { strictText });
  } catch (error) {
    if (error instanceof MqttError && bytes[start] >> 4 === 3 && frameError === undefined)
      throw new Wrong(`PublishFrame reads what decodePacket refuses: ${error.message}`);
    throw error;
  }
  if (frameError !== undefined) throw new Wrong(`PublishFrame refuses what decodePacket reads: ${frameError.message}`);
  return copied(packet);
}

function readFrame(
  reader: FrameReader,
  version: ProtocolVersion,
  receiver: Side,
  strictText: boolean,
): MqttError | undefined {
  const frame = new PublishFrame(receiver, { strictText });
  try {
    frame.read(version, reader.bytes, reader.start, reader.bodyStart, reader.end);
    frame.topic();
    frame.properties();
    if (frame.payloadStart > frame.end) throw new Wrong('the payload begins behind the packet');
    return undefined;
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    return error;
  }
}

/** Without views of memory that will be used again. */
function copied(packet: Packet): Packet {
  return structuredClone(packet);
}

function checkRoundTrip(packet: Packet, { receiver, strictText, version }: Case): string | undefined {
  // A reserved byte of 3.1, which a decoder may keep and an encoder writes as 0.
  if (packet.type === 'connack' && version === 3) return undefined;
  const itsVersion = packet.type === 'connect' ? packet.protocolVersion : version;
  let bytes: Uint8Array;
  try {
    bytes = encodePacket(packet, itsVersion);
  } catch (error) {
    if (error instanceof MqttError) return `decodes to ${sayPacket(packet)}, which cannot be encoded: ${error.message}`;
    throw error;
  }
  const reader = new FrameReader(268_435_460);
  reader.push(bytes);
  if (!reader.next()) return `${sayPacket(packet)} is encoded as half a packet`;
  const again = decodePacket(itsVersion, receiver, reader.bytes, reader.start, reader.bodyStart, reader.end, {
    strictText,
  });
  return sayPacket(again) === sayPacket(packet) ? undefined : `${sayPacket(packet)} becomes ${sayPacket(again)}`;
}

function say({ packets, error }: Outcome): string {
  return `${packets.map(sayPacket).join(', ')}${error === undefined ? '' : ` then ${error.code} 0x${error.reasonCode.toString(16)}`}`;
}

function sayPacket(packet: Packet): string {
  return JSON.stringify(packet, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
}
