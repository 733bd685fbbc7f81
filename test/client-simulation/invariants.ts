/** What must be true of a client in every world, by name. */
import { Judge, type Violation as ViolationOf } from '../simulation-harness/judge.ts';

export const INVARIANTS = {
  settles: 'Every promise of the client settles once the network is calm, and at the latest when the client is closed.',
  'rejects-rightly': 'What rejects does so with an MqttError whose code the operation may have.',
  'acknowledged-arrives':
    'A message of QoS 1 or 2 whose publish resolved reaches every session that was subscribed all the while.',
  'durable-arrives':
    'A message that the store of an outbox had taken arrives, though the process that published it died.',
  'exactly-once': 'A QoS 2 message reaches the application of one process once, and a QoS 0 message once at the most.',
  'only-what-was-published': 'What arrives was published so, and what failed before it was sent never arrives.',
  'no-more-after-settled':
    'A message that is settled is not sent any more, unless the caller gave up one that was sent.',
  order: 'Messages of one publisher, topic and QoS come first in the order in which they were published [MQTT-4.6.0].',
  routing: 'A subscription gets what matches its filters, and nothing else.',
  resend: 'A repeat has DUP and its Packet Identifier; repeats keep their order [MQTT-4.4.0-1, 4.6.0-1].',
  'packet-identifiers': 'A Packet Identifier in use is not used for another packet [MQTT-2.2.1-3].',
  'receive-maximum': "No more is open than the server's Receive Maximum [MQTT-4.9.0-1].",
  'acknowledgements-in-order':
    'PUBACK, PUBREC, PUBREL and PUBCOMP go out in the order of what they answer [MQTT-4.6.0].',
  durability: 'With a store PUBLISH leaves when its state is kept, and PUBREL when that is.',
  states: 'The state goes only where its table says, with a reason where there has to be one, and is told once.',
  'back-off': 'An attempt waits at least 0 and at most as long as its bound says, and no shorter than it told.',
  'one-connection': 'A client has one connection or attempt at a time.',
  'good-behaviour': 'The server finds no fault with a client, nor the client with the server.',
  'works-again': 'Once the network is calm every subscription gets what is published.',
  'nothing-left': 'A closed client leaves no timer and no wire.',
  'no-internal-error': 'No exception and no rejection escapes.',
  rest: 'The world comes to rest once nobody does anything more.',
} as const;

export type InvariantName = keyof typeof INVARIANTS;
export type Violation = ViolationOf<InvariantName>;
export class ClientJudge extends Judge<InvariantName> {}
