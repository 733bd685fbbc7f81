/** Asks the Authenticator who a client is: with CONNECT, over AUTH exchanges, and again later (section 4.12). */
import { type AuthPacket, type ConnectPacket, MqttError, ReasonCode } from '@dunlin/protocol';
import { refusalOfIdentity } from './admission.ts';
import { refusalBy } from './checks.ts';
import type { Connection } from './connection.ts';
import { permit } from './delivery-checks.ts';
import { expel, refuseConnect } from './disconnect.ts';
import type { AuthenticationRequest, AuthenticationResult, Awaitable, Principal, Refusal } from './ports.ts';
import { refusalOfReview } from './reviews.ts';
import type { Session } from './session.ts';
import { renewWill } from './will.ts';

const UNASKED_CHALLENGE = 'Cannot challenge the client: an Authentication Method in CONNECT is expected for that';

/** An exchange under way: what the Authenticator wants back, and what follows success. */
export interface AuthenticationProgress {
  readonly connect: ConnectPacket;
  readonly state: unknown;
  readonly done: (principal: Principal, data: Uint8Array | undefined) => void;
}

/** Asks who the client of a CONNECT is; goes on with `done` or refuses the connection. */
export function authenticate(
  connection: Connection,
  connect: ConnectPacket,
  done: AuthenticationProgress['done'],
): void {
  const method = connect.properties.authenticationMethod;
  if (method !== undefined && !connection.policy.authenticator.supports(method)) {
    const reason = 'the authentication method is not supported';
    refuseConnect(connection, connect, refusalBy('authentication-method', reason));
    return;
  }
  if (method !== undefined) {
    connection.authenticationMethod = method;
    connection.connectPacket = connect;
  }
  ask(connection, connect, connect.properties.authenticationData, undefined, done);
}

/** AUTH: an answer to a challenge, or the wish to authenticate again. */
export function receiveAuth(connection: Connection, packet: AuthPacket): void {
  const method = connection.authenticationMethod;
  if (method === undefined) throw authError('the client named no Authentication Method in CONNECT [MQTT-4.12.0-7]');
  if (packet.properties.authenticationMethod !== method)
    throw authError('the Authentication Method differs from that of CONNECT [MQTT-4.12.0-5]');
  const progress = connection.authentication;
  const view = packet.properties.authenticationData;
  // An Authenticator may look at it later than the read chunk that it came in lasts.
  const data = view && Uint8Array.from(view);
  if (packet.reasonCode === ReasonCode.reAuthenticate) {
    if (connection.state !== 'open' || progress !== undefined)
      throw authError('an exchange is under way [MQTT-4.12.0-3]');
    const connect = connection.connectPacket as ConnectPacket;
    ask(connection, connect, data, undefined, (principal, final) => renewed(connection, principal, final));
    return;
  }
  if (packet.reasonCode !== ReasonCode.continueAuthentication || progress === undefined)
    throw authError('no challenge was sent [MQTT-4.12.0-3]');
  connection.authentication = undefined;
  ask(connection, progress.connect, data, progress.state, progress.done);
}

function ask(
  connection: Connection,
  connect: ConnectPacket,
  data: Uint8Array | undefined,
  state: unknown,
  done: AuthenticationProgress['done'],
): void {
  const asked = new AbortController();
  const request = {
    peer: connection.wire.peer,
    listener: connection.policy.name,
    connect,
    data,
    state,
    current: connection.principal,
    gone: asked.signal,
  };
  connection.broker.reviews.see(connection);
  connection.whenSettled(answerOf(connection, request), (result) => settle(connection, connect, result, done), asked);
}

function answerOf(connection: Connection, request: AuthenticationRequest): Awaitable<AuthenticationResult> {
  try {
    const answer = connection.policy.authenticator.authenticate(request);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => failed(connection, request.connect, error));
  } catch (error) {
    return failed(connection, request.connect, error);
  }
}

/** The Authenticator did not answer as it has to: the client is refused, and operators see why. */
function failed(connection: Connection, { clientId }: ConnectPacket, error: unknown): Refusal {
  const { broker, policy } = connection;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Whoever comes in the same second meets the same.
  broker.tellSeldom({ name: 'authenticatorFailed', clientId, listener: policy.name, error: text });
  return refusalBy('authenticator-failed', 'who you are cannot be found out now');
}

function settle(
  connection: Connection,
  connect: ConnectPacket,
  result: AuthenticationResult,
  done: AuthenticationProgress['done'],
): void {
  if (result.kind === 'accept') {
    const refusal = refusalOfAccepted(connection, connect, result.principal);
    if (refusal !== undefined) {
      refuse(connection, connect, refusal);
      return;
    }
    connection.principal = result.principal;
    done(result.principal, result.data);
    return;
  }
  if (result.kind === 'challenge' && connection.authenticationMethod === undefined) {
    settle(connection, connect, failed(connection, connect, new Error(UNASKED_CHALLENGE)), done);
    return;
  }
  if (result.kind === 'challenge') {
    connection.authentication = { connect, state: result.state, done };
    sendAuth(connection, ReasonCode.continueAuthentication, result.data);
    return;
  }
  connection.broker.metrics.authenticationFailures += 1;
  refuse(connection, connect, result);
}

function refuse(connection: Connection, connect: ConnectPacket, refusal: Refusal): void {
  if (connection.state === 'open') expel(connection, refusal);
  else refuseConnect(connection, connect, refusal);
}

/** What the Authenticator does not look at: the time, the session, and what has changed while it thought. */
function refusalOfAccepted(connection: Connection, { clientId }: ConnectPacket, principal: Principal) {
  const { broker, principal: current } = connection;
  if (principal.expiresAtMs <= broker.nowMs) return refusalBy('credential-expired', 'the credential has expired');
  const changed = current && refusalOfIdentity(broker, current.identity, principal);
  if (changed !== undefined || broker.reviews.isSeen(connection)) return changed;
  broker.reviews.see(connection);
  return refusalOfReview(connection, principal, clientId);
}

/** Success of a re-authentication: other rules may hold from now on. */
function renewed(connection: Connection, principal: Principal, data: Uint8Array | undefined): void {
  const { broker } = connection;
  const session = connection.session as Session;
  if (session.identity !== principal.identity) {
    session.identity = principal.identity;
    broker.sessionCounts.keepNames(session, principal);
    broker.connectionCounts.opened(connection, principal.identity);
    if (session.hasRecord) broker.commits.write({ op: 'putSession', session: session.connectedRecord() });
  }
  permit(session, broker.authorizer?.permissions(session.clientId, principal));
  renewWill(broker, session, principal);
  broker.connectionDeadlines.watch(connection);
  sendAuth(connection, ReasonCode.success, data);
}

function sendAuth(connection: Connection, reasonCode: number, data: Uint8Array | undefined): void {
  const properties = {
    authenticationMethod: connection.authenticationMethod,
    ...(data === undefined ? {} : { authenticationData: data }),
  };
  connection.answer(connection.encode({ type: 'auth', reasonCode, properties }), 0);
}

function authError(why: string): MqttError {
  return new MqttError('protocol-error', ReasonCode.protocolError, `Cannot handle AUTH: ${why}`);
}
