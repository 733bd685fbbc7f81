/**
 * The oracle: a second, slow and plain account of what a broker ought to do, kept in step with it packet by packet.
 *
 * It hears of each packet just before the broker handles it and of each event as the broker tells it, and keeps what
 * should be delivered to whom, which wills are due, and what is retained. `observer.ts` compares what leaves with that.
 */
import type { BrokerEvent } from '@dunlin/broker';
import type { Properties, PublishPacket, QoS, SubscribePacket, UnsubscribePacket, Will } from '@dunlin/protocol';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { type ClientName, keyOf, matchesFilter, type OracleSubscription, type Said } from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import { Journal } from './journal.ts';
import { newExpectation } from './new-expectation.ts';
import { OracleGroups } from './oracle-groups.ts';
import { OracleRetained } from './oracle-retained.ts';
import { OracleSession } from './oracle-session.ts';

/** Deadlines are enforced by sweeps; later than this after one is wrong. */
export const SWEEP_SLACK_MS = 1200;
const NEVER_EXPIRES = 0xffffffff;
/** Topics below this may not be published to, and filters that begin with it not subscribed to. */
export const DENIED = 'denied';

export interface ConnectFacts {
  readonly link: number;
  /** Number of the session in the store. */
  readonly number: number;
  readonly cleanStart: boolean;
  readonly sessionExpiryInterval: number;
  readonly will: Will | undefined;
  readonly maximumPacketSize: number;
}

export class Oracle {
  readonly judge: BrokerJudge;
  readonly sessions = new Map<string, OracleSession>();
  readonly names = new Map<string, ClientName>();
  readonly journal = new Journal();
  readonly retained = new OracleRetained(this.journal, this.sessions);
  readonly groups = new OracleGroups(this.sessions);
  /** Sessions that have ended, while the store may still have them. */
  readonly ended = new Set<OracleSession>();
  /** Of a former process, and over: the new one ends them anew as it starts. */
  readonly zombies = new Set<OracleSession>();
  /** What the last crash did not lose came back at this time. */
  restartedAtMs = 0;
  readonly #time: VirtualTime;
  readonly #sessionExpiryMaxS: number;
  #number = 0;
  /** Wills that went out before their time: right only if the session ends in the same breath. */
  readonly #early = new Set<OracleSession>();
  /** Wills that must go out in this same breath. */
  readonly #immediate = new Set<OracleSession>();

  constructor(time: VirtualTime, judge: BrokerJudge, sessionExpiryMaxS: number) {
    this.#time = time;
    this.judge = judge;
    this.#sessionExpiryMaxS = sessionExpiryMaxS;
  }

  get nowMs(): number {
    return this.#time.nowMs();
  }

  nameOf(text: string): ClientName {
    let name = this.names.get(text);
    if (name === undefined) {
      name = { text };
      this.names.set(text, name);
    }
    return name;
  }

  /** The broker says that a client is connected. Returns its session and whether it went on. */
  connected(clientId: string, facts: ConnectFacts): { session: OracleSession; isResumed: boolean } {
    const former = this.sessions.get(clientId);
    if (former !== undefined) {
      this.judge.check(
        former.link === 0,
        'one-owner',
        () => `"${clientId}" is connected on link ${former.link} and on link ${facts.link}`,
      );
      this.judge.check(!facts.cleanStart, 'session-present', () => `the session of "${clientId}" outlived Clean Start`);
    }
    const isResumed = former !== undefined && !facts.cleanStart;
    const session = isResumed ? former : new OracleSession(this.nameOf(clientId), facts.number, this.journal);
    this.sessions.set(clientId, session);
    if (isResumed) this.#checkExpiryTime(session);
    session.link = facts.link;
    session.expiresAtMs = Number.POSITIVE_INFINITY;
    session.sessionExpiryInterval = Math.min(facts.sessionExpiryInterval, this.#sessionExpiryMaxS);
    session.smallestPacket = Math.min(session.smallestPacket, facts.maximumPacketSize);
    session.will = facts.will;
    const { sessionExpiryInterval } = session;
    const { record, will } = session.stored;
    if (session.isStored || record.possible.at(-1) !== undefined || facts.will !== undefined)
      record.set({ sessionExpiryInterval, expiresAtMs: 0 });
    will.set(facts.will === undefined ? undefined : { will: facts.will, dueAtMs: 0, said: undefined });
    // Taken back by coming back in time [MQTT-3.1.3-9].
    if (session.dueWill !== undefined) {
      this.#checkWillTime(session);
      session.dueWill = undefined;
    }
    return { session, isResumed };
  }

  /** DISCONNECT of the client, before the broker acts on it. */
  saidGoodbye(session: OracleSession, reasonCode: number, sessionExpiryInterval: number | undefined): void {
    if (sessionExpiryInterval !== undefined)
      session.sessionExpiryInterval = Math.min(sessionExpiryInterval, this.#sessionExpiryMaxS);
    if (reasonCode !== 0) return;
    session.will = undefined;
    session.stored.will.set(undefined);
  }

  /** Nobody knows any more what was on its way to the client of a session. */
  #withoutConnection(session: OracleSession): void {
    session.link = 0;
    session.isGreeted = false;
    session.detachments += 1;
    for (const subscription of session.subscriptions.values()) subscription.isAcknowledged = true;
    for (const expectation of session.all()) {
      for (const subscription of expectation.subscriptions) subscription.isAcknowledged = true;
      if (expectation.state !== 'due') continue;
      if (expectation.qos > 0) continue;
      // A replay goes on with the next connection; what was on its way at QoS 0 may be lost.
      if (expectation.kind === 'retained') expectation.excuse ??= 'the connection ended during a replay';
      else expectation.state = 'void';
    }
  }

  /** The connection of a session has ended, whoever ended it. */
  detached(session: OracleSession): void {
    const now = this.#time.nowMs();
    this.#withoutConnection(session);
    const delayS = Math.min(session.will?.properties.willDelayInterval ?? 0, session.sessionExpiryInterval);
    if (session.will !== undefined) {
      const dueAtMs = now + delayS * 1000;
      session.dueWill = { will: session.will, dueAtMs };
      if (delayS === 0) this.#immediate.add(session);
      else session.stored.will.set({ will: session.will, dueAtMs, said: undefined });
    }
    session.will = undefined;
    const expiry = session.sessionExpiryInterval;
    session.expiresAtMs = expiry === NEVER_EXPIRES ? Number.POSITIVE_INFINITY : now + expiry * 1000;
    if (session.isStored)
      session.stored.record.set({ sessionExpiryInterval: expiry, expiresAtMs: session.expiresAtMs });
  }

  /** The process has ended, and the store has left the session: whoever was connected counts as cut off now. */
  cutOff(session: OracleSession): void {
    if (session.expiresAtMs === 0) this.detached(session);
    else this.#withoutConnection(session);
  }

  /** Events that no single connection answers for. */
  heard(event: BrokerEvent): void {
    if (event.name === 'willPublished') this.#willPublished(event.clientId, event.topic);
    if (event.name === 'sessionEnded') this.#sessionEnded(event.clientId, event.reason);
    if (event.name === 'internalError' || event.name === 'storeFailed')
      this.judge.broken('no-internal-error', `${event.name}: ${event.error}`);
  }

  #willPublished(clientId: string, topic: string): void {
    const session = this.sessions.get(clientId);
    const due = session?.dueWill;
    if (session === undefined || due === undefined || due.will.topic !== topic) {
      this.judge.broken('wills', `a will of "${clientId}" on "${topic}" went out that was not due`);
      return;
    }
    if (this.#time.nowMs() < due.dueAtMs) this.#early.add(session);
    this.#immediate.delete(session);
    session.dueWill = undefined;
    const { will } = due;
    const said = this.say(will.topic, will.payload, will.qos, will.retain, session.name, will.properties);
    const fact = session.stored.will.possible.at(-1);
    if (fact !== undefined) fact.said = said;
    session.stored.will.set(undefined);
    this.publish(said);
  }

  #sessionEnded(clientId: string, reason: string): void {
    for (const zombie of this.zombies)
      if (zombie.name.text === clientId) {
        this.zombies.delete(zombie);
        this.#end(zombie);
        return;
      }
    const session = this.sessions.get(clientId);
    if (session === undefined) {
      this.judge.broken('session-present', `a session of "${clientId}" ended that should not have been`);
      return;
    }
    this.#early.delete(session);
    this.judge.check(
      session.link === 0,
      'session-present',
      () => `the session of "${clientId}" ended (${reason}) while connected`,
    );
    this.judge.check(
      session.dueWill === undefined,
      'wills',
      () => `the session of "${clientId}" ended (${reason}) and its will did not go out`,
    );
    if (reason !== 'clean-start')
      this.judge.check(
        session.expiresAtMs <= this.#time.nowMs(),
        'session-expiry',
        () => `the session of "${clientId}" ended (${reason}) ${session.expiresAtMs - this.#time.nowMs()} ms early`,
      );
    this.#end(session);
  }

  /** The crash has left nothing of the session. */
  vanished(session: OracleSession): void {
    this.#end(session);
    this.ended.delete(session);
  }

  #end(session: OracleSession): void {
    session.hasEnded = true;
    this.ended.add(session);
    session.stored.record.set(undefined);
    session.dueWill = undefined;
    if (this.sessions.get(session.name.text) === session) this.sessions.delete(session.name.text);
    session.subscriptions.clear();
    this.groups.sessionEnded(session);
    for (const expectation of session.all()) if (expectation.state !== 'done') expectation.state = 'void';
    session.inflight.clear();
  }

  /** Whether the broker has to refuse a PUBLISH. */
  isDenied(topic: string): boolean {
    return topic.startsWith(DENIED);
  }

  say(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    publisher: ClientName,
    properties: Properties,
  ): Said {
    const atMs = this.#time.nowMs();
    const expiry = properties.messageExpiryInterval;
    this.#number += 1;
    return {
      number: this.#number,
      topic,
      payload: Uint8Array.from(payload),
      qos,
      retain,
      publisher,
      properties,
      atMs,
      expiresAtMs: expiry === undefined ? undefined : atMs + expiry * 1000,
      change: this.journal.current,
    };
  }

  /** A message is said. `followedTo`: a client that gets it only if it is there. Returns whether anybody wants it. */
  publish(said: Said, followedTo?: string): boolean {
    if (said.retain) this.retained.retain(said);
    let isWanted = false;
    const groupFilters = new Set<string>();
    for (const session of this.sessions.values()) {
      const plain: OracleSubscription[] = [];
      for (const subscription of session.subscriptions.values()) {
        if (!matchesFilter(subscription.plain, said.topic)) continue;
        isWanted = true;
        if (subscription.isShared) groupFilters.add(subscription.filter);
        else if (!(subscription.noLocal && said.publisher === session.name)) plain.push(subscription);
      }
      const isAway = session.name.text === followedTo && session.link === 0;
      if (plain.length > 0 && !isAway) this.#expect(session, said, plain);
    }
    for (const filter of groupFilters) this.groups.expect(said, filter);
    return isWanted;
  }

  #expect(session: OracleSession, said: Said, subscriptions: OracleSubscription[]): void {
    const granted = Math.max(...subscriptions.map(({ qos }) => qos));
    const qos = Math.min(said.qos, granted) as QoS;
    if (said.retain) this.retained.mayComeByReplay(session, said, subscriptions);
    if (qos === 0 && session.link === 0) return;
    const retain = said.retain && subscriptions.some(({ retainAsPublished }) => retainAsPublished);
    session.add(keyOf(said.topic, said.payload), newExpectation(session, said, 'live', qos, retain, subscriptions));
  }

  /** Returns the reason codes SUBACK must have, as 5.0 says them; puts the subscriptions into `made`. */
  subscribe(session: OracleSession, packet: SubscribePacket, made: OracleSubscription[]): number[] {
    return packet.subscriptions.map((request) => {
      const isShared = request.filter.startsWith('$share/');
      const plain = isShared ? request.filter.slice(request.filter.indexOf('/', 7) + 1) : request.filter;
      if (plain.startsWith(DENIED)) return 0x87;
      const former = session.subscriptions.get(request.filter);
      const identifier = packet.properties.subscriptionIdentifiers?.[0] ?? 0;
      const { qos, noLocal, retainAsPublished } = request;
      const subscription = {
        filter: request.filter,
        plain,
        isShared,
        qos,
        noLocal,
        retainAsPublished,
        identifier,
        isAcknowledged: false,
      };
      session.subscriptions.set(request.filter, subscription);
      if (session.isStored) session.stored.subscription(request.filter).set(subscription);
      if (isShared) session.hadShares = true;
      if (isShared) this.groups.joined(session, subscription);
      made.push(subscription);
      const isReplayed =
        !isShared && (request.retainHandling === 0 || (request.retainHandling === 1 && former === undefined));
      if (former !== undefined && !isReplayed) this.retained.goOnWithReplay(session, former, subscription);
      this.retained.stopReplay(session, former);
      if (isReplayed) this.retained.replay(session, subscription);
      return request.qos;
    });
  }

  /** Returns the reason codes UNSUBACK must have in 5.0. */
  unsubscribe(session: OracleSession, packet: UnsubscribePacket): number[] {
    return packet.filters.map((filter) => {
      const former = session.subscriptions.get(filter);
      session.subscriptions.delete(filter);
      if (session.isStored) session.stored.subscription(filter).set(undefined);
      this.retained.stopReplay(session, former);
      if (former?.isShared === true) this.groups.left(filter);
      return former === undefined ? 0x11 : 0x00;
    });
  }

  /** What a PUBLISH from the client says, its topic resolved. */
  saidBy(session: OracleSession, packet: PublishPacket, topic: string): Said {
    return this.say(topic, packet.payload, packet.qos, packet.retain, session.name, packet.properties);
  }

  /** A breath of the broker is over: nothing may be half done. */
  afterEach(): void {
    for (const session of this.#early)
      this.judge.broken('wills', `the will of "${session.name.text}" went out before its time`);
    this.#early.clear();
    for (const session of this.#immediate)
      this.judge.broken('wills', `the will of "${session.name.text}" had no delay and did not go out`);
    this.#immediate.clear();
  }

  /** Looks for deadlines that have passed unseen. */
  sweep(): void {
    const now = this.#time.nowMs();
    for (const session of this.sessions.values()) {
      this.#checkWillTime(session);
      this.judge.check(
        session.link !== 0 || Math.max(session.expiresAtMs, this.restartedAtMs) + SWEEP_SLACK_MS > now,
        'session-expiry',
        () => `the session of "${session.name.text}" should have ended ${now - session.expiresAtMs} ms ago`,
      );
    }
  }

  #checkExpiryTime(session: OracleSession): void {
    const lateMs = this.#time.nowMs() - session.expiresAtMs;
    this.judge.check(
      lateMs < SWEEP_SLACK_MS,
      'session-expiry',
      () => `the session of "${session.name.text}" goes on ${lateMs} ms after its end`,
    );
  }

  #checkWillTime(session: OracleSession): void {
    const due = session.dueWill;
    const now = this.#time.nowMs();
    if (due !== undefined && Math.max(due.dueAtMs, this.restartedAtMs) + SWEEP_SLACK_MS < now)
      this.judge.broken(
        'wills',
        `the will of "${session.name.text}" on "${due.will.topic}" should have gone out ${now - due.dueAtMs} ms ago`,
      );
  }
}
