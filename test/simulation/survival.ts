/**
 * What a crash has left, held against what had to be left, before the next broker starts.
 *
 * What is certain must be there. Of what is not, the store has it or has it not, and the oracle goes on with what it
 * has; only what one packet caused may not be there in part.
 */
import type { StoredEntry, StoredSession } from '@dunlin/broker';
import type { Survivor, Survivors } from './delayed-store.ts';
import {
  type Expectation,
  type GroupExpectation,
  keyOf,
  type OracleSubscription,
  type Said,
  sameNumbers,
  sayExpectation,
  sayMessage,
  sizeOf,
} from './expectation.ts';
import type { Durable } from './journal.ts';
import type { Oracle } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';

const PACKET_IDS = 65_535;

export interface SurvivalOptions {
  /** Queues were short, so that one may have had no room for what another took. */
  readonly isTight: boolean;
  /** A full queue drops its oldest: also what a broker before may have sent, which counts as waiting since. */
  readonly dropsOldest: boolean;
}

export class Survival {
  readonly #oracle: Oracle;
  readonly #survivors: Survivors;
  readonly #nowMs: number;
  readonly #options: SurvivalOptions;
  /** Of what is not certain: a place where it is, and one where it is not. */
  readonly #kept = new Map<Said, string>();
  readonly #lost = new Map<Said, string>();
  readonly #voided = new Set<Expectation>();
  /** Subscriptions whose replay the store has as unfinished: it begins anew. */
  readonly #replayed = new Set<OracleSubscription>();
  /** Entries of shared subscriptions, by filter and message. */
  readonly #shares = new Set<string>();

  constructor(oracle: Oracle, survivors: Survivors, options: SurvivalOptions) {
    this.#oracle = oracle;
    this.#survivors = survivors;
    this.#nowMs = oracle.nowMs;
    this.#options = options;
  }

  /** Brings the oracle to where the new broker has to begin. */
  judge(): void {
    const oracle = this.#oracle;
    oracle.restartedAtMs = this.#nowMs;
    this.#judgeRetained();
    const found = this.#findSessions();
    for (const session of [...oracle.sessions.values(), ...oracle.ended])
      if (!found.has(session)) this.#judgeVanished(session);
    for (const [session, survivor] of found) this.#judgeSession(session, survivor);
    this.#judgeGroups();
    for (const [said, where] of this.#kept)
      this.#check(
        !this.#lost.has(said),
        () => `${sayMessage(said)} is there in part: ${where}, but not ${this.#lost.get(said)}`,
      );
    // Only now, when all is known: what goes out as they come back goes to all.
    this.#bringBack(found);
  }

  #check(holds: boolean, text: () => string): void {
    this.#oracle.judge.check(holds, 'survival', text);
  }

  #isCertain(said: Said): boolean {
    return this.#oracle.journal.isCertain(said.change);
  }

  /** The message is, or is not, in one of its places. */
  #vote(said: Said, isKept: boolean, where: () => string): void {
    if (this.#isCertain(said)) return;
    const votes = isKept ? this.#kept : this.#lost;
    if (!votes.has(said)) votes.set(said, where());
  }

  #hasExpired({ expiresAtMs }: Said): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#nowMs;
  }

  #judgeRetained(): void {
    const { stored, messages } = this.#oracle.retained;
    const kept = new Map(this.#survivors.retained.map((message) => [message.topic.name, message]));
    for (const topic of kept.keys())
      this.#check(stored.has(topic), () => `a message that nobody sent is retained on "${topic}"`);
    for (const [topic, fact] of stored) {
      const message = kept.get(topic);
      const key = message === undefined ? undefined : keyOf(topic, message.payload);
      const isThis = (said: Said | undefined) =>
        said === undefined || message === undefined
          ? said === message || (said !== undefined && this.#hasExpired(said))
          : keyOf(topic, said.payload) === key && said.qos === message.qos;
      const like = fact.possible.filter(isThis);
      const said = like.at(-1);
      this.#check(
        like.length > 0,
        () => `"${topic}" holds ${key ?? 'nothing'} where ${sayPossible(fact, sayMessage)} is right`,
      );
      const latest = messages.get(topic);
      // Of two that are alike nobody can tell which one the store has.
      const isAmbiguous = latest === said && like.length > 1;
      if (latest !== undefined && !isAmbiguous && !this.#hasExpired(latest))
        this.#vote(latest, latest === said, () => `retained on "${topic}"`);
      fact.survived(said);
      if (said === undefined) messages.delete(topic);
      else messages.set(topic, said);
    }
  }

  #findSessions(): Map<OracleSession, Survivor> {
    const { sessions, ended, judge } = this.#oracle;
    const known = new Map([...sessions.values(), ...ended].map((session) => [session.number, session]));
    const found = new Map<OracleSession, Survivor>();
    for (const survivor of this.#survivors.sessions) {
      const { number, clientId } = survivor.stored.record;
      const session = known.get(number);
      if (session?.name.text === clientId) found.set(session, survivor);
      else judge.broken('survival', `the store has a session ${number} of "${clientId}" that should not be there`);
    }
    return found;
  }

  #judgeVanished(session: OracleSession): void {
    const { record } = session.stored;
    this.#check(
      record.possible.includes(undefined),
      () => `the session of "${session.name.text}" is lost: ${sayPossible(record, JSON.stringify)} is right`,
    );
    this.#oracle.vanished(session);
  }

  #judgeSession(session: OracleSession, { stored, entries }: Survivor): void {
    this.#judgeRecord(session, stored);
    this.#judgeWill(session, stored);
    this.#judgeSubscriptions(session, stored);
    this.#judgeReceived(session, stored);
    this.#judgeQueue(session, entries);
  }

  #judgeRecord(session: OracleSession, { record }: StoredSession): void {
    const fact = session.stored.record;
    const { sessionExpiryInterval, expiresAtMs } = record;
    const kept = fact.possible.find(
      (one) => one?.sessionExpiryInterval === sessionExpiryInterval && one.expiresAtMs === expiresAtMs,
    );
    // What shared subscriptions gave it is handed over first.
    this.#check(
      kept !== undefined || (session.hasEnded && session.hadShares),
      () =>
        `the session of "${session.name.text}" is stored with expiry ${sessionExpiryInterval}, ending at ${expiresAtMs}, where ${sayPossible(fact, JSON.stringify)} is right`,
    );
    fact.survived(kept);
    session.sessionExpiryInterval = sessionExpiryInterval;
    session.expiresAtMs = expiresAtMs;
  }

  #judgeWill(session: OracleSession, stored: StoredSession): void {
    const fact = session.stored.will;
    const key = stored.will === undefined ? undefined : keyOf('will', stored.will.message.payload);
    const isThis = (one: (typeof fact.possible)[number]) =>
      one === undefined || stored.will === undefined
        ? one === stored.will
        : keyOf('will', one.will.payload) === key && one.dueAtMs === stored.will.dueAtMs;
    const kept = fact.possible.findLast(isThis);
    this.#oracle.judge.check(
      fact.possible.some(isThis),
      'wills',
      () =>
        `the store has the will ${key ?? '(none)'} of "${session.name.text}" due at ${stored.will?.dueAtMs} where ${sayPossible(fact, ({ will, dueAtMs }) => `${keyOf('will', will.payload)} due at ${dueAtMs}`)} is right`,
    );
    // Whether it went out is known of one that was surely there.
    const first = fact.possible[0];
    if (first?.said !== undefined)
      this.#vote(first.said, first !== kept, () => `as no longer to come from "${session.name.text}"`);
    fact.survived(kept);
    session.will = kept?.dueAtMs === 0 ? kept.will : undefined;
    session.dueWill = kept === undefined || kept.dueAtMs === 0 ? undefined : { will: kept.will, dueAtMs: kept.dueAtMs };
  }

  #judgeSubscriptions(session: OracleSession, stored: StoredSession): void {
    const kept = new Map(stored.subscriptions.map((record) => [record.filter, record]));
    const { subscriptions } = session.stored;
    session.subscriptions.clear();
    for (const filter of kept.keys())
      this.#check(subscriptions.has(filter), () => `"${session.name.text}" is subscribed to "${filter}" unasked`);
    for (const [filter, fact] of subscriptions) {
      const record = kept.get(filter);
      const isThis = (one: (typeof fact.possible)[number]) =>
        one === undefined || record === undefined
          ? one === record
          : one.qos === record.qos &&
            one.noLocal === record.noLocal &&
            one.retainAsPublished === record.retainAsPublished &&
            one.identifier === record.identifier;
      const subscription = fact.possible.findLast(isThis);
      this.#check(
        fact.possible.some(isThis),
        () =>
          `the subscription of "${session.name.text}" to "${filter}" is ${JSON.stringify(record) ?? 'lost'} where ${sayPossible(fact, JSON.stringify)} is right`,
      );
      fact.survived(subscription);
      if (subscription === undefined) continue;
      session.subscriptions.set(filter, subscription);
      if (record?.replayUpTo === undefined) continue;
      this.#replayed.add(subscription);
      this.#oracle.retained.replayAgain(session, subscription);
    }
  }

  #judgeReceived(session: OracleSession, stored: StoredSession): void {
    session.received.clear();
    const kept = new Set(stored.received);
    for (const [packetId, fact] of session.stored.received) {
      const possible = fact.possible.filter((one) => (one !== undefined) === kept.has(packetId));
      this.#check(
        possible.length > 0,
        () =>
          `the QoS 2 identifier ${packetId} of "${session.name.text}" is ${kept.has(packetId) ? 'kept' : 'forgotten'} where ${sayPossible(fact, ({ said }) => sayMessage(said))} is right`,
      );
      const received = possible.at(-1);
      const latest = fact.possible.at(-1);
      if (latest !== undefined) this.#vote(latest.said, latest === received, () => `as received under ${packetId}`);
      fact.survived(received);
      if (received !== undefined) session.received.set(packetId, received);
    }
  }

  #judgeQueue(session: OracleSession, entries: readonly StoredEntry[]): void {
    session.inflight.clear();
    const found = new Set<Expectation>();
    for (const entry of entries) {
      const key = keyOf(entry.message.topic.name, entry.message.payload);
      if (entry.share !== undefined) this.#shares.add(`${entry.share} ${key}`);
      const expectation = this.#find(session, entry, key, found);
      if (expectation === undefined) continue;
      found.add(expectation);
      this.#goOn(session, expectation, entry);
    }
    for (const one of session.all()) if (!found.has(one)) this.#judgeMissing(session, one);
  }

  /** What a store entry delivers. Packet Identifiers follow from positions; messages without payload are alike. */
  #find(
    session: OracleSession,
    entry: StoredEntry,
    key: string,
    found: ReadonlySet<Expectation>,
  ): Expectation | undefined {
    const packetId = ((entry.position - 1) % PACKET_IDS) + 1;
    const identifiers = [...entry.identifiers].sort((a, b) => a - b);
    const like = (session.expected.get(key) ?? []).filter(
      (one) =>
        !found.has(one) &&
        one.qos === entry.qos &&
        one.retain === entry.retain &&
        (one.hidesIdentifiers || sameNumbers(one.identifiers, identifiers)),
    );
    const sent = like.filter((one) => one.packetId === packetId);
    // What came through a shared subscription is nobody's before it is sent.
    const mayBeUnsent = entry.share === undefined && !entry.released;
    const unsent = mayBeUnsent ? like.filter((one) => one.packetId === 0 && one.kind !== 'shared') : [];
    // What was void before was lost in an earlier crash, and its identifier used again, or its session has not ended.
    return (
      sent.find((one) => one.state !== 'void' && !this.#isFinished(one)) ??
      unsent.find(({ state }) => state === 'due') ??
      sent.find(({ state }) => state === 'void') ??
      unsent.find(({ state }) => state === 'void') ??
      sent[0]
    );
  }

  /** The store has certainly forgotten it. */
  #isFinished({ state, change }: Expectation): boolean {
    return state === 'done' && change !== undefined && this.#oracle.journal.isCertain(change);
  }

  /** The entry is there: its delivery goes on from where the store has it. */
  #goOn(session: OracleSession, one: Expectation, entry: StoredEntry): void {
    const { journal } = this.#oracle;
    const { said, releaseChange } = one;
    this.#check(
      !this.#isFinished(one),
      () => `the queue of "${session.name.text}" still has ${sayMessage(said)}, which was finished`,
    );
    this.#check(
      entry.released || releaseChange === undefined || !journal.isCertain(releaseChange),
      () => `it is forgotten that "${session.name.text}" has received ${sayMessage(said)}`,
    );
    this.#check(
      // A session that was not stored when the message came to it may have it stored all the same, until it ends.
      !entry.released || releaseChange !== undefined || one.state === 'received',
      () => `"${session.name.text}" has not received ${sayMessage(said)}, and the store says so`,
    );
    if (one.kind === 'live') this.#vote(said, true, () => `in the queue of "${session.name.text}"`);
    one.state = entry.released ? 'received' : one.packetId === 0 ? 'due' : 'sent';
    one.isOfFormerProcess = true;
    if (!entry.released) one.releaseChange = undefined;
    if (one.state !== 'due') session.inflight.set(one.packetId, one);
  }

  #judgeMissing(session: OracleSession, one: Expectation): void {
    const { said, state, qos, kind } = one;
    if (state === 'void' || state === 'done') return;
    const mayBeGone =
      this.#hasExpired(said) ||
      sizeOf(said) + 8 * one.identifiers.length > session.smallestPacket ||
      (this.#options.dropsOldest && one.isOfFormerProcess);
    if (state === 'due') {
      // The end of the connection has seen to QoS 0.
      if (qos === 0 && kind !== 'retained') one.state = 'void';
      else if (kind === 'retained') {
        if (!this.#replayed.has(one.subscriptions[0])) one.excuse ??= 'the broker ended during a replay';
      } else if (!one.isStored || !this.#isCertain(said)) one.state = 'void';
      // What is certain must still come, or be counted as dropped.
    } else {
      const isCertain = one.change !== undefined && this.#oracle.journal.isCertain(one.change);
      this.#check(
        !isCertain || mayBeGone,
        () => `${sayExpectation(one)} was under way to "${session.name.text}" and is lost`,
      );
      one.state = 'void';
      this.#voided.add(one);
    }
    if (kind === 'live' && qos > 0 && one.isStored && !mayBeGone && !this.#options.isTight)
      this.#vote(said, false, () => `in the queue of "${session.name.text}"`);
  }

  /** A shared message that was not certain is with one of its members, or lost. */
  #judgeGroups(): void {
    for (const [key, groups] of this.#oracle.groups.byKey) for (const group of groups) this.#judgeGroup(group, key);
  }

  #judgeGroup(group: GroupExpectation, key: string): void {
    if (group.taker !== undefined && this.#voided.has(group.taker)) group.taker = undefined;
    const { taker, said, filter } = group;
    if (taker === undefined && !this.#isCertain(said) && !this.#shares.has(`${filter} ${key}`))
      group.excuse ??= 'it was lost in a crash';
  }

  /** Who was connected counts as cut off now; who was absent is still absent. */
  #bringBack(found: ReadonlyMap<OracleSession, Survivor>): void {
    const oracle = this.#oracle;
    oracle.ended.clear();
    oracle.sessions.clear();
    for (const session of [...found.keys()].sort((a, b) => a.number - b.number)) {
      const former = oracle.sessions.get(session.name.text);
      if (former !== undefined) oracle.zombies.add(former);
      oracle.sessions.set(session.name.text, session);
    }
    for (const session of found.keys()) {
      const isOver = session.stored.record.possible[0] === undefined;
      if (isOver && !oracle.zombies.has(session)) {
        oracle.zombies.add(session);
        oracle.sessions.delete(session.name.text);
      }
      session.hasEnded = false;
      oracle.cutOff(session);
    }
  }
}

function sayPossible<T>(fact: Durable<T | undefined>, say: (value: T) => string): string {
  return fact.possible.map((value) => (value === undefined ? 'nothing' : say(value))).join(' or ');
}
