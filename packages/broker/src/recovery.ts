/**
 * What a broker takes up from its Store when it starts: sessions, and the moment of the crash. Retained messages stay in
 * the store, however many they are; of them it knows what `StoreContents` says.
 *
 * Every connection that was open when the former broker ended counts as lost now: expiry and Will Delay run from here,
 * and a will without delay goes out at once, when everybody who wants it is there again. What came due while nothing ran
 * happens then too, so that nobody comes back to a session that is over.
 */
import { ReceiverFlow } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { detach, endSession } from './disconnect.ts';
import type { StoredSession } from './ports.ts';
import { Session } from './session.ts';
import { restoreSubscription } from './subscribe.ts';
import { restoreWill } from './will.ts';

/** How long sessions are seen to between two commits. */
const SLICE_MS = 10;

/** Takes up all that the store has. Settles when clients may come; rejects where the store cannot be read. */
export async function recover(broker: Broker): Promise<void> {
  const { store } = broker;
  const beganAtMs = broker.clockMs();

  // 1. Sessions as they were.
  const lost: Session[] = [];
  const succeeded: Session[] = [];
  let queued = 0;
  for await (const stored of store.sessions()) {
    const session = restore(broker, stored);
    queued += session.queuedMessages;
    const { expiresAtMs } = stored.record;
    if (expiresAtMs === 0) lost.push(session);
    else if (expiresAtMs !== Number.POSITIVE_INFINITY) session.expiresAtMs = expiresAtMs;
    const former = takeIdentifier(broker, session);
    if (former === undefined) await broker.directory.claim(session.clientId);
    else succeeded.push(former);
  }

  // 2. What the end of the former broker means for each.
  await inSlices(broker, succeeded, (session) => endSession(broker, session, 'clean-start'));
  await inSlices(broker, lost, (session) => {
    if (broker.sessionsById.get(session.clientId) === session) detach(broker, session);
  });
  await inSlices(broker, broker.sessionsById.values(), (session) => broker.sessionDeadlines.check(session));
  const sessions = broker.sessionsById.size;
  const retained = broker.retained.count;
  if (sessions > 0 || retained > 0)
    broker.tell({
      name: 'recovered',
      sessions,
      queued,
      retained,
      durationMs: Math.round(broker.clockMs() - beganAtMs),
    });
}

/** What a slice causes is durable before the next: a batch never holds what all sessions together write. */
async function inSlices(broker: Broker, sessions: Iterable<Session>, act: (session: Session) => void): Promise<void> {
  let endAtMs = broker.clockMs() + SLICE_MS;
  for (const session of sessions) {
    broker.beginTurn();
    act(session);
    if (broker.clockMs() < endAtMs) continue;
    await broker.commits.flushed();
    endAtMs = broker.clockMs() + SLICE_MS;
  }
}

/** The session as the store has it. */
function restore(broker: Broker, { record, subscriptions, received, will, queue }: StoredSession): Session {
  const session = new Session(record.clientId, record.number, broker);
  session.hasRecord = true;
  broker.sessionCounts.keepNames(session, record);
  broker.sessionCounts.own(session, record.username);
  session.identity = record.identity;
  session.sessionExpiryInterval = record.sessionExpiryInterval;
  session.restoreQueue(queue, record.sentUpTo);
  if (will !== undefined) restoreWill(broker, session, will);
  for (const subscription of subscriptions) restoreSubscription(broker, session, subscription);
  if (received.length > 0) session.receiver = new ReceiverFlow();
  for (const packetId of received) session.receiver?.receive(packetId);
  return session;
}

/** Of two sessions under one identifier the newer counts: the other had ended, and was not gone yet. Returns that one. */
function takeIdentifier(broker: Broker, session: Session): Session | undefined {
  const other = broker.sessionsById.get(session.clientId);
  if (other !== undefined && other.number > session.number) return session;
  broker.sessionsById.set(session.clientId, session);
  return other;
}
