/** The nouns of the oracle: what was said, who asked for it, and what should therefore come. */
import type { Properties, QoS } from '@dunlin/protocol';
import type { Change } from './journal.ts';

/** A client identifier. Compared by identity, since an assigned one is learnt late. */
export interface ClientName {
  text: string;
}

/** One message as it was published, or the will that was left to be. */
export interface Said {
  /** Rises in the order of publication. */
  readonly number: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly publisher: ClientName;
  readonly properties: Properties;
  readonly expiresAtMs: number | undefined;
  readonly atMs: number;
  /** The store has it in all its places or in none. */
  readonly change: Change;
}

export interface OracleSubscription {
  readonly filter: string;
  /** Without `$share/<group>/`. */
  readonly plain: string;
  readonly isShared: boolean;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: none. */
  readonly identifier: number;
  /** Its SUBACK has left. */
  isAcknowledged: boolean;
}

/** due: to be sent; sent: on its way; received: PUBREC came; done; void: nobody expects it any more. */
export type ExpectationState = 'due' | 'sent' | 'received' | 'done' | 'void';

/** One delivery to one session that ought to happen. */
export interface Expectation {
  readonly said: Said;
  readonly kind: 'live' | 'retained' | 'shared';
  readonly qos: QoS;
  readonly retain: boolean;
  /** Sorted. */
  readonly identifiers: readonly number[];
  readonly subscriptions: readonly OracleSubscription[];
  state: ExpectationState;
  /** What brought it into its state, once it has left "due". */
  change: Change | undefined;
  /** PUBREC has come. */
  releaseChange: Change | undefined;
  /** The queue entry of it is, or will be, in the store. */
  readonly isStored: boolean;
  /** It was under way when a broker ended, and the next one does not know. */
  isOfFormerProcess: boolean;
  /** It may fail to come without fault; the reason, for the trace. */
  excuse: string | undefined;
  packetId: number;
  /** Number of the link it was last sent on. */
  link: number;
  /** When it was first sent, among all that was sent; 0 before. */
  sentOrder: number;
  /** How often the application behind the client got it. */
  arrivals: number;
  /** Detachments of the session when it was made: after another one it may come with DUP though nobody saw the first. */
  readonly detachments: number;
  /** The member's session where it came through a shared subscription. */
  readonly session: object | undefined;
  /** It was sent to a 3.x client, which is told no identifiers. */
  hidesIdentifiers: boolean;
}

/** One delivery to one member of a shared subscription that ought to happen. */
export interface GroupExpectation {
  readonly said: Said;
  readonly filter: string;
  /** Sessions that may get it, with their subscription then and, after a hand-over, later ones. */
  readonly members: Map<object, OracleSubscription[]>;
  taker: Expectation | undefined;
  excuse: string | undefined;
  /** A session that had one of the copies ended, and nobody can tell which of them went to another member. */
  isLoose: boolean;
}

/** How expectations of a message are found: an empty payload carries no number. */
export function keyOf(topic: string, payload: Uint8Array): string {
  if (payload.length === 0) return `empty ${topic}`;
  let text = '';
  for (const byte of payload) {
    if (byte === 0x3a) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Section 4.7, the slow and plain way. */
export function matchesFilter(filter: string, topic: string): boolean {
  const filterLevels = filter.split('/');
  const topicLevels = topic.split('/');
  if (topic.startsWith('$') && (filterLevels[0] === '+' || filterLevels[0] === '#')) return false;
  for (let i = 0; i < filterLevels.length; i++) {
    if (filterLevels[i] === '#') return true;
    if (i >= topicLevels.length) return false;
    if (filterLevels[i] !== '+' && filterLevels[i] !== topicLevels[i]) return false;
  }
  return filterLevels.length === topicLevels.length;
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

export function sayMessage(said: Said): string {
  return `message ${said.number} (${keyOf(said.topic, said.payload)}) of ${said.publisher.text} on "${said.topic}" at QoS ${said.qos}${said.retain ? ', retained' : ''}`;
}

export function sayExpectation({ said, kind, qos, state }: Expectation): string {
  return `${sayMessage(said)} (${kind}, due at QoS ${qos}, ${state})`;
}

/** More bytes than any PUBLISH of the message has, without Subscription Identifiers. */
export function sizeOf(said: Said): number {
  const { contentType, responseTopic, correlationData, userProperties } = said.properties;
  const user = (userProperties ?? []).reduce((sum, [name, value]) => sum + name.length + value.length + 5, 0);
  return (
    said.payload.length +
    said.topic.length +
    user +
    (contentType?.length ?? 0) +
    (responseTopic?.length ?? 0) +
    (correlationData?.length ?? 0) +
    40
  );
}
