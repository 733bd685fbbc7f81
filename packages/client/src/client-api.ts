/** The names around the client: its states, events, counters and the options of its calls. */

import type { ConnackPacket, Packet, Properties, QoS, SubscriptionRequest } from '@dunlin/protocol';
import type { PublishResult } from './connection.ts';
import type { CertificateSeen } from './dial.ts';
import type { MqttError } from './errors.ts';
import type { OperationOptions } from './operation.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { RequestResult } from './requests.ts';

/** Where the client stands; `lifecycle.ts` has the table of transitions. */
export type ClientState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting';

/** Why the connection before is over. */
export interface CloseReason {
  /** `client`: `disconnect` was called. `server`: it refused or sent DISCONNECT. `network`: all else. */
  readonly by: 'client' | 'server' | 'network';
  /** Undefined where `disconnect` was called. */
  readonly error: MqttError | undefined;
}

/** The next attempt to connect. */
export interface ReconnectingInfo {
  /** Counts from 1 since a connection last held. */
  readonly attempt: number;
  /** Milliseconds until it begins. */
  readonly delayMs: number;
  /** Why there is no connection. */
  readonly error: MqttError;
}

/** What a client tells. Names and what the listeners take. */
export interface ClientEvents {
  /** The one state changed; the reason stands with `reconnecting` and `disconnected`. */
  state: (state: ClientState, reason: CloseReason | undefined) => void;
  /** CONNACK accepted, at first and again: Session Present, and the server's properties. */
  connected: (packet: ConnackPacket) => void;
  /** A connection that was accepted is over; `client.state` says whether the client tries again. */
  disconnected: (reason: CloseReason) => void;
  reconnecting: (next: ReconnectingInfo) => void;
  /** Any message, whether a subscription of this client takes it or not. */
  message: (message: ReceivedMessage) => void;
  publishAcknowledged: (topic: string, result: PublishResult) => void;
  /** SUBACK, also of a subscription made anew in a new session: a filter that is refused then has its code here alone. */
  subscribed: (result: RequestResult) => void;
  unsubscribed: (result: RequestResult) => void;
  /** The handler of a request threw, or its answer could not be published. The requester has its time-out. */
  responderFailed: (error: unknown, request: ReceivedMessage) => void;
  /** A packet went into the output. Its binary values may change after the call. Without authentication data, and with an empty password. */
  packetSent: (packet: Packet) => void;
  /** A packet came. Its binary values are valid until the call returns. Without authentication data. */
  packetReceived: (packet: Packet) => void;
  /** A certificate ends in fewer than `certificateWarningDays`. On connecting, and once a day while connected. */
  certificateExpiring: (certificate: CertificateSeen & { readonly daysLeft: number }) => void;
}

/** Counters of one client, each since it was made. */
export interface ClientStats {
  /** Messages given to a connection; a repeat counts again. */
  sent: number;
  /** Messages of QoS 1 and 2 that the server took over. */
  acknowledged: number;
  received: number;
  /** Received at QoS 0 and dropped, since the iterator was full. */
  dropped: number;
  /** Publishes that found the outbox full, or were dropped from it for newer ones. */
  refused: number;
  /** Publishes whose Message Expiry Interval ended while they waited. */
  expired: number;
  /** Connections after the first. */
  reconnects: number;
  /** Answers that no open request of this client waits for: late, a second one, or of somebody else. */
  responsesIgnored: number;
  /** Requests that no responder here can answer: without a good Response Topic, retained, or too many at once. */
  requestsIgnored: number;
}

/** Options of `publish`. */
export interface PublishOptions extends OperationOptions {
  /** Default 0. */
  readonly qos?: QoS | undefined;
  /** Default false. */
  readonly retain?: boolean | undefined;
  /** MQTT 5.0. */
  readonly properties?: Properties | undefined;
}

/** Options of `subscribe`, for every filter that does not set its own. */
export interface SubscribeOptions extends OperationOptions {
  /** The most the server shall send with. Default 0. */
  readonly qos?: QoS | undefined;
  /** MQTT 5.0: not what this client published itself. Default false. */
  readonly noLocal?: boolean | undefined;
  /** MQTT 5.0: RETAIN as it was published. Default false. */
  readonly retainAsPublished?: boolean | undefined;
  /** MQTT 5.0: 0 send retained messages, 1 only for a new subscription, 2 do not. Default 0. */
  readonly retainHandling?: 0 | 1 | 2 | undefined;
  /** MQTT 5.0: Subscription Identifier (one; default: the client chooses) and User Properties. */
  readonly properties?: Properties | undefined;
  /**
   * 'auto': acknowledged when handlers have returned or their promises settled, or the iterator has room. 'manual':
   * by `message.acknowledge()`, in any order; the packets keep the order of the standard. Default 'auto'.
   */
  readonly acknowledge?: 'auto' | 'manual' | undefined;
}

/** A filter, with options of its own or without. */
export type FilterRequest = string | ({ readonly filter: string } & OwnSubscriptionOptions);
type OwnSubscriptionOptions = {
  readonly [Name in Exclude<keyof SubscriptionRequest, 'filter'>]?: SubscriptionRequest[Name] | undefined;
};

/** Options of `unsubscribe`. */
export interface UnsubscribeOptions extends OperationOptions {
  /** MQTT 5.0: User Properties. */
  readonly properties?: Properties | undefined;
}

/** Options of `disconnect`. */
export interface DisconnectOptions {
  /** MQTT 5.0: 0x00, or 0x04 to have the will published, or an error. Default 0x00. */
  readonly reasonCode?: number | undefined;
  /** MQTT 5.0: Session Expiry Interval, Reason String, User Properties. */
  readonly properties?: Properties | undefined;
  /** Closes without DISCONNECT, as a crash would: the server publishes the Will [MQTT-3.1.2-8]. Default false. */
  readonly abrupt?: boolean | undefined;
}
