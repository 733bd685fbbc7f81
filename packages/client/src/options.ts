/** What the caller may set at connect, its defaults, and the CONNECT packet made of it. */

import {
  type AuthPacket,
  type ConnectPacket,
  NO_PROPERTIES,
  PACKET_BYTES_MAXIMUM,
  type Properties,
  type ProtocolVersion,
  type QoS,
} from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import type { ClientEvents } from './client-api.ts';
import { ClientError } from './errors.ts';
import { checkVersion } from './server-limits.ts';

/** What a message may be made of: text as UTF-8, bytes as they are, everything else as JSON. */
export type Payload = string | Uint8Array | object | number | boolean | null;

/** The Will: what the server publishes when this client is lost (section 3.1.2.5). */
export interface WillOptions {
  readonly topic: string;
  /** Default: empty. */
  readonly payload?: Payload;
  /** Default 0. */
  readonly qos?: QoS;
  /** Default false. */
  readonly retain?: boolean;
  /** MQTT 5.0: Will Delay Interval and the properties of the message. */
  readonly properties?: Properties;
}

/** Enhanced authentication (MQTT 5.0, section 4.12). */
export interface Authentication {
  readonly method: string;
  /** Sent in CONNECT. */
  readonly data?: Uint8Array;
  /** Answers a challenge with the data of the next AUTH. What it throws ends the connection. */
  readonly respond: (
    data: Uint8Array | undefined,
    packet: AuthPacket,
  ) => AuthenticationData | Promise<AuthenticationData>;
  /** Sees the data that came with the success, such as the server's proof. What it throws ends the connection. */
  readonly verify?: (data: Uint8Array | undefined) => void;
}
/** The Authentication Data of an AUTH; undefined leaves the property out. */
export type AuthenticationData = Uint8Array | undefined;

/** Options of `connect`; every one may be left out. */
export interface ConnectOptions {
  /** Default: `dunlin` and sixteen random letters and digits. */
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string | Uint8Array;
  readonly will?: WillOptions;
  /** 3: MQTT 3.1, 4: MQTT 3.1.1, 5: MQTT 5.0. Default 5. */
  readonly protocolVersion?: ProtocolVersion;
  /** Seconds, 0 to 65535; 0 turns the mechanism off. Default 60. A server may set another (5.0). */
  readonly keepAlive?: number;
  /**
   * True: a new session. False: this client goes on with the session that the server holds for its Client Identifier;
   * flows which another process left open are ended, not continued. Default true.
   */
  readonly cleanStart?: boolean;
  /** The properties of CONNECT (5.0), such as `sessionExpiryInterval`. */
  readonly properties?: Properties;
  readonly authentication?: Authentication;
  /** Largest packet taken from the server, bytes. Default 268435460, the largest there is. Said to the server in 5.0. */
  readonly maximumPacketSize?: number;
  /** From the call until CONNACK, milliseconds. Default 30000. */
  readonly connectTimeoutMs?: number;
  /** For each publish, subscribe and unsubscribe, milliseconds. Default: none. */
  readonly operationTimeoutMs?: number;
  /** Longest silence after a PINGREQ, milliseconds. Default 10000. */
  readonly pingTimeoutMs?: number;
  /** Publishes that wait for an acknowledgement or for their turn; above it they are refused. Default 100000. */
  readonly publishesMax?: number;
  /** Received messages that wait in one subscription's iterator. Default 1000. */
  readonly iteratorMessagesMax?: number;
  /** Gives up connecting. No effect once connected. */
  readonly signal?: AbortSignal;
  /** Listeners that are there before the first packet. */
  readonly on?: Partial<ClientEvents>;
  /** The connection to use instead of one made by URL; nobody has called `open` on it. */
  readonly wire?: Wire;
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
 * Fills in the defaults and refuses what the codec does not look at. Throws `ClientError` 'invalid' or 'not-supported';
 * whoever encodes the CONNECT gets the rest told.
 */
export function settingsOf(options: ConnectOptions): Settings {
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
  throw new ClientError('invalid', `Cannot use a payload of type ${typeof payload}: expected text, bytes or JSON`);
}

const encoder = new TextEncoder();

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new ClientError('invalid', `Cannot use the payload: ${(cause as Error).message}`, { cause });
  }
}

function connectPacket(options: ConnectOptions): ConnectPacket {
  const version = options.protocolVersion ?? 5;
  if (version !== 3 && version !== 4 && version !== 5) {
    throw new ClientError('invalid', `Cannot speak protocol version ${String(version)}: expected 3, 4 or 5`);
  }
  const clientId = options.clientId ?? randomClientId();
  const cleanStart = options.cleanStart ?? true;
  if (clientId === '' && version !== 5 && !cleanStart) {
    const message = 'Cannot connect with an empty clientId: before MQTT 5.0 it needs cleanStart [MQTT311-3.1.3-7]';
    throw new ClientError('invalid', message);
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
  if (options.username !== undefined) packet.username = options.username;
  if (options.password !== undefined) packet.password = payloadBytes(options.password);
  if (options.will !== undefined) packet.will = willOf(options.will, version);
  return packet;
}

/** The properties given, and what other options say as properties. */
function connectProperties(options: ConnectOptions): Properties {
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
