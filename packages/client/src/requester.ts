/** Requests: each is published, and finds its answer by Correlation Data (section 4.10) or by topic template. */

import { type ConnackPacket, NO_PROPERTIES, type Properties, type ProtocolVersion, type QoS } from '@dunlin/protocol';
import type { ClientEvents, ClientStats, PublishOptions, SubscribeOptions } from './client-api.ts';
import type { PublishResult } from './connection.ts';
import type { Environment } from './environment.ts';
import { MqttError } from './errors.ts';
import type { OperationOptions, Settle } from './operation.ts';
import type { MessageHandler, Payload } from './options.ts';
import { describeReason } from './reason-words.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { PendingSubscription, Subscription } from './subscription.ts';
import { type TemplateParams, TopicTemplate } from './topic-template.ts';

/** Options of `request`. */
export interface RequestOptions<Topic extends string = string> extends OperationOptions {
  /** How long the answer may take, milliseconds; 5.0 servers drop the request behind it. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Of the request. At 1 and 2 a server of 5.0 may tell that nobody listens. Default 1. */
  readonly qos?: QoS | undefined;
  /**
   * Topic or template of the answer, filled with `params` and `{id}`. Before MQTT 5.0 it must hold `{id}`, as must the
   * topic. Default (5.0): a topic of this client under the server's Response Information or `dunlin/response`.
   */
  readonly responseTopic?: string | undefined;
  /** The parameters of both templates but for `id`, which is new with every request. */
  readonly params?: Readonly<Omit<TemplateParams<Topic>, 'id'>> | undefined;
  /** MQTT 5.0. Response Topic and Correlation Data are set here. */
  readonly properties?: Properties | undefined;
}

/** What requests need of their client. */
export interface RequesterClient {
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  /** Undefined before the first connection. */
  readonly connack: ConnackPacket | undefined;
  /** Counts the answers that no open request waits for: late, a second one, or of somebody else. */
  readonly stats: Pick<ClientStats, 'responsesIgnored'>;
  publish(topic: string, payload: Payload, options: PublishOptions): Promise<PublishResult>;
  subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): PendingSubscription;
  on(name: 'state', listener: ClientEvents['state']): () => void;
}

/** Options of a request with its time-out in place. */
export type AskedOptions = RequestOptions & { readonly timeoutMs: number };

interface OpenRequest {
  readonly attempt: string;
  readonly responseTopic: string;
  resolve(answer: ReceivedMessage): void;
  reject(error: Error): void;
}

/** The subscription that the answers of some requests come by. */
interface Inbox {
  readonly filter: string;
  readonly pending: PendingSubscription;
  subscription: Subscription | undefined;
  requests: number;
  stopTimer: () => void;
}

/** Inboxes that no request uses are kept so long, and no longer where there are more than so many. */
const IDLE_MS = 60_000;
const INBOXES_MAX = 100;
const NOTHING = (): void => {};
const NO_MATCHING_SUBSCRIBERS = 0x10;

/** Sends the requests of one client and finds their answers. */
export class Requester {
  readonly #client: RequesterClient;
  readonly #environment: Environment;
  /** By the topic of the answer where that holds the identifier, else by Correlation Data. */
  readonly #open = new Map<string, OpenRequest>();
  readonly #inboxes = new Map<string, Inbox>();

  constructor(client: RequesterClient, environment: Environment) {
    this.#client = client;
    this.#environment = environment;
    client.on('state', (state, reason) => {
      if (state === 'disconnected') this.#end(reason?.error);
    });
  }

  /** Requests without an answer. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Publishes a request, and settles with the first answer to it; see `Client.request`. The function that it returns
   * gives it up. Throws 'invalid', and 'not-supported' (before 5.0 without `{id}`).
   */
  request(topic: string, payload: Uint8Array, options: AskedOptions, settle: Settle<ReceivedMessage>): () => void {
    const { timeoutMs, qos = 1, properties = NO_PROPERTIES } = options;
    const attempt = `Cannot request "${topic}"`;
    const id = this.#newId();
    const params = { ...options.params, id };
    const answering = new TopicTemplate<string>(options.responseTopic ?? this.#ownTopic());
    const responseTopic = answering.fill(params);
    const askedTopic = new TopicTemplate<string>(topic).fill(params);
    const isById = responseTopic.includes(id);
    const isBefore5 = this.#client.protocolVersion < 5;
    if (isBefore5 && !(isById && askedTopic.includes(id))) {
      throw new MqttError('not-supported', `${attempt}: before MQTT 5.0 {id} is expected in topic and responseTopic`);
    }
    const key = isById ? responseTopic : id;
    const inbox = this.#join(answering.filter({ ...params, id: undefined as never }));
    const ended = new AbortController();
    const finish = (): boolean => {
      if (!this.#open.delete(key)) return false;
      this.#leave(inbox);
      // With a reason of its own, since the default one costs an Error.
      ended.abort(key);
      return true;
    };
    const open: OpenRequest = {
      attempt,
      responseTopic,
      resolve: (answer) => finish() && settle.resolve(answer),
      reject: (error) => finish() && settle.reject(error),
    };
    this.#open.set(key, open);
    void this.#send(open, inbox, askedTopic, payload, {
      qos,
      signal: ended.signal,
      properties: isBefore5 ? properties : asked(properties, responseTopic, id, timeoutMs),
    });
    return finish;
  }

  async #send(open: OpenRequest, inbox: Inbox, topic: string, payload: Uint8Array, options: PublishOptions) {
    try {
      await inbox.pending;
      const { reasonCode } = await this.#client.publish(topic, payload, options);
      if (reasonCode !== NO_MATCHING_SUBSCRIBERS) return;
      throw new MqttError('refused', `${open.attempt}: ${describeReason(reasonCode)}`, { reasonCode });
    } catch (error) {
      open.reject(error as Error);
    }
  }

  #received(message: ReceivedMessage): void {
    const { correlationData } = message.properties;
    const open =
      this.#open.get(message.topic) ?? (correlationData && this.#open.get(new TextDecoder().decode(correlationData)));
    if (open?.responseTopic === message.topic) open.resolve(message);
    else this.#client.stats.responsesIgnored += 1;
  }

  /** The client's own topic for answers. An identifier may hold what a level may not, or be empty before CONNACK. */
  #ownTopic(): string {
    const base = this.#client.connack?.properties.responseInformation ?? 'dunlin/response';
    return `${base}/${encodeURIComponent(this.#client.clientId || this.#newId())}`;
  }

  /** Digits of sixteen random bytes: nobody guesses where the answer of somebody else goes. */
  #newId(): string {
    return this.#environment.randomBytes(16).join('');
  }

  #join(filter: string): Inbox {
    const known = this.#inboxes.get(filter);
    known?.stopTimer();
    // The application may have unsubscribed.
    const inbox = known === undefined || known.subscription?.isActive === false ? this.#subscribe(filter) : known;
    inbox.requests += 1;
    return inbox;
  }

  #subscribe(filter: string): Inbox {
    const pending = this.#client.subscribe(filter, { qos: 2 }, (message) => this.#received(message));
    const inbox: Inbox = { filter, pending, subscription: undefined, requests: 0, stopTimer: NOTHING };
    this.#inboxes.set(filter, inbox);
    pending.then(
      (subscription) => {
        inbox.subscription = subscription;
      },
      () => this.#drop(inbox),
    );
    return inbox;
  }

  #end(cause: MqttError | undefined): void {
    for (const { attempt, reject } of [...this.#open.values()]) {
      const why = cause?.message ?? 'the client was disconnected';
      reject(new MqttError(cause?.code ?? 'closed', `${attempt}: ${why}`, { ...cause, cause }));
    }
    for (const inbox of [...this.#inboxes.values()]) this.#drop(inbox);
  }

  #leave(inbox: Inbox): void {
    inbox.requests -= 1;
    if (inbox.requests > 0 || this.#inboxes.get(inbox.filter) !== inbox) return;
    if (this.#inboxes.size > INBOXES_MAX) this.#drop(inbox);
    else inbox.stopTimer = this.#environment.setTimer(IDLE_MS, () => this.#drop(inbox));
  }

  #drop(inbox: Inbox): void {
    inbox.stopTimer();
    if (this.#inboxes.get(inbox.filter) !== inbox) return;
    this.#inboxes.delete(inbox.filter);
    inbox.pending.unsubscribe().catch(() => {});
  }
}

function asked(properties: Properties, responseTopic: string, id: string, timeoutMs: number): Properties {
  const seconds = Math.ceil(timeoutMs / 1000);
  return {
    ...(seconds <= 0xffff_ffff && { messageExpiryInterval: seconds }),
    ...properties,
    responseTopic,
    correlationData: new TextEncoder().encode(id),
  };
}
