/** The client: what the application calls, joined to a session that outlives its connections. */

/// <reference lib="esnext.disposable" preserve="true" />

import { type ConnackPacket, NO_PROPERTIES, type ProtocolVersion, type SubscriptionRequest } from '@dunlin/protocol';
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
import type { PublishResult } from './connection.ts';
import { listed, MqttError, mqttError, wrongArgument } from './errors.ts';
import { Listeners } from './events.ts';
import { Lifecycle } from './lifecycle.ts';
import { Log } from './log.ts';
import { type OperationOptions, operation, type Settle } from './operation.ts';
import type { ClientOptions, MessageHandler, Payload } from './options.ts';
import { payloadBytes } from './payload.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { RequestOptions } from './requester.ts';
import { Requesting, uncheckedFilter } from './requesting.ts';
import { assertFilter, attemptOf, type Request, type RequestResult, requestsOf } from './requests.ts';
import type { RequestHandler, RespondOptions } from './responder.ts';
import { checkDisconnect, type ServerLimits } from './server-limits.ts';
import { Session } from './session.ts';
import { type Platform, type ServerUrl, type Settings, set, settingsOf } from './settings.ts';
import { type PendingSubscription, pendingSubscription, Subscription } from './subscription.ts';

/**
 * An MQTT client; `createClient` and `connect` make it.
 *
 * It has one state, and goes from connection to connection: what is published and asked for in between waits. Every
 * promise it gives settles: with the server's answer, by the caller's bounds, or with an `MqttError` when the client is
 * `disconnected`. After that nothing is accepted until `connect()` is called again.
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
    responsesIgnored: 0,
    requestsIgnored: 0,
  };
  readonly #settings: Settings;
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #log: Log;
  readonly #session: Session;
  readonly #lifecycle: Lifecycle;
  readonly #requesting: Requesting;

  /** For `createClient`. Throws `MqttError` for options that cannot be. */
  constructor(platform: Platform, url: ServerUrl, options: ClientOptions) {
    const settings = settingsOf(platform, url, options);
    const { connect, on } = settings;
    this.#settings = settings;
    this.protocolVersion = connect.protocolVersion;
    for (const [name, listener] of Object.entries(set(on))) this.on(name as keyof ClientEvents, listener);
    this.#log = new Log(settings.log, settings.debugNames?.(), this.#listeners);
    this.#session = new Session(settings, this.stats, this.#listeners);
    this.#requesting = new Requesting(this, settings);
    this.#lifecycle = new Lifecycle(settings, this.#session, this.#listeners, this.#log, (error) =>
      this.#requesting.end(error),
    );
  }

  get state(): ClientState {
    return this.#lifecycle.state;
  }

  /** Why the connection before is over; undefined while `connecting` or `connected`. */
  get reason(): CloseReason | undefined {
    return this.#lifecycle.reason;
  }

  /** Settles when the client is `disconnected` for good and its wire gone; never rejects. `connect()` begins a new one. */
  get closed(): Promise<CloseReason> {
    return this.#lifecycle.closed;
  }

  /** The Client Identifier in use, also one that the server assigned. */
  get clientId(): string {
    return this.#lifecycle.clientId;
  }

  /** The CONNACK of this connection: Session Present and the server's properties. Undefined unless `connected`. */
  get connack(): ConnackPacket | undefined {
    return this.#lifecycle.connack;
  }

  /** What the server takes. Undefined unless `connected`. */
  get limits(): ServerLimits | undefined {
    return this.#session.link?.limits;
  }

  /**
   * Connects, where it is not connected; settles with the CONNACK that accepted.
   *
   * Rejects when the client is `disconnected`: 'refused' (by Reason Code), 'connection-failed', 'connection-lost',
   * 'timed-out' (`connectTimeoutMs`), 'aborted', 'closed', 'tls', 'invalid', 'outbox-failed', the codes of the protocol.
   */
  connect({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<ConnackPacket> {
    return this.#lifecycle.connect(signal);
  }

  /** Adds a listener; the function returned removes it. In Node it throws 'invalid' for an event that there is none of. */
  on<Name extends keyof ClientEvents>(name: Name, listener: ClientEvents[Name]): () => void {
    this.#settings.checkNames?.('event', { [name]: listener });
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
   * stay as they are until then. Without a connection, and above the server's Receive Maximum, a message waits in the
   * outbox. Rejects: 'refused' (the server's reason), 'not-supported' (above what the server takes), 'queue-full',
   * 'expired', 'session-lost' (QoS 2), 'connection-lost' (QoS 0 that was leaving), 'invalid', 'topic-name-invalid',
   * 'timed-out', 'aborted', and why the client is `disconnected`.
   */
  publish(topic: string, payload: Payload, options?: PublishOptions): Promise<PublishResult> {
    // Programs without types say null for none, as to `subscribe`.
    const wanted = options ?? {};
    const { qos = 0, retain = false, properties = NO_PROPERTIES, signal } = wanted;
    const { timeoutMs = this.#settings.operationTimeoutMs } = wanted;
    const { link, outbox } = this.#session;
    if (typeof topic !== 'string') return Promise.reject(wrongArgument('Cannot publish', 'topic', topic, 'text'));
    if (qos === 0 && link !== undefined && outbox.isPassable && signal === undefined && timeoutMs === undefined) {
      try {
        this.#settings.checkNames?.('publish', wanted);
        link.publish({ topic, payload: payloadBytes(payload), qos, retain, properties }, 0, false);
        this.stats.sent += 1;
        return link.left();
      } catch (error) {
        return Promise.reject(mqttError(error));
      }
    }
    const attempt = `Cannot publish to "${topic}"`;
    return this.#operation(attempt, wanted, (settle) => {
      this.#settings.checkNames?.('publish', wanted);
      if (qos !== 0 && qos !== 1 && qos !== 2) throw wrongArgument(attempt, 'qos', qos, '0 to 2');
      if (qos === 0 && link === undefined && this.#settings.outbox.qos0 === 'reject') {
        throw new MqttError('closed', `${attempt}: there is no connection, and QoS 0 is not to wait`);
      }
      const request = { topic, payload: payloadBytes(payload), qos, retain, properties };
      const outgoing = outbox.publish(request, settle);
      return () => outbox.cancel(outgoing);
    });
  }

  /**
   * Subscribes to one filter or several. With a handler it is called for each message; without one iterate over what
   * is returned, or over what that settles with; a full iterator that nobody reads holds up all acknowledgements. Without
   * a connection it waits for one, and it outlives connections. Settles with SUBACK; rejects as `publish` does, 'refused'
   * where no filter was granted: see `results` otherwise.
   */
  subscribe(
    filters: FilterRequest | readonly FilterRequest[],
    options?: SubscribeOptions | MessageHandler,
    handler?: MessageHandler,
  ): PendingSubscription {
    if (typeof options === 'function') return this.#subscription(filters, {}, options);
    return this.#subscription(filters, options ?? {}, handler);
  }

  /**
   * Calls the handler for messages that match the filter and arrive anyway, without subscribing; the function returned
   * takes it away. Throws 'topic-filter-invalid'.
   */
  handle(filter: string, handler: MessageHandler): () => void {
    assertFilter(filter);
    return this.#session.routes.handle(filter, handler);
  }

  /** Unsubscribes from filters, whoever subscribed to them here. Settles with UNSUBACK; rejects as `publish` does. */
  async unsubscribe(filters: string | readonly string[], options?: UnsubscribeOptions): Promise<RequestResult> {
    const list = [filters].flat();
    list.forEach(assertFilter);
    const left = this.#session.routes.leaving(list);
    const result = await this.#requestUnsubscribe(list, options ?? {});
    for (const subscription of left()) subscription.finish(undefined);
    return result;
  }

  /**
   * Publishes a request and settles with the first answer to it.
   *
   * In MQTT 5.0 the answer has the request's Correlation Data; in any version it comes on a topic of its own where topic
   * and `responseTopic` hold `{id}`, as in `player/{key}/request/{id}`. Rejects: 'timed-out' (`timeoutMs`), 'aborted',
   * 'refused' (with 0x10: nobody listens), 'queue-full' (`requestsMax` are open), 'not-supported' (before 5.0 without
   * `{id}`), 'invalid', 'not-loaded', as publish and subscribe do, and why the client is `disconnected`.
   */
  request<const Topic extends string>(
    topic: Topic,
    payload: Payload,
    options?: RequestOptions<NoInfer<Topic>>,
  ): Promise<ReceivedMessage> {
    const { signal, timeoutMs = REQUEST_TIMEOUT_MS } = options ?? {};
    return this.#operation(`Cannot request "${topic}"`, { signal, timeoutMs }, (settle) =>
      this.#requesting.begin(topic, payload, { ...options, timeoutMs }, settle),
    );
  }

  /**
   * Answers requests to a filter or template with what the handler gives, until the subscription ends. An answer has the
   * Correlation Data of its request and lives no longer than that.
   *
   * A request is acknowledged when it is taken, since its handler may wait for what comes behind it. Settles as `subscribe` does; rejects 'invalid' for a template that cannot be, and 'not-loaded'.
   */
  respond<const Filter extends string>(
    filter: Filter,
    handler: RequestHandler<Filter>,
    options: RespondOptions<NoInfer<Filter>> = {},
  ): PendingSubscription {
    const failed = (error: unknown, request: ReceivedMessage) =>
      this.#listeners.emit('responderFailed', error, request);
    const answering = this.#requesting.respond(this, failed, filter, handler, options);
    const subscribing = this.#subscription(
      uncheckedFilter(filter, options.params),
      { qos: options.qos ?? 1 },
      (request) =>
        void answering.then(
          (answer) => answer(request),
          () => {
            this.stats.requestsIgnored += 1;
          },
        ),
      answering,
    );
    answering.catch(() => subscribing.unsubscribe().catch(() => {}));
    return subscribing;
  }

  /**
   * MQTT 5.0: authenticates again on the open connection, or behind one given up that the server has not ended. Settles
   * when the server has accepted; rejects 'closed' without a connection, and with what ends it.
   */
  reauthenticate(data?: Uint8Array, options: OperationOptions = {}): Promise<void> {
    const attempt = 'Cannot authenticate again';
    return this.#operation(attempt, options, (settle) => {
      const { authenticating, link } = this.#session;
      if (link === undefined) throw new MqttError('closed', `${attempt}: there is no connection`);
      if (authenticating === undefined) {
        throw new MqttError('not-supported', `${attempt}: CONNECT had no Authentication Method [MQTT-4.12.0-7]`);
      }
      return authenticating.again(data, settle);
    });
  }

  /**
   * Settles when all that was published and asked for so far and since is settled and has left this process; rejects as
   * `publish` does. It does not disconnect.
   */
  drain(options: OperationOptions = {}): Promise<void> {
    return this.#operation('Cannot drain', options, (settle) => this.#session.drain(settle));
  }

  /** Sends PINGREQ now, besides those of the keep alive; `packetReceived` tells of PINGRESP. Nothing unless `connected`. */
  ping(): void {
    this.#session.link?.send({ type: 'pingreq' });
  }

  /**
   * Sends DISCONNECT behind all that was sent before, and closes. Settles when the wire is gone; harmless afterwards.
   *
   * What is open then rejects with 'closed'; iterators end in order. Rejects, and stays connected, for a reason code or
   * property that cannot be.
   */
  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    const { reasonCode = 0, properties = NO_PROPERTIES, abrupt = false } = options;
    const { link } = this.#session;
    if (link !== undefined && !abrupt) {
      try {
        checkDisconnect(this.#settings.connect, properties);
        link.send({ type: 'disconnect', reasonCode, properties });
      } catch (error) {
        throw mqttError(error);
      }
    }
    this.#lifecycle.over({ by: 'client', error: undefined });
    await this.closed;
  }

  /** Disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  #operation<Result>(
    attempt: string,
    { signal, timeoutMs = this.#settings.operationTimeoutMs }: OperationOptions,
    start: (settle: Settle<Result>) => (() => void) | undefined,
  ): Promise<Result> {
    if (this.#lifecycle.isOver) return Promise.reject(this.#lifecycle.overError(attempt));
    return operation(this.#settings.environment, attempt, { signal, timeoutMs }, start);
  }

  /** Sends the request and tells how it was answered. */
  async #request(request: Omit<Request, 'settle'>, options: OperationOptions): Promise<RequestResult> {
    this.#settings.checkNames?.(request.type, options, request.subscriptions);
    const { requests } = this.#session;
    const result = await this.#operation<RequestResult>(`Cannot ${attemptOf(request)}`, options, (settle) => {
      const own = { ...request, settle };
      requests.add(own);
      return () => requests.cancel(own);
    });
    this.#listeners.emit(request.type === 'subscribe' ? 'subscribed' : 'unsubscribed', result);
    return result;
  }

  #subscription(
    filters: FilterRequest | readonly FilterRequest[],
    given: SubscribeOptions,
    listener: MessageHandler | undefined,
    ready?: Promise<unknown>,
  ): PendingSubscription {
    const requests = requestsOf(filters, given);
    const names = [...new Set(requests.map((request) => request.filter))];
    const owner = {
      unsubscribe: (own: Subscription) => this.#unsubscribe(own),
      dropped: () => {
        this.stats.dropped += 1;
      },
      held: () => this.#log.line('warn', `a full iterator of ${listed(names)} holds up all acknowledgements`),
      isHeard: ({ topic }: ReceivedMessage) => this.#listeners.has('message') || this.#session.routes.isHandled(topic),
    };
    const isManual = given.acknowledge === 'manual';
    const subscription = new Subscription(owner, names, this.#settings.iteratorMessagesMax, isManual);
    if (listener !== undefined) subscription.on(listener);
    return pendingSubscription(subscription, this.#subscribe(subscription, requests, given, ready));
  }

  async #subscribe(
    subscription: Subscription,
    subscriptions: readonly SubscriptionRequest[],
    options: SubscribeOptions,
    ready: Promise<unknown> | undefined,
  ): Promise<Subscription> {
    const { routes } = this.#session;
    const { properties = NO_PROPERTIES } = options;
    try {
      for (const { filter } of subscriptions) assertFilter(filter);
      const identifier = this.#lifecycle.isOver ? 0 : routes.add(subscription, subscriptions, properties);
      const filters = subscriptions.map(({ filter }) => filter);
      const taken = (answer: RequestResult): void => {
        Object.assign(subscription, answer);
        for (const { filter, reasonCode } of answer.results) if (reasonCode < REFUSED) routes.granted(filter);
      };
      const request = { type: 'subscribe' as const, filters, subscriptions, properties, identifier, taken };
      await Promise.all([this.#request(request, options), ready]);
      return subscription;
    } catch (error) {
      const typed = mqttError(error);
      routes.end(subscription, typed);
      throw typed;
    }
  }

  async #unsubscribe(subscription: Subscription): Promise<void> {
    const { routes } = this.#session;
    const filters = routes.onlyOf(subscription);
    try {
      if (filters.length > 0 && !this.#lifecycle.isOver) await this.#requestUnsubscribe(filters, {});
    } finally {
      // Whoever left its loop will not ask again where this failed.
      if (!subscription.isActive) routes.remove(subscription);
    }
    routes.end(subscription);
  }

  #requestUnsubscribe(filters: readonly string[], options: UnsubscribeOptions): Promise<RequestResult> {
    const { properties = NO_PROPERTIES } = options;
    return this.#request({ type: 'unsubscribe', filters, subscriptions: [], properties, identifier: 0 }, options);
  }
}

const REFUSED = 0x80;
const REQUEST_TIMEOUT_MS = 30_000;
