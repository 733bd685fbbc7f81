/**
 * The names of options and events, and which of them hold objects or functions, for programs without types: one that is not there
 * does nothing and says nothing, such as `keepalive` of another client or `retian`, and `will: null` fails far from where it is
 * said. Only in Node: a page has no bytes for it.
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

/** What something holds; `value`: a single one, which is looked at where it is used. */
type Shape = 'value' | readonly ('object' | 'function' | 'false')[];

const VALUE = 'value';
const OBJECT = ['object'] as const;
const FUNCTION = ['function'] as const;

/** Holds a list complete, with the compiler. */
type Names<Options> = Readonly<Record<keyof Options, Shape>>;

const OPTIONS: Names<ConnectOptions> = {
  clientId: VALUE,
  username: VALUE,
  password: VALUE,
  will: OBJECT,
  protocolVersion: VALUE,
  keepAlive: VALUE,
  cleanStart: VALUE,
  properties: OBJECT,
  authentication: OBJECT,
  maximumPacketSize: VALUE,
  tls: ['object', 'function'],
  certificateWarningDays: VALUE,
  connectTimeoutMs: VALUE,
  connectAttempts: VALUE,
  operationTimeoutMs: VALUE,
  pingTimeoutMs: VALUE,
  reconnect: ['object', 'false'],
  followServerReference: VALUE,
  outbox: OBJECT,
  topicAliases: VALUE,
  iteratorMessagesMax: VALUE,
  requestsMax: VALUE,
  on: OBJECT,
  log: FUNCTION,
  dial: FUNCTION,
  environment: OBJECT,
  signal: OBJECT,
};

const EVENTS: Names<ClientEvents> = {
  state: FUNCTION,
  connected: FUNCTION,
  disconnected: FUNCTION,
  reconnecting: FUNCTION,
  message: FUNCTION,
  publishAcknowledged: FUNCTION,
  subscribed: FUNCTION,
  unsubscribed: FUNCTION,
  responderFailed: FUNCTION,
  packetSent: FUNCTION,
  packetReceived: FUNCTION,
  certificateExpiring: FUNCTION,
};

const WILL: Names<WillOptions> = { topic: VALUE, payload: VALUE, qos: VALUE, retain: VALUE, properties: OBJECT };

const AUTHENTICATION: Names<Authentication> = { method: VALUE, data: VALUE, respond: FUNCTION, verify: FUNCTION };

const RECONNECT: Names<ReconnectOptions> = {
  minMs: VALUE,
  maxMs: VALUE,
  heldMs: VALUE,
  attemptsMax: VALUE,
  shouldRetry: FUNCTION,
};

const OUTBOX: Names<OutboxOptions> = { messagesMax: VALUE, bytesMax: VALUE, onFull: VALUE, qos0: VALUE, store: OBJECT };

const TLS: Names<TlsOptions> = {
  ca: VALUE,
  cert: VALUE,
  key: VALUE,
  pfx: VALUE,
  passphrase: VALUE,
  servername: VALUE,
  rejectUnauthorized: VALUE,
};

const OPERATION = { signal: OBJECT, timeoutMs: VALUE } as const;

const PUBLISH: Names<PublishOptions> = { qos: VALUE, retain: VALUE, properties: OBJECT, ...OPERATION };

const SUBSCRIPTION = { qos: VALUE, noLocal: VALUE, retainAsPublished: VALUE, retainHandling: VALUE } as const;

const FILTER: Names<Exclude<FilterRequest, string>> = { filter: VALUE, ...SUBSCRIPTION };

const SUBSCRIBE: Names<SubscribeOptions> = { ...SUBSCRIPTION, properties: OBJECT, acknowledge: VALUE, ...OPERATION };

const UNSUBSCRIBE: Names<UnsubscribeOptions> = { properties: OBJECT, ...OPERATION };

const REQUEST: Names<RequestOptions> = {
  qos: VALUE,
  responseTopic: VALUE,
  params: VALUE,
  properties: OBJECT,
  ...OPERATION,
};

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
 * Throws 'invalid' where `given` has a name, with a value, that is none of its kind; the text has the one that may be meant. Also
 * where a value is something else than an object or a function that is expected there; the text has no value. Options of the client
 * are looked at with what is in them, those of `subscribe` with its filters.
 */
export function checkNames(kind: NameKind, given: object | undefined, filters: readonly object[] = []): void {
  if (given !== undefined && kindOf(given) !== 'an object')
    throw unfit(`the options of ${kind === 'option' ? 'the client' : kind}`, given, OBJECT);
  for (const name in given) {
    const value: unknown = given[name as never];
    if (value === undefined) continue;
    if (!Object.hasOwn(KNOWN[kind], name)) throw unknown(kind, name);
    const shape = (KNOWN[kind] as Readonly<Record<string, Shape>>)[name];
    if (shape !== VALUE && !shape.some((one) => kindOf(value) === KINDS[one]))
      throw unfit(called(kind, name), value, shape);
    if (kind === 'option' && isParent(name) && typeof value === 'object' && value !== null) checkNames(name, value);
  }
  for (const filter of filters) checkNames('filter', filter);
}

/** In words: never the value, which may be a secret in the wrong place. */
const KINDS = { object: 'an object', function: 'a function', false: 'false' } as const;

function kindOf(value: unknown): string {
  if (value === null || value === false) return String(value);
  if (Array.isArray(value)) return 'a list';
  const type = typeof value;
  return type === 'object' ? KINDS.object : `a ${type}`;
}

function unfit(what: string, found: unknown, shape: Exclude<Shape, 'value'>): MqttError {
  const expected = shape.map((one) => KINDS[one]).join(' or ');
  return new MqttError('invalid', `Cannot use ${what}: found ${kindOf(found)}, ${expected} is expected`);
}

/** Such as `the option "will"`, `the option "properties" of will`. */
function called(kind: NameKind, name: string): string {
  const of = kind === 'option' || kind === 'event' ? '' : ` of ${kind}`;
  return `the ${kind === 'event' ? kind : 'option'} "${shown(name)}"${of}`;
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
  return new MqttError('invalid', `Cannot use ${called(kind, name)}: there is none, ${hint}`);
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
