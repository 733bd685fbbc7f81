/** Asks the Authenticator who a client is: with CONNECT, over AUTH exchanges, and again later (section 4.12). */
import { type AuthPacket, type ConnectPacket, MqttError, ReasonCode } from '@dunlin/protocol';
import type { Connection } from './connection.ts';
import { refuseConnect, sendDisconnect } from './disconnect.ts';
import type { AuthenticationResult, Principal } from './ports.ts';

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
    refuseConnect(
      connection,
      connect.clientId,
      ReasonCode.badAuthenticationMethod,
      'the authentication method is not supported',
    );
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
  if (packet.reasonCode === ReasonCode.reAuthenticate) {
    if (connection.state !== 'open' || progress !== undefined)
      throw authError('an exchange is under way [MQTT-4.12.0-3]');
    const connect = connection.connectPacket as ConnectPacket;
    ask(connection, connect, packet.properties.authenticationData, undefined, (principal, data) =>
      renewed(connection, principal, data),
    );
    return;
  }
  if (packet.reasonCode !== ReasonCode.continueAuthentication || progress === undefined)
    throw authError('no challenge was sent [MQTT-4.12.0-3]');
  connection.authentication = undefined;
  ask(connection, progress.connect, packet.properties.authenticationData, progress.state, progress.done);
}

function ask(
  connection: Connection,
  connect: ConnectPacket,
  data: Uint8Array | undefined,
  state: unknown,
  done: AuthenticationProgress['done'],
): void {
  const request = {
    peer: connection.wire.peer,
    listener: connection.policy.name,
    connect,
    data,
    state,
    current: connection.principal,
  };
  connection.whenSettled(connection.policy.authenticator.authenticate(request), (result) =>
    settle(connection, connect, result, done),
  );
}

function settle(
  connection: Connection,
  connect: ConnectPacket,
  result: AuthenticationResult,
  done: AuthenticationProgress['done'],
): void {
  if (result.kind === 'accept') {
    connection.principal = result.principal;
    done(result.principal, result.data);
    return;
  }
  if (result.kind === 'challenge') {
    connection.authentication = { connect, state: result.state, done };
    sendAuth(connection, ReasonCode.continueAuthentication, result.data);
    return;
  }
  connection.broker.metrics.authenticationFailures += 1;
  const reason = result.reason ?? 'not authenticated';
  if (connection.state === 'open') sendDisconnect(connection, result.reasonCode, reason);
  else refuseConnect(connection, connect.clientId, result.reasonCode, reason);
}

/** Success of a re-authentication: other rules may hold from now on. */
function renewed(connection: Connection, principal: Principal, data: Uint8Array | undefined): void {
  const session = connection.session;
  if (session !== undefined)
    session.permissions = connection.broker.authorizer?.permissions(session.clientId, principal);
  connection.broker.watchConnection(connection);
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
