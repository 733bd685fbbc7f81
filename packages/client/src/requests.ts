/**
 * SUBSCRIBE and UNSUBSCRIBE, each until its answer (sections 3.8 to 3.11). What has none when the connection ends is sent
 * again on the next one; without a connection they wait.
 */

import {
  assertTopicFilter,
  type Properties,
  parseSharedFilter,
  protocolError,
  type SubackPacket,
  type SubscriptionRequest,
  type UnsubackPacket,
} from '@dunlin/protocol';
import type { FilterRequest, SubscribeOptions } from './client-api.ts';
import { listed, MqttError, mqttError, refused, wrongArgument } from './errors.ts';
import type { Link } from './link.ts';
import type { Settle } from './operation.ts';
import { checkSubscription, checkVersion } from './server-limits.ts';
import { set } from './settings.ts';

/** What the server answered to one filter. */
export interface FilterResult {
  readonly filter: string;
  /** SUBACK: 0 to 2 is the granted QoS; 0x80 and above a refusal. UNSUBACK: 0x00 or 0x11; before 5.0 always 0x00. */
  readonly reasonCode: number;
}

/** The whole answer; results stand in the order of the filters. */
export interface RequestResult {
  readonly results: readonly FilterResult[];
  /** Of the SUBACK or UNSUBACK. */
  readonly properties: Properties;
}

/** One request. */
export interface Request {
  readonly type: 'subscribe' | 'unsubscribe';
  readonly filters: readonly string[];
  /** Of SUBSCRIBE. */
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly properties: Properties;
  /** Chosen by the client; goes along where the server takes it and the application gave none. */
  readonly identifier: number;
  /** Told of the answer before the packets behind it are handled. */
  readonly taken?: ((result: RequestResult) => void) | undefined;
  readonly settle: Settle<RequestResult>;
}

/** Open at once: packet identifiers are shared with what is published. */
export const REQUESTS_OPEN_MAX = 1000;
const REFUSED = 0x80;

/** Keeps the requests of one client. */
export class Requests {
  readonly #nextPacketId: () => number;
  readonly #requestsMax: number;
  readonly #settled: () => void;
  /** Without an answer, and somebody waits for it. */
  readonly #heard = new Set<Request>();
  /** Of these, the ones not sent on this connection. */
  #waiting = new Set<Request>();
  /** Sent on this connection, also for nobody any more. */
  readonly #open: Map<number, Request>;
  #link: Link | undefined;

  /** `open` is its own, where others see which Packet Identifiers are taken. */
  constructor(open: Map<number, Request>, nextPacketId: () => number, requestsMax: number, settled: () => void) {
    this.#open = open;
    this.#nextPacketId = nextPacketId;
    this.#requestsMax = requestsMax;
    this.#settled = settled;
  }

  /** Requests without an answer that somebody waits for. */
  get size(): number {
    return this.#heard.size;
  }

  /** Sends, or lets wait. Throws 'queue-full'. */
  add(request: Request): void {
    if (this.size >= this.#requestsMax) {
      throw new MqttError('queue-full', `Cannot ${attemptOf(request)}: ${this.size} requests wait, which is the limit`);
    }
    this.#heard.add(request);
    this.#waiting.add(request);
    this.#pump();
  }

  /** Forgets a request; an answer that comes is let pass. */
  cancel(request: Request): void {
    this.#waiting.delete(request);
    this.#heard.delete(request);
    this.#settled();
  }

  /** A connection: sends `first`, then what had no answer, then what waits. */
  begin(link: Link, first: readonly Request[]): void {
    this.#link = link;
    this.#waiting = new Set([...first, ...this.#heard]);
    for (const request of first) this.#heard.add(request);
    this.#open.clear();
    this.#pump();
  }

  /** The connection is over. */
  pause(): void {
    this.#link = undefined;
  }

  /** All is over: every request fails with the error. */
  end(error: MqttError): void {
    const requests = [...this.#heard];
    this.#heard.clear();
    this.#waiting.clear();
    this.#open.clear();
    this.#link = undefined;
    for (const { settle } of requests) settle.reject(error);
  }

  /**
   * SUBACK or UNSUBACK: rejects where the server refused every filter. Throws 'protocol-error' for an answer to no
   * question.
   */
  answered(packet: SubackPacket | UnsubackPacket): void {
    const { packetId, reasonCodes, properties } = packet;
    const request = this.#open.get(packetId);
    const name = packet.type.toUpperCase();
    if (request === undefined || (packet.type === 'suback') !== (request.type === 'subscribe')) {
      throw protocolError(`Cannot accept ${name}: no request has Packet Identifier ${packetId}`);
    }
    const { filters, settle } = request;
    const count = reasonCodes.length;
    // Before 5.0 UNSUBACK has no codes; SUBACK always has them.
    if (count !== filters.length && (packet.type === 'suback' || count !== 0)) {
      throw protocolError(`Cannot accept ${name}: it has ${count} codes for ${filters.length} filters`);
    }
    this.#open.delete(packetId);
    if (!this.#heard.delete(request)) return void this.#pump();
    if (count > 0 && reasonCodes.every((code) => code >= REFUSED)) {
      settle.reject(refused(`Cannot ${attemptOf(request)}`, reasonCodes[0], packet));
    } else {
      const results = filters.map((filter, index) => ({ filter, reasonCode: reasonCodes[index] ?? 0 }));
      request.taken?.({ results, properties });
      settle.resolve({ results, properties });
    }
    this.#settled();
    this.#pump();
  }

  #pump(): void {
    const link = this.#link;
    if (link === undefined) return;
    for (const request of this.#waiting) {
      if (this.#link !== link || this.#open.size >= REQUESTS_OPEN_MAX) return;
      this.#waiting.delete(request);
      this.#send(request, link);
    }
  }

  #send(request: Request, link: Link): void {
    const packetId = this.#nextPacketId();
    try {
      const { type, filters, subscriptions } = request;
      const properties = propertiesOf(request, link);
      this.#open.set(packetId, request);
      if (type === 'subscribe') link.send({ type, packetId, properties, subscriptions });
      else link.send({ type, packetId, properties, filters });
    } catch (error) {
      this.#open.delete(packetId);
      this.#heard.delete(request);
      request.settle.reject(mqttError(error));
      this.#settled();
    }
  }
}

/** Throws what this server does not take. */
function propertiesOf({ type, subscriptions, properties, identifier }: Request, link: Link): Properties {
  const { limits, version } = link;
  if (type === 'unsubscribe') {
    checkVersion('Cannot unsubscribe', version, properties);
    return properties;
  }
  for (const subscription of subscriptions) checkSubscription(limits, version, subscription, properties);
  const isIdentified = properties.subscriptionIdentifiers !== undefined;
  if (isIdentified || version !== 5 || !limits.subscriptionIdentifierAvailable) return properties;
  return { ...properties, subscriptionIdentifiers: [identifier] };
}

/** Such as `subscribe to "a"`. */
export function attemptOf({ type, filters }: Pick<Request, 'type' | 'filters'>): string {
  return `${type} ${type === 'subscribe' ? 'to' : 'from'} ${listed(filters)}`;
}

/** Throws 'topic-filter-invalid' (0x8F) for a filter, shared or not, that no server takes, 'invalid' for what is no text. */
export function assertFilter(filter: unknown): asserts filter is string {
  if (typeof filter !== 'string') {
    throw wrongArgument('Cannot use a filter', 'it', filter, 'text or { filter, qos }');
  }
  try {
    assertTopicFilter(parseSharedFilter(filter)?.filter ?? filter);
  } catch (error) {
    throw mqttError(error);
  }
}

/** The filters with what `subscribe` asks of each. */
export function requestsOf(
  filters: FilterRequest | readonly FilterRequest[],
  options: SubscribeOptions,
): SubscriptionRequest[] {
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options;
  return [filters].flat().map((entry) => ({
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    ...(typeof entry === 'string' ? { filter: entry } : set(entry)),
  }));
}
