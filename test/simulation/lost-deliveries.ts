/** What had to arrive and did not. */
import { type Expectation, type GroupExpectation, type OracleSubscription, sizeOf } from './expectation.ts';
import type { OracleSession } from './oracle-session.ts';

/** What a session did not get although it should have. */
export function lostOf(session: OracleSession, nowMs: number): Expectation[] {
  const lost: Expectation[] = [];
  for (const one of session.all()) {
    if (one.qos === 0 || one.state === 'done' || one.state === 'void' || one.excuse !== undefined) continue;
    // What was perhaps sent before a crash is as good as never sent.
    if (mayExpire(one) && one.said.expiresAtMs !== undefined && one.said.expiresAtMs <= nowMs) continue;
    if (sizeOf(one.said) + 8 * one.identifiers.length > session.smallestPacket) continue;
    lost.push(one);
  }
  return lost;
}

/** Shared deliveries that no member got although one should have. */
export function* lostOfGroups(
  byKey: ReadonlyMap<string, readonly GroupExpectation[]>,
  nowMs: number,
): Generator<GroupExpectation> {
  for (const groups of byKey.values()) {
    // Which copy was handed over nobody can tell, nor which of two took which way.
    if (groups[0].said.qos === 0 || groups.some(({ excuse }) => excuse !== undefined)) continue;
    const untaken = groups.filter(({ taker }) => taker === undefined);
    if (untaken.length > groups.filter((group) => mayVanish(group, nowMs)).length) yield untaken[0];
  }
}

/** Whether a shared message may reach nobody: it expired, went at QoS 0, was too large, or is like others. */
function mayVanish({ said, members }: GroupExpectation, nowMs: number): boolean {
  if (said.payload.length === 0 || (said.expiresAtMs !== undefined && said.expiresAtMs <= nowMs)) return true;
  for (const [member, subscriptions] of members as Map<OracleSession, OracleSubscription[]>)
    if (subscriptions[0].qos === 0 || sizeOf(said) + 8 > member.smallestPacket) return true;
  return false;
}

function mayExpire({ state, qos, isOfFormerProcess }: Expectation): boolean {
  return state === 'due' || (state === 'sent' && qos === 1 && isOfFormerProcess);
}
