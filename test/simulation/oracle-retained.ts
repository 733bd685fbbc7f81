/** What is retained, what the store may have of it, and what of it comes to new subscriptions. */
import type { QoS } from '@dunlin/protocol';
import { keyOf, matchesFilter, type OracleSubscription, type Said } from './expectation.ts';
import { Durable, type Journal } from './journal.ts';
import { newExpectation } from './new-expectation.ts';
import type { OracleSession } from './oracle-session.ts';

export class OracleRetained {
  /** By topic, as the others. */
  readonly messages = new Map<string, Said>();
  /** What the store may have. */
  readonly stored = new Map<string, Durable<Said | undefined>>();
  readonly #journal: Journal;
  readonly #sessions: ReadonlyMap<string, OracleSession>;

  constructor(journal: Journal, sessions: ReadonlyMap<string, OracleSession>) {
    this.#journal = journal;
    this.#sessions = sessions;
  }

  retain(said: Said): void {
    const former = this.messages.get(said.topic);
    if (said.payload.length === 0) this.messages.delete(said.topic);
    else this.messages.set(said.topic, said);
    this.#storedOf(said.topic).set(this.messages.get(said.topic));
    if (former !== undefined) this.#excuseReplays(former, 'it was replaced');
  }

  #storedOf(topic: string): Durable<Said | undefined> {
    let fact = this.stored.get(topic);
    if (fact === undefined) {
      fact = new Durable<Said | undefined>(this.#journal, undefined);
      this.stored.set(topic, fact);
    }
    return fact;
  }

  #excuseReplays(said: Said, excuse: string): void {
    const key = keyOf(said.topic, said.payload);
    for (const session of this.#sessions.values())
      for (const one of session.expected.get(key) ?? [])
        if (one.kind === 'retained' && one.said === said) one.excuse ??= excuse;
  }

  replay(session: OracleSession, subscription: OracleSubscription): void {
    for (const said of this.messages.values()) {
      if (!matchesFilter(subscription.plain, said.topic)) continue;
      const qos = Math.min(said.qos, subscription.qos) as QoS;
      const replayed = newExpectation(session, said, 'retained', qos, true, [subscription]);
      // The standard leaves open whether No Local holds for retained messages.
      if (subscription.noLocal && said.publisher === session.name) replayed.excuse = 'No Local';
      session.add(keyOf(said.topic, said.payload), replayed);
    }
  }

  /** A replay begins anew after a crash: what had come already may come once more. */
  replayAgain(session: OracleSession, subscription: OracleSubscription): void {
    for (const said of this.messages.values()) {
      if (!matchesFilter(subscription.plain, said.topic)) continue;
      const qos = Math.min(said.qos, subscription.qos) as QoS;
      const again = newExpectation(session, said, 'retained', qos, true, [subscription]);
      again.excuse = 'perhaps it had come before the crash';
      session.add(keyOf(said.topic, said.payload), again);
    }
  }

  /** A replay that has not ended makes good what came at QoS 0 while nobody was there. */
  mayComeByReplay(session: OracleSession, said: Said, subscriptions: readonly OracleSubscription[]): void {
    for (const subscription of subscriptions) {
      if (Math.min(said.qos, subscription.qos) > 0 || (session.isGreeted && subscription.isAcknowledged)) continue;
      const replayed = newExpectation(session, said, 'retained', 0, true, [subscription]);
      replayed.excuse = 'perhaps no replay went on';
      session.add(keyOf(said.topic, said.payload), replayed);
    }
  }

  /** What a replay has not sent yet may come with the options of the subscription in place of the former one. */
  goOnWithReplay(session: OracleSession, former: OracleSubscription, subscription: OracleSubscription): void {
    for (const { kind, state, subscriptions, said } of [...session.all()]) {
      if (kind !== 'retained' || state !== 'due' || subscriptions[0] !== former) continue;
      const qos = Math.min(said.qos, subscription.qos) as QoS;
      const replayed = newExpectation(session, said, 'retained', qos, true, [subscription]);
      replayed.excuse = 'perhaps it was sent before the subscription was replaced';
      session.add(keyOf(said.topic, said.payload), replayed);
    }
  }

  stopReplay(session: OracleSession, former: OracleSubscription | undefined): void {
    if (former === undefined) return;
    for (const one of session.all())
      if (one.kind === 'retained' && one.state === 'due' && one.subscriptions[0] === former)
        one.excuse ??= 'the subscription was replaced or ended';
  }

  /** Expired retained messages are gone, in the oracle as in the broker. Returns how many the broker may still have. */
  forgetExpired(nowMs: number, slackMs: number): number {
    let unswept = 0;
    for (const [topic, { expiresAtMs }] of this.messages) {
      if (expiresAtMs === undefined || expiresAtMs > nowMs) continue;
      this.messages.delete(topic);
      if (expiresAtMs + slackMs > nowMs) unswept += 1;
    }
    return unswept;
  }
}
