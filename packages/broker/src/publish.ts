/**
 * The path of a PUBLISH, from the connection that received it to the sessions that want it.
 *
 *   receive → topic → exactly once → message → accept: authorize → retain → bus ⇢ distribute: match → deliver
 *                                                                        └→ acknowledge
 *
 * Each step is one call. If a step is missing here, it does not happen. At QoS 0 nothing here waits and nothing is
 * made but the Message.
 */
import { type FrameReader, MqttError, PublishFrame, ReasonCode, ReceiverFlow } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';
import { deliverFollowed } from './followed-delivery.ts';
import { Message, NO_BYTES } from './message.ts';
import type { Awaitable, Permissions } from './ports.ts';
import type { Session } from './session.ts';
import type { ShareGroup } from './share-group.ts';
import { isOfBroker, sameName, type Topic } from './topics.ts';

/** Reads every PUBLISH of the thread: one at a time is handled, from beginning to end. */
const frames = {
  strict: new PublishFrame('server', { strictText: true }),
  lenient: new PublishFrame('server', { strictText: false }),
};

/** Handles one PUBLISH, which lies in `bytes` where the reader says. */
export function receivePublish(connection: Connection, bytes: Buffer, reader: FrameReader): void {
  const broker = connection.broker;
  const frame = broker.settings.strictText ? frames.strict : frames.lenient;
  frame.read(connection.protocolVersion, bytes, reader.start, reader.bodyStart, reader.end);
  const session = connection.session as Session;
  broker.metrics.messagesReceived += 1;
  broker.metrics.publishBytesReceived += frame.end - frame.payloadStart;

  // 1. About what? The Topic Alias is learnt here, so that a refusal below does not lose it.
  const topic = resolveTopic(connection, frame);

  // 2. Does it keep to what CONNACK said?
  checkOffered(broker, frame);

  // 3. Was it said before? A QoS 2 message counts once until PUBREL [MQTT-4.3.3-10].
  if (frame.qos > 0 && isRepeat(connection, session, frame)) return;

  // 4. What was said, free of the packet and of the connection.
  const message = toMessage(connection, session, frame, topic, reader.owned);

  // 5. Take responsibility for it, or refuse.
  const before = broker.commits.written;
  const verdict = lacksRoom(broker, session, message)
    ? refuseForStore(connection, message)
    : accept(broker, session, message);

  // 6. Say so, when every write it caused is durable [MQTT-3.3.4-1].
  if (message.qos > 0) answer(connection, session, frame.qos as 1 | 2, frame.packetId, verdict, before);
}

/**
 * Takes responsibility for a message.
 * @returns the Reason Code for PUBACK or PUBREC, or a promise of it where another broker has to take the message.
 */
export function accept(broker: Broker, from: Session | undefined, message: Message): Awaitable<number> {
  // 1. May it be said? The Topic Alias is resolved, so this sees the true name.
  const refusal = refusalOf(from, message);
  if (refusal !== 0) return refuse(broker, message, refusal, reasonOf(refusal), from?.permissions);

  // 2. Is it to be remembered? [MQTT-3.3.1-5]
  if (message.retain && !retain(broker, message))
    return refuse(broker, message, ReasonCode.quotaExceeded, 'no room for another retained message');

  // 3. Tell every broker that has an interest, this one included.
  const wanted = broker.bus.publish(message);
  return wanted instanceof Promise ? wanted.then(codeOf) : codeOf(wanted);
}

/**
 * Hands a message to the sessions of this broker, and to who wants it inside the server. Called by the bus. Returns whether
 * anybody wants it, or a promise of it where it is not safe yet what the server makes of it.
 */
export function distribute(broker: Broker, message: Message): Awaitable<boolean> {
  // 4. Who wants it? One subscription per session [MQTT-3.3.4-2], and one member of each shared one.
  const { subscriptions: all, groups, internal } = broker.router.match(message.topic);
  const subscriptions = message.receipt === undefined ? all : deliverFollowed(broker, message, all);

  // 5. The session sends it, queues it, or drops it; only the session knows which.
  for (let i = 0; i < subscriptions.length; i++) {
    let subscription = subscriptions[i];
    if (subscription.forOwn !== subscription && subscription.session.clientId === message.publisher) {
      if (subscription.forOwn === undefined) continue;
      subscription = subscription.forOwn;
    }
    subscription.session.deliver(message, subscription, undefined);
  }
  for (let i = 0; i < groups.length; i++) {
    const member = groups[i].choose(message);
    if (member !== undefined) member.session.deliver(message, member, groups[i].filter);
    else deniedToGroup(broker, message, groups[i]);
  }

  // 6. Who inside the server has to be done with it, before it is acknowledged?
  if (internal.length > 0) return broker.internal.handOver(message, internal);

  if (all.length > 0 || groups.length > 0) return true;
  if (!isOfBroker(message.topic.name)) broker.metrics.messagesUnmatched += 1;
  return false;
}

/** Nobody takes the message; where that is for want of permission it is told as of one member. */
function deniedToGroup(broker: Broker, message: Message, group: ShareGroup): void {
  const denied = group.denied(message);
  if (denied === undefined) return;
  broker.metrics.messagesDroppedDenied += 1;
  broker.deliveryDenied(denied, message);
}

/** PUBREL: the client has our PUBREC and forgets the message; so do we [MQTT-4.3.3-11]. */
export function receivePubrel(connection: Connection, packetId: number): void {
  const session = connection.session as Session;
  if (session.receiver?.release(packetId) !== true) {
    connection.acknowledge(PUBCOMP, packetId, ReasonCode.packetIdentifierNotFound, 0);
    return;
  }
  const ticket = session.hasRecord
    ? connection.broker.commits.write({ op: 'deleteReceived', session: session.number, packetId })
    : 0;
  finished(connection);
  connection.acknowledge(PUBCOMP, packetId, ReasonCode.success, ticket);
}

const PUBACK = 0x40;
const PUBREC = 0x50;
const PUBCOMP = 0x70;

function resolveTopic(connection: Connection, frame: PublishFrame): Topic {
  const bytes = frame.bytes as Buffer;
  const length = frame.topicEnd - frame.topicStart;
  if (length === 0) {
    const known = connection.aliasesIn?.get(frame.topicAlias);
    if (known !== undefined) return known;
    if (frame.topicAlias > connection.broker.limits.topicAliasMaximum)
      throw aliasAboveMaximum(connection, frame.topicAlias);
    throw new MqttError(
      'protocol-error',
      ReasonCode.protocolError,
      `Cannot resolve Topic Alias ${frame.topicAlias}: it was not set on this connection [MQTT-3.3.2-7]`,
    );
  }
  const last = connection.lastTopic;
  const topic =
    last !== undefined && sameName(last.encoded, bytes, frame.topicStart, length)
      ? last
      : connection.broker.topics.intern(bytes, frame.topicStart, frame.topicEnd);
  connection.lastTopic = topic;
  if (frame.topicAlias > 0) {
    if (connection.aliasesIn === undefined) throw aliasAboveMaximum(connection, frame.topicAlias);
    connection.aliasesIn.set(frame.topicAlias, topic);
  }
  return topic;
}

function aliasAboveMaximum(connection: Connection, alias: number): MqttError {
  const maximum = connection.broker.limits.topicAliasMaximum;
  return new MqttError(
    'topic-alias-invalid',
    ReasonCode.topicAliasInvalid,
    `Cannot use Topic Alias ${alias}: the maximum is ${maximum} [MQTT-3.2.2-17]`,
  );
}

function checkOffered(broker: Broker, frame: PublishFrame): void {
  if (frame.qos > broker.settings.maximumQoS)
    throw new MqttError(
      'protocol-error',
      ReasonCode.qosNotSupported,
      `Cannot accept QoS ${frame.qos}: Maximum QoS is ${broker.settings.maximumQoS} [MQTT-3.2.2-11]`,
    );
  if (frame.retain && !broker.settings.retainAvailable)
    throw new MqttError(
      'protocol-error',
      ReasonCode.retainNotSupported,
      'Cannot accept RETAIN 1: retained messages are not available [MQTT-3.2.2-14]',
    );
}

/** Counts the message against Receive Maximum, and answers a repeated QoS 2 PUBLISH. */
function isRepeat(connection: Connection, session: Session, frame: PublishFrame): boolean {
  const receiver = session.receiver;
  if (frame.qos === 2 && receiver?.has(frame.packetId) === true) {
    const { commits } = connection.broker;
    const verdict = session.undecided?.get(frame.packetId);
    if (verdict !== undefined) {
      answerLater(connection, PUBREC, frame.packetId, verdict);
      return true;
    }
    connection.acknowledge(PUBREC, frame.packetId, ReasonCode.success, commits.isIdle ? 0 : commits.ticket);
    return true;
  }
  const maximum = connection.broker.limits.receiveMaximum;
  if (connection.protocolVersion === 5 && connection.unfinishedPublishes >= maximum)
    throw new MqttError(
      'receive-maximum-exceeded',
      ReasonCode.receiveMaximumExceeded,
      `Cannot accept PUBLISH ${frame.packetId}: ${maximum} are unfinished, the Receive Maximum [MQTT-3.3.4-7]`,
    );
  return false;
}

function toMessage(
  connection: Connection,
  session: Session,
  frame: PublishFrame,
  topic: Topic,
  isOwned: boolean,
): Message {
  const bytes = frame.bytes as Buffer;
  let properties: Buffer = NO_BYTES;
  let expiresAtMs: number | undefined;
  if (frame.hasProperties) {
    properties = forwardedBytes(frame);
    if (frame.messageExpiryStart >= 0)
      expiresAtMs = connection.broker.nowMs + bytes.readUInt32BE(frame.messageExpiryStart) * 1000;
  }
  const message = new Message(
    topic,
    frame.qos,
    frame.retain,
    session.clientId,
    bytes,
    frame.payloadStart,
    frame.end,
    properties,
    expiresAtMs,
  );
  if (frame.qos === 0 && frame.topicAlias === 0 && !frame.hasProperties) {
    message.frameVersion = connection.protocolVersion === 5 ? 5 : 3;
    message.frameStart = frame.start;
    message.frameEnd = frame.end;
  }
  message.owned = isOwned;
  return message;
}

/** The properties to pass on, all but alias and expiry, as they came: the frame has checked them. Owns its bytes. */
function forwardedBytes(frame: PublishFrame): Buffer {
  const { bytes, propertiesStart, propertiesEnd, topicAliasStart, messageExpiryStart } = frame;
  const alias = { start: topicAliasStart, end: topicAliasStart + 3 };
  const expiry = { start: messageExpiryStart - 1, end: messageExpiryStart + 4 };
  const cuts = [topicAliasStart < 0 ? [] : alias, messageExpiryStart < 0 ? [] : expiry].flat();
  cuts.sort((a, b) => a.start - b.start);
  let length = propertiesEnd - propertiesStart;
  for (const { start, end } of cuts) length -= end - start;
  if (length === 0) return NO_BYTES;
  const kept = Buffer.allocUnsafeSlow(length);
  let from = propertiesStart;
  let to = 0;
  for (const { start, end } of cuts) {
    kept.set(bytes.subarray(from, start), to);
    to += start - from;
    from = end;
  }
  kept.set(bytes.subarray(from, propertiesEnd), to);
  return kept;
}

function refusalOf(from: Session | undefined, message: Message): number {
  if (from === undefined) return 0;
  if (message.topic.refusal !== 0) return message.topic.refusal;
  if (from.permissions === undefined) return 0;
  return from.permissions.mayPublish(message.topic.name, message.qos, message.retain);
}

function reasonOf(reasonCode: number): string {
  return reasonCode === ReasonCode.topicNameInvalid ? 'topic reserved, too long or too deep' : 'not authorized';
}

/** `permissions`: where they are why, unless the topic itself is. */
function refuse(
  broker: Broker,
  message: Message,
  reasonCode: number,
  reason: string,
  permissions?: Permissions,
): number {
  const { publisher: clientId, qos, retain } = message;
  const { name: topic, refusal } = message.topic;
  broker.metrics.publishesRefused += 1;
  if (reasonCode === ReasonCode.topicNameInvalid) broker.metrics.topicsRefused += 1;
  const denied = refusal === 0 ? ({ action: 'publish', name: topic, qos, retain } as const) : undefined;
  broker.denials.tell(
    { name: 'publishRefused', clientId, topic, reasonCode, reason, rule: undefined },
    permissions,
    denied,
  );
  return reasonCode;
}

/** Whether taking the message would write more into the store than it removes, and the store has no room for that. */
export function lacksRoom(broker: Broker, from: Session | undefined, message: Message): boolean {
  if (!broker.storage.isLow) return false;
  if (message.retain && message.payloadLength > 0 && !isOfBroker(message.topic.name)) return true;
  if (message.qos === 0) return false;
  if (message.qos === 2 && from?.isStored === true) return true;
  const { subscriptions, groups } = broker.router.match(message.topic);
  return (
    subscriptions.some(({ session, qos }) => qos > 0 && session.isStored) || groups.some((group) => group.hasStored)
  );
}

/** A 3.x client could not be told: it is closed, and sends again when it comes back. */
function refuseForStore(connection: Connection, message: Message): number {
  const reasonCode = refuseWithoutRoom(connection.broker, message);
  if (connection.protocolVersion !== 5 && message.qos > 0)
    throw new MqttError('quota-exceeded', reasonCode, 'Cannot take the PUBLISH: the store has no room');
  return reasonCode;
}

/** Counts and tells it. Returns the Reason Code. */
export function refuseWithoutRoom(broker: Broker, message: Message): number {
  broker.metrics.storeRefused += 1;
  return refuse(broker, message, ReasonCode.quotaExceeded, 'no room in the store');
}

/** Keeps the message in the slot of its topic, or empties the slot [MQTT-3.3.1-6], [MQTT-3.3.1-7]. False: no room. */
function retain(broker: Broker, message: Message): boolean {
  if (message.payloadEnd === message.payloadStart) {
    broker.retained.delete(message.topic.name);
    return true;
  }
  if (!broker.retained.hasRoomFor(message)) {
    broker.metrics.retainedRefused += 1;
    return false;
  }
  broker.retained.set(message.own());
  broker.metrics.retainedStored += 1;
  return true;
}

function codeOf(wanted: boolean): number {
  return wanted ? ReasonCode.success : ReasonCode.noMatchingSubscribers;
}

function answer(
  connection: Connection,
  session: Session,
  qos: 1 | 2,
  packetId: number,
  verdict: Awaitable<number>,
  before: number,
): void {
  const { commits } = connection.broker;
  const header = qos === 1 ? PUBACK : PUBREC;
  if (typeof verdict !== 'number') {
    connection.unfinishedPublishes += 1;
    if (qos === 2) {
      remember(connection, session, packetId);
      answerLater(connection, header, packetId, undecided(connection.broker, session, packetId, verdict));
    } else answerLater(connection, header, packetId, verdict, () => finished(connection));
    return;
  }
  if (qos === 2 && verdict < 0x80) {
    connection.unfinishedPublishes += 1;
    remember(connection, session, packetId);
  }
  const ticket = commits.written === before ? 0 : commits.ticket;
  if (verdict >= 0x80) {
    connection.answerRefusal(header, packetId, verdict, ticket);
    return;
  }
  if (ticket === 0 || qos === 2) {
    connection.acknowledge(header, packetId, verdict, ticket);
    return;
  }
  connection.unfinishedPublishes += 1;
  connection.acknowledge(header, packetId, verdict, ticket, () => finished(connection));
}

/** Gives back one place of Receive Maximum; what an earlier connection began took none of this one [MQTT-4.9.0-1]. */
function finished(connection: Connection): void {
  if (connection.unfinishedPublishes > 0) connection.unfinishedPublishes -= 1;
}

/** PUBACK or PUBREC in its place in line, when another broker has taken the message. */
function answerLater(
  connection: Connection,
  header: number,
  packetId: number,
  verdict: Promise<number>,
  then?: () => void,
): void {
  const { commits } = connection.broker;
  const place = connection.reserveAnswer(undefined, Number.POSITIVE_INFINITY, then);
  connection.whenAnswered(verdict, (reasonCode) =>
    connection.settleAnswer(place, header, packetId, reasonCode, commits.isIdle ? 0 : commits.ticket),
  );
}

/**
 * Nobody has taken the QoS 2 message yet. Until that is known a repeat of it waits as well, and where nobody takes it,
 * whether its connection still lives or not, the client may send it again as a new one.
 */
function undecided(broker: Broker, session: Session, packetId: number, verdict: Promise<number>): Promise<number> {
  const known = verdict.then(
    (reasonCode) => {
      session.undecided?.delete(packetId);
      return reasonCode;
    },
    (error: unknown) => {
      session.undecided?.delete(packetId);
      session.receiver?.refuse(packetId);
      if (session.hasRecord) broker.commits.write({ op: 'deleteReceived', session: session.number, packetId });
      throw error;
    },
  );
  session.undecided ??= new Map();
  session.undecided.set(packetId, known);
  return known;
}

function remember(connection: Connection, session: Session, packetId: number): void {
  session.receiver ??= new ReceiverFlow();
  session.receiver.receive(packetId);
  if (session.isStored) connection.broker.commits.write({ op: 'putReceived', session: session.number, packetId });
}
