/** Whether a client that is who it says may come in as it wants to: its will, its session, the room there is. */
import { assertTopicName, type ConnectPacket } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { refusalBy } from './checks.ts';
import type { Permissions, Principal, Refusal } from './ports.ts';
import type { Session } from './session.ts';
import { nameBytes } from './session-counts.ts';
import { isReserved } from './topics.ts';

/** Why the will of a CONNECT is refused; undefined where it is not. */
export function refusalOfWill(
  broker: Broker,
  { will }: ConnectPacket,
  permissions: Permissions | undefined,
): Refusal | undefined {
  if (will === undefined) return undefined;
  if (will.qos > broker.settings.maximumQoS) return refusalBy('will-qos', 'the Will QoS is above Maximum QoS');
  if (will.retain && !broker.settings.retainAvailable)
    return refusalBy('will-retain', 'retained messages are not available');
  if (broker.pressure.isExhausted) return refusalBy('will-memory', 'no memory for another will');
  try {
    assertTopicName(will.topic);
  } catch (error) {
    return refusalBy('will-topic', (error as Error).message);
  }
  if (isReserved(will.topic) || broker.topics.named(will.topic).refusal !== 0)
    return refusalBy('will-topic', 'the Will Topic is reserved, too long or too deep');
  const reasonCode = permissions?.mayLeaveWill(will.topic, will.qos, will.retain) ?? 0;
  if (reasonCode < 0x80) return undefined;
  const rule = permissions?.explain('will', will.topic, will.qos, will.retain) ?? '';
  const detail = `Will Topic "${will.topic}": ${rule}`;
  return refusalBy('will-permission', 'the Will Topic is not authorized', { reasonCode, detail });
}

/** Why a client may not have a session, that of its identifier or its own when it authenticates again. */
export function refusalOfIdentity(
  broker: Broker,
  owner: string | undefined,
  { identity }: Principal,
): Refusal | undefined {
  if (!broker.settings.bindSessions || owner === undefined || owner === identity) return undefined;
  const detail = `the session is bound to "${owner}", the client came as "${identity ?? ''}"`;
  return refusalBy('session-bound', 'the session of this Client Identifier is not yours', { detail });
}

/** Why an identity may not have one more connection. One that takes over its own session has as many as before. */
export function refusalOfConnection(
  broker: Broker,
  former: Session | undefined,
  { identity }: Principal,
): Refusal | undefined {
  const most = broker.limits.connectionsPerUsernameMax;
  const own = former?.owner?.countedIdentity === identity ? 1 : 0;
  if (identity === undefined || broker.connectionCounts.ofIdentity(identity) - own < most) return undefined;
  broker.metrics.connectionsPerUsernameRefused += 1;
  return refusalBy('connections-per-username-max', 'too many connections', {
    detail: `"${identity}" has ${most} connections`,
  });
}

/**
 * Why a client may not have its session; undefined where it may. `former`: the one there is under its identifier, which
 * it takes up or replaces.
 */
export function refusalOfSession(
  broker: Broker,
  former: Session | undefined,
  connect: ConnectPacket,
  principal: Principal,
): Refusal | undefined {
  const refusal = refusalByCount(broker, former, connect, principal);
  if (refusal !== undefined) {
    broker.metrics.sessionsRefused += 1;
    return refusal;
  }
  // Who has a session in the store may take it up, and drain it. A will is stored for every session.
  const isResumed = former?.isStored === true && !connect.cleanStart;
  const isWritten = expiryAskedFor(connect) > 0 || connect.will !== undefined;
  if (!broker.storage.isLow || isResumed || !isWritten) return undefined;
  broker.metrics.storeRefused += 1;
  return refusalBy('store-room', 'no room in the store for another session or will');
}

function refusalByCount(
  { limits, sessionsById, sessionCounts }: Broker,
  former: Session | undefined,
  connect: ConnectPacket,
  principal: Principal,
): Refusal | undefined {
  if (former === undefined && sessionsById.size >= limits.sessionsMax)
    return refusalBy('sessions-max', 'too many sessions');
  const growth = nameBytes(connect.clientId, principal) - (former?.nameBytes ?? 0);
  if (growth > 0 && sessionCounts.nameBytes + growth > limits.sessionNameBytesMax)
    return refusalBy('session-name-bytes-max', 'no memory for the names of another session');
  const { username } = principal;
  const isOneMore = expiryAskedFor(connect) > 0 && former?.username !== username;
  if (isOneMore && sessionCounts.of(username) >= limits.sessionsPerUsernameMax)
    return refusalBy('sessions-per-username-max', 'too many sessions of this user name');
  return undefined;
}

/** Seconds; before 5.0 Clean Session says it. */
export function expiryAskedFor({ protocolVersion, cleanStart, properties }: ConnectPacket): number {
  if (protocolVersion === 5) return properties.sessionExpiryInterval ?? 0;
  return cleanStart ? 0 : 0xffffffff;
}
