/** Reads what a server sends, as strictly as the standard allows; shares no code with the product. */

import { PROPERTIES, type Properties, type Version } from './wire.ts';

export interface Connack {
  type: 'connack';
  sessionPresent: boolean;
  code: number;
  properties: Properties;
  raw: Buffer;
}
export interface Publish {
  type: 'publish';
  dup: boolean;
  qos: number;
  retain: boolean;
  topic: string;
  topicBytes: Buffer;
  /** 0 for QoS 0. */
  id: number;
  properties: Properties;
  payload: Buffer;
  raw: Buffer;
}
export interface Ack {
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  id: number;
  code: number;
  properties: Properties;
  raw: Buffer;
}
export interface Suback {
  type: 'suback' | 'unsuback';
  id: number;
  /** Empty for UNSUBACK before 5.0. */
  codes: number[];
  properties: Properties;
  raw: Buffer;
}
export interface Pingresp {
  type: 'pingresp';
  raw: Buffer;
}
export interface Disconnect {
  type: 'disconnect' | 'auth';
  code: number;
  properties: Properties;
  raw: Buffer;
}
export type Packet = Connack | Publish | Ack | Suback | Pingresp | Disconnect;
export type PacketName = Packet['type'];
export type PacketOf<Name extends PacketName> =
  Extract<Packet, { type: Name }> extends never
    ? Name extends Ack['type']
      ? Ack
      : Name extends Suback['type']
        ? Suback
        : Disconnect
    : Extract<Packet, { type: Name }>;

const NAMES: (PacketName | undefined)[] = [
  undefined,
  undefined,
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  undefined,
  'suback',
  undefined,
  'unsuback',
  undefined,
  'pingresp',
  'disconnect',
  'auth',
];

const PUBLISH_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const CODES_5: Partial<Record<PacketName, readonly number[]>> = {
  connack: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
    0x9c, 0x9d, 0x9f,
  ],
  puback: PUBLISH_CODES,
  pubrec: PUBLISH_CODES,
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnect: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
    0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  auth: [0x00, 0x18],
};
/** CONNACK 0x01 and 0x02 answer a level the server does not serve in the old form, whatever the client speaks. */
const CODES_3: Partial<Record<PacketName, readonly number[]>> = {
  connack: [0x00, 0x01, 0x02, 0x03, 0x04, 0x05],
  suback: [0x00, 0x01, 0x02, 0x80],
};

/** Reason codes seen from the server in this process, by version and packet; tests of closed sets read it. */
export const seenCodes = new Map<string, Set<number>>();

/** The server broke the standard; `raw` holds the offending bytes. */
export class ServerFault extends Error {
  readonly raw: Buffer;
  constructor(message: string, raw: Buffer) {
    super(`the server broke the standard: ${message}\n${dump(raw)}`);
    this.name = 'ServerFault';
    this.raw = raw;
  }
}

/** Bytes as hexadecimal lines of sixteen, at most 256 bytes. */
export function dump(raw: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(raw.length, 256); at += 16) {
    const slice = Buffer.from(raw.subarray(at, at + 16));
    const text = slice.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    lines.push(`  ${at.toString(16).padStart(4, '0')}  ${slice.toString('hex').replaceAll(/(..)/g, '$1 ')} ${text}`);
  }
  if (raw.length > 256) lines.push(`  … ${raw.length} bytes in all`);
  return lines.join('\n');
}

/** Length of the first whole packet in `buffer`, or 0 while it is not whole. */
export function packetLength(buffer: Buffer): number {
  let value = 0;
  for (let i = 1; i < buffer.length; i++) {
    value += (buffer[i] & 0x7f) * 128 ** (i - 1);
    if (buffer[i] < 0x80) {
      if (i > 1 && buffer[i] === 0) throw new ServerFault('Remaining Length is not in its shortest form', buffer);
      return buffer.length >= 1 + i + value ? 1 + i + value : 0;
    }
    if (i === 4) throw new ServerFault('Remaining Length has more than four bytes', buffer);
  }
  return 0;
}

/** Reads one packet's body; every read checks that the bytes are there. */
class Reader {
  readonly raw: Buffer;
  at: number;
  end: number;
  constructor(raw: Buffer, at: number) {
    this.raw = raw;
    this.at = at;
    this.end = raw.length;
  }
  get left(): number {
    return this.end - this.at;
  }
  fail(message: string): never {
    throw new ServerFault(message, this.raw);
  }
  take(count: number, what: string): Buffer {
    if (this.left < count) this.fail(`${what} runs past the end of the packet`);
    this.at += count;
    return this.raw.subarray(this.at - count, this.at);
  }
  byte(what: string): number {
    return this.take(1, what)[0];
  }
  two(what: string): number {
    return this.take(2, what).readUInt16BE();
  }
  varint(what: string): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const group = this.byte(what);
      value += (group & 0x7f) * 128 ** i;
      if (group < 0x80) {
        if (i > 0 && group === 0) this.fail(`${what} is not in its shortest form`);
        return value;
      }
    }
    return this.fail(`${what} has more than four bytes`);
  }
  binary(what: string): Buffer {
    return this.take(this.two(what), what);
  }
  text(what: string): string {
    const body = this.binary(what);
    let text = '';
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    } catch {
      this.fail(`${what} is not valid UTF-8`);
    }
    if (text.includes('\0')) this.fail(`${what} holds U+0000`);
    return text;
  }
  properties(packetName: string): Properties {
    const length = this.varint('the property length');
    const stop = this.at + length;
    if (stop > this.end) this.fail('the properties run past the end of the packet');
    const found: Record<string, unknown> = {};
    const packetEnd = this.end;
    this.end = stop;
    while (this.at < stop) this.property(packetName, found);
    this.end = packetEnd;
    return found as Properties;
  }
  property(packetName: string, found: Record<string, unknown>): void {
    const id = this.varint('a property identifier');
    const row = PROPERTIES.find((candidate) => candidate[0] === id);
    if (row === undefined) throw new ServerFault(`unknown property 0x${id.toString(16)}`, this.raw);
    const [, name, type, allowed] = row;
    if (!allowed.split(' ').includes(packetName)) this.fail(`property ${name} must not be in ${packetName}`);
    const value = this.value(type, name);
    if (name === 'userProperties' || name === 'subscriptionIdentifiers') {
      found[name] = [...((found[name] as unknown[]) ?? []), value];
      return;
    }
    if (found[name] !== undefined) this.fail(`property ${name} is there twice`);
    found[name] = value;
  }
  value(type: string, name: string): unknown {
    if (type === 'byte') return this.byte(name);
    if (type === 'two') return this.two(name);
    if (type === 'four') return this.take(4, name).readUInt32BE();
    if (type === 'varint') return this.varint(name);
    if (type === 'binary') return this.binary(name);
    if (type === 'pair') return [this.text(name), this.text(name)];
    return this.text(name);
  }
}

/** Parses one whole packet from the server; throws `ServerFault` where the standard is broken. */
export function parse(raw: Buffer, version: Version): Packet {
  const name = NAMES[raw[0] >> 4];
  const nibble = raw[0] & 0x0f;
  if (name === undefined || (version < 5 && (name === 'disconnect' || name === 'auth'))) {
    throw new ServerFault(`a server must not send packet type ${raw[0] >> 4}`, raw);
  }
  if (name !== 'publish' && nibble !== (name === 'pubrel' ? 2 : 0)) {
    throw new ServerFault(`the reserved flags of ${name} are ${nibble}`, raw);
  }
  const headerLength = 1 + raw.subarray(1).findIndex((byte) => byte < 0x80) + 1;
  const reader = new Reader(raw, headerLength);
  const parsed = parseBody(reader, name, nibble, version);
  if (reader.left > 0) reader.fail(`${reader.left} bytes are left over at the end of ${name}`);
  checkCodes(parsed, version);
  return parsed;
}

function parseBody(reader: Reader, name: PacketName, nibble: number, version: Version): Packet {
  if (name === 'connack') return connack(reader, version);
  if (name === 'publish') return publish(reader, nibble, version);
  if (name === 'suback' || name === 'unsuback') return suback(reader, name, version);
  if (name === 'pingresp') return { type: 'pingresp', raw: reader.raw };
  if (name === 'disconnect' || name === 'auth') {
    const code = reader.left > 0 ? reader.byte('the Reason Code') : 0;
    return { type: name, code, properties: reader.left > 0 ? reader.properties(name) : {}, raw: reader.raw };
  }
  const id = packetId(reader, name);
  if (version < 5) return { type: name, id, code: 0, properties: {}, raw: reader.raw };
  const code = reader.left > 0 ? reader.byte('the Reason Code') : 0;
  return { type: name, id, code, properties: reader.left > 0 ? reader.properties(name) : {}, raw: reader.raw };
}

function packetId(reader: Reader, name: string): number {
  const id = reader.two('the Packet Identifier');
  return id === 0 ? reader.fail(`the Packet Identifier of ${name} is 0`) : id;
}

function connack(reader: Reader, version: Version): Connack {
  const flags = reader.byte('the acknowledge flags');
  if (flags > 1) reader.fail('reserved acknowledge flags are set');
  if (flags > 0 && version === 3) reader.fail('MQTT 3.1 has no Session Present');
  const code = reader.byte('the return code');
  if (flags > 0 && code !== 0) reader.fail('Session Present is 1 in a CONNACK that refuses');
  // A refusal of the protocol level may come in the form of 3.1.1, which has no properties.
  const properties = version === 5 && !(reader.left === 0 && code > 0 && code < 6) ? reader.properties('connack') : {};
  if (properties.receiveMaximum === 0) reader.fail('Receive Maximum is 0');
  if (properties.maximumPacketSize === 0) reader.fail('Maximum Packet Size is 0');
  for (const name of [
    'maximumQoS',
    'retainAvailable',
    'wildcardSubscriptionAvailable',
    'subscriptionIdentifierAvailable',
    'sharedSubscriptionAvailable',
  ] as const) {
    if ((properties[name] ?? 0) > 1) reader.fail(`${name} is neither 0 nor 1`);
  }
  return { type: 'connack', sessionPresent: flags === 1, code, properties, raw: reader.raw };
}

function publish(reader: Reader, nibble: number, version: Version): Publish {
  const qos = (nibble >> 1) & 3;
  const dup = (nibble & 8) !== 0;
  if (qos === 3) reader.fail('QoS is 3');
  if (dup && qos === 0) reader.fail('DUP is set at QoS 0');
  const start = reader.at + 2;
  const topic = reader.text('the Topic Name');
  const topicBytes = reader.raw.subarray(start, reader.at);
  if (/[+#]/.test(topic)) reader.fail('the Topic Name holds a wildcard');
  const id = qos > 0 ? packetId(reader, 'publish') : 0;
  const properties = version === 5 ? reader.properties('publish') : {};
  if (topic === '' && properties.topicAlias === undefined) reader.fail('the Topic Name is empty');
  if (properties.topicAlias === 0) reader.fail('the Topic Alias is 0');
  if ((properties.payloadFormatIndicator ?? 0) > 1) reader.fail('the Payload Format Indicator is neither 0 nor 1');
  if (/[+#]/.test(properties.responseTopic ?? '')) reader.fail('the Response Topic holds a wildcard');
  if (properties.subscriptionIdentifiers?.includes(0)) reader.fail('a Subscription Identifier is 0');
  const payload = reader.take(reader.left, 'the payload');
  const retain = (nibble & 1) !== 0;
  return { type: 'publish', dup, qos, retain, topic, topicBytes, id, properties, payload, raw: reader.raw };
}

function suback(reader: Reader, name: 'suback' | 'unsuback', version: Version): Suback {
  const id = packetId(reader, name);
  const properties = version === 5 ? reader.properties(name) : {};
  const hasCodes = version === 5 || name === 'suback';
  const codes = hasCodes ? [...reader.take(reader.left, 'the codes')] : [];
  if (hasCodes && codes.length === 0) reader.fail(`${name} has no codes`);
  return { type: name, id, codes, properties, raw: reader.raw };
}

function checkCodes(parsed: Packet, version: Version): void {
  const codes = 'codes' in parsed ? parsed.codes : 'code' in parsed ? [parsed.code] : [];
  const allowed = (version === 5 ? CODES_5 : CODES_3)[parsed.type];
  const key = `${version} ${parsed.type}`;
  const seen = seenCodes.get(key) ?? new Set();
  seenCodes.set(key, seen);
  for (const code of codes) {
    seen.add(code);
    const failureOf31 = version === 3 && parsed.type === 'suback' && code === 0x80;
    if (!failureOf31 && (allowed === undefined || allowed.includes(code))) continue;
    const oldRefusal = parsed.type === 'connack' && code > 0 && code < 6 && parsed.raw.length === 4;
    if (!oldRefusal) throw new ServerFault(`0x${code.toString(16)} is no code of ${parsed.type}`, parsed.raw);
  }
}
