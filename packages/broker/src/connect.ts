/**
 * The path of a CONNECT, from the first packet of a connection to a session that owns it.
 *
 *   first packet → version → identifier → authenticate → bound session, will → claim → limits → take over
 *                → clean start or resume → will → CONNACK → unfinished deliveries
 *
 * Steps 4 and 6 may wait; packets pipelined behind CONNECT wait with them.
 */
import {
  type ConnectPacket,
  connectVersionHint,
  decodeConnect,
  decodePacket,
  MqttError,
  PACKET_BYTES_MAXIMUM,
  type Properties,
  ReasonCode,
  TopicAliasReceiver,
  TopicAliasSender,
} from '@dunlin/protocol';
import {
  expiryAskedFor,
  refusalOfConnection,
  refusalOfIdentity,
  refusalOfSession,
  refusalOfWill,
} from './admission.ts';
import { authenticate, receiveAuth } from './authentication.ts';
import type { Broker } from './broker.ts';
import { refusalBy } from './checks.ts';
import type { Connection } from './connection.ts';
import { holdDeliveries, releaseDeliveries } from './delivery.ts';
import { permit } from './delivery-checks.ts';
import { connectionEnded, endSession, refuseConnect, rejectConnection, sendDisconnect } from './disconnect.ts';
import type { Awaitable, Permissions, Principal, Refusal } from './ports.ts';
import { refusalOfReview } from './reviews.ts';
import { Session } from './session.ts';
import { armWill } from './will.ts';

const CONNECT = 1;

/** Handles a packet before CONNACK: CONNECT, then only AUTH of its exchange. */
export function receiveFirstPacket(
  connection: Connection,
  bytes: Buffer,
  start: number,
  bodyStart: number,
  end: number,
): void {
  if (connection.state === 'connecting') {
    receivePacketBeforeConnack(connection, bytes, start, bodyStart, end);
    return;
  }
  // 1. Nothing but CONNECT may come first [MQTT-3.1.0-1]: `checkFirstByte` has seen to it.
  const hint = connectVersionHint(bytes, bodyStart, end);
  if (hint !== undefined) {
    connection.protocolVersion = hint;
    connection.isVersionKnown = true;
  }
  receiveConnect(connection, owned(decodeConnect(bytes, start, bodyStart, end, connection.decodeOptions)));
}

/** @throws MqttError where a connection does not begin with CONNECT [MQTT-3.1.0-1]; it closes without an answer. */
export function checkFirstByte(byte: number): void {
  if (byte >> 4 === CONNECT) return;
  const found = `0x${byte.toString(16).padStart(2, '0')}`;
  throw new MqttError(
    'protocol-error',
    ReasonCode.protocolError,
    `Cannot begin with ${found}: CONNECT (0x10) must come first [MQTT-3.1.0-1]`,
  );
}

/** The packet with its own bytes: who the client is may be known only after the read chunk was reused. */
function owned(connect: ConnectPacket): ConnectPacket {
  const { password, will, properties } = connect;
  const data = properties.authenticationData;
  const correlation = will?.properties.correlationData;
  // One of length zero proves nothing: whoever looks at it sees none.
  if (password !== undefined) connect.password = password.length === 0 ? undefined : Uint8Array.from(password);
  if (data !== undefined) connect.properties = { ...properties, authenticationData: Uint8Array.from(data) };
  if (will !== undefined) {
    will.payload = Uint8Array.from(will.payload);
    if (correlation !== undefined)
      will.properties = { ...will.properties, correlationData: Uint8Array.from(correlation) };
  }
  return connect;
}

function receivePacketBeforeConnack(
  connection: Connection,
  bytes: Buffer,
  start: number,
  bodyStart: number,
  end: number,
): void {
  const packet = decodePacket(
    connection.protocolVersion,
    'server',
    bytes,
    start,
    bodyStart,
    end,
    connection.decodeOptions,
  );
  if (packet.type === 'auth') receiveAuth(connection, packet);
  else if (packet.type === 'disconnect')
    connectionEnded(connection, 'client', packet.reasonCode, 'DISCONNECT before CONNACK');
  else
    throw new MqttError(
      'protocol-error',
      ReasonCode.protocolError,
      `Cannot handle ${packet.type.toUpperCase()} before CONNACK [MQTT-3.1.2-30]`,
    );
}

/** A client that was let in, on its way to its session. */
interface Entrant {
  readonly connect: ConnectPacket;
  /** The broker has given it its Client Identifier. */
  readonly isAssigned: boolean;
  readonly principal: Principal;
  readonly permissions: Permissions | undefined;
  /** Authentication Data for CONNACK. */
  readonly data: Uint8Array | undefined;
}

function receiveConnect(connection: Connection, connect: ConnectPacket): void {
  const broker = connection.broker;
  connection.state = 'connecting';
  connection.protocolVersion = connect.protocolVersion;
  connection.isBridge = connect.bridge;

  // 2. Is this version served here, and does the server take clients now?
  const versions = connection.policy.versions;
  if (versions !== undefined && !versions.includes(connect.protocolVersion)) {
    const reason = 'this listener does not serve the protocol version';
    refuseConnect(connection, connect, refusalBy('protocol-version', reason));
    return;
  }
  if (broker.isDraining) {
    const { serverReference } = broker.settings;
    const code = serverReference === undefined ? {} : { reasonCode: ReasonCode.useAnotherServer };
    const refusal = refusalBy('draining', 'the server is shutting down', code);
    refuseConnect(connection, connect, refusal, serverReference);
    return;
  }

  // 3. Which client? Without an identifier it gets one [MQTT-3.1.3-6], except where the version has no way for it.
  applyClientLimits(connection, connect);
  if (
    connect.clientId === '' &&
    (connect.protocolVersion === 3 || (connect.protocolVersion === 4 && !connect.cleanStart))
  ) {
    refuseConnect(connection, connect, refusalBy('client-id', 'an empty Client Identifier needs Clean Session 1'));
    return;
  }
  const clientId = connect.clientId === '' ? broker.newClientId() : connect.clientId;

  // 4. Who is it? [MQTT-3.1.4-2]
  const named = clientId === connect.clientId ? connect : { ...connect, clientId };
  authenticate(connection, named, (principal, data) => {
    // 5. May it have this session, and leave such a will? The will is checked again when it is published.
    const permissions = broker.authorizer?.permissions(clientId, principal);
    const refusal =
      refusalOfIdentity(broker, broker.sessionsById.get(clientId)?.identity, principal) ??
      refusalOfWill(broker, connect, permissions);
    if (refusal !== undefined) {
      refuseConnect(connection, named, refusal);
      return;
    }
    // 6. Another broker that has this client lets go first.
    const entrant = { connect: named, isAssigned: connect.clientId === '', principal, permissions, data };
    connection.whenSettled(claim(broker, connection, clientId), () => arrive(connection, entrant));
  });
}

/** What the client said about itself that every later packet to it must keep to. */
function applyClientLimits(connection: Connection, connect: ConnectPacket): void {
  const { broker } = connection;
  const properties = connect.properties;
  connection.maximumPacketSize = Math.min(properties.maximumPacketSize ?? PACKET_BYTES_MAXIMUM, PACKET_BYTES_MAXIMUM);
  connection.sendMaximum = Math.min(properties.receiveMaximum ?? 65_535, broker.limits.inflightMessagesMax);
  connection.wantsProblemInformation = properties.requestProblemInformation !== 0;
}

/** Claims the session for this broker, and gives the claim up where the client did not wait for it. */
function claim(broker: Broker, connection: Connection, clientId: string): Awaitable<void> {
  const claimed = broker.directory.claim(clientId);
  if (!(claimed instanceof Promise)) return claimed;
  const { claims } = broker;
  claims.set(clientId, (claims.get(clientId) ?? 0) + 1);
  const settled = () => {
    const others = (claims.get(clientId) ?? 1) - 1;
    if (others > 0) claims.set(clientId, others);
    else claims.delete(clientId);
  };
  return claimed.finally(settled).then(() => {
    // Another connection of the client may wait for the claim, or have it.
    const isWanted = !connection.isClosed || claims.has(clientId) || broker.sessionsById.has(clientId);
    if (!isWanted) broker.directory.release(clientId);
  });
}

/** A client whose claim holds. What was found out about it is from before the claim. */
function arrive(connection: Connection, entrant: Entrant): void {
  const { broker } = connection;
  const { connect, principal } = entrant;
  const { clientId } = connect;
  let { permissions } = entrant;
  let refusal: Refusal | undefined;

  // 7. A review may have begun meanwhile, or another client have made the session. Who is refused here leaves the
  //    former session as it is, with whoever has it.
  if (!broker.reviews.isSeen(connection)) {
    permissions = broker.authorizer?.permissions(clientId, principal);
    refusal = refusalOfReview(connection, principal, clientId) ?? refusalOfWill(broker, connect, permissions);
  }
  const former = broker.sessionsById.get(clientId);
  refusal ??=
    refusalOfIdentity(broker, former?.identity, principal) ??
    refusalOfConnection(broker, former, principal) ??
    refusalOfSession(broker, former, connect, principal);
  if (refusal === undefined) open(connection, { ...entrant, permissions });
  else {
    if (former === undefined && !broker.claims.has(clientId)) broker.directory.release(clientId);
    refuseConnect(connection, connect, refusal);
  }
}

function open(connection: Connection, { connect, isAssigned, principal, permissions, data }: Entrant): void {
  const { broker } = connection;
  const { clientId } = connect;
  const before = broker.commits.written;

  // 8. A client already connected under this identifier is told and closed [MQTT-3.1.4-3].
  const former = broker.sessionsById.get(clientId);
  if (former?.owner !== undefined) takeOver(broker, former, connection);

  // 9. Clean Start ends the former session [MQTT-3.1.2-4]; else it goes on [MQTT-3.1.2-5].
  //    A former session of expiry 0 has ended with its connection in step 8.
  const stored = broker.sessionsById.get(clientId);
  if (stored !== undefined && connect.cleanStart) endSession(broker, stored, 'clean-start');
  const resumed = connect.cleanStart ? undefined : stored;
  const session = resumed ?? new Session(clientId, broker.newSessionNumber(), broker);
  broker.sessionsById.set(clientId, session);

  // 10. The session belongs to this connection from here on.
  connection.session = session;
  session.owner = connection;
  session.isSucceeded = false;
  session.expiresAtMs = undefined;
  session.identity = principal.identity;
  broker.connectionCounts.opened(connection, principal.identity);
  permit(session, permissions);
  const expiry = expiryAskedFor(connect);
  session.sessionExpiryInterval = Math.min(expiry, broker.limits.sessionExpiryMaxS);
  if (session.sessionExpiryInterval < expiry) broker.metrics.sessionExpiriesLowered += 1;
  broker.sessionCounts.keepNames(session, principal);
  if (session.isStored) broker.sessionCounts.own(session, principal.username);
  // One that is to end with its connection says so there, for its will: a crash counts as the end of every connection.
  if (session.isStored || session.hasRecord || connect.will !== undefined) {
    session.hasRecord = true;
    broker.commits.write({ op: 'putSession', session: session.connectedRecord() });
  }

  // 11. Its will waits for the end of the connection [MQTT-3.1.2-7]; the former one will not be sent [MQTT-3.1.3-9].
  armWill(broker, session, connect.will, principal);

  // 12. CONNACK is the first packet [MQTT-3.2.0-1], when all of that is durable; unfinished deliveries follow it.
  const properties = connackProperties(connection, connect, isAssigned, session, data);
  const bytes = connection.encode({
    type: 'connack',
    sessionPresent: resumed !== undefined,
    reasonCode: 0,
    properties,
  });
  connection.state = 'open';
  if (bytes === undefined) {
    rejectConnection(connection, 'connack-size', 'CONNACK is above the Maximum Packet Size of the client');
    return;
  }
  const ticket = broker.commits.written === before ? 0 : broker.commits.ticket;
  holdDeliveries(connection);
  connection.answer(bytes, ticket, () => {
    session.resume(connection);
    releaseDeliveries(connection);
    session.pump();
  });
  if (ticket !== 0) broker.commits.endOfTurn();
  opened(connection, connect, session, principal, resumed !== undefined);
}

function opened(
  connection: Connection,
  connect: ConnectPacket,
  session: Session,
  principal: Principal,
  sessionPresent: boolean,
): void {
  const { broker } = connection;
  connection.admitPackets(broker.limits.maximumPacketSize);
  const keepAliveS = keepAliveOf(broker, connect);
  connection.keepAliveMs = keepAliveS * 1500;
  broker.connectionDeadlines.watch(connection);
  broker.metrics.connectsAccepted += 1;
  if (!sessionPresent) broker.tell({ name: 'sessionCreated', clientId: session.clientId });
  if (broker.hasListeners)
    broker.tell({
      name: 'clientConnected',
      clientId: session.clientId,
      address: connection.wire.peer.address,
      listener: connection.policy.name,
      protocolVersion: connect.protocolVersion,
      cleanStart: connect.cleanStart,
      sessionPresent,
      keepAlive: keepAliveS,
      username: principal.username,
      identity: principal.identity,
    });
}

function takeOver(broker: Broker, former: Session, connection: Connection): void {
  const other = former.owner as Connection;
  former.isSucceeded = true;
  broker.metrics.sessionsTakenOver += 1;
  broker.tell({
    name: 'sessionTakenOver',
    clientId: former.clientId,
    address: other.wire.peer.address,
    newAddress: connection.wire.peer.address,
  });
  sendDisconnect(other, ReasonCode.sessionTakenOver, 'another connection came with this Client Identifier');
}

/** Seconds; the cap also holds for 0, "never". */
function keepAliveOf(broker: Broker, connect: ConnectPacket): number {
  const maximum = broker.limits.keepAliveMaxS;
  if (maximum >= 65_535) return connect.keepAlive;
  return connect.keepAlive === 0 ? maximum : Math.min(connect.keepAlive, maximum);
}

/** Everything a 5.0 client has to know about this server, and nothing that is the standard's default (section 3.2.2.3). */
function connackProperties(
  connection: Connection,
  connect: ConnectPacket,
  isAssigned: boolean,
  session: Session,
  data: Uint8Array | undefined,
): Properties {
  if (connect.protocolVersion !== 5) return {};
  const { broker } = connection;
  const { limits, settings } = broker;
  const properties: Properties = { receiveMaximum: limits.receiveMaximum, maximumPacketSize: limits.maximumPacketSize };
  if (limits.topicAliasMaximum > 0) {
    properties.topicAliasMaximum = limits.topicAliasMaximum;
    connection.aliasesIn = new TopicAliasReceiver(limits.topicAliasMaximum);
  }
  const aliasesOut = Math.min(connect.properties.topicAliasMaximum ?? 0, limits.outboundTopicAliasMax);
  if (aliasesOut > 0) connection.aliasesOut = new TopicAliasSender(aliasesOut);
  if (isAssigned) properties.assignedClientIdentifier = session.clientId;
  if (session.sessionExpiryInterval !== (connect.properties.sessionExpiryInterval ?? 0))
    properties.sessionExpiryInterval = session.sessionExpiryInterval;
  const keepAliveS = keepAliveOf(broker, connect);
  if (keepAliveS !== connect.keepAlive) {
    properties.serverKeepAlive = keepAliveS;
    broker.metrics.keepAlivesLowered += 1;
  }
  if (settings.maximumQoS < 2) properties.maximumQoS = settings.maximumQoS as 0 | 1;
  if (!settings.retainAvailable) properties.retainAvailable = 0;
  if (!settings.wildcardSubscriptionAvailable) properties.wildcardSubscriptionAvailable = 0;
  if (!settings.subscriptionIdentifierAvailable) properties.subscriptionIdentifierAvailable = 0;
  if (!settings.sharedSubscriptionAvailable) properties.sharedSubscriptionAvailable = 0;
  if (connect.properties.requestResponseInformation === 1 && settings.responseInformation !== undefined)
    properties.responseInformation = settings.responseInformation;
  if (connection.authenticationMethod !== undefined) properties.authenticationMethod = connection.authenticationMethod;
  if (data !== undefined) properties.authenticationData = data;
  return properties;
}
