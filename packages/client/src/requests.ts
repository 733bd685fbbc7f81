/** SUBSCRIBE and UNSUBSCRIBE under way, each until its answer (sections 3.8 to 3.11). */

import {
  type PacketIdentifiers,
  type Properties,
  protocolError,
  type SubackPacket,
  type SubscriptionRequest,
  type UnsubackPacket,
} from '@dunlin/protocol';
import { refused } from './errors.ts';
import type { PacketSink, Settle } from './session.ts';

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

interface Pending {
  readonly kind: 'subscribe' | 'unsubscribe';
  readonly filters: readonly string[];
  readonly settle: Settle<RequestResult>;
}

/** Keeps the requests of one connection; they end with it. */
export class Requests {
  readonly #sink: PacketSink;
  readonly #identifiers: PacketIdentifiers;
  readonly #pending = new Map<number, Pending>();

  constructor(sink: PacketSink, identifiers: PacketIdentifiers) {
    this.#sink = sink;
    this.#identifiers = identifiers;
  }

  /** Throws what the sink throws; then nothing was sent and `settle` hears nothing. */
  subscribe(
    subscriptions: readonly SubscriptionRequest[],
    properties: Properties,
    settle: Settle<RequestResult>,
  ): void {
    const filters = subscriptions.map((subscription) => subscription.filter);
    this.#send({ kind: 'subscribe', filters, settle }, (packetId) => {
      this.#sink.send({ type: 'subscribe', packetId, properties, subscriptions });
    });
  }

  /** Throws what the sink throws; then nothing was sent and `settle` hears nothing. */
  unsubscribe(filters: readonly string[], properties: Properties, settle: Settle<RequestResult>): void {
    this.#send({ kind: 'unsubscribe', filters, settle }, (packetId) => {
      this.#sink.send({ type: 'unsubscribe', packetId, properties, filters });
    });
  }

  /** Settles a subscribe: refused where no filter was granted. Throws 'protocol-error' for an answer to no question. */
  suback(packet: SubackPacket): void {
    const pending = this.#take('subscribe', packet);
    const { reasonCodes, properties } = packet;
    if (reasonCodes.every((code) => code >= REFUSED)) {
      pending.settle.reject(refused(`Cannot subscribe to ${quoted(pending.filters)}`, reasonCodes[0], packet));
      return;
    }
    pending.settle.resolve({ results: resultsOf(pending.filters, reasonCodes), properties });
  }

  /** Settles an unsubscribe in the same way. */
  unsuback(packet: UnsubackPacket): void {
    const pending = this.#take('unsubscribe', packet);
    const { reasonCodes, properties } = packet;
    if (reasonCodes.length > 0 && reasonCodes.every((code) => code >= REFUSED)) {
      pending.settle.reject(refused(`Cannot unsubscribe from ${quoted(pending.filters)}`, reasonCodes[0], packet));
      return;
    }
    pending.settle.resolve({ results: resultsOf(pending.filters, reasonCodes), properties });
  }

  /** The connection is over: every request fails with the error. */
  end(error: Error): void {
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [packetId, { settle }] of pending) {
      this.#identifiers.free(packetId);
      settle.reject(error);
    }
  }

  #send(pending: Pending, send: (packetId: number) => void): void {
    const packetId = this.#identifiers.next();
    try {
      send(packetId);
    } catch (error) {
      this.#identifiers.free(packetId);
      throw error;
    }
    this.#pending.set(packetId, pending);
  }

  #take(kind: Pending['kind'], packet: SubackPacket | UnsubackPacket): Pending {
    const pending = this.#pending.get(packet.packetId);
    const name = packet.type.toUpperCase();
    if (pending?.kind !== kind) {
      throw protocolError(`Cannot accept ${name}: no ${kind.toUpperCase()} has Packet Identifier ${packet.packetId}`);
    }
    const count = packet.reasonCodes.length;
    // Before 5.0 UNSUBACK has no codes; SUBACK always has them.
    if (count !== pending.filters.length && !(kind === 'unsubscribe' && count === 0)) {
      throw protocolError(`Cannot accept ${name}: it has ${count} codes for ${pending.filters.length} filters`);
    }
    this.#pending.delete(packet.packetId);
    this.#identifiers.free(packet.packetId);
    return pending;
  }
}

const REFUSED = 0x80;

function resultsOf(filters: readonly string[], reasonCodes: readonly number[]): FilterResult[] {
  return filters.map((filter, index) => ({ filter, reasonCode: reasonCodes[index] ?? 0 }));
}

function quoted(filters: readonly string[]): string {
  return filters.map((filter) => `"${filter}"`).join(', ');
}
