/** Every limit of a broker: unit, default, maximum, the Reason Code when it is met and the counter of what it did. */
import { PACKET_BYTES_MAXIMUM, ReasonCode } from '@dunlin/protocol';
import type { CounterName } from './metrics.ts';

export interface Limit {
  readonly unit: string;
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  /** The MQTT 5.0 Reason Code a client sees, or undefined where nobody is refused. */
  readonly reasonCode: number | undefined;
  /** The counter that goes up each time the limit acts. */
  readonly counter: CounterName;
  readonly description: string;
}

const MiB = 1024 * 1024;

export const LIMITS = {
  connectionsMax: {
    unit: 'connections',
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    reasonCode: undefined,
    counter: 'connectionsRefused',
    description: 'Network connections at once; the server lowers it to the file limit of the process less a reserve.',
  },
  connectionsPerAddressMax: {
    unit: 'connections',
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    reasonCode: undefined,
    counter: 'connectionsRefused',
    description:
      'Network connections at once from one IPv4 address or one IPv6 /64; further ones are closed unread. Loopback ' +
      'addresses and Unix sockets do not count: proxies come from there. Lower it where clients come straight from the ' +
      'internet; many of them may share the address of a carrier or of a proxy that does not say who they are.',
  },
  connectionsPerUsernameMax: {
    unit: 'connections',
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'connectionsPerUsernameRefused',
    description: 'Connections at once of one identity, as the Authenticator found it. Who has none does not count.',
  },
  connectTimeoutMs: {
    unit: 'milliseconds',
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
    reasonCode: undefined,
    counter: 'connectTimeouts',
    description: 'Time from the start of a connection until its CONNECT was handled.',
  },
  connectPacketBytesMax: {
    unit: 'bytes',
    default: 512 * 1024,
    minimum: 256,
    maximum: PACKET_BYTES_MAXIMUM,
    reasonCode: ReasonCode.packetTooLarge,
    counter: 'packetsTooLarge',
    description: 'Size of a packet before the client is authenticated.',
  },
  maximumPacketSize: {
    unit: 'bytes',
    default: 4 * MiB,
    minimum: 256,
    maximum: PACKET_BYTES_MAXIMUM,
    reasonCode: ReasonCode.packetTooLarge,
    counter: 'packetsTooLarge',
    description: 'Size of a packet from a client, told as Maximum Packet Size.',
  },
  controlPacketBytesMax: {
    unit: 'bytes',
    default: 1 * MiB,
    minimum: 256,
    maximum: PACKET_BYTES_MAXIMUM,
    reasonCode: ReasonCode.packetTooLarge,
    counter: 'packetsTooLarge',
    description: 'Size of a packet that is no PUBLISH: it is decoded in one piece while everybody else waits.',
  },
  receiveMaximum: {
    unit: 'messages',
    default: 1_000,
    minimum: 1,
    maximum: 65_535,
    reasonCode: ReasonCode.receiveMaximumExceeded,
    counter: 'receiveMaximumExceeded',
    description: 'QoS 1 and 2 messages of one 5.0 client that may be unfinished at once, told as Receive Maximum.',
  },
  inflightMessagesMax: {
    unit: 'messages',
    default: 1_000,
    minimum: 1,
    maximum: 65_535,
    reasonCode: undefined,
    counter: 'windowsClosed',
    description: 'QoS 1 and 2 messages on their way to one client at once; its own Receive Maximum may lower it.',
  },
  topicAliasMaximum: {
    unit: 'aliases',
    default: 100,
    minimum: 0,
    maximum: 65_535,
    reasonCode: ReasonCode.topicAliasInvalid,
    counter: 'protocolErrors',
    description: 'Topic Aliases that one client may set, told as Topic Alias Maximum.',
  },
  outboundTopicAliasMax: {
    unit: 'aliases',
    default: 64,
    minimum: 0,
    maximum: 65_535,
    reasonCode: undefined,
    counter: 'topicAliasesExhausted',
    description: 'Topic Aliases used towards one client at the most.',
  },
  keepAliveMaxS: {
    unit: 'seconds',
    default: 65_535,
    minimum: 1,
    maximum: 65_535,
    reasonCode: undefined,
    counter: 'keepAlivesLowered',
    description: 'Longest Keep Alive; below 65535 it also caps 0 and 5.0 clients get Server Keep Alive.',
  },
  sessionExpiryMaxS: {
    unit: 'seconds',
    default: 0xffffffff,
    minimum: 0,
    maximum: 0xffffffff,
    reasonCode: undefined,
    counter: 'sessionExpiriesLowered',
    description: 'Longest Session Expiry Interval; 4294967295 never expires. Also for Clean Session 0 of 3.x.',
  },
  sessionsMax: {
    unit: 'sessions',
    default: 1_000_000,
    minimum: 1,
    maximum: 100_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'sessionsRefused',
    description: 'Sessions of connected and absent clients.',
  },
  sessionsPerUsernameMax: {
    unit: 'sessions',
    default: 100_000,
    minimum: 1,
    maximum: 100_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'sessionsRefused',
    description:
      'Sessions with a Session Expiry Interval above 0 that clients of one user name hold, connected or absent. ' +
      'Who has none that was checked, as everybody without an Authenticator, counts for sessionsMax alone.',
  },
  sessionNameBytesMax: {
    unit: 'bytes',
    default: 512 * MiB,
    minimum: 4096,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'sessionsRefused',
    description:
      'Memory for the Client Identifiers, user names and identities of all sessions, two bytes a character: each may ' +
      'have 65,535.',
  },
  subscriptionsPerSessionMax: {
    unit: 'subscriptions',
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'subscriptionsRefused',
    description: 'Subscriptions of one session.',
  },
  sharedSubscriptionsPerSessionMax: {
    unit: 'subscriptions',
    default: 1_000,
    minimum: 1,
    maximum: 10_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'subscriptionsRefused',
    description: 'Shared subscriptions of one session; each of them brings it a copy of its own.',
  },
  subscriptionBytesPerSessionMax: {
    unit: 'bytes',
    default: 64 * MiB,
    minimum: 4096,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'subscriptionsRefused',
    description: 'Memory for the subscriptions of one session: 200 bytes each, its text twice and 100 bytes a level.',
  },
  subscriptionBytesMax: {
    unit: 'bytes',
    default: 1024 * MiB,
    minimum: 4096,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'subscriptionsRefused',
    description: 'Memory for the subscriptions of all sessions, counted likewise.',
  },
  filtersPerPacketMax: {
    unit: 'filters',
    default: 10_000,
    minimum: 1,
    maximum: 10_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'subscriptionsRefused',
    description: 'Filters of one SUBSCRIBE that are looked at; it holds up everybody else while that lasts.',
  },
  topicLevelsMax: {
    unit: 'levels',
    default: 200,
    minimum: 1,
    maximum: 32_768,
    reasonCode: ReasonCode.topicNameInvalid,
    counter: 'topicsRefused',
    description: 'Levels of a Topic Name (0x90) or Topic Filter (0x8F).',
  },
  topicBytesMax: {
    unit: 'bytes',
    default: 65_535,
    minimum: 1,
    maximum: 65_535,
    reasonCode: ReasonCode.topicNameInvalid,
    counter: 'topicsRefused',
    description: 'Length of a Topic Name (0x90) or Topic Filter (0x8F).',
  },
  queueMessagesMax: {
    unit: 'messages',
    default: 200_000,
    minimum: 1,
    maximum: 100_000_000,
    reasonCode: undefined,
    counter: 'messagesDroppedQueueFull',
    description:
      'QoS 1 and 2 messages that wait for one session; when full the new one is dropped for that session alone.',
  },
  queueBytesMax: {
    unit: 'bytes',
    default: 256 * MiB,
    minimum: 1024,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: undefined,
    counter: 'messagesDroppedQueueFull',
    description: 'Bytes of payload, topic and properties that wait for one session.',
  },
  outboxBytesMax: {
    unit: 'bytes',
    default: 4 * MiB,
    minimum: 4096,
    maximum: 1024 * MiB,
    reasonCode: undefined,
    counter: 'messagesDroppedSlow',
    description: 'Unsent bytes of one connection; above it QoS 0 is dropped for it, QoS 1 and 2 wait in its queue.',
  },
  outboxBytesHardMax: {
    unit: 'bytes',
    default: 16 * MiB,
    minimum: 8192,
    maximum: 1024 * MiB,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'connectionsClosedNotReading',
    description: 'Unsent bytes, answers included, at which a connection that does not read is closed.',
  },
  heldBytesMax: {
    unit: 'bytes',
    default: 1024 * MiB,
    minimum: 64 * 1024,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: undefined,
    counter: 'publishersPaused',
    description:
      'Memory for what waits: messages (each once) with 160 bytes a delivery, outboxes, wills, packets half read. Above ' +
      'it nothing more is queued in memory for absent clients (messagesDroppedQueueFull; what a stored session has on ' +
      'disk is not in memory, and never dropped for this) and wills are refused; where clients that ' +
      'are there account for it, the busiest publishers are read slowly until it is 10 % lower; from twice that on ' +
      'nothing is queued for them either, and whoever sends a large packet is closed (0x97).',
  },
  retainedMessagesMax: {
    unit: 'messages',
    default: 5_000_000,
    minimum: 0,
    maximum: 1_000_000_000,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'retainedRefused',
    description: 'Retained messages.',
  },
  retainedBytesMax: {
    unit: 'bytes',
    default: 4096 * MiB,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'retainedRefused',
    description: 'Bytes of retained payloads, topics and properties, with 64 for each message and 96 for each level.',
  },
  storeFreeBytesMin: {
    unit: 'bytes',
    default: 256 * MiB,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: ReasonCode.quotaExceeded,
    counter: 'storeRefused',
    description:
      'Room that the store keeps in reserve, looked at each second. Below it messages for stored sessions, retained ' +
      'messages, new stored sessions, their subscriptions and new sessions with a will are refused (a 3.x publisher is ' +
      'closed without an acknowledgement); a will that would need room goes out at QoS 0 to who is there; QoS 0, sessions ' +
      'that end with their connection, draining and deleting go on.',
  },
  retainedCacheBytesMax: {
    unit: 'bytes',
    default: 64 * MiB,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    reasonCode: undefined,
    counter: 'retainedEvicted',
    description:
      'Memory for retained messages that were read or written last, where the store keeps them on disk. A replay reads ' +
      'the others from there.',
  },
  internalDeliveriesMax: {
    unit: 'messages',
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    reasonCode: ReasonCode.serverBusy,
    counter: 'internalDeliveriesRefused',
    description:
      'Messages that the server itself makes something of, such as acknowledgements of commands to devices, and that are not ' +
      'safe yet. One more is not acknowledged: its publisher is closed (0x89) and sends it again; at QoS 0 it is dropped.',
  },
  internalDeliveryTimeoutMs: {
    unit: 'milliseconds',
    default: 30_000,
    minimum: 100,
    maximum: 600_000,
    reasonCode: ReasonCode.serverBusy,
    counter: 'internalDeliveriesRefused',
    description: 'Time for such a message to be safe; then its publisher is closed (0x89) and sends it again.',
  },
  topicCacheBytesMax: {
    unit: 'bytes',
    default: 32 * MiB,
    minimum: 64 * 1024,
    maximum: 4096 * MiB,
    reasonCode: undefined,
    counter: 'topicsEvicted',
    description: 'Topics kept with their matches so that the next message of the same topic finds them.',
  },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;
export type Limits = { readonly [name in LimitName]: number };

/**
 * The limits with their defaults, some replaced.
 * @throws RangeError naming the limit, the value and what is allowed.
 */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  const limits = Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, limit.default])) as {
    [name in LimitName]: number;
  };
  for (const [name, value] of Object.entries(overrides) as [LimitName, number | undefined][]) {
    if (value === undefined) continue;
    const limit: Limit | undefined = LIMITS[name];
    if (limit === undefined) throw new RangeError(`Cannot set the limit "${name}": there is none of that name`);
    if (!Number.isFinite(value) || value < limit.minimum || value > limit.maximum)
      throw new RangeError(
        `Cannot set ${name} to ${value}: ${limit.minimum} to ${limit.maximum} ${limit.unit} are allowed`,
      );
    limits[name] = value;
  }
  return limits;
}
