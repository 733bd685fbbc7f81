/** What must be true of a broker in every world, by name. */
import { Judge, type Violation as ViolationOf } from '../simulation-harness/judge.ts';

export const INVARIANTS = {
  'acknowledged-arrives':
    'An acknowledged QoS 1 or 2 message reaches every session that wanted it, unless a counted limit, its expiry or the end of the session came first.',
  'exactly-once':
    'A QoS 2 message reaches a session once; nothing is sent twice on one connection, and again only with DUP on another.',
  'only-what-was-asked':
    'A session gets only what matches its subscriptions, at the right QoS, with the right RETAIN and Subscription Identifiers.',
  'as-published': 'Topic, payload and properties arrive as they were published.',
  order: 'Messages of one publisher, topic and QoS reach a session in order; re-sent ones come first and in order.',
  'one-owner': 'A client identifier has one open connection at the most.',
  'session-present': 'CONNACK says whether the session goes on, and it goes on exactly when it should.',
  'receive-maximum':
    "No more QoS 1 and 2 messages are unfinished on a connection than its client's Receive Maximum and the broker's own window.",
  'packet-size': "No packet is larger than the client's Maximum Packet Size.",
  'packet-identifiers': 'A Packet Identifier in use is not used for another message.',
  'topic-alias':
    'A Topic Alias is within the maximum, known before it stands alone, and not used at QoS 2 or on a re-send.',
  limits: 'Queues and outboxes keep to their limits.',
  'held-bytes': 'When everything is delivered or ended, no bytes, sessions or connections are held.',
  wills: 'A will goes out exactly once when it is due, and never when it was taken back.',
  expiry: 'Nothing is first sent after its expiry, and the remaining interval is right.',
  'session-expiry': 'A session ends when its expiry has passed, and not before.',
  'keep-alive': 'A silent client is sent away after one and a half times its Keep Alive, and not before.',
  retained: 'The retained messages are those of a simple map, and a new subscription gets them.',
  'suback-first': 'Nothing a subscription brings comes before its SUBACK.',
  'answers-in-order': 'Every packet that asks for an answer gets the right one, in order; CONNACK is the first packet.',
  survival:
    'After a crash everything that was acknowledged is there, and of the rest what one packet caused is there whole or not at all.',
  'durable-first': 'An answer leaves only when every write its packet caused has been committed.',
  'well-formed': 'Every packet of the broker decodes, and is one a server may send.',
  'unexpected-close': 'The broker closes no connection of a client that keeps to the rules.',
  receipts:
    'The receipt of a message that is followed to one client settles once, and says what became of the delivery.',
  'no-internal-error': 'No exception escapes and no internalError or storeFailed event is told.',
  'store-contract': 'The broker uses its ports as they say.',
  metrics: 'The counters agree with what was counted outside.',
  rest: 'The world comes to rest once nobody does anything more.',
} as const;

export type InvariantName = keyof typeof INVARIANTS;

export type Violation = ViolationOf<InvariantName>;
export class BrokerJudge extends Judge<InvariantName> {}
