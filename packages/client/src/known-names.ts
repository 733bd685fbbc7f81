/**
 * The names of options and events, for programs without types: one that is not there does nothing and says nothing, such as
 * `keepalive` of another client or `retian`. Only in Node: a page has no bytes for it.
 */

import type {
  ClientEvents,
  FilterRequest,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './client-api.ts';
import { MqttError, shown } from './errors.ts';
import type { Authentication, ConnectOptions, OutboxOptions, ReconnectOptions, WillOptions } from './options.ts';
import type { RequestOptions } from './requester.ts';
import type { TlsOptions } from './tls-options.ts';

/** Holds a list complete, with the compiler. */
type Names<Options> = Readonly<Record<keyof Options, true>>;

const OPTIONS: Names<ConnectOptions> = {
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

const EVENTS: Names<ClientEvents> = {
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

const WILL: Names<WillOptions> = { topic: true, payload: true, qos: true, retain: true, properties: true };

const AUTHENTICATION: Names<Authentication> = { method: true, data: true, respond: true, verify: true };

const RECONNECT: Names<ReconnectOptions> = {
  minMs: true,
  maxMs: true,
  heldMs: true,
  attemptsMax: true,
  shouldRetry: true,
};

const OUTBOX: Names<OutboxOptions> = { messagesMax: true, bytesMax: true, onFull: true, qos0: true, store: true };

const TLS: Names<TlsOptions> = {
  ca: true,
  cert: true,
  key: true,
  pfx: true,
  passphrase: true,
  servername: true,
  rejectUnauthorized: true,
};

const OPERATION = { signal: true, timeoutMs: true } as const;

const PUBLISH: Names<PublishOptions> = { qos: true, retain: true, properties: true, ...OPERATION };

const SUBSCRIPTION = { qos: true, noLocal: true, retainAsPublished: true, retainHandling: true } as const;

const FILTER: Names<Exclude<FilterRequest, string>> = { filter: true, ...SUBSCRIPTION };

const SUBSCRIBE: Names<SubscribeOptions> = { ...SUBSCRIPTION, properties: true, acknowledge: true, ...OPERATION };

const UNSUBSCRIBE: Names<UnsubscribeOptions> = { properties: true, ...OPERATION };

const REQUEST: Names<RequestOptions> = { qos: true, responseTopic: true, params: true, properties: true, ...OPERATION };

const KNOWN = {
  option: OPTIONS,
  event: EVENTS,
  will: WILL,
  authentication: AUTHENTICATION,
  reconnect: RECONNECT,
  outbox: OUTBOX,
  tls: TLS,
  publish: PUBLISH,
  subscribe: SUBSCRIBE,
  filter: FILTER,
  unsubscribe: UNSUBSCRIBE,
  request: REQUEST,
} as const;

/** What a name is of: an event, an option of the client, or one of something in it or of a call. */
export type NameKind = keyof typeof KNOWN;

const URL_PART = 'a part of the URL';
const PEM = 'tls: { ca, cert, key }';
const SUBSCRIPTION_OTHERS = { nl: 'noLocal', rap: 'retainAsPublished', rh: 'retainHandling' };
/** What the names of MQTT.js are here; docs/guide/from-mqttjs.md has all of them. */
const OTHERS: Readonly<Partial<Record<NameKind, Readonly<Record<string, string>>>>> = {
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
  subscribe: SUBSCRIPTION_OTHERS,
  filter: { ...SUBSCRIPTION_OTHERS, topic: 'filter' },
};

/** More changes of a letter than this make another word of it. */
const CHANGES_MAX = 2;

/**
 * Throws 'invalid' where `given` has a name, with a value, that is none of its kind; the text has the one that may be meant.
 * Options of the client are looked at with what is in them, those of `subscribe` with its filters.
 */
export function checkNames(kind: NameKind, given: object | undefined, filters: readonly object[] = []): void {
  for (const name in given) {
    const value: unknown = given?.[name as never];
    if (!Object.hasOwn(KNOWN[kind], name) && value !== undefined) throw unknown(kind, name);
    if (kind === 'option' && isParent(name) && typeof value === 'object' && value !== null) checkNames(name, value);
  }
  for (const filter of filters) checkNames('filter', filter);
}

/** Whether an option has options of its own. */
function isParent(name: string): name is NameKind & keyof ConnectOptions {
  return Object.hasOwn(OPTIONS, name) && Object.hasOwn(KNOWN, name);
}

function unknown(kind: NameKind, name: string): MqttError {
  const known = Object.keys(KNOWN[kind]);
  const others = OTHERS[kind] ?? {};
  const meant = Object.hasOwn(others, name) ? others[name] : nearest(name, known);
  const hint = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${meant}?`;
  const [what, of] = kind === 'event' ? [kind, ''] : ['option', kind === 'option' ? '' : ` of ${kind}`];
  return new MqttError('invalid', `Cannot use the ${what} "${shown(name)}"${of}: there is none, ${hint}`);
}

/** The name that takes the fewest changes, where these are few for a word of its length. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.min(CHANGES_MAX, Math.floor(name.length / 2)) + 1;
  for (const one of known) {
    const count = changes(name.toLowerCase(), one.toLowerCase());
    if (count < fewest) [best, fewest] = [one, count];
  }
  return best;
}

/** Letters to insert, to leave out, to replace, or neighbours to swap, until the one word is the other. */
function changes(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        last[column] + 1,
        current[column - 1] + 1,
        last[column - 1] + (isSame ? 0 : 1),
        isSwapped ? before[column - 2] + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, current];
  }
  return last[to.length];
}
