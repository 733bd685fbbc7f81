/** Wills: when they go out and when they do not (section 3.1.2.5, choices table "Will and takeover"). */

import { ReasonCode, type Will } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { forwardedProperties, Message } from './message.ts';
import type { Permissions, Principal, WillRecord } from './ports.ts';
import { accept, lacksRoom, refuseWithoutRoom } from './publish.ts';
import type { Session } from './session.ts';
import { ownerOf, ownerText } from './will-owner.ts';

/** What a will takes beside its texts. */
const WILL_BYTES = 300;
/** Where nobody knows who left a will, nobody knows that they may. */
const OF_UNKNOWN_OWNER: Permissions = {
  mayPublish: () => ReasonCode.notAuthorized,
  mayLeaveWill: () => ReasonCode.notAuthorized,
  maySubscribe: () => ReasonCode.notAuthorized,
  mayReceiveAll: () => false,
  mayReceive: () => false,
  explain: () => 'the store does not say who left it',
};

/** A Will Message that waits for the end of its connection, or for the end of its delay. */
export interface ArmedWill {
  readonly will: Omit<Will, 'properties'>;
  /** Encoded: decoded a User Property takes many times the bytes it came in. */
  readonly properties: Buffer;
  /** Seconds from publication to expiry; undefined for never. */
  readonly messageExpiryInterval: number | undefined;
  /** Seconds; 0 before 5.0. */
  readonly delayInterval: number;
  /** Who left it, for asking again what it may; undefined where nobody knows. */
  principal: Principal | undefined;
  /** Characters of the same in the store. */
  ownerLength: number;
  /** Wall clock at which it goes out; undefined while the client is connected. */
  dueAtMs: number | undefined;
}

/** Keeps the will of a CONNECT, which owns its bytes, with the session [MQTT-3.1.2-7]. `principal`: whose it is. */
export function armWill(broker: Broker, session: Session, will: Will | undefined, principal: Principal): void {
  if (will === undefined) {
    disarmWill(broker, session);
    return;
  }
  const { properties, ...rest } = will;
  const owner = ownerText(principal);
  if (session.will !== undefined) broker.pressure.add(-willBytes(session.will));
  session.will = {
    will: rest,
    properties: forwardedProperties(properties),
    messageExpiryInterval: properties.messageExpiryInterval,
    delayInterval: properties.willDelayInterval ?? 0,
    principal,
    ownerLength: owner?.length ?? 0,
    dueAtMs: undefined,
  };
  broker.pressure.add(willBytes(session.will));
  storeWill(broker, session, session.will, owner);
}

/** The client has authenticated again: its will is that of the new principal. */
export function renewWill(broker: Broker, session: Session, principal: Principal): void {
  const armed = session.will;
  if (armed === undefined) return;
  const owner = ownerText(principal);
  broker.pressure.add(-willBytes(armed));
  armed.principal = principal;
  armed.ownerLength = owner?.length ?? 0;
  broker.pressure.add(willBytes(armed));
  storeWill(broker, session, armed, owner);
}

/** The will that the store has kept of a session. */
export function restoreWill(broker: Broker, session: Session, record: WillRecord): void {
  const { topic, qos, retain, payload, properties } = record.message;
  session.will = {
    will: { topic: topic.name, qos, retain, payload },
    properties,
    messageExpiryInterval: record.messageExpiryInterval,
    delayInterval: record.delayInterval,
    principal: ownerOf(record.owner, session),
    ownerLength: record.owner?.length ?? 0,
    dueAtMs: record.dueAtMs === 0 ? undefined : record.dueAtMs,
  };
  broker.pressure.add(willBytes(session.will));
}

function willBytes({ will, properties, ownerLength }: ArmedWill): number {
  return WILL_BYTES + 2 * (will.topic.length + ownerLength) + will.payload.length + properties.length;
}

/** The will is neither published nor kept [MQTT-3.1.2-10]. */
export function disarmWill(broker: Broker, session: Session): void {
  if (session.will === undefined) return;
  broker.pressure.add(-willBytes(session.will));
  session.will = undefined;
  if (session.hasRecord) broker.commits.write({ op: 'deleteWill', session: session.number });
}

/**
 * The connection ended without DISCONNECT 0x00. The will goes out at once, or after the lower of its delay and the
 * session's expiry if that is above 0 [MQTT-3.1.2-8].
 */
export function connectionEndedWithWill(broker: Broker, session: Session): void {
  const armed = session.will;
  if (armed === undefined) return;
  const delayS = Math.min(armed.delayInterval, session.sessionExpiryInterval);
  if (delayS === 0) {
    publishWill(broker, session);
    return;
  }
  armed.dueAtMs = broker.nowMs + delayS * 1000;
  storeWill(broker, session, armed, armed.principal && ownerText(armed.principal));
}

/** Publishes the will and forgets it. */
export function publishWill(broker: Broker, session: Session): void {
  const armed = session.will;
  if (armed === undefined) return;
  disarmWill(broker, session);
  const message = willMessage(broker, session.clientId, armed);
  // Asked again: rules may have changed since CONNECT, in this moment or while no server ran.
  const { clientId } = session;
  const permissions = permissionsOfWill(broker, clientId, armed);
  const { name: topic } = message.topic;
  const { qos, retain } = message;
  const reasonCode = permissions?.mayLeaveWill(topic, qos, retain) ?? 0;
  if (reasonCode >= 0x80) {
    broker.metrics.willsRefused += 1;
    const denied = { action: 'will', name: topic, qos, retain } as const;
    const { username } = armed.principal ?? session;
    broker.denials.tell(
      { name: 'willRefused', clientId, username, topic, reasonCode, rule: undefined },
      permissions,
      denied,
    );
    return;
  }
  broker.metrics.willsPublished += 1;
  broker.tell({ name: 'willPublished', clientId, topic });
  if (!lacksRoom(broker, undefined, message)) {
    broker.unattended(accept(broker, undefined, message));
    return;
  }
  // It was promised, and the store has no room to keep it: it goes to who is there.
  refuseWithoutRoom(broker, message);
  const unstored = { ...armed, will: { ...armed.will, qos: 0, retain: false } as const };
  broker.unattended(accept(broker, undefined, willMessage(broker, clientId, unstored)));
}

/** What its owner may do now; undefined for everything. */
function permissionsOfWill(
  { authorizer }: Broker,
  clientId: string,
  { principal }: ArmedWill,
): Permissions | undefined {
  if (authorizer === undefined) return undefined;
  return principal === undefined ? OF_UNKNOWN_OWNER : authorizer.permissions(clientId, principal);
}

/** The message of a will as of now. */
function willMessage(broker: Broker, clientId: string, armed: ArmedWill): Message {
  const { topic, payload, qos, retain } = armed.will;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const expiry = armed.messageExpiryInterval;
  const expiresAtMs = expiry === undefined ? undefined : broker.nowMs + expiry * 1000;
  const message = new Message(
    broker.topics.named(topic),
    qos,
    retain,
    clientId,
    bytes,
    0,
    bytes.length,
    armed.properties,
    expiresAtMs,
  );
  message.owned = true;
  return message;
}

function storeWill(broker: Broker, session: Session, armed: ArmedWill, owner: string | undefined): void {
  if (!session.hasRecord) return;
  const message = willMessage(broker, session.clientId, armed);
  const { delayInterval, dueAtMs, messageExpiryInterval } = armed;
  broker.commits.write({
    op: 'putWill',
    session: session.number,
    will: { message, delayInterval, messageExpiryInterval, dueAtMs: dueAtMs ?? 0, owner },
  });
}
