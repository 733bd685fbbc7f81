/** What has to hold of a running broker at any time, and of one that has begun anew. */
import type { BrokerEvent } from '@dunlin/broker';
import { AHEAD_MIN } from '../../packages/broker/src/sent-mark.ts';
import type { Observer } from './observer.ts';
import { SWEEP_SLACK_MS } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import type { World } from './world.ts';

/** The broker may end a connection only for a reason. */
export function checkClose(world: World, event: Extract<BrokerEvent, { name: 'clientDisconnected' }>): void {
  if (event.by !== 'server') return;
  const observer = world.observerAt(event.address) as Observer;
  const keepAliveMs = (observer.connect?.keepAlive ?? 0) * 1500;
  if (event.reasonCode === 0x8e) return;
  if (event.reasonCode === 0x8d) {
    const silentMs = world.time.nowMs() - observer.lastReceivedMs;
    world.judge.check(
      keepAliveMs > 0 && silentMs >= keepAliveMs,
      'keep-alive',
      () => `${observer.label} is closed after ${silentMs} ms`,
    );
    return;
  }
  if (event.reasonCode === 0x98 || event.reasonCode === 0x8b) return;
  if (event.reasonCode === 0x97 && world.character.isTight) return;
  world.judge.broken('unexpected-close', `${observer.label}: ${event.reasonCode} ${event.reason}`);
}

/** A broker that has begun anew knows the session and its subscriptions. */
export function checkRecovered(world: World, { name, subscriptions }: OracleSession): void {
  const session = world.broker.sessionsById.get(name.text);
  world.judge.check(
    session !== undefined,
    'session-present',
    () => `the new broker does not know the session of "${name.text}"`,
  );
  const filters = [...(session?.subscriptions?.keys() ?? [])];
  world.judge.check(
    filters.length === subscriptions.size && filters.every((filter) => subscriptions.has(filter)),
    'survival',
    () =>
      `the new broker has subscriptions of "${name.text}" to ${filters} where ${[...subscriptions.keys()]} is right`,
  );
}

/** No deadline has passed unseen, and no limit is exceeded. */
export function checkLive(world: World): void {
  if (world.isStopping || world.process.isOver) return;
  world.oracle.sweep();
  const now = world.time.nowMs();
  for (const observer of world.observers.values()) {
    const keepAliveMs = (observer.connect?.keepAlive ?? 0) * 1500;
    const isLate = observer.isOpen && keepAliveMs > 0 && now - observer.lastReceivedMs > keepAliveMs + SWEEP_SLACK_MS;
    world.judge.check(
      !isLate,
      'keep-alive',
      () => `${observer.label} has been silent for ${now - observer.lastReceivedMs} ms`,
    );
  }
  const { queueMessagesMax, inflightMessagesMax, outboxBytesHardMax } = world.limits;
  for (const session of world.broker.sessionsById.values())
    world.judge.check(
      session.queuedMessages <= queueMessagesMax + inflightMessagesMax + AHEAD_MIN,
      'limits',
      () => `the queue of "${session.clientId}" holds ${session.queuedMessages} messages`,
    );
  for (const connection of world.broker.connections)
    world.judge.check(
      connection.unsentBytes <= outboxBytesHardMax + 131_072,
      'limits',
      () => `${connection.unsentBytes} bytes are unsent to "${connection.clientId}"`,
    );
  world.judge.check(
    world.broker.pressure.heldBytes >= 0,
    'held-bytes',
    () => `${world.broker.pressure.heldBytes} bytes are held`,
  );
}
