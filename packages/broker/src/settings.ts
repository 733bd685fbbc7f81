/** What an operator may choose about the behaviour of a broker; amounts are in `limits.ts`. */
import type { QoS } from '@dunlin/protocol';

export interface Settings {
  /** Highest QoS a client may publish with; told as Maximum QoS. */
  readonly maximumQoS: QoS;
  readonly retainAvailable: boolean;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifierAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  /** Refuse control characters and non-characters in text (section 1.5.4); U+0000 and bad UTF-8 always are. */
  readonly strictText: boolean;
  /** What happens to a QoS 1 or 2 message for a full queue: the new one is dropped, or the oldest waiting. */
  readonly queueFull: 'drop-new' | 'drop-oldest';
  /** A session made by a client with an identity is for that identity alone; another one gets 0x85. */
  readonly bindSessions: boolean;
  /** Sent to clients that ask for Response Information (section 3.1.2.11.6); undefined: none. */
  readonly responseInformation: string | undefined;
  /** Sent with DISCONNECT 0x9C or CONNACK 0x9C while draining; undefined: none. */
  readonly serverReference: string | undefined;
  /** Seconds between two publications of `$SYS`; 0 turns them off. */
  readonly sysIntervalS: number;
}

export const DEFAULT_SETTINGS: Settings = {
  maximumQoS: 2,
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifierAvailable: true,
  sharedSubscriptionAvailable: true,
  strictText: true,
  queueFull: 'drop-new',
  bindSessions: true,
  responseInformation: undefined,
  serverReference: undefined,
  sysIntervalS: 10,
};
