/** One attempt to connect: asks for what is fetched anew, dials, and says CONNECT until CONNACK or until it failed. */

import { type ConnackPacket, type ConnectPacket, type Packet, protocolError } from '@dunlin/protocol';
import type { Authenticating } from './authenticating.ts';
import { Connection, type ConnectionOwner, lost, type PacketTap } from './connection.ts';
import type { CertificateSeen } from './dial.ts';
import { disconnectedBy, type MqttError, mqttError, reasonCodeOfReturnCode, refused } from './errors.ts';
import { onDemand } from './on-demand.ts';
import { type Settle, timedOut } from './operation.ts';
import type { Provided } from './options.ts';
import { payloadBytes } from './payload.ts';
import { checkProblemInformation } from './problem-information.ts';
import { parsedUrl, type Settings, userOf } from './settings.ts';

/** What an attempt is made of. */
export interface AttemptContext {
  readonly settings: Settings;
  /** In place of that of the settings: where a server said to go. */
  readonly url: URL | undefined;
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly tap: PacketTap;
  readonly certificateSeen: (certificate: CertificateSeen) => void;
}

/** A connection whose CONNECT was accepted. It is paused behind CONNACK, and its owner is to be set. */
export interface Established {
  readonly url: URL;
  readonly connection: Connection;
  readonly connack: ConnackPacket;
  /** Where CONNECT had an Authentication Method. */
  readonly authenticating: Authenticating | undefined;
}

const authenticatingPart = onDemand(() => import('./authenticating.ts'));

/** Why an attempt failed, and where it went: a server may refer to another one. */
export class AttemptFailed {
  readonly error: MqttError;
  readonly url: URL | undefined;
  /** CONNECT was sent and had no answer: what the server made of it is unknown. */
  readonly isUnanswered: boolean;

  constructor(error: MqttError, url: URL | undefined, isUnanswered: boolean) {
    this.error = error;
    this.url = url;
    this.isUnanswered = isUnanswered;
  }
}

/** Connects, within `connectTimeoutMs` and until `signal` says no. Rejects with `AttemptFailed`. */
export async function attempt(context: AttemptContext, signal: AbortSignal): Promise<Established> {
  const { settings, certificateSeen } = context;
  const { environment, connectTimeoutMs: timeoutMs } = settings;
  const bounds = new AbortController();
  const giveUp = (): void => bounds.abort(signal.reason);
  signal.addEventListener('abort', giveUp);
  const cancel = environment.setTimer(timeoutMs, () => bounds.abort(timedOut('Cannot connect', timeoutMs)));
  let url: URL | undefined;
  let isAsked = false;
  try {
    url = context.url ?? parsedUrl(await provided(settings.url, bounds.signal));
    const connect = await connectPacket(context, url, bounds.signal);
    const tls = await provided(settings.tls, bounds.signal);
    const { authenticationMethod: method } = connect.properties;
    const part = method === undefined ? undefined : await within(authenticatingPart(), bounds.signal);
    const dialled = settings
      .dial({ url, tls, protocolVersion: connect.protocolVersion, signal: bounds.signal, timeoutMs, certificateSeen })
      .then((wire) => {
        if (bounds.signal.aborted) wire.destroy();
        return wire;
      });
    const wire = await within(dialled, bounds.signal);
    isAsked = true;
    return await new Promise<Established>((resolve, reject) => {
      const handshake = new Handshake(connect, url as URL, { resolve, reject });
      const connection = new Connection(
        wire,
        connect.protocolVersion,
        settings.maximumPacketSize,
        environment.nowMs,
        context.tap,
        handshake,
      );
      handshake.begin(
        connection,
        part && new part.Authenticating(method as string, settings.authentication, connection),
      );
      bounds.signal.addEventListener('abort', () => handshake.giveUp(bounds.signal.reason));
    });
  } catch (error) {
    const typed = mqttError(error, 'connection-failed');
    throw new AttemptFailed(typed, url, isAsked && typed.packet === undefined);
  } finally {
    cancel();
    signal.removeEventListener('abort', giveUp);
  }
}

/** From CONNECT to CONNACK. */
class Handshake implements ConnectionOwner {
  readonly #connect: ConnectPacket;
  readonly #url: URL;
  readonly #settle: Settle<Established>;
  #connection!: Connection;
  #authenticating: Authenticating | undefined;

  constructor(connect: ConnectPacket, url: URL, settle: Settle<Established>) {
    this.#connect = connect;
    this.#url = url;
    this.#settle = settle;
  }

  begin(connection: Connection, authenticating: Authenticating | undefined): void {
    this.#connection = connection;
    this.#authenticating = authenticating;
    connection.open();
    connection.send(this.#connect);
  }

  giveUp(error: Error): void {
    if (this.#connection.owner !== this) return;
    this.#settle.reject(error);
    this.#connection.destroy();
  }

  received(packet: Packet): void {
    checkProblemInformation(this.#connect, packet);
    if (packet.type === 'auth' && this.#authenticating !== undefined) this.#authenticating.received(packet);
    else if (packet.type === 'disconnect') this.failed(disconnectedBy(packet));
    else if (packet.type !== 'connack') {
      throw protocolError(`Cannot accept ${packet.type.toUpperCase()} before CONNACK [MQTT-3.2.0-1]`);
    } else if (packet.reasonCode === 0) this.#accepted(packet);
    else {
      const { reasonCode } = packet;
      const isOld = this.#connect.protocolVersion !== 5;
      this.failed(refused('Cannot connect', isOld ? reasonCodeOfReturnCode(reasonCode) : reasonCode, packet));
    }
  }

  drained(): void {}

  failed(error: Error): void {
    this.#settle.reject(error);
    this.#connection.close();
  }

  closed(error: Error | undefined): void {
    this.#settle.reject(lost(error));
  }

  #accepted(connack: ConnackPacket): void {
    const { clientId, cleanStart, properties } = this.#connect;
    if (connack.sessionPresent && cleanStart) {
      throw protocolError('Cannot accept CONNACK: Session Present is 1, but this client has no session [MQTT-3.2.2-4]');
    }
    if (clientId !== '' && connack.properties.assignedClientIdentifier !== undefined) {
      throw protocolError('Cannot accept CONNACK: it assigns a Client Identifier, though CONNECT had one (3.2.2.3.7)');
    }
    if (connack.properties.authenticationMethod !== properties.authenticationMethod) {
      throw protocolError('Cannot accept CONNACK: its Authentication Method is not that of CONNECT [MQTT-4.12.0-5]');
    }
    this.#authenticating?.connected(connack);
    // What a resumed session brings with CONNACK waits until the caller of `connect` has had its turn to listen.
    this.#connection.pause();
    const established = { url: this.#url, connection: this.#connection, connack, authenticating: this.#authenticating };
    // A wire that closes in the same turn is told to this owner, and to no later one.
    queueMicrotask(() => this.#settle.resolve(established));
  }
}

async function connectPacket(
  { settings, clientId, cleanStart }: AttemptContext,
  url: URL,
  signal: AbortSignal,
): Promise<ConnectPacket> {
  const packet: ConnectPacket = { ...settings.connect, clientId, cleanStart };
  const fromUrl = userOf(url);
  const username = (await provided(settings.username, signal)) ?? fromUrl.username;
  const password = (await provided(settings.password, signal)) ?? fromUrl.password;
  if (username !== undefined) packet.username = username;
  if (password !== undefined) packet.password = payloadBytes(password);
  return packet;
}

/** The value, or what its function gives. */
function provided<Value>(value: Provided<Value>, signal: AbortSignal): Promise<Value> {
  return within(
    (async () => (typeof value === 'function' ? (value as () => Value | Promise<Value>)() : value))(),
    signal,
  );
}

/** The promise, or the signal's reason where that is first. */
function within<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    promise.then(resolve, reject);
  });
}
