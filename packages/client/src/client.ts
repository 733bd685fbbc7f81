/** The client: what the application calls, joined to one session on one connection. */

import {
  type AuthPacket,
  assertTopicFilter,
  type ConnackPacket,
  isReasonCodeAllowed,
  NO_PROPERTIES,
  type Packet,
  type ProtocolVersion,
  parseSharedFilter,
  type QoS,
  type SubscriptionRequest,
} from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import type {
  ClientEvents,
  ClientState,
  ClientStats,
  CloseReason,
  DisconnectOptions,
  FilterRequest,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './client-api.ts';
import { Connection } from './connection.ts';
import { MqttError, mqttError } from './errors.ts';
import { Listeners } from './events.ts';
import { KeepAlive } from './keep-alive.ts';
import { type OperationOptions, operation } from './operation.ts';
import type { Payload } from './options.ts';
import type { PublishResult } from './publishing.ts';
import type { Delivery } from './receiving.ts';
import type { RequestResult } from './requests.ts';
import { Routes } from './routes.ts';
import type { ServerLimits } from './server-limits.ts';
import { Session, type Settle } from './session.ts';
import { payloadBytes, type Settings } from './settings.ts';
import { type MessageHandler, PendingSubscription, Subscription } from './subscription.ts';

/**
 * A connected MQTT client; `connect` makes it.
 *
 * Every promise it gives settles: with the server's answer, or with an `MqttError`. When the connection ends, whatever is open then rejects.
 */
export class Client implements AsyncDisposable {
  readonly protocolVersion: ProtocolVersion;
  readonly stats: ClientStats = {
    sent: 0,
    acknowledged: 0,
    received: 0,
    dropped: 0,
    refused: 0,
    expired: 0,
    reconnects: 0,
  };
  /** Settles when the connection is over and its wire gone; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #settings: Settings;
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #routes = new Routes();
  readonly #session: Session;
  readonly #connection: Connection;
  /** Publishes of QoS 0 whose bytes are still in this process. */
  #unflushed: Settle<void>[] = [];
  #keepAlive: KeepAlive | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connack: ConnackPacket | undefined;
  #state: ClientState = 'connecting';
  #reason: CloseReason | undefined;
  readonly #connected: Settle<Client>;
  #tellClosed!: (reason: CloseReason) => void;

  /** For `connect`: begins on a wire that nobody has opened. `connected` hears of CONNACK 0x00 or of the end before. */
  constructor(settings: Settings, wire: Wire, connected: Settle<Client>) {
    const { connect } = settings;
    this.#settings = settings;
    this.#connected = connected;
    this.protocolVersion = connect.protocolVersion;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    for (const name of Object.keys(settings.on) as (keyof ClientEvents)[]) {
      const listener = settings.on[name];
      if (listener !== undefined) this.#listeners.on(name, listener);
    }
    this.#connection = new Connection(wire, connect.protocolVersion, settings.maximumPacketSize, {
      received: (packet) => this.#received(packet),
      heard: () => this.#keepAlive?.received(performance.now()),
      sent: (packet) => this.#sent(packet),
      flushed: () => this.#flushed(),
      failed: (error) => this.#failed(error),
      closed: (error) => this.#closed(error),
    });
    this.#session = new Session(
      {
        send: (packet) => this.#connection.send(packet),
        connected: (packet) => this.#onConnected(packet),
        ended: (error) => this.#end({ by: 'server', error }),
        challenged: (packet) => this.#answer(packet),
        authenticated: (data) => settings.authentication?.verify?.(data),
        delivered: (delivery) => this.#deliver(delivery),
      },
      connect,
      settings.publishesMax,
    );
    this.#connection.open();
    this.#session.begin();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The Client Identifier in use, also one that the server assigned. */
  get clientId(): string {
    return this.#connack?.properties.assignedClientIdentifier ?? this.#settings.connect.clientId;
  }

  /** The CONNACK of this connection: Session Present and the server's properties. */
  get connack(): ConnackPacket {
    if (this.#connack === undefined) throw new Error('a client is handed out only after CONNACK');
    return this.#connack;
  }

  /** What the server takes. */
  get limits(): ServerLimits {
    return this.#session.limits;
  }

  /** Adds a listener; the function returned removes it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: ClientEvents[Name]): () => void {
    return this.#listeners.on(name, listener);
  }

  /** Removes a listener. */
  off<Name extends keyof ClientEvents>(name: Name, listener: ClientEvents[Name]): void {
    this.#listeners.off(name, listener);
  }

  /**
   * Publishes a message: text, bytes, or anything that becomes JSON.
   *
   * Settles at QoS 0 when the bytes have left this process, at QoS 1 with PUBACK, at QoS 2 with PUBCOMP. Bytes must
   * stay as they are until then. Above the server's Receive Maximum a message waits for its turn. Rejects: 'refused'
   * (the server's reason), 'not-supported' (above what the server takes), 'queue-full', 'invalid', 'closed',
   * 'connection-lost', 'server-disconnected', 'timed-out', 'aborted', 'topic-name-invalid' and their like.
   */
  publish(topic: string, payload: Payload, options: PublishOptions = {}): Promise<PublishResult> {
    const { qos = 0, retain = false, properties = NO_PROPERTIES } = options;
    const attempt = `Cannot publish to "${topic}"`;
    return operation(attempt, this.#bounds(options), (settle) => {
      this.#checkConnected(attempt);
      const request = { topic, payload: payloadBytes(payload), qos, retain, properties };
      const outgoing = this.#session.publish(request, this.#publishSettle(topic, qos, settle));
      return () => this.#session.cancel(outgoing);
    });
  }

  /**
   * Subscribes to one filter or several. With a handler it is called for each message; without one iterate over what
   * is returned, or over what that settles with.
   *
   * Settles with SUBACK; rejects as `publish` does, 'refused' where no filter was granted. Where some were, see
   * `results` of the subscription.
   */
  subscribe(
    filters: FilterRequest | readonly FilterRequest[],
    options?: SubscribeOptions | MessageHandler,
    handler?: MessageHandler,
  ): PendingSubscription {
    const given = typeof options === 'function' ? {} : (options ?? {});
    const listener = typeof options === 'function' ? options : handler;
    const requests = requestsOf(filters, given);
    const names = [...new Set(requests.map((request) => request.filter))];
    const owner = {
      unsubscribe: (own: Subscription) => this.#unsubscribe(own),
      dropped: () => {
        this.stats.dropped += 1;
      },
    };
    const subscription = new Subscription(owner, names, this.#settings.iteratorMessagesMax, listener);
    return new PendingSubscription(subscription, this.#subscribe(subscription, requests, given));
  }

  /** Unsubscribes from filters, whoever subscribed to them here. Settles with UNSUBACK; rejects as `publish` does. */
  async unsubscribe(filters: string | readonly string[], options: UnsubscribeOptions = {}): Promise<RequestResult> {
    const list = typeof filters === 'string' ? [filters] : filters;
    const result = await this.#requestUnsubscribe(list, options);
    for (const subscription of list.flatMap((filter) => this.#routes.withFilter(filter))) {
      if (!subscription.filters.every((filter) => list.includes(filter))) continue;
      this.#routes.remove(subscription);
      subscription.finish(undefined);
    }
    return result;
  }

  /** MQTT 5.0: authenticates again on the open connection. Settles when the server has accepted. */
  reauthenticate(data?: Uint8Array, options: OperationOptions = {}): Promise<void> {
    const attempt = 'Cannot authenticate again';
    return operation(attempt, this.#bounds(options), (settle) => {
      this.#checkConnected(attempt);
      this.#session.reauthenticate(data, settle);
      return NOTHING;
    });
  }

  /**
   * Sends DISCONNECT behind all that was sent before, and closes. Settles when the wire is gone; harmless afterwards.
   *
   * What is open then rejects with 'closed'; iterators end in order. Rejects, and stays connected, for a reason code or
   * property that cannot be.
   */
  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    if (this.#reason === undefined) {
      try {
        this.#session.disconnect(options.reasonCode ?? 0, options.properties ?? NO_PROPERTIES);
      } catch (error) {
        throw mqttError(error);
      }
      this.#end({ by: 'client', error: undefined });
    }
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  /** For `connect`: gives up before CONNACK. */
  abandon(error: MqttError): void {
    if (this.#state !== 'connecting') return;
    this.#end({ by: 'client', error });
    this.#connection.destroy();
  }

  #bounds(options: OperationOptions): OperationOptions {
    return { signal: options.signal, timeoutMs: options.timeoutMs ?? this.#settings.operationTimeoutMs };
  }

  #checkConnected(attempt: string): void {
    if (this.#state !== 'connected') throw this.#endError(attempt);
  }

  /** What open and later operations reject with. */
  #endError(attempt: string): Error {
    const cause = this.#reason?.error;
    if (cause === undefined) return new MqttError('closed', `${attempt}: the client was disconnected`);
    const { code, reasonCode, packet } = cause;
    return new MqttError(code, `${attempt}: ${cause.message}`, { reasonCode, packet, cause });
  }

  #publishSettle(topic: string, qos: QoS, settle: Settle<PublishResult>): Settle<PublishResult> {
    return {
      resolve: (result) => {
        if (qos > 0) {
          this.stats.acknowledged += 1;
          if (this.#listeners.has('publishAcknowledged')) this.#listeners.emit('publishAcknowledged', topic, result);
          settle.resolve(result);
        } else {
          this.#unflushed.push({ resolve: () => settle.resolve(result), reject: (error) => settle.reject(error) });
        }
      },
      reject: (error) => settle.reject(error),
    };
  }

  async #subscribe(
    subscription: Subscription,
    requests: readonly SubscriptionRequest[],
    options: SubscribeOptions,
  ): Promise<Subscription> {
    const attempt = `Cannot subscribe to ${subscription.filters.map((filter) => `"${filter}"`).join(', ')}`;
    try {
      const result = await operation<RequestResult>(attempt, this.#bounds(options), (settle) => {
        this.#checkConnected(attempt);
        for (const { filter } of requests) assertFilter(filter);
        this.#session.subscribe(requests, options.properties ?? NO_PROPERTIES, {
          resolve: (answer) => {
            // Set before the packets behind SUBACK are handled.
            subscription.results = answer.results;
            subscription.properties = answer.properties;
            settle.resolve(answer);
          },
          reject: settle.reject,
        });
        this.#routes.add(subscription);
        return NOTHING;
      });
      this.#listeners.emit('subscribed', result);
      return subscription;
    } catch (error) {
      this.#routes.remove(subscription);
      subscription.finish(error as Error);
      throw error;
    }
  }

  async #unsubscribe(subscription: Subscription): Promise<void> {
    const filters = this.#routes.onlyOf(subscription);
    if (filters.length > 0 && this.#state === 'connected') await this.#requestUnsubscribe(filters, {});
    this.#routes.remove(subscription);
    subscription.finish(undefined);
  }

  async #requestUnsubscribe(filters: readonly string[], options: UnsubscribeOptions): Promise<RequestResult> {
    const attempt = `Cannot unsubscribe from ${filters.map((filter) => `"${filter}"`).join(', ')}`;
    const result = await operation<RequestResult>(attempt, this.#bounds(options), (settle) => {
      this.#checkConnected(attempt);
      for (const filter of filters) assertFilter(filter);
      this.#session.unsubscribe(filters, options.properties ?? NO_PROPERTIES, settle);
      return NOTHING;
    });
    this.#listeners.emit('unsubscribed', result);
    return result;
  }

  #received(packet: Packet): void {
    if (this.#listeners.has('packetReceived')) this.#listeners.emit('packetReceived', packet);
    this.#session.receive(packet);
  }

  #sent(packet: Packet): void {
    this.#keepAlive?.sent(performance.now());
    if (packet.type === 'publish') this.stats.sent += 1;
    if (this.#listeners.has('packetSent')) this.#listeners.emit('packetSent', packet);
  }

  #flushed(): void {
    if (this.#unflushed.length === 0) return;
    const settles = this.#unflushed;
    this.#unflushed = [];
    for (const settle of settles) settle.resolve();
  }

  #deliver(delivery: Delivery): void {
    this.stats.received += 1;
    if (this.#listeners.has('message')) this.#listeners.emit('message', delivery.message);
    this.#routes.deliver(delivery);
  }

  #onConnected(packet: ConnackPacket): void {
    this.#connack = packet;
    this.#connection.maximumPacketSize = this.#session.limits.maximumPacketSize;
    const keepAlive = packet.properties.serverKeepAlive ?? this.#settings.connect.keepAlive;
    this.#keepAlive = new KeepAlive(keepAlive, this.#settings.pingTimeoutMs, performance.now());
    this.#checkKeepAlive();
    // What a resumed session brings with CONNACK waits until the caller of `connect` has had its turn to listen.
    this.#connection.pause();
    setTimeout(() => this.#connection.resume(), 0);
    this.#setState('connected');
    this.#connected.resolve(this);
  }

  #checkKeepAlive(): void {
    if (this.#keepAlive === undefined || this.#reason !== undefined) return;
    let now = this.#keepAlive.check(performance.now());
    if (now.step === 'ping') {
      this.#connection.send({ type: 'pingreq' });
      now = this.#keepAlive.check(performance.now());
    }
    if (now.step === 'dead') {
      const message = `The server does not answer: nothing came within ${this.#settings.pingTimeoutMs} ms of PINGREQ`;
      this.#end({ by: 'network', error: new MqttError('connection-lost', message) });
      this.#connection.destroy();
    } else if (now.step === 'wait' && now.ms !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#checkKeepAlive(), now.ms);
    }
  }

  #answer(packet: AuthPacket): void {
    const { authentication } = this.#settings;
    const data = packet.properties.authenticationData;
    const own = data === undefined ? undefined : new Uint8Array(data);
    const answered = (async () => {
      if (authentication !== undefined) return authentication.respond(own, packet);
      throw new MqttError('invalid', 'Cannot answer the server\'s challenge: the option "authentication" is not set');
    })();
    answered
      .then((answer) => {
        if (this.#reason === undefined) this.#session.authenticate(answer);
      })
      .catch((error) => this.#failed(error));
  }

  /** The server broke a rule, or code of the application that decides about the connection threw. */
  #failed(error: Error): void {
    if (this.#reason !== undefined) return;
    const typed = mqttError(error, 'connection-failed');
    const reasonCode = typed.reasonCode ?? UNSPECIFIED_ERROR;
    // In 3.x a DISCONNECT would say that all is well.
    if (this.protocolVersion === 5 && this.#connack !== undefined) {
      const code = isReasonCodeAllowed('disconnect', reasonCode, 'client') ? reasonCode : UNSPECIFIED_ERROR;
      this.#connection.send({ type: 'disconnect', reasonCode: code, properties: NO_PROPERTIES });
    }
    this.#end({ by: 'network', error: typed });
  }

  /** From here on nothing is sent or received; operations fail at once, `closed` follows when the wire is gone. */
  #end(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    clearTimeout(this.#timer);
    const wasConnecting = this.#state === 'connecting';
    this.#connection.close();
    this.#session.end(this.#endError('The operation was not finished'));
    for (const subscription of this.#routes.all()) {
      this.#routes.remove(subscription);
      subscription.finish(reason.error);
    }
    this.#setState('disconnected');
    if (wasConnecting) this.#connected.reject(reason.error ?? this.#endError('Cannot connect'));
  }

  #closed(error: Error | undefined): void {
    const cause = error === undefined ? {} : { cause: error };
    const words = error === undefined ? 'the server closed it' : error.message;
    this.#end({ by: 'network', error: new MqttError('connection-lost', `The connection was lost: ${words}`, cause) });
    const unflushed = this.#unflushed;
    this.#unflushed = [];
    const wasOrderly = this.#reason?.by === 'client' && error === undefined;
    for (const settle of unflushed) {
      if (wasOrderly) settle.resolve();
      else settle.reject(this.#endError('Cannot publish'));
    }
    this.#tellClosed(this.#reason as CloseReason);
  }

  #setState(state: ClientState): void {
    this.#state = state;
    this.#listeners.emit('state', state, this.#reason);
  }
}

/** Throws 'topic-filter-invalid' (0x8F) for a filter, shared or not, that no server takes. */
function assertFilter(filter: string): void {
  assertTopicFilter(parseSharedFilter(filter)?.filter ?? filter);
}

const UNSPECIFIED_ERROR = 0x80;
const NOTHING = (): void => {};

function requestsOf(
  filters: FilterRequest | readonly FilterRequest[],
  options: SubscribeOptions,
): SubscriptionRequest[] {
  const list = Array.isArray(filters) ? (filters as readonly FilterRequest[]) : [filters as FilterRequest];
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options;
  return list.map((entry) => ({
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    ...(typeof entry === 'string' ? { filter: entry } : entry),
  }));
}
