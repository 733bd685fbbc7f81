/** Wills: when they go out and when they do not (section 3.1.2.5, choices table "Will and takeover"). */
import type { Will } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { forwardedProperties, Message } from './message.ts';
import type { Principal, WillRecord } from './ports.ts';
import { accept, lacksRoom, refuseWithoutRoom } from './publish.ts';
import type { Session } from './session.ts';

/** What a will takes beside its texts. */
const WILL_BYTES = 300;

/** A Will Message that waits for the end of its connection, or for the end of its delay. */
export interface ArmedWill {
  readonly will: Omit<Will, 'properties'>;
  /** Encoded: decoded a User Property takes many times the bytes it came in. */
  readonly properties: Buffer;
  /** Seconds from publication to expiry; undefined for never. */
  readonly messageExpiryInterval: number | undefined;
  /** Seconds; 0 before 5.0. */
  readonly delayInterval: number;
  /** Who left it, for asking again what it may; undefined where only the store remembers. */
  principal: Principal | undefined;
  /** Wall clock at which it goes out; undefined while the client is connected. */
  dueAtMs: number | undefined;
}

/** Keeps the will of a CONNECT, which owns its bytes, with the session [MQTT-3.1.2-7]. `principal`: whose it is. */
export function armWill(broker: Broker, session: Session, will: Will | undefined, principal?: Principal): void {
  if (will === undefined) {
    disarmWill(broker, session);
    return;
  }
  const { properties, ...rest } = will;
  if (session.will !== undefined) broker.pressure.add(-willBytes(session.will.will, session.will.properties));
  session.will = {
    will: rest,
    properties: forwardedProperties(properties),
    messageExpiryInterval: properties.messageExpiryInterval,
    delayInterval: properties.willDelayInterval ?? 0,
    principal,
    dueAtMs: undefined,
  };
  broker.pressure.add(willBytes(session.will.will, session.will.properties));
  storeWill(broker, session, session.will);
}

/** The will that the store has kept of a session. */
export function restoreWill(broker: Broker, session: Session, record: WillRecord): void {
  const { topic, qos, retain, payload, properties } = record.message;
  session.will = {
    will: { topic: topic.name, qos, retain, payload },
    properties,
    messageExpiryInterval: record.messageExpiryInterval,
    delayInterval: record.delayInterval,
    principal: undefined,
    dueAtMs: record.dueAtMs === 0 ? undefined : record.dueAtMs,
  };
  broker.pressure.add(willBytes(session.will.will, properties));
}

function willBytes(will: ArmedWill['will'], properties: Buffer): number {
  return WILL_BYTES + 2 * will.topic.length + will.payload.length + properties.length;
}

/** The will is neither published nor kept [MQTT-3.1.2-10]. */
export function disarmWill(broker: Broker, session: Session): void {
  if (session.will === undefined) return;
  broker.pressure.add(-willBytes(session.will.will, session.will.properties));
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
  storeWill(broker, session, armed);
}

/** Publishes the will and forgets it. */
export function publishWill(broker: Broker, session: Session): void {
  const armed = session.will;
  if (armed === undefined) return;
  disarmWill(broker, session);
  const message = willMessage(broker, session.clientId, armed);
  // Checked again: rules may have changed since CONNECT.
  const { clientId, permissions } = session;
  const { name: topic } = message.topic;
  const { qos, retain } = message;
  const reasonCode = permissions?.mayLeaveWill(topic, qos, retain) ?? 0;
  if (reasonCode >= 0x80) {
    broker.metrics.willsRefused += 1;
    const denied = { action: 'will', name: topic, qos, retain } as const;
    // Without its principal the will is one that the store has kept, of a session that has a name.
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

function storeWill(broker: Broker, session: Session, armed: ArmedWill): void {
  if (!session.hasRecord) return;
  const message = willMessage(broker, session.clientId, armed);
  const { delayInterval, dueAtMs, messageExpiryInterval } = armed;
  broker.commits.write({
    op: 'putWill',
    session: session.number,
    will: { message, delayInterval, messageExpiryInterval, dueAtMs: dueAtMs ?? 0 },
  });
}
