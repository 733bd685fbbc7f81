/** `MQTTClient` of umqtt on `@dunlin/client`: what blocks there is a promise here. */

import {
  type Client,
  type ClientOptions,
  createClient,
  MqttError,
  type Subscription,
  type WillOptions,
} from '@dunlin/client';
import { type Bytes, decodable, encoded } from './bytes.ts';
import { exceptionOf, type MQTTException, told } from './exception.ts';
import { Inbox, type Waiting } from './inbox.ts';
import { BOOL, CALLBACK, integer, MESSAGE, QOS, SERVER, SSL_PARAMS, type SslParams, TEXT } from './kinds.ts';
import { type Given, type Optional, optional, required, type ValuesOf } from './parameters.ts';
import { pinged } from './ping.ts';

/** A string, or bytes that are UTF-8. */
export type Text = string | Uint8Array;
/** Takes a message; where it returns a promise, `wait_msg` and the acknowledgement wait for that. */
export type MessageCallback = (topic: Bytes, msg: Bytes) => unknown;
/** Takes the reason for which a connection is lost. */
export type ErrorCallback = (error: MQTTException) => unknown;

/** The optional parameters of `MQTTClient` by name. */
export interface MQTTClientParameters {
  /** Default 0: 1883, with `ssl` 8883. */
  readonly port?: number | null;
  readonly user?: Text | null;
  readonly password?: Text | null;
  /** Seconds, 0 to 65535. Default 0: off. */
  readonly keepalive?: number | null;
  /** TLS. Default false. */
  readonly ssl?: boolean | null;
  /** For TLS alone. Default: none. */
  readonly ssl_params?: SslParams | null;
  /** Connects again by itself. Default true. */
  readonly reconn?: boolean | null;
  /** 3: MQTT 3.1, 4: MQTT 3.1.1. Default 4. */
  readonly version?: 3 | 4 | null;
  /** Messages of QoS 0 that wait to be taken, 1 and up; not in umqtt. Default 1000. */
  readonly queue_max?: number | null;
}
/** The optional parameters of `publish` and `set_last_will` by name. */
export interface PublishParameters {
  /** Default false. */
  readonly retain?: boolean | null;
  /** Default 0. */
  readonly qos?: 0 | 1 | null;
}

/** The optional parameters of `MQTTClient`, in their order. */
const CLIENT = {
  port: { kind: integer(0, 65_535), byDefault: 0 },
  user: { kind: TEXT, byDefault: undefined } as Optional<string | undefined>,
  password: { kind: MESSAGE, byDefault: undefined } as Optional<string | Uint8Array | undefined>,
  keepalive: { kind: integer(0, 65_535), byDefault: 0 },
  ssl: { kind: BOOL, byDefault: false },
  ssl_params: { kind: SSL_PARAMS, byDefault: {} },
  reconn: { kind: BOOL, byDefault: true },
  version: { kind: integer<3 | 4>(3, 4), byDefault: 4 },
  queue_max: { kind: integer(1, 1_000_000), byDefault: 1000 },
} as const;
const CONNECT = { clean_session: { kind: BOOL, byDefault: true } } as const;
const PUBLISH = { retain: { kind: BOOL, byDefault: false }, qos: { kind: QOS, byDefault: 0 } } as const;
const SUBSCRIBE = { qos: { kind: QOS, byDefault: 0 } } as const;

/** What `connect` makes: a connection, with `reconn` and those that follow it. */
interface Current {
  readonly client: Client;
  readonly inbox: Inbox;
  /** The latest subscription to each topic. */
  readonly subscriptions: Map<string, Subscription>;
  wasConnected: boolean;
  /** Without `reconn`: the connection came about and broke. */
  isLost: boolean;
}

/**
 * A client for MQTT 3.1.1 and 3.1, called as umqtt is. Optional parameters come in their order, or by their names in a
 * last object: `new MQTTClient('id', 'localhost', { keepalive: 60, reconn: false })`.
 *
 * What arrives waits until `check_msg` or `wait_msg` takes it: the callback runs nowhere else. Every call rejects with a
 * TypeError or a RangeError for an argument that cannot be, and with `MQTTException` for what fails.
 */
export class MQTTClient {
  readonly #url: string;
  readonly #client_id: string;
  readonly #parameters: ValuesOf<typeof CLIENT>;
  #callback: MessageCallback | undefined;
  #errorCallback: ErrorCallback | undefined;
  #will: WillOptions | undefined;
  #current: Current | undefined;

  /**
   * Nothing is connected yet. `server` is a host name or an address; see `MQTTClientParameters` for the others. Throws a
   * TypeError or a RangeError for arguments that cannot be.
   */
  constructor(
    client_id: Text,
    server: string,
    ...parameters: Given<
      [
        port: number,
        user: Text,
        password: Text,
        keepalive: number,
        ssl: boolean,
        ssl_params: SslParams,
        reconn: boolean,
        version: 3 | 4,
        queue_max: number,
      ],
      MQTTClientParameters
    >
  ) {
    const attempt = 'Cannot make an MQTTClient';
    this.#client_id = required(attempt, 'client_id', TEXT, client_id);
    const host = required(attempt, 'server', SERVER, server);
    this.#parameters = optional(attempt, CLIENT, parameters);
    const { ssl, port } = this.#parameters;
    this.#url = ssl ? `mqtts://${host}:${port || 8883}` : `mqtt://${host}:${port || 1883}`;
  }

  /** Messages of QoS 0 that were dropped since `connect`, as `queue_max` of them waited. Not in umqtt. */
  get dropped(): number {
    return this.#current?.inbox.dropped ?? 0;
  }

  /** Says who takes the messages. */
  set_callback(callback: MessageCallback): void {
    this.#callback = required('Cannot set the callback', 'callback', CALLBACK, callback) as MessageCallback;
  }

  /** Says who is told that the connection is lost; only without `reconn`, since with it nothing is lost. */
  error_register_cb(callback: ErrorCallback): void {
    this.#errorCallback = required('Cannot set the error callback', 'callback', CALLBACK, callback) as ErrorCallback;
  }

  /** Sets what the server publishes where this client goes without `disconnect`; from the next `connect` on. */
  set_last_will(topic: Text, msg: Text, ...parameters: Given<[retain: boolean, qos: 0 | 1], PublishParameters>): void {
    const attempt = 'Cannot set the last will';
    this.#will = {
      topic: required(attempt, 'topic', TEXT, topic),
      payload: required(attempt, 'msg', MESSAGE, msg),
      ...optional(attempt, PUBLISH, parameters),
    };
  }

  /**
   * Connects, with `clean_session` (default true) to a new session; settles with 0. A connection that is there is closed
   * before. Rejects with `MQTTException`: where the server refused, its `code` is 1 to 5.
   */
  async connect(
    ...parameters: Given<[clean_session: boolean], { readonly clean_session?: boolean | null }>
  ): Promise<0> {
    const attempt = 'Cannot connect';
    const { clean_session } = optional(attempt, CONNECT, parameters);
    void this.close();
    await told(attempt, () => {
      this.#current = this.#made(clean_session);
      return this.#current.client.connect();
    });
    return 0;
  }

  /** Says goodbye to the server, which then publishes no will, and lets go of everything. Harmless without a connection. */
  disconnect(): Promise<void> {
    return this.#release(false);
  }

  /** Closes the socket and says nothing to the server; in any state, also for nothing. `connect` may follow. */
  close(): Promise<void> {
    return this.#release(true);
  }

  /** Asks the server for a sign of life and settles with it; does nothing where `keepalive` is 0. */
  async ping(): Promise<void> {
    if (this.#parameters.keepalive === 0) return;
    const attempt = 'Cannot ping';
    await told(attempt, () => pinged(this.#open(attempt).client));
  }

  /**
   * Publishes; settles at QoS 0 when the message has left, at QoS 1 when the server has it. With `reconn` it waits for a
   * connection.
   */
  async publish(
    topic: Text,
    msg: Text,
    ...parameters: Given<[retain: boolean, qos: 0 | 1], PublishParameters>
  ): Promise<void> {
    const attempt = 'Cannot publish';
    const name = required(attempt, 'topic', TEXT, topic);
    const payload = required(attempt, 'msg', MESSAGE, msg);
    const options = optional(attempt, PUBLISH, parameters);
    await told(`${attempt} to "${name}"`, () => this.#open(attempt).client.publish(name, payload, options));
  }

  /** Subscribes; settles when the server has granted it. Where it refuses, the exception has code 128. */
  async subscribe(topic: Text, ...parameters: Given<[qos: 0 | 1], { readonly qos?: 0 | 1 | null }>): Promise<void> {
    const attempt = 'Cannot subscribe';
    const filter = required(attempt, 'topic', TEXT, topic);
    const { qos } = optional(attempt, SUBSCRIBE, parameters);
    await told(`${attempt} to "${filter}"`, async () => {
      const { client, inbox, subscriptions } = this.#open(attempt);
      const subscription = await client.subscribe(filter, { qos }, inbox.held);
      const former = subscriptions.get(filter);
      subscriptions.set(filter, subscription);
      // The server has one subscription to a topic, and keeps it.
      await former?.unsubscribe();
    });
  }

  /**
   * Calls the callback with one message, if one waits. It waits for none: it settles after one turn of the event loop, so
   * that a loop of it lets messages arrive. Rejects as `wait_msg` does.
   */
  async check_msg(): Promise<void> {
    const attempt = 'Cannot check for a message';
    await nextTurn();
    const waiting = await told(attempt, () => this.#open(attempt).inbox.take());
    if (waiting !== undefined) await this.#hand(waiting);
  }

  /**
   * Waits for one message and calls the callback with it; rejects with what the callback throws. Without `reconn` it
   * rejects, now and until `connect`, once the connection is lost and what came before is taken.
   */
  async wait_msg(): Promise<void> {
    const attempt = 'Cannot wait for a message';
    const waiting = told(attempt, () => this.#open(attempt).inbox.next());
    // Who calls again at once after a failure shall not keep the event loop from connecting.
    await waiting.catch(nextTurn);
    await this.#hand(await waiting);
  }

  /** 0 connected; 1 connecting, also again; 2 the connection is lost, without `reconn`; -1 all else. */
  get_mqttsta(): 0 | 1 | 2 | -1 {
    switch (this.#current?.client.state) {
      case 'connected':
        return 0;
      case 'connecting':
      case 'reconnecting':
        return 1;
      default:
        return this.#current?.isLost ? 2 : -1;
    }
  }

  #made(cleanStart: boolean): Current {
    const { user, password, keepalive, ssl, ssl_params, reconn, version, queue_max } = this.#parameters;
    const inbox = new Inbox(queue_max);
    const options: ClientOptions = {
      clientId: this.#client_id,
      username: user,
      password,
      protocolVersion: version,
      keepAlive: keepalive,
      cleanStart,
      reconnect: reconn && {},
      on: {
        message: (message) => inbox.put(message),
        state: () => this.#changed(current),
      },
      ...(ssl ? { tls: ssl_params } : {}),
      ...(this.#will === undefined ? {} : { will: this.#will }),
    };
    const client = createClient(this.#url, options);
    // What the server sends for a session of before is acknowledged when it is taken, too (but for $-topics: at once).
    client.handle('#', inbox.held);
    const current: Current = { client, inbox, subscriptions: new Map(), wasConnected: false, isLost: false };
    return current;
  }

  #changed(current: Current): void {
    const { client, inbox } = current;
    if (client.connack !== undefined) inbox.connected(client.connack.sessionPresent);
    if (client.state === 'connected') current.wasConnected = true;
    if (client.state !== 'disconnected') return;
    const error = client.reason?.error;
    inbox.end(error ?? closedHere());
    if (error === undefined || !current.wasConnected || this.#parameters.reconn) return;
    current.isLost = true;
    this.#errorCallback?.(exceptionOf('Cannot keep the connection', error));
  }

  /** The connection, or what is left of it. Throws where there was none since the last end. */
  #open(attempt: string): Current {
    if (this.#current !== undefined) return this.#current;
    throw new MqttError('closed', `${attempt}: there is no connection, connect() is expected first`);
  }

  async #hand({ message, taken }: Waiting): Promise<void> {
    try {
      if (this.#callback === undefined) {
        throw new TypeError('Cannot hand a message over: there is no callback, set_callback() is expected first');
      }
      await this.#callback(encoded(message.topic), decodable(message.payload));
    } finally {
      taken();
    }
  }

  async #release(abrupt: boolean): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    current.inbox.end(closedHere());
    await current.client.disconnect({ abrupt });
  }
}

function closedHere(): MqttError {
  return new MqttError('closed', 'the connection was closed here');
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
