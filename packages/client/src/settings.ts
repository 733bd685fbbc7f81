/** The options with every default in place, and the CONNECT packet made of them. */

import {
  type ConnectPacket,
  NO_PROPERTIES,
  PACKET_BYTES_MAXIMUM,
  PacketWriter,
  type Properties,
  type ProtocolVersion,
  writeClientPacket,
} from '@dunlin/protocol';
import type { watchCertificates } from './certificate-watch.ts';
import type { Dial } from './dial.ts';
import type { Environment } from './environment.ts';
import { MqttError, mqttError, wrongArgument } from './errors.ts';
import type { checkNames } from './known-names.ts';
import type { ClientOptions, Provided, WillOptions } from './options.ts';
import { payloadBytes } from './payload.ts';
import { checkVersion } from './server-limits.ts';

/** What a platform gives its clients. */
export interface Platform {
  readonly dial: Dial;
  readonly environment: Environment;
  /** Where connections let one see certificates: gives what is told of each. */
  readonly watchCertificates?: typeof watchCertificates;
  /** The names of what shall log on the console, such as `dunlin:client`, with commas or spaces between them. */
  readonly debugNames?: () => string | undefined;
  /** Throws 'invalid' for options and events that there are none of; without it they are let pass. */
  readonly checkNames?: typeof checkNames;
}

/** Where the server is. */
export type ServerUrl = Provided<string | URL>;

/** The options with every default in place. */
export type Settings = ReturnType<typeof settingsOf>;

const TOPIC_ALIAS_MAXIMUM = 64;
const DAY_S = 86_400;

const DEFAULTS = {
  certificateWarningDays: 30,
  connectTimeoutMs: 30_000,
  connectAttempts: 1,
  pingTimeoutMs: 10_000,
  followServerReference: true,
  topicAliases: true,
  iteratorMessagesMax: 1000,
  requestsMax: 10_000,
};
const OUTBOX = { messagesMax: 100_000, bytesMax: 67_108_864, onFull: 'reject', qos0: 'queue' };

/** Fills in the defaults. Throws `MqttError` for what cannot be. */
export function settingsOf(platform: Platform, url: ServerUrl, options: ClientOptions) {
  platform.checkNames?.('option', options);
  const given = { ...DEFAULTS, ...platform, ...set(options) };
  const settings = {
    ...given,
    url,
    connect: connectPacket(options, given.environment),
    /** Credentials may be others at the next attempt. */
    isAskedAnew: [url, given.username, given.password, given.tls].some((value) => typeof value === 'function'),
    maximumPacketSize: given.maximumPacketSize ?? given.properties?.maximumPacketSize ?? PACKET_BYTES_MAXIMUM,
    outbox: { ...OUTBOX, ...set(given.outbox) },
  };
  checkConnect(settings.connect, options);
  if (typeof url !== 'function') parsedUrl(url);
  return settings;
}

/** The options that have a value. */
export function set<Options extends object>(options: Options | undefined): SetOptions<Options> {
  const entries = Object.entries(options ?? {});
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as SetOptions<Options>;
}

/** Options without those that are undefined. */
type SetOptions<Options> = { [Key in keyof Options]: Exclude<Options[Key], undefined> };

/** The URL, with a scheme and a host or path. Throws 'invalid', which never repeats user or password. */
export function parsedUrl(given: string | URL): URL {
  const url = URL.parse(String(given));
  if (url !== null && (url.host !== '' || url.pathname !== '')) {
    userOf(url);
    return url;
  }
  const shown = String(given).replace(/^([^/@]*\/\/)?.*@/s, '$1…@');
  throw new MqttError('invalid', `Cannot connect to "${shown}": expected a URL such as mqtt://localhost:1883`);
}

/** User and password of a URL. Throws 'invalid' where they cannot be read. */
export function userOf({ username, password }: URL): { username: string | undefined; password: string | undefined } {
  try {
    return { username: decodeURIComponent(username) || undefined, password: decodeURIComponent(password) || undefined };
  } catch {
    throw new MqttError('invalid', 'Cannot connect: a percent sign in user or password of the URL is expected as %25');
  }
}

/** What cannot be written is told before anything is dialled; what functions will give is not known yet. */
function checkConnect(connect: ConnectPacket, { username, password }: ClientOptions): void {
  const packet = { ...connect };
  if (username !== undefined) packet.username = typeof username === 'string' ? username : '';
  if (password !== undefined) packet.password = payloadBytes(typeof password === 'function' ? '' : password);
  try {
    writeClientPacket(new PacketWriter(), packet, packet.protocolVersion);
  } catch (error) {
    throw mqttError(error);
  }
}

function connectPacket(options: ClientOptions, environment: Environment): ConnectPacket {
  const version = options.protocolVersion ?? 5;
  if (version !== 3 && version !== 4 && version !== 5) {
    throw wrongArgument('Cannot connect', 'protocolVersion', version, '3, 4 or 5');
  }
  const clientId = options.clientId ?? randomClientId(environment);
  const cleanStart = options.cleanStart ?? options.outbox?.store === undefined;
  if (clientId === '' && version !== 5 && !cleanStart) {
    const message = 'Cannot connect with an empty clientId: before MQTT 5.0 it needs cleanStart [MQTT311-3.1.3-7]';
    throw new MqttError('invalid', message);
  }
  checkVersion('Cannot connect', version, options.properties ?? NO_PROPERTIES);
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion: version,
    bridge: false,
    clientId,
    cleanStart,
    keepAlive: options.keepAlive ?? 60,
    properties: version === 5 ? propertiesOf(options) : NO_PROPERTIES,
  };
  if (options.will !== undefined) packet.will = willOf(options.will, version);
  return packet;
}

/** With what other options say as properties. */
function propertiesOf({ properties, authentication, maximumPacketSize, outbox }: ClientOptions): Properties {
  return set({
    topicAliasMaximum: TOPIC_ALIAS_MAXIMUM,
    sessionExpiryInterval: outbox?.store && DAY_S,
    ...set(properties),
    ...set({
      maximumPacketSize,
      authenticationMethod: authentication?.method,
      authenticationData: authentication?.data,
    }),
  });
}

function willOf(will: WillOptions, version: ProtocolVersion): NonNullable<ConnectPacket['will']> {
  const given = { payload: '', qos: 0 as const, retain: false, properties: NO_PROPERTIES, ...set(will) };
  checkVersion('Cannot connect with a will', version, given.properties);
  return { ...given, payload: payloadBytes(given.payload) };
}

/** Only letters and digits, at most 23, which every server accepts [MQTT-3.1.3-5]. */
function randomClientId(environment: Environment): string {
  return `dunlin${Array.from(environment.randomBytes(16), (byte) => (byte % 32).toString(32)).join('')}`;
}
