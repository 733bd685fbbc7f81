/**
 * The end of a connection, whoever ends it: DISCONNECT from the client, an error, an operator, the network.
 *
 *   why → tell the client → close → the will → the session → tell listeners
 */
import {
  type ConnectPacket,
  connackReturnCode,
  type DisconnectPacket,
  isReasonCodeAllowed,
  MqttError,
  NO_PROPERTIES,
  type Properties,
  ReasonCode,
} from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import type { Broker } from './broker.ts';
import { refusalBy } from './checks.ts';
import type { Connection } from './connection.ts';
import { type Entry, mayHandOver } from './entry.ts';
import type { SessionEnd } from './events.ts';
import type { Refusal } from './ports.ts';
import type { Queue } from './queue.ts';
import type { Session } from './session.ts';
import { shownUsername } from './shown-username.ts';
import { forgetSubscriptions } from './subscribe.ts';
import { connectionEndedWithWill, disarmWill, publishWill } from './will.ts';

/** What CONNACK says of who a client is, and DISCONNECT cannot. */
const IDENTITY_CODES: readonly number[] = [
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.banned,
  ReasonCode.badAuthenticationMethod,
];

/** Of a CONNECT that was not kept. */
const NO_CLIENT = { clientId: '', username: undefined };

type EndedBy = 'client' | 'server' | 'network';

/** DISCONNECT from the client. */
export function receiveDisconnect(connection: Connection, packet: DisconnectPacket): void {
  const broker = connection.broker;
  const session = connection.session as Session;
  broker.metrics.disconnectsReceived += 1;

  // 1. It may change the Session Expiry Interval, but not from 0 (section 3.14.2.2.2): then it is no valid DISCONNECT.
  const expiry = packet.properties.sessionExpiryInterval;
  if (expiry !== undefined) {
    if (expiry > 0 && session.sessionExpiryInterval === 0)
      throw new MqttError(
        'protocol-error',
        ReasonCode.protocolError,
        'Cannot raise the Session Expiry Interval from 0 in DISCONNECT (3.14.2.2.2)',
      );
    session.sessionExpiryInterval = Math.min(expiry, broker.limits.sessionExpiryMaxS);
  }

  // 2. With 0x00 the will is discarded [MQTT-3.14.4-3]; with any other code it stands.
  if (packet.reasonCode === ReasonCode.success) disarmWill(broker, session);

  // 3. The connection closes when that is durable.
  connectionEnded(connection, 'client', packet.reasonCode, packet.properties.reasonString ?? '');
}

/** Something the client sent broke a rule: it is told why (5.0) and the connection closes [MQTT-4.13.1-1]. */
export function failConnection(connection: Connection, error: unknown): void {
  if (connection.state === 'closed') return;
  if (!(error instanceof MqttError)) {
    // Ours, not the client's: it sees an unspecified error, the listener sees all.
    connection.broker.internalError(error);
    endByServer(connection, refusalBy('internal-error', 'internal error'));
    return;
  }
  count(connection.broker, error);
  endByServer(connection, refusalBy('protocol-error', error.message, { reasonCode: error.reasonCode }));
}

/** Ends an open connection for a reason of the server: administration, keep alive, takeover, shutdown. */
export function sendDisconnect(
  connection: Connection,
  reasonCode: number,
  reason: string,
  serverReference?: string,
): void {
  endOpen(connection, reasonCode, reason, { serverReference });
}

/** Ends the connection of a client that was let in and may not stay; as before CONNACK, it is told and counted. */
export function expel(connection: Connection, refusal: Refusal): void {
  const { broker } = connection;
  if (connection.state === 'closed') return;
  broker.metrics.clientsExpelled += 1;
  broker.refusals.count(refusal.check);
  endOpen(connection, failureOf(refusal), refusal.reason, refusal);
}

/** Whatever an Authenticator says, a refusal never reads as success. */
function failureOf({ reasonCode }: Refusal): number {
  return reasonCode >= 0x80 ? reasonCode : ReasonCode.notAuthorized;
}

/** Answers a CONNECT with a failure and closes [MQTT-3.2.2-7]. */
export function refuseConnect(
  connection: Connection,
  { clientId, username }: Pick<ConnectPacket, 'clientId' | 'username'>,
  refusal: Refusal,
  serverReference?: string,
): void {
  const { broker } = connection;
  const { check, reason, detail } = refusal;
  const reasonCode = failureOf(refusal);
  broker.metrics.connectsRefused += 1;
  broker.refusals.count(check);
  broker.tell({
    name: 'connectRefused',
    clientId,
    username: shownUsername(username),
    address: connection.wire.peer.address,
    listener: connection.policy.name,
    reasonCode,
    check,
    reason,
    detail,
  });
  sendRefusal(connection, reasonCode, reason, serverReference);
  close(connection);
}

/** Something went wrong on a connection, wherever it stands. */
function endByServer(connection: Connection, refusal: Refusal): void {
  const { reasonCode, reason } = refusal;
  if (connection.state === 'open') {
    endOpen(connection, reasonCode, reason, {});
    return;
  }
  connection.broker.metrics.connectionsClosedByServer += 1;
  if (connection.state === 'connecting') {
    refuseConnect(connection, connection.connectPacket ?? NO_CLIENT, refusal);
    return;
  }
  sendRefusal(connection, reasonCode, reason, undefined);
  rejectConnection(connection, refusal.check, reason ?? '');
}

function endOpen(
  connection: Connection,
  reasonCode: number,
  reason: string | undefined,
  more: { readonly serverReference?: string; readonly check?: string; readonly detail?: string },
): void {
  if (connection.state === 'closed') return;
  connection.broker.metrics.connectionsClosedByServer += 1;
  // DISCONNECT only after CONNACK with success has left [MQTT-3.14.0-1]; 3.x has none.
  if (connection.protocolVersion === 5 && connection.isGreeted) {
    const properties = reasonProperties(reason, more.serverReference);
    connection.send({ type: 'disconnect', reasonCode: codeFor('disconnect', reasonCode), properties });
  }
  connectionEnded(connection, 'server', reasonCode, reason ?? '', more);
}

/** Closes a connection whose CONNECT was not handled, and says by which check. */
export function rejectConnection(connection: Connection, check: string, reason: string): void {
  connection.broker.refusals.count(check);
  connectionEnded(connection, 'server', undefined, reason, { check });
}

function reasonProperties(reason: string | undefined, serverReference: string | undefined): Properties {
  return {
    ...(reason === undefined ? {} : { reasonString: shortened(reason) }),
    ...(serverReference === undefined ? {} : { serverReference }),
  };
}

/**
 * The code where the packet may carry it, else the nearest it may: a fault is found at places that its code was not
 * made for, such as a second CONNECT of an unknown version or a bad Topic Alias before CONNACK.
 */
function codeFor(packet: 'connack' | 'disconnect', reasonCode: number): number {
  if (isReasonCodeAllowed(packet, reasonCode, 'server')) return reasonCode;
  if (reasonCode === ReasonCode.serverUnavailable) return ReasonCode.serverBusy;
  return IDENTITY_CODES.includes(reasonCode) ? ReasonCode.notAuthorized : ReasonCode.protocolError;
}

/** A reason that fits any client: what it quotes may be long, and a character may be cut in two. */
function shortened(reason: string): string {
  return reason.length <= 400 ? reason : reason.slice(0, 400).toWellFormed();
}

/** CONNACK with a failure, where the version has one for it and the client can be known to speak it. */
function sendRefusal(
  connection: Connection,
  reasonCode: number,
  reason: string | undefined,
  serverReference: string | undefined,
): void {
  if (connection.state === 'new' && !connection.isVersionKnown) return;
  if (connection.protocolVersion === 5) {
    // How long a packet may be is not known before CONNECT was read.
    const properties = reasonProperties(connection.state === 'new' ? undefined : reason, serverReference);
    connection.send({
      type: 'connack',
      sessionPresent: false,
      reasonCode: codeFor('connack', reasonCode),
      properties,
    });
    return;
  }
  const returnCode = connackReturnCode(reasonCode);
  if (returnCode !== undefined)
    connection.send({ type: 'connack', sessionPresent: false, reasonCode: returnCode, properties: NO_PROPERTIES });
}

/**
 * The connection is over. What was written to it still leaves.
 * @param reasonCode of the DISCONNECT sent or received; undefined where there was none
 */
export function connectionEnded(
  connection: Connection,
  by: EndedBy,
  reasonCode: number | undefined,
  reason: string,
  { check, detail }: { readonly check?: string; readonly detail?: string } = {},
): void {
  const { broker, session } = connection;
  const wasOpen = connection.state === 'open';
  // Whoever said DISCONNECT sees the end when what that changes is durable.
  close(connection, by === 'client' && session?.hasRecord === true);
  if (!wasOpen || session === undefined) {
    broker.tell({
      name: 'connectionRejected',
      address: connection.wire.peer.address,
      listener: connection.policy.name,
      check,
      reason,
    });
    return;
  }
  if (by === 'network') broker.metrics.connectionsLost += 1;
  broker.tell({
    name: 'clientDisconnected',
    clientId: session.clientId,
    identity: connection.principal?.identity,
    address: connection.wire.peer.address,
    reasonCode,
    by,
    reason,
    check,
    detail,
  });
  // Another connection may have the session already.
  if (session.owner === connection) detach(broker, session);
}

/** The broker is about to stop: every connection ends, and nobody waits for what its client would have said. */
export function sendAllAway(broker: Broker, given: number | undefined): void {
  broker.isDraining = true;
  const { serverReference } = broker.settings;
  broker.tell({ name: 'draining', serverReference });
  const standard = serverReference === undefined ? ReasonCode.serverShuttingDown : ReasonCode.useAnotherServer;
  for (const connection of [...broker.connections]) {
    if (connection.state === 'open')
      sendDisconnect(connection, given ?? standard, 'the server is shutting down', serverReference);
    else rejectConnection(connection, 'draining', 'the server is shutting down');
  }
  for (const { receipts } of broker.sessionsById.values()) receipts?.lose();
}

/** The session is without a connection: its will and its end are due now or later. */
export function detach(broker: Broker, session: Session): void {
  session.detach();
  connectionEndedWithWill(broker, session);
  if (session.sessionExpiryInterval === 0) {
    endSession(broker, session, 'disconnected');
    return;
  }
  if (session.sessionExpiryInterval !== 0xffffffff)
    session.expiresAtMs = broker.nowMs + session.sessionExpiryInterval * 1000;
  broker.commits.write({
    op: 'putSession',
    session: session.absentRecord(session.expiresAtMs ?? Number.POSITIVE_INFINITY),
  });
  broker.sessionDeadlines.watch(session);
}

/** A session and all its state end [MQTT-4.1.0-2]. A delayed will goes out now. */
export function endSession(broker: Broker, session: Session, reason: SessionEnd): void {
  if (broker.sessionsById.get(session.clientId) === session) broker.sessionsById.delete(session.clientId);
  broker.sessionCounts.forget(session);
  broker.sessionDeadlines.forget(session);
  // Where another connection of this broker goes on under the identifier, the claim stays.
  if (reason !== 'clean-start' && !session.isSucceeded) broker.directory.release(session.clientId);
  forgetSubscriptions(broker, session);
  publishWill(broker, session);
  const { handOver, rest } = session.end();
  broker.tell({ name: 'sessionEnded', clientId: session.clientId, reason });

  // What a shared subscription gave it goes to another member.
  for (const entry of handOver) handToAnother(broker, session, entry);
  if (rest === undefined) {
    forgetStored(broker, session);
    return;
  }
  // The store keeps it until the rest is handed over: nobody may find it there as one that goes on.
  broker.commits.write({ op: 'putSession', session: session.absentRecord(broker.nowMs) });
  handRestToOthers(broker, session, rest).catch((error: unknown) => broker.commits.fail(error));
}

function forgetStored(broker: Broker, session: Session): void {
  if (session.hasRecord) broker.commits.write({ op: 'deleteSession', session: session.number });
}

function handToAnother(broker: Broker, session: Session, entry: Entry): void {
  const { message } = entry;
  const share = entry.share as string;
  // Before the rest follows the broker may end: then this one is not handed over again.
  if (entry.isStored) broker.commits.write({ op: 'dequeue', session: session.number, entry });
  if (message.isExpired(broker.nowMs)) {
    broker.metrics.messagesExpired += 1;
    return;
  }
  const member = broker.router.group(share)?.choose(message);
  if (member === undefined) {
    broker.metrics.messagesDroppedSessionEnd += 1;
    return;
  }
  broker.metrics.sharedHandedOver += 1;
  member.session.deliver(message, member, share);
}

/** Hands over what waited in the store alone, page by page, when all of it is there; then the store forgets it. */
async function handRestToOthers(broker: Broker, session: Session, rest: Queue): Promise<void> {
  await broker.commits.flushed();
  // A page that was under way for the session itself comes first.
  await rest.whenRead();
  if (broker.isDraining) return;
  while (rest.pagedSize > 0 || rest.peek() !== undefined) {
    if (rest.peek() === undefined)
      await rest.readPage(broker.store, session.number, broker.hasMemory(true) ? undefined : 1);
    // The store keeps what is left for the next start.
    if (broker.isDraining) return;
    broker.beginTurn();
    if (rest.peek() === undefined) throw rest.lost(session.number);
    for (let entry = rest.peek(); entry !== undefined; entry = rest.peek()) {
      rest.shift();
      if (!mayHandOver(entry)) continue;
      broker.commits.dropped(entry.message);
      handToAnother(broker, session, entry);
    }
    // Until then the batch holds the page.
    if (!broker.commits.mayDrop) await broker.commits.flushed();
    // Others have their turn before the next page: a store may answer at once.
    await new Promise<void>((resolve) => broker.endOfTurn(resolve));
  }
  broker.beginTurn();
  forgetStored(broker, session);
}

/** Closes the wire after what was written, and where `isDurable` after this turn's writes; tells nobody. */
function close(connection: Connection, isDurable = false): void {
  const { broker, wire } = connection;
  connection.state = 'closed';
  broker.forget(connection);
  connection.finish();
  connection.held?.lose();
  if (isDurable) closeWhenDurable(broker, wire);
  else wire.close();
  connection.release();
}

function closeWhenDurable(broker: Broker, wire: Wire): void {
  broker.closingWires.add(wire);
  broker.commits.wait({
    durable: () => {
      broker.closingWires.delete(wire);
      wire.close();
    },
  });
}

function count(broker: Broker, error: MqttError): void {
  if (error.code === 'malformed-packet') broker.metrics.malformedPackets += 1;
  else if (error.code === 'packet-too-large') broker.metrics.packetsTooLarge += 1;
  else if (error.code === 'receive-maximum-exceeded') broker.metrics.receiveMaximumExceeded += 1;
  else broker.metrics.protocolErrors += 1;
}
