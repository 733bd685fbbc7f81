/**
 * The oracle: a second, slow and plain account of what a broker ought to do, kept in step with it packet by packet.
 *
 * It hears of each packet just before the broker handles it and of each event as the broker tells it, and keeps what
 * should be delivered to whom, which wills are due, and what is retained. `observer.ts` compares what leaves with that.
 */
import type { BrokerEvent } from '@dunlin/broker';
import type { Properties, PublishPacket, QoS, SubscribePacket, UnsubscribePacket, Will } from '@dunlin/protocol';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import {
  type ClientName,
  type Expectation,
  type GroupExpectation,
  keyOf,
  matchesFilter,
  type OracleSubscription,
  type Said,
  sayMessage,
} from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import { Durable, Journal } from './journal.ts';
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
  readonly retained = new Map<string, Said>();
  readonly journal = new Journal();
  /** By topic: what the store may have. */
  readonly storedRetained = new Map<string, Durable<Said | undefined>>();
  /** Sessions that have ended, while the store may still have them. */
  readonly ended = new Set<OracleSession>();
  /** Of a former process, and over: the new one ends them anew as it starts. */
  readonly zombies = new Set<OracleSession>();
  /** What the last crash did not lose came back at this time. */
  restartedAtMs = 0;
  /** Deliveries through shared subscriptions that are still open, by key. */
  readonly groups = new Map<string, GroupExpectation[]>();
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
    for (const [key, groups] of this.groups) this.#leaveGroups(session, key, groups);
    for (const expectation of session.all()) if (expectation.state !== 'done') expectation.state = 'void';
    session.inflight.clear();
  }

  /**
   * What a member had goes to another one, but never a QoS 2 message that was sent [MQTT-4.8.2-5]. Through which of
   * several groups it had it nobody can tell: then any member of any of them may get one more copy.
   */
  #leaveGroups(session: OracleSession, key: string, groups: readonly GroupExpectation[]): void {
    if (!groups.some(({ members }) => members.has(session))) return;
    const mayHandOver =
      // What was handed over before may wait unseen with this one.
      groups.some(({ taker, isLoose }) => taker === undefined || isLoose) ||
      session.expected
        .get(key)
        ?.some(({ qos, state }) => qos > 0 && state !== 'done' && !(qos === 2 && state !== 'due'));
    for (const group of groups) {
      if (mayHandOver !== true) continue;
      group.isLoose = true;
      group.excuse = 'the session of a member ended';
      for (const [member, subscription] of this.#membersOf(group.filter))
        group.members.set(member, [...(group.members.get(member) ?? []), subscription]);
    }
  }

  /** What is handed over page by page may reach whoever becomes a member meanwhile. */
  #joinLooseGroups(session: OracleSession, subscription: OracleSubscription): void {
    for (const groups of this.groups.values())
      for (const { filter, isLoose, members } of groups)
        if (isLoose && filter === subscription.filter)
          members.set(session, [...(members.get(session) ?? []), subscription]);
  }

  *#membersOf(filter: string): Generator<[OracleSession, OracleSubscription]> {
    for (const session of this.sessions.values()) {
      const subscription = session.subscriptions.get(filter);
      if (subscription !== undefined) yield [session, subscription];
    }
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
    if (said.retain) this.#retain(said);
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
    for (const filter of groupFilters) {
      const key = keyOf(said.topic, said.payload);
      const group: GroupExpectation = {
        said,
        filter,
        members: new Map<object, OracleSubscription[]>(),
        taker: undefined,
        excuse: undefined,
        isLoose: false,
      };
      for (const [member, subscription] of this.#membersOf(filter)) group.members.set(member, [subscription]);
      const groups = this.groups.get(key);
      if (groups === undefined) this.groups.set(key, [group]);
      else groups.push(group);
    }
    return isWanted;
  }

  #expect(session: OracleSession, said: Said, subscriptions: OracleSubscription[]): void {
    const granted = Math.max(...subscriptions.map(({ qos }) => qos));
    const qos = Math.min(said.qos, granted) as QoS;
    if (said.retain) this.#mayComeByReplay(session, said, subscriptions);
    if (qos === 0 && session.link === 0) return;
    const retain = said.retain && subscriptions.some(({ retainAsPublished }) => retainAsPublished);
    session.add(keyOf(said.topic, said.payload), expectation(session, said, 'live', qos, retain, subscriptions));
  }

  /** A replay that has not ended makes good what came at QoS 0 while nobody was there. */
  #mayComeByReplay(session: OracleSession, said: Said, subscriptions: readonly OracleSubscription[]): void {
    for (const subscription of subscriptions) {
      if (Math.min(said.qos, subscription.qos) > 0 || (session.isGreeted && subscription.isAcknowledged)) continue;
      const replayed = expectation(session, said, 'retained', 0, true, [subscription]);
      replayed.excuse = 'perhaps no replay went on';
      session.add(keyOf(said.topic, said.payload), replayed);
    }
  }

  #retain(said: Said): void {
    const former = this.retained.get(said.topic);
    if (said.payload.length === 0) this.retained.delete(said.topic);
    else this.retained.set(said.topic, said);
    this.storedRetainedOf(said.topic).set(this.retained.get(said.topic));
    if (former !== undefined) this.#excuseReplays(former, 'it was replaced');
  }

  storedRetainedOf(topic: string): Durable<Said | undefined> {
    let fact = this.storedRetained.get(topic);
    if (fact === undefined) {
      fact = new Durable<Said | undefined>(this.journal, undefined);
      this.storedRetained.set(topic, fact);
    }
    return fact;
  }

  #excuseReplays(said: Said, excuse: string): void {
    const key = keyOf(said.topic, said.payload);
    for (const session of this.sessions.values())
      for (const one of session.expected.get(key) ?? [])
        if (one.kind === 'retained' && one.said === said) one.excuse ??= excuse;
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
      if (isShared) this.#joinLooseGroups(session, subscription);
      made.push(subscription);
      const isReplayed =
        !isShared && (request.retainHandling === 0 || (request.retainHandling === 1 && former === undefined));
      if (former !== undefined && !isReplayed) this.#goOnWithReplay(session, former, subscription);
      this.#stopReplay(session, former);
      if (isReplayed) this.#replay(session, subscription);
      return request.qos;
    });
  }

  #replay(session: OracleSession, subscription: OracleSubscription): void {
    for (const said of this.retained.values()) {
      if (!matchesFilter(subscription.plain, said.topic)) continue;
      const qos = Math.min(said.qos, subscription.qos) as QoS;
      const replayed = expectation(session, said, 'retained', qos, true, [subscription]);
      // The standard leaves open whether No Local holds for retained messages.
      if (subscription.noLocal && said.publisher === session.name) replayed.excuse = 'No Local';
      session.add(keyOf(said.topic, said.payload), replayed);
    }
  }

  /** A replay begins anew after a crash: what had come already may come once more. */
  replayAgain(session: OracleSession, subscription: OracleSubscription): void {
    for (const said of this.retained.values()) {
      if (!matchesFilter(subscription.plain, said.topic)) continue;
      const qos = Math.min(said.qos, subscription.qos) as QoS;
      const again = expectation(session, said, 'retained', qos, true, [subscription]);
      again.excuse = 'perhaps it had come before the crash';
      session.add(keyOf(said.topic, said.payload), again);
    }
  }

  /** What a replay has not sent yet may come with the options of the subscription in place of the former one. */
  #goOnWithReplay(session: OracleSession, former: OracleSubscription, subscription: OracleSubscription): void {
    for (const { kind, state, subscriptions, said } of [...session.all()]) {
      if (kind !== 'retained' || state !== 'due' || subscriptions[0] !== former) continue;
      const qos = Math.min(said.qos, subscription.qos) as QoS;
      const replayed = expectation(session, said, 'retained', qos, true, [subscription]);
      replayed.excuse = 'perhaps it was sent before the subscription was replaced';
      session.add(keyOf(said.topic, said.payload), replayed);
    }
  }

  #stopReplay(session: OracleSession, former: OracleSubscription | undefined): void {
    if (former === undefined) return;
    for (const one of session.all())
      if (one.kind === 'retained' && one.state === 'due' && one.subscriptions[0] === former)
        one.excuse ??= 'the subscription was replaced or ended';
  }

  /** Returns the reason codes UNSUBACK must have in 5.0. */
  unsubscribe(session: OracleSession, packet: UnsubscribePacket): number[] {
    return packet.filters.map((filter) => {
      const former = session.subscriptions.get(filter);
      session.subscriptions.delete(filter);
      if (session.isStored) session.stored.subscription(filter).set(undefined);
      this.#stopReplay(session, former);
      if (former?.isShared === true)
        for (const groups of this.groups.values())
          for (const group of groups) if (group.filter === filter) group.excuse ??= 'a member left';
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

  /** Expired retained messages are gone, in the oracle as in the broker. Returns how many the broker may still have. */
  forgetExpired(): number {
    const now = this.#time.nowMs();
    let unswept = 0;
    for (const [topic, { expiresAtMs }] of this.retained) {
      if (expiresAtMs === undefined || expiresAtMs > now) continue;
      this.retained.delete(topic);
      if (expiresAtMs + SWEEP_SLACK_MS > now) unswept += 1;
    }
    return unswept;
  }

  /** Whether nothing is expected of a session any more, but for what an excuse covers. */
  lost(session: OracleSession): Expectation[] {
    const now = this.#time.nowMs();
    const lost: Expectation[] = [];
    for (const one of session.all()) {
      if (one.qos === 0 || one.state === 'done' || one.state === 'void' || one.excuse !== undefined) continue;
      // What was perhaps sent before a crash is as good as never sent.
      if (mayExpire(one) && one.said.expiresAtMs !== undefined && one.said.expiresAtMs <= now) continue;
      if (sizeOf(one.said) + 8 * one.identifiers.length > session.smallestPacket) continue;
      lost.push(one);
    }
    return lost;
  }

  /** Shared deliveries that no member got although one should have. */
  *lostOfGroups(): Generator<GroupExpectation> {
    const now = this.#time.nowMs();
    for (const groups of this.groups.values()) {
      // Which copy was handed over nobody can tell, nor which of two took which way.
      if (groups[0].said.qos === 0 || groups.some(({ excuse }) => excuse !== undefined)) continue;
      const untaken = groups.filter(({ taker }) => taker === undefined);
      if (untaken.length > groups.filter((group) => this.#mayVanish(group, now)).length) yield untaken[0];
    }
  }

  /** Whether a shared message may reach nobody: it expired, went at QoS 0, was too large, or is like others. */
  #mayVanish({ said, members }: GroupExpectation, now: number): boolean {
    if (said.payload.length === 0 || (said.expiresAtMs !== undefined && said.expiresAtMs <= now)) return true;
    for (const [member, subscriptions] of members as Map<OracleSession, OracleSubscription[]>)
      if (subscriptions[0].qos === 0 || sizeOf(said) + 8 > member.smallestPacket) return true;
    return false;
  }

  describe(one: Expectation): string {
    return `${sayMessage(one.said)} (${one.kind}, due at QoS ${one.qos}, ${one.state})`;
  }
}

function mayExpire({ state, qos, isOfFormerProcess }: Expectation): boolean {
  return state === 'due' || (state === 'sent' && qos === 1 && isOfFormerProcess);
}

function expectation(
  session: OracleSession,
  said: Said,
  kind: Expectation['kind'],
  qos: QoS,
  retain: boolean,
  subscriptions: readonly OracleSubscription[],
): Expectation {
  const identifiers = subscriptions.map(({ identifier }) => identifier).filter((identifier) => identifier !== 0);
  identifiers.sort((a, b) => a - b);
  const { detachments } = session;
  return {
    said,
    kind,
    qos,
    retain,
    identifiers,
    subscriptions,
    state: 'due',
    change: undefined,
    releaseChange: undefined,
    isStored: session.isStored,
    isOfFormerProcess: false,
    excuse: undefined,
    packetId: 0,
    link: 0,
    sentOrder: 0,
    arrivals: 0,
    detachments,
    session: kind === 'shared' ? session : undefined,
    hidesIdentifiers: false,
  };
}

/** The delivery of a shared message to the member that turned out to get it. */
export function sharedExpectation(
  session: OracleSession,
  group: GroupExpectation,
  subscription: OracleSubscription,
): Expectation {
  const { said } = group;
  const qos = Math.min(said.qos, subscription.qos) as QoS;
  return expectation(session, said, 'shared', qos, said.retain && subscription.retainAsPublished, [subscription]);
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
