/**
 * The names of options and events, for programs without types: one that is not there does nothing and says nothing, such as
 * `keepalive` of another client. Only in Node: a page has no bytes for it.
 */

import type { ClientEvents } from './client-api.ts';
import { MqttError } from './errors.ts';
import type { ConnectOptions } from './options.ts';

/** The compiler holds it complete. */
const OPTIONS: Readonly<Record<keyof ConnectOptions, true>> = {
  clientId: true,
  username: true,
  password: true,
  will: true,
  protocolVersion: true,
  keepAlive: true,
  cleanStart: true,
  properties: true,
  authentication: true,
  maximumPacketSize: true,
  tls: true,
  certificateWarningDays: true,
  connectTimeoutMs: true,
  connectAttempts: true,
  operationTimeoutMs: true,
  pingTimeoutMs: true,
  reconnect: true,
  followServerReference: true,
  outbox: true,
  topicAliases: true,
  iteratorMessagesMax: true,
  requestsMax: true,
  on: true,
  log: true,
  dial: true,
  environment: true,
  signal: true,
};

const EVENTS: Readonly<Record<keyof ClientEvents, true>> = {
  state: true,
  connected: true,
  disconnected: true,
  reconnecting: true,
  message: true,
  publishAcknowledged: true,
  subscribed: true,
  unsubscribed: true,
  responderFailed: true,
  packetSent: true,
  packetReceived: true,
  certificateExpiring: true,
};

const KNOWN: Readonly<Record<NameKind, object>> = { option: OPTIONS, event: EVENTS };

const URL_PART = 'a part of the URL';
const PEM = 'tls: { ca, cert, key }';
/** What the names of MQTT.js are here; docs/guide/from-mqttjs.md has all of them. */
const OTHERS: Readonly<Record<NameKind, Readonly<Record<string, string>>>> = {
  option: {
    clean: 'cleanStart',
    connectTimeout: 'connectTimeoutMs',
    reconnectPeriod: 'reconnect: { minMs, maxMs }',
    reconnectOnConnackError: 'reconnect: { shouldRetry }',
    manualConnect: 'createClient',
    protocol: URL_PART,
    host: URL_PART,
    hostname: URL_PART,
    port: URL_PART,
    path: URL_PART,
    servers: 'a function as URL',
    ca: PEM,
    cert: PEM,
    key: PEM,
    rejectUnauthorized: 'tls: { rejectUnauthorized }',
    servername: 'tls: { servername }',
    queueQoSZero: 'outbox: { qos0 }',
    outgoingStore: 'outbox: { store }',
    customHandleAcks: "acknowledge: 'manual' of subscribe",
    autoUseTopicAlias: 'topicAliases',
    autoAssignTopicAlias: 'topicAliases',
  },
  event: {
    connect: 'connected',
    disconnect: 'disconnected',
    close: 'disconnected',
    offline: 'disconnected',
    reconnect: 'reconnecting',
    error: 'state',
    end: 'the promise client.closed',
    packetsend: 'packetSent',
    packetreceive: 'packetReceived',
    outgoingEmpty: 'client.drain()',
  },
};

/** What a name is of. */
export type NameKind = 'option' | 'event';

/** Throws 'invalid' for a name that is not there, with the one that may be meant. */
export function checkNames(kind: NameKind, names: readonly string[]): void {
  for (const name of names) {
    if (Object.hasOwn(KNOWN[kind], name)) continue;
    const others = OTHERS[kind];
    const meant = Object.hasOwn(others, name)
      ? others[name]
      : Object.keys(KNOWN[kind]).find((known) => known.toLowerCase() === name.toLowerCase());
    const hint =
      meant === undefined ? `expected one of ${Object.keys(KNOWN[kind]).join(', ')}` : `did you mean ${meant}?`;
    throw new MqttError('invalid', `Cannot use the ${kind} "${name}": there is none, ${hint}`);
  }
}
