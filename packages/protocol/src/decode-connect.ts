/** Reads CONNECT of every version; the packet itself says which (section 3.1). */

import { MqttError, malformedPacket } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import type { ConnectPacket, ProtocolVersion, QoS, Will } from './packets.ts';
import { readPropertyBlock } from './property-block.ts';
import type { TextCheck, TextRules } from './utf8.ts';
import { checkTopicName, checkUtf8 } from './utf8-check.ts';

/** Options of the decode functions. */
export interface DecodeOptions extends TextRules {}

/** What the options ask of text. */
export function textCheck({ strictText = true }: DecodeOptions): TextCheck | undefined {
  return strictText ? checkUtf8 : undefined;
}

/** The private mark of Mosquitto's bridges on the Protocol Level. */
const BRIDGE_BIT = 0x80;
const FLAGS = {
  reserved: 0x01,
  cleanStart: 0x02,
  will: 0x04,
  willQoSShift: 3,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
  /** Will QoS and Will Retain. */
  willDetails: 0x38,
} as const;

/**
 * Reads a CONNECT whose first byte is at `start` and whose variable header begins at `bodyStart`.
 *
 * Name and level are judged before all that follows: 'unsupported-protocol-version' (0x84) for anything but `MQTT` with
 * 4 or 5 and `MQIsdp` with 3, where 0x84 and 0x83 pass as 4 and 3 from a bridge. Then 'malformed-packet' and
 * 'protocol-error' as section 3.1 says, 'topic-name-invalid' (0x90) for a Will Topic that is empty or has a wildcard.
 * At level 3 a user name or password which its flag promises may be missing at the end of the packet.
 * Password and Will Payload are views of `bytes`.
 */
export function decodeConnect(
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  options: DecodeOptions = {},
): ConnectPacket {
  if ((bytes[start] & 0x0f) !== 0)
    throw malformedPacket('Cannot read CONNECT: its header flags are not 0 [MQTT-2.1.3-1]');
  const reader = new PacketReader('connect', 'client', 5, bytes, bodyStart, end, textCheck(options));
  const name = readName(reader);
  const level = reader.byte('Protocol Level');
  const bridge = level === (BRIDGE_BIT | 3) || level === (BRIDGE_BIT | 4);
  const version = versionOf(name, bridge ? level & ~BRIDGE_BIT : level);
  if (version === undefined) throw unsupportedVersion(name, level);

  reader.version = version;
  const flags = reader.byte('Connect Flags');
  checkFlags(reader, flags, version);
  const keepAlive = reader.uint16('Keep Alive');
  const properties = readPropertyBlock(reader);
  const clientId = reader.text('Client Identifier');
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion: version,
    bridge,
    clientId,
    cleanStart: (flags & FLAGS.cleanStart) !== 0,
    keepAlive,
    properties,
  };
  if ((flags & FLAGS.will) !== 0) packet.will = readWill(reader, flags);
  if ((flags & FLAGS.username) !== 0 && !mayBeMissing(reader, version)) packet.username = reader.text('User Name');
  if ((flags & FLAGS.password) !== 0 && !mayBeMissing(reader, version)) packet.password = reader.binary('Password');
  reader.finish();
  return packet;
}

/**
 * The version in which to answer a CONNECT that `decodeConnect` refused; undefined when not even its name can be read.
 *
 * `MQTT` with 5 or a level of the future is 5, with any other level 4; `MQIsdp` is 3. Never throws.
 */
export function connectVersionHint(bytes: Uint8Array, bodyStart: number, end: number): ProtocolVersion | undefined {
  const nameEnd = bodyStart + 2 + ((bytes[bodyStart] << 8) | bytes[bodyStart + 1]);
  if (nameEnd >= end || nameEnd - bodyStart > 8) return undefined;
  const name = String.fromCharCode(...bytes.subarray(bodyStart + 2, nameEnd));
  if (name === 'MQIsdp') return 3;
  if (name !== 'MQTT') return undefined;
  const level = bytes[nameEnd];
  return level >= 5 && level !== (BRIDGE_BIT | 3) && level !== (BRIDGE_BIT | 4) ? 5 : 4;
}

/** The Protocol Name; an unreadable one is a name we do not serve. */
function readName(reader: PacketReader): string {
  const bytes = reader.binary('Protocol Name');
  return bytes.length <= 6 ? String.fromCharCode(...bytes) : '';
}

function versionOf(name: string, level: number): ProtocolVersion | undefined {
  if (name === 'MQTT' && (level === 4 || level === 5)) return level;
  return name === 'MQIsdp' && level === 3 ? 3 : undefined;
}

function unsupportedVersion(name: string, level: number): MqttError {
  const known = name === 'MQTT' || name === 'MQIsdp';
  const found = known ? `"${name}" with level ${level}` : 'another Protocol Name';
  return new MqttError(
    'unsupported-protocol-version',
    0x84,
    `Cannot serve the protocol: found ${found}, expected MQTT with 4 or 5, or MQIsdp with 3 [MQTT-3.1.2-1, 3.1.2-2]`,
  );
}

function checkFlags(reader: PacketReader, flags: number, version: ProtocolVersion): void {
  if ((flags & FLAGS.reserved) !== 0) throw reader.malformed('the reserved connect flag is 1 [MQTT-3.1.2-3]');
  if ((flags & FLAGS.will) === 0 && (flags & FLAGS.willDetails) !== 0) {
    throw reader.malformed('Will QoS or Will Retain is set without the Will Flag [MQTT-3.1.2-11, 3.1.2-13]');
  }
  if (((flags >> FLAGS.willQoSShift) & 3) === 3) throw reader.malformed('its Will QoS is 3 [MQTT-3.1.2-12]');
  if (version === 5 || (flags & FLAGS.username) !== 0 || (flags & FLAGS.password) === 0) return;
  throw reader.malformed('it has a password but no user name, which needs MQTT 5.0 [MQTT311-3.1.2-22]');
}

function readWill(reader: PacketReader, flags: number): Will {
  const properties = readPropertyBlock(reader, 'will');
  const topicStart = reader.at + 2;
  const topic = reader.text('Will Topic');
  checkTopicName(reader.bytes, topicStart, reader.at, reader.checkText !== undefined);
  if (topic === '') {
    throw new MqttError('topic-name-invalid', 0x90, 'Cannot read CONNECT: its Will Topic is empty [MQTT-4.7.3-1]');
  }
  return {
    topic,
    payload: reader.binary('Will Payload'),
    qos: ((flags >> FLAGS.willQoSShift) & 3) as QoS,
    retain: (flags & FLAGS.willRetain) !== 0,
    properties,
  };
}

/** MQTT 3.1 lets the Remaining Length overrule the flags. */
function mayBeMissing(reader: PacketReader, version: ProtocolVersion): boolean {
  return version === 3 && reader.rest === 0;
}
