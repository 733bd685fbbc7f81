/** The options with every default in place, and the CONNECT packet made of them. */

import {
  type ConnectPacket,
  NO_PROPERTIES,
  PACKET_BYTES_MAXIMUM,
  type Properties,
  type ProtocolVersion,
} from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import type { ClientEvents } from './client-api.ts';
import { MqttError } from './errors.ts';
import type { Authentication, ConnectOptions, Payload, WillOptions } from './options.ts';
import { checkVersion } from './server-limits.ts';

/** The options with what tests and the command line still hand over. */
export interface WiredOptions extends ConnectOptions {
  readonly wire?: Wire;
  readonly publishesMax?: number;
}

/** The options with every default in place. */
export interface Settings {
  readonly connect: ConnectPacket;
  readonly authentication: Authentication | undefined;
  readonly maximumPacketSize: number;
  readonly connectTimeoutMs: number;
  readonly operationTimeoutMs: number;
  readonly pingTimeoutMs: number;
  readonly publishesMax: number;
  readonly iteratorMessagesMax: number;
  readonly signal: AbortSignal | undefined;
  readonly on: Partial<ClientEvents>;
}

const CONNECT_TIMEOUT_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;
const PUBLISHES_MAX = 100_000;
const ITERATOR_MESSAGES_MAX = 1000;

/**
 * Fills in the defaults and refuses what the codec does not look at. Throws `MqttError` 'invalid' or 'not-supported';
 * whoever encodes the CONNECT gets the rest told.
 */
export function settingsOf(options: WiredOptions): Settings {
  return {
    connect: connectPacket(options),
    authentication: options.authentication,
    maximumPacketSize: options.maximumPacketSize ?? options.properties?.maximumPacketSize ?? PACKET_BYTES_MAXIMUM,
    connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    operationTimeoutMs: options.operationTimeoutMs ?? Number.POSITIVE_INFINITY,
    pingTimeoutMs: options.pingTimeoutMs ?? PING_TIMEOUT_MS,
    publishesMax: options.publishesMax ?? PUBLISHES_MAX,
    iteratorMessagesMax: options.iteratorMessagesMax ?? ITERATOR_MESSAGES_MAX,
    signal: options.signal,
    on: options.on ?? {},
  };
}

/** The bytes of a payload; a Uint8Array is taken as it is, not copied. Throws 'invalid' for what JSON cannot say. */
export function payloadBytes(payload: Payload): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload === 'string') return encoder.encode(payload);
  const json = jsonOf(payload);
  if (json !== undefined) return encoder.encode(json);
  throw new MqttError('invalid', `Cannot use a payload of type ${typeof payload}: expected text, bytes or JSON`);
}

const encoder = new TextEncoder();

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new MqttError('invalid', `Cannot use the payload: ${(cause as Error).message}`, { cause });
  }
}

function connectPacket(options: WiredOptions): ConnectPacket {
  const version = options.protocolVersion ?? 5;
  if (version !== 3 && version !== 4 && version !== 5) {
    throw new MqttError('invalid', `Cannot speak protocol version ${String(version)}: expected 3, 4 or 5`);
  }
  const clientId = options.clientId ?? randomClientId();
  const cleanStart = options.cleanStart ?? true;
  if (clientId === '' && version !== 5 && !cleanStart) {
    const message = 'Cannot connect with an empty clientId: before MQTT 5.0 it needs cleanStart [MQTT311-3.1.3-7]';
    throw new MqttError('invalid', message);
  }
  const properties = connectProperties(options);
  checkVersion('Cannot connect', version, properties);
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion: version,
    bridge: false,
    clientId,
    cleanStart,
    keepAlive: options.keepAlive ?? 60,
    properties,
  };
  if (typeof options.username === 'string') packet.username = options.username;
  if (options.password !== undefined && typeof options.password !== 'function')
    packet.password = payloadBytes(options.password);
  if (options.will !== undefined) packet.will = willOf(options.will, version);
  return packet;
}

/** The properties given, and what other options say as properties. */
function connectProperties(options: WiredOptions): Properties {
  const { authentication, maximumPacketSize } = options;
  const properties: Properties = { ...options.properties };
  if (maximumPacketSize !== undefined && (options.protocolVersion ?? 5) === 5) {
    properties.maximumPacketSize = maximumPacketSize;
  }
  if (authentication !== undefined) {
    properties.authenticationMethod = authentication.method;
    if (authentication.data !== undefined) properties.authenticationData = authentication.data;
  }
  return Object.keys(properties).length === 0 ? NO_PROPERTIES : properties;
}

function willOf(will: WillOptions, version: ProtocolVersion): NonNullable<ConnectPacket['will']> {
  const { topic, payload = '', qos = 0, retain = false, properties = NO_PROPERTIES } = will;
  checkVersion('Cannot connect with a will', version, properties);
  return { topic: topic, payload: payloadBytes(payload), qos, retain, properties };
}

/** Only letters and digits, at most 23, which every server accepts [MQTT-3.1.3-5]. */
function randomClientId(): string {
  const letters = '0123456789abcdefghijklmnopqrstuvwxyz';
  const random = crypto.getRandomValues(new Uint32Array(16));
  return `dunlin${[...random].map((value) => letters[value % letters.length]).join('')}`;
}
