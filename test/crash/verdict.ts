/** What the publishers were promised, beside what the subscribers got. */
import type { Publisher } from './publisher.ts';
import type { Subscriber } from './subscriber.ts';
import { WILL_TOPIC, type WillClient } from './will-client.ts';

/** What must not be, and how often it was. */
export interface Faults {
  /** Acknowledged, and not delivered to a subscriber. */
  lost: number;
  /** Delivered to a subscriber at QoS 2 more than once. */
  duplicates: number;
  /** Delivered for the first time after a later one of the same publisher. */
  disordered: number;
  /** Durable sessions that the server did not know after a restart. */
  sessionsLost: number;
  /** Topics whose retained message is older than the last one acknowledged, or missing. */
  retainedLost: number;
  /** Wills of connections that were lost, and that went out not at all, or twice. */
  willsLost: number;
  willsRepeated: number;
}

export const NO_FAULTS: Readonly<Faults> = {
  lost: 0,
  duplicates: 0,
  disordered: 0,
  sessionsLost: 0,
  retainedLost: 0,
  willsLost: 0,
  willsRepeated: 0,
};

export interface Verdict {
  /** Messages that publishers were told are safe. */
  acknowledged: number;
  /** Deliveries that came to subscribers, repeats of QoS 1 included. */
  delivered: number;
  readonly faults: Faults;
  /** The first few of them, in words. */
  readonly findings: string[];
}

const FINDINGS_SHOWN = 20;

export function judge(
  publishers: readonly Publisher[],
  subscribers: readonly Subscriber[],
  willClients: readonly WillClient[],
  retained: ReadonlyMap<string, string>,
): Verdict {
  const verdict: Verdict = { acknowledged: 0, delivered: 0, faults: { ...NO_FAULTS }, findings: [] };
  for (const { acknowledged } of publishers) verdict.acknowledged += acknowledged.length;
  for (const { sessionsLost } of [...publishers, ...subscribers]) verdict.faults.sessionsLost += sessionsLost;
  for (const subscriber of subscribers) judgeSubscriber(verdict, publishers, subscriber);
  for (const publisher of publishers) if (publisher.retain) judgeRetained(verdict, publisher, retained);
  judgeWills(verdict, willClients, subscribers);
  return verdict;
}

function note(verdict: Verdict, text: string): void {
  if (verdict.findings.length < FINDINGS_SHOWN) verdict.findings.push(text);
}

function judgeSubscriber(verdict: Verdict, publishers: readonly Publisher[], subscriber: Subscriber): void {
  verdict.delivered += subscriber.arrivals.length;
  const numbers = new Map<string, Map<number, number>>();
  const highest = new Map<string, number>();
  for (const { topic, text, qos } of subscriber.arrivals) {
    if (topic === WILL_TOPIC) continue;
    const at = text.lastIndexOf(' ');
    const publisher = text.slice(0, at);
    const number = Number(text.slice(at + 1));
    const counts = numbers.get(publisher) ?? new Map<number, number>();
    numbers.set(publisher, counts);
    const count = (counts.get(number) ?? 0) + 1;
    counts.set(number, count);
    if (count > 1 && qos === 2) {
      verdict.faults.duplicates += 1;
      note(verdict, `${subscriber.clientId} got "${text}" ${count} times at QoS 2`);
    }
    if (count > 1) continue;
    if (number < (highest.get(publisher) ?? 0)) {
      verdict.faults.disordered += 1;
      note(verdict, `${subscriber.clientId} got "${text}" after ${highest.get(publisher)}`);
    } else highest.set(publisher, number);
  }
  for (const publisher of publishers) {
    const counts = numbers.get(publisher.clientId);
    for (const number of publisher.acknowledged) {
      if (counts?.has(number) === true) continue;
      verdict.faults.lost += 1;
      note(verdict, `${subscriber.clientId} never got "${publisher.clientId} ${number}"`);
    }
  }
}

function judgeRetained(verdict: Verdict, publisher: Publisher, retained: ReadonlyMap<string, string>): void {
  const last = publisher.acknowledged.reduce((highest, number) => Math.max(highest, number), 0);
  const found = retained.get(publisher.topic);
  const number = found === undefined ? 0 : Number(found.slice(found.lastIndexOf(' ') + 1));
  if (number >= last) return;
  verdict.faults.retainedLost += 1;
  note(verdict, `the retained message of "${publisher.topic}" is ${found ?? 'missing'}, acknowledged is ${last}`);
}

function judgeWills(verdict: Verdict, willClients: readonly WillClient[], subscribers: readonly Subscriber[]): void {
  for (const subscriber of subscribers) {
    const came = new Map<string, number>();
    let isOnce = false;
    for (const { topic, text, qos } of subscriber.arrivals) {
      if (topic !== WILL_TOPIC) continue;
      came.set(text, (came.get(text) ?? 0) + 1);
      isOnce ||= qos === 2;
    }
    for (const text of willClients.flatMap(({ armed }) => armed)) {
      const count = came.get(text) ?? 0;
      if (count === 0) verdict.faults.willsLost += 1;
      if (isOnce && count > 1) verdict.faults.willsRepeated += count - 1;
      if (count === 0 || (isOnce && count > 1))
        note(verdict, `the will "${text}" came ${count} times to ${subscriber.clientId}`);
    }
  }
}
