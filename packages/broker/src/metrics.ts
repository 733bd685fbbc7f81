/** Every counter of a broker, and the plain object that holds them: the data path adds to its fields directly. */

export const COUNTERS = {
  connectionsAccepted: 'Network connections that came in.',
  connectionsRefused: 'Network connections refused because connectionsMax was reached.',
  connectTimeouts: 'Connections closed because no CONNECT was handled within connectTimeoutMs.',
  connectsAccepted: 'CONNECT packets answered with success.',
  connectsRefused: 'CONNECT packets answered with a failure or with a close.',
  disconnectsReceived: 'DISCONNECT packets from clients.',
  connectionsLost: 'Connections that ended without DISCONNECT.',
  connectionsClosedByServer: 'Connections the broker ended: errors, administration, shutdown.',
  connectionsClosedNotReading: 'Connections closed because outboxBytesHardMax was reached.',
  sessionsTakenOver: 'Connections ended because another came with the same client identifier.',
  sessionsExpired: 'Sessions that ended because their Session Expiry Interval passed.',
  sessionsRefused: 'CONNECT packets refused because sessionsMax was reached.',
  sessionExpiriesLowered: 'CONNECT packets whose Session Expiry Interval was lowered to the limit.',
  keepAlivesLowered: 'CONNECT packets whose Keep Alive was lowered to the limit.',
  keepAliveTimeouts: 'Connections closed after one and a half times their Keep Alive.',
  authenticationFailures: 'Clients refused by the Authenticator.',
  malformedPackets: 'Connections closed for a Malformed Packet.',
  protocolErrors: 'Connections closed for a Protocol Error or a broken rule of the standard.',
  packetsTooLarge: 'Connections closed for a packet above Maximum Packet Size.',
  receiveMaximumExceeded: 'Connections closed for too many unfinished QoS 1 and 2 messages.',
  packetsReceived: 'Control packets received.',
  packetsSent: 'Control packets sent.',
  bytesReceived: 'Bytes received.',
  bytesSent: 'Bytes sent.',
  messagesReceived: 'PUBLISH packets received.',
  messagesSent: 'PUBLISH packets sent.',
  publishBytesReceived: 'Payload bytes received.',
  publishBytesSent: 'Payload bytes sent.',
  messagesUnmatched: 'Messages that nobody subscribed to.',
  publishesRefused: 'PUBLISH packets refused by permission or limit.',
  messagesQueued: 'QoS 1 and 2 messages that had to wait in a queue.',
  messagesDroppedQueueFull: 'Messages dropped for one session because its queue was full.',
  messagesDroppedSlow: 'QoS 0 messages dropped for one connection because it reads too slowly.',
  messagesDroppedTooLarge: 'Messages dropped for one client because of its Maximum Packet Size.',
  messagesDroppedAbsent: 'QoS 0 messages dropped because the client of the session was away.',
  messagesDroppedSessionEnd: 'QoS 1 and 2 messages dropped because their session ended.',
  messagesExpired: 'Messages dropped because their Message Expiry Interval passed.',
  windowsClosed: 'Times a delivery had to wait for acknowledgements.',
  chunksPaused: 'Times the rest of a chunk had to wait for others, because its packets are costly.',
  publishersPaused: 'Times a publisher was read slowly because of heldBytesMax or its own outbox.',
  subscriptionsMade: 'Subscriptions granted.',
  subscriptionsRefused: 'Subscriptions refused by permission, syntax or limit.',
  topicsRefused: 'Topic Names and Filters refused for their length or depth.',
  topicsEvicted: 'Topics dropped from the cache of known topics.',
  topicAliasesExhausted: 'Topics sent in full because all aliases of the connection were taken.',
  retainedStored: 'Retained messages stored or replaced.',
  retainedSent: 'Retained messages sent to new subscriptions.',
  retainedRefused: 'Retained messages refused by a limit.',
  willsPublished: 'Will messages published.',
  sharedHandedOver: 'Messages handed to another member because a session of a shared subscription ended.',
  commits: 'Store transactions.',
  writes: 'Changes in store transactions.',
} as const;

export type CounterName = keyof typeof COUNTERS;
/** Each only goes up. */
export type Metrics = { [name in CounterName]: number };

export function createMetrics(): Metrics {
  return Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as Metrics;
}
