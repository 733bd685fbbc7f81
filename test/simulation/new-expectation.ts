/** How expectations begin. */
import type { QoS } from '@dunlin/protocol';
import type { Expectation, GroupExpectation, OracleSubscription, Said } from './expectation.ts';
import type { OracleSession } from './oracle-session.ts';

export function newExpectation(
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
  return newExpectation(session, said, 'shared', qos, said.retain && subscription.retainAsPublished, [subscription]);
}
