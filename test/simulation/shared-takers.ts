/**
 * Who took which shared message: nobody sees through which of several groups one came, so that takers may change places.
 */
import { type Expectation, type GroupExpectation, keyOf, sameNumbers } from './expectation.ts';
import { sharedExpectation } from './new-expectation.ts';
import type { OracleSession } from './oracle-session.ts';

/** Whether a group can do without its taker, because another one of them may have had it. */
export function canFree(
  group: GroupExpectation,
  groups: readonly GroupExpectation[],
  seen: Set<GroupExpectation> = new Set(),
): boolean {
  if (group.taker === undefined || group.isLoose || spareOf(group) !== undefined) return true;
  seen.add(group);
  const { taker } = group;
  return groups.some((other) => !seen.has(other) && isPossible(other, taker) && canFree(other, groups, seen));
}

/** Frees a group by finding another one for its taker. */
export function free(
  group: GroupExpectation,
  groups: readonly GroupExpectation[],
  seen: Set<GroupExpectation> = new Set(),
): void {
  const { taker } = group;
  if (taker === undefined || group.isLoose) return;
  const spare = spareOf(group);
  if (spare !== undefined) {
    spare.state = 'void';
    group.taker = undefined;
    return;
  }
  seen.add(group);
  const other = groups.find((one) => !seen.has(one) && isPossible(one, taker) && canFree(one, groups, new Set(seen)));
  if (other === undefined) return;
  free(other, groups, seen);
  other.taker = taker;
  group.taker = undefined;
}

/** What the taker's session may have got at QoS 0 in place of the group's copy: a replay like it, that need not have come. */
function spareOf({ taker, said }: GroupExpectation): Expectation | undefined {
  if (taker === undefined || taker.qos !== 0) return undefined;
  const expected = (taker.session as OracleSession).expected.get(keyOf(said.topic, said.payload)) ?? [];
  return expected.find(
    (one) =>
      one.kind === 'retained' &&
      one.state === 'due' &&
      one.excuse !== undefined &&
      one.qos === 0 &&
      one.retain === taker.retain &&
      (taker.hidesIdentifiers || sameNumbers(one.identifiers, taker.identifiers)),
  );
}

/** Whether a delivery that was seen may have come through the group. */
function isPossible(group: GroupExpectation, taker: Expectation): boolean {
  const { session } = taker;
  return (group.members.get(session as object) ?? []).some((subscription) => {
    const shared = sharedExpectation(session as OracleSession, group, subscription);
    return (
      shared.qos === taker.qos &&
      shared.retain === taker.retain &&
      (taker.hidesIdentifiers || sameNumbers(shared.identifiers, taker.identifiers))
    );
  });
}
