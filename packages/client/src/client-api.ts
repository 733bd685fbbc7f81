/** The names around the client: its states, events, counters and the options of its calls. */

import type { Packet, Properties, QoS, SubscriptionRequest } from '@dunlin/protocol';
import type { ConnectionError } from './errors.ts';
import type { OperationOptions } from './operation.ts';
import type { PublishResult } from './publishing.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { RequestResult } from './requests.ts';

/** `connecting` until CONNACK, `connected`, then `disconnected` for good. */
export type ClientState = 'connecting' | 'connected' | 'disconnected';

/** Why a client is disconnected. */
export interface CloseReason {
  /** `client`: `disconnect` was called. `server`: it refused or sent DISCONNECT. `network`: all else. */
  readonly by: 'client' | 'server' | 'network';
  /** Undefined where `disconnect` was called. */
  readonly error: ConnectionError | undefined;
}

/** What a client tells. Names and what the listeners take. */
export interface ClientEvents {
  /** Any message, whether a subscription of this client takes it or not. */
  message: (message: ReceivedMessage) => void;
  /** The state changed; the reason stands with `disconnected`. */
  state: (state: ClientState, reason: CloseReason | undefined) => void;
  /** A packet went into the output. Its binary values may change after the call. CONNECT holds the password. */
  packetSent: (packet: Packet) => void;
  /** A packet came. Its binary values are valid until the call returns. */
  packetReceived: (packet: Packet) => void;
  publishAcknowledged: (topic: string, result: PublishResult) => void;
  subscribed: (result: RequestResult) => void;
  unsubscribed: (result: RequestResult) => void;
}

/** Counters of one client, each since it was made. */
export interface ClientStats {
  /** Messages given to the connection. */
  sent: number;
  /** Messages of QoS 1 and 2 that the server took over. */
  acknowledged: number;
  received: number;
  /** Received at QoS 0 and dropped, since the iterator was full. */
  dropped: number;
}

/** Options of `publish`. */
export interface PublishOptions extends OperationOptions {
  /** Default 0. */
  readonly qos?: QoS;
  /** Default false. */
  readonly retain?: boolean;
  /** MQTT 5.0. */
  readonly properties?: Properties;
}

/** Options of `subscribe`, for every filter that does not set its own. */
export interface SubscribeOptions extends OperationOptions {
  /** The most the server shall send with. Default 0. */
  readonly qos?: QoS;
  /** MQTT 5.0: not what this client published itself. Default false. */
  readonly noLocal?: boolean;
  /** MQTT 5.0: RETAIN as it was published. Default false. */
  readonly retainAsPublished?: boolean;
  /** MQTT 5.0: 0 send retained messages, 1 only for a new subscription, 2 do not. Default 0. */
  readonly retainHandling?: 0 | 1 | 2;
  /** MQTT 5.0: Subscription Identifier (one) and User Properties. */
  readonly properties?: Properties;
}

/** A filter, with options of its own or without. */
export type FilterRequest = string | ({ readonly filter: string } & Partial<Omit<SubscriptionRequest, 'filter'>>);

/** Options of `unsubscribe`. */
export interface UnsubscribeOptions extends OperationOptions {
  /** MQTT 5.0: User Properties. */
  readonly properties?: Properties;
}

/** Options of `disconnect`. */
export interface DisconnectOptions {
  /** MQTT 5.0: 0x00, or 0x04 to have the will published, or an error. Default 0x00. */
  readonly reasonCode?: number;
  /** MQTT 5.0: Session Expiry Interval, Reason String, User Properties. */
  readonly properties?: Properties;
}
