/** What the caller may set when the client is made, and the units and defaults of it. */

import type { AuthPacket, Properties, ProtocolVersion, QoS } from '@dunlin/protocol';
import type { ClientEvents } from './client-api.ts';
import type { Dial } from './dial.ts';
import type { Environment } from './environment.ts';
import type { MqttError } from './errors.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { TlsOptions } from './tls-options.ts';

/** What a message may be made of: text as UTF-8, bytes as they are, everything else as JSON. */
export type Payload = string | Uint8Array | object | number | boolean | null;

/**
 * Called for every message of a subscription. Where it returns a promise, the message is acknowledged when that has
 * settled. What it throws or rejects with surfaces as an uncaught error, and the message counts as handled.
 */
export type MessageHandler = (message: ReceivedMessage) => unknown;

/** The Will: what the server publishes when this client is lost (section 3.1.2.5). */
export interface WillOptions {
  readonly topic: string;
  /** Default: empty. */
  readonly payload?: Payload | undefined;
  /** Default 0. */
  readonly qos?: QoS | undefined;
  /** Default false. */
  readonly retain?: boolean | undefined;
  /** MQTT 5.0: Will Delay Interval and the properties of the message. */
  readonly properties?: Properties | undefined;
}

/** Enhanced authentication (MQTT 5.0, section 4.12). */
export interface Authentication {
  readonly method: string;
  /** Sent in CONNECT. */
  readonly data?: Uint8Array | undefined;
  /** Answers a challenge with the data of the next AUTH. What it throws ends the connection. */
  readonly respond: (
    data: Uint8Array | undefined,
    packet: AuthPacket,
  ) => AuthenticationData | Promise<AuthenticationData>;
  /**
   * Sees the data that came with the success, such as the server's proof. What it throws or rejects with ends the
   * connection; before it has settled there is none.
   */
  readonly verify?: ((data: Uint8Array | undefined) => void | Promise<void>) | undefined;
}
/** The Authentication Data of an AUTH; undefined leaves the property out. */
export type AuthenticationData = Uint8Array | undefined;

/** A value, or a function that is asked for it before each attempt to connect. What it throws fails the attempt. */
export type Provided<Value> = Value | (() => Value | Promise<Value>);

/** When to connect again: full jitter, `random() * min(maxMs, minMs * 2 ** n)`. */
export interface ReconnectOptions {
  /** The bound of the first wait, milliseconds. Default 1000. */
  readonly minMs?: number | undefined;
  /** The bound of any wait, milliseconds. Default 300000. */
  readonly maxMs?: number | undefined;
  /** A connection that lived so long begins the waits anew, milliseconds. Default 10000. */
  readonly heldMs?: number | undefined;
  /** Attempts after which the client gives up. Default: none. */
  readonly attemptsMax?: number | undefined;
  /** Overrides which failures end the client: true goes on, false gives up. */
  readonly shouldRetry?: ((error: MqttError, attempt: number) => boolean) | undefined;
}

/** What waits to be published, and what was published and is not acknowledged. */
export interface OutboxOptions {
  /** Messages. Default 100000. */
  readonly messagesMax?: number | undefined;
  /** Bytes of topics, payloads and properties. Default 67108864 (64 MiB). */
  readonly bytesMax?: number | undefined;
  /** A full outbox refuses the new message, or gives up the oldest that was not sent. Default 'reject'. */
  readonly onFull?: 'reject' | 'drop-oldest' | undefined;
  /** Whether QoS 0 waits for a connection. Default 'queue'. */
  readonly qos0?: 'queue' | 'reject' | undefined;
  /** Where it is kept; without, it ends with the process. */
  readonly store?: OutboxStore | undefined;
}

/** A line of the log: what the client does, never a secret or a payload. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn';
  readonly text: string;
}

/** Options of `createClient`; every one may be left out. */
export interface ClientOptions {
  /** Default: that of the outbox's store, or `dunlin` and sixteen random letters and digits. */
  readonly clientId?: string | undefined;
  /** Default: that of the URL. */
  readonly username?: Provided<string | undefined> | undefined;
  readonly password?: Provided<string | Uint8Array | undefined> | undefined;
  readonly will?: WillOptions | undefined;
  /** 3: MQTT 3.1, 4: MQTT 3.1.1, 5: MQTT 5.0. Default 5. */
  readonly protocolVersion?: ProtocolVersion | undefined;
  /** Seconds, 0 to 65535; 0 turns the mechanism off. Default 60. A server may set another (5.0). */
  readonly keepAlive?: number | undefined;
  /**
   * Of the connection that `connect()` makes; reconnects go on with the session wherever it can live. True: a new
   * session. False: the one that the server holds for the Client Identifier; flows which another process left open are
   * ended, not continued. Default true, with a store in the outbox false.
   */
  readonly cleanStart?: boolean | undefined;
  /** The properties of CONNECT (5.0), such as `sessionExpiryInterval` (with a store by default a day). */
  readonly properties?: Properties | undefined;
  readonly authentication?: Authentication | undefined;
  /** Largest packet taken from the server, bytes. Default 268435460, the largest there is. Said to the server in 5.0. */
  readonly maximumPacketSize?: number | undefined;
  /** TLS, where the platform lets the client have a say. */
  readonly tls?: Provided<TlsOptions | undefined> | undefined;
  /** The days left at which `certificateExpiring` is told. Default 30. */
  readonly certificateWarningDays?: number | undefined;
  /** Each attempt until CONNACK, milliseconds. Default 30000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Attempts before `connect()` rejects; what retrying cannot mend rejects at once. Default 1. */
  readonly connectAttempts?: number | undefined;
  /** For each publish, subscribe and unsubscribe, milliseconds. Default: none. */
  readonly operationTimeoutMs?: number | undefined;
  /** Longest silence after a PINGREQ, milliseconds. Default 10000. */
  readonly pingTimeoutMs?: number | undefined;
  /** False: the first connection is the only one. */
  readonly reconnect?: false | ReconnectOptions | undefined;
  /** Follows a server that names another (0x9C, 0x9D until nobody answers there), by the scheme of the URL. Default true. */
  readonly followServerReference?: boolean | undefined;
  readonly outbox?: OutboxOptions | undefined;
  /** Shortens repeated topics where the server takes aliases (5.0). Default true. */
  readonly topicAliases?: boolean | undefined;
  /**
   * Received messages that wait in one subscription's iterator. Above it those of QoS 1 and 2 are not acknowledged, nor
   * is any that comes behind them, of whatever subscription, until the iterator is read. Default 1000.
   */
  readonly iteratorMessagesMax?: number | undefined;
  /** Requests that wait for their answers; those above it reject 'queue-full'. Default 10000. */
  readonly requestsMax?: number | undefined;
  /** Listeners that are there before the first packet. */
  readonly on?: { readonly [Name in keyof ClientEvents]?: ClientEvents[Name] | undefined } | undefined;
  /** Takes the log. */
  readonly log?: ((line: LogLine) => void) | undefined;
  /** Makes the wires in place of the platform. */
  readonly dial?: Dial | undefined;
  /** Time, timers and chance in place of the platform's. */
  readonly environment?: Environment | undefined;
}

/** Options of `connect`. */
export interface ConnectOptions extends ClientOptions {
  /** Gives up connecting. No effect once connected. */
  readonly signal?: AbortSignal | undefined;
}
