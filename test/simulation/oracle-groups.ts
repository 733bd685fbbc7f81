/** Deliveries through shared subscriptions: each to one of the members, and nobody knows to which until it gets there. */
import { type GroupExpectation, keyOf, type OracleSubscription, type Said } from './expectation.ts';
import type { OracleSession } from './oracle-session.ts';

export class OracleGroups {
  /** By key of the message. */
  readonly byKey = new Map<string, GroupExpectation[]>();
  readonly #sessions: ReadonlyMap<string, OracleSession>;

  constructor(sessions: ReadonlyMap<string, OracleSession>) {
    this.#sessions = sessions;
  }

  of(key: string): readonly GroupExpectation[] {
    return this.byKey.get(key) ?? [];
  }

  /** One member of the shared subscription has to get the message. */
  expect(said: Said, filter: string): void {
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
    const groups = this.byKey.get(key);
    if (groups === undefined) this.byKey.set(key, [group]);
    else groups.push(group);
  }

  /** What is handed over page by page may reach whoever becomes a member meanwhile. */
  joined(session: OracleSession, subscription: OracleSubscription): void {
    for (const groups of this.byKey.values())
      for (const { filter, isLoose, members } of groups)
        if (isLoose && filter === subscription.filter)
          members.set(session, [...(members.get(session) ?? []), subscription]);
  }

  /** The session has unsubscribed. */
  left(filter: string): void {
    for (const groups of this.byKey.values())
      for (const group of groups) if (group.filter === filter) group.excuse ??= 'a member left';
  }

  sessionEnded(session: OracleSession): void {
    for (const [key, groups] of this.byKey) this.#handOver(session, key, groups);
  }

  /**
   * What a member had goes to another one, but never a QoS 2 message that was sent [MQTT-4.8.2-5]. Through which of
   * several groups it had it nobody can tell: then any member of any of them may get one more copy.
   */
  #handOver(session: OracleSession, key: string, groups: readonly GroupExpectation[]): void {
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

  *#membersOf(filter: string): Generator<[OracleSession, OracleSubscription]> {
    for (const session of this.#sessions.values()) {
      const subscription = session.subscriptions.get(filter);
      if (subscription !== undefined) yield [session, subscription];
    }
  }
}
