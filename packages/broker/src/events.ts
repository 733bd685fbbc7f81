/** Every event of a broker: told to listeners, answered by nobody. Per-message facts are counters, not events. */
import type { ProtocolVersion } from '@dunlin/protocol';
import type { LimitName } from './limits.ts';

/** `removed`: by `Broker.endSession`. */
export type SessionEnd = 'clean-start' | 'expired' | 'disconnected' | 'removed';

interface EventFields {
  /** `identity`: `Principal.identity`, here and in what follows. */
  clientConnected: {
    clientId: string;
    address: string;
    listener: string;
    protocolVersion: ProtocolVersion;
    cleanStart: boolean;
    sessionPresent: boolean;
    keepAlive: number;
    username: string | undefined;
    identity: string | undefined;
  };
  /** `reasonCode`: of the DISCONNECT sent or received; undefined where the connection just ended. */
  clientDisconnected: {
    clientId: string;
    identity: string | undefined;
    address: string;
    reasonCode: number | undefined;
    by: 'client' | 'server' | 'network';
    reason: string;
    /** The check by which it may not stay, where that is why; see `checks.ts`. */
    check: string | undefined;
    detail: string | undefined;
  };
  /**
   * `reason` went to the client as well, `check` and `detail` did not. `username`: as CONNECT has it, proven or not; here
   * and in denials undefined also where it may be a token: it is longer than 128 characters, or looks like a JWT or
   * a secret of Dunlin.
   */
  connectRefused: {
    clientId: string;
    username: string | undefined;
    address: string;
    listener: string;
    reasonCode: number;
    check: string;
    reason: string | undefined;
    detail: string | undefined;
  };
  /** A connection that ended before its CONNECT was handled; `check`: undefined where the client or the network ended it. */
  connectionRejected: { address: string; listener: string; check: string | undefined; reason: string };
  /** `error` with its stack, once a second at most. */
  authenticatorFailed: { clientId: string; listener: string; error: string };
  sessionTakenOver: { clientId: string; address: string; newAddress: string };
  sessionCreated: { clientId: string };
  sessionEnded: { clientId: string; reason: SessionEnd };
  subscribed: { clientId: string; identity: string | undefined; filter: string; qos: number };
  /** `rule`: what decided, where permissions did. Of this and the other denials a few a second are told; all are counted. */
  subscriptionRefused: {
    clientId: string;
    username: string | undefined;
    filter: string;
    reasonCode: number;
    reason: string;
    rule: string | undefined;
  };
  unsubscribed: { clientId: string; identity: string | undefined; filter: string };
  publishRefused: {
    clientId: string;
    username: string | undefined;
    topic: string;
    reasonCode: number;
    reason: string;
    rule: string | undefined;
  };
  willRefused: {
    clientId: string;
    username: string | undefined;
    topic: string;
    reasonCode: number;
    rule: string | undefined;
  };
  deliveryDenied: { clientId: string; username: string | undefined; topic: string; rule: string | undefined };
  willPublished: { clientId: string; topic: string };
  /** A limit acted; `clientId` is empty where it is nobody's. */
  limitReached: { limit: LimitName; clientId: string; detail: string };
  publishersPaused: { heldBytes: number };
  publishersResumed: { heldBytes: number };
  /** At start; `queued`: messages in the queues of the sessions. */
  recovered: { sessions: number; queued: number; retained: number; durationMs: number };
  /** The room of the store is below `storeFreeBytesMin`. */
  storeNearlyFull: { freeBytes: number; storeFreeBytesMin: number };
  storeHasRoom: { freeBytes: number };
  storeFailed: { error: string };
  /** A fault of the broker's own code; one connection was closed for it. */
  internalError: { error: string };
  draining: { serverReference: string | undefined };
}

export type EventName = keyof EventFields;
export type BrokerEvent = { [name in EventName]: { readonly name: name } & Readonly<EventFields[name]> }[EventName];

export interface EventDescription {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly description: string;
}

export const EVENTS: { readonly [name in EventName]: EventDescription } = {
  clientConnected: { level: 'info', description: 'A client got CONNACK with success.' },
  clientDisconnected: { level: 'info', description: 'The connection of a client ended.' },
  connectRefused: { level: 'warn', description: 'A CONNECT was refused; `check` names what failed.' },
  connectionRejected: { level: 'warn', description: 'A connection ended before its CONNECT was handled.' },
  authenticatorFailed: {
    level: 'error',
    description: 'The Authenticator threw or rejected where it has to answer; the client was refused.',
  },
  sessionTakenOver: {
    level: 'warn',
    description: 'A client came with an identifier in use; the older connection was closed.',
  },
  sessionCreated: { level: 'debug', description: 'A session began.' },
  sessionEnded: { level: 'debug', description: 'A session and its state ended.' },
  subscribed: { level: 'debug', description: 'A subscription was granted.' },
  subscriptionRefused: { level: 'warn', description: 'A subscription was refused.' },
  unsubscribed: { level: 'debug', description: 'A subscription was removed.' },
  publishRefused: { level: 'warn', description: 'A PUBLISH was refused.' },
  willRefused: { level: 'warn', description: 'A Will Message was not sent: its client may not leave it any longer.' },
  deliveryDenied: { level: 'info', description: 'A message was kept from a client that may not receive it.' },
  willPublished: { level: 'info', description: 'A Will Message was published.' },
  limitReached: { level: 'warn', description: 'A limit acted.' },
  publishersPaused: { level: 'warn', description: 'Publishers are read slowly because too many bytes are held.' },
  publishersResumed: { level: 'info', description: 'Publishers are read at full speed again.' },
  recovered: { level: 'info', description: 'The broker goes on with what its store had when it started.' },
  storeNearlyFull: {
    level: 'error',
    description: 'The room of the store is below storeFreeBytesMin: what needs more of it is refused.',
  },
  storeHasRoom: { level: 'info', description: 'The store has room again; nothing is refused for want of it.' },
  storeFailed: { level: 'error', description: 'A store transaction failed; the broker stops.' },
  internalError: {
    level: 'error',
    description: 'A fault of the broker itself; the connection it arose on was closed.',
  },
  draining: { level: 'info', description: 'The broker stops and sends its clients away.' },
};
