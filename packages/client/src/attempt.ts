/** One attempt to connect: asks for what is fetched anew, dials, and says CONNECT until CONNACK or until it failed. */

import { type ConnackPacket, type ConnectPacket, type Packet, protocolError } from '@dunlin/protocol';
import type { Authenticating } from './authenticating.ts';
import { Connection, lost, type PacketTap } from './connection.ts';
import type { DialRequest } from './dial.ts';
import { disconnectedBy, mqttError, reasonCodeOfReturnCode, refused } from './errors.ts';
import { onDemand } from './on-demand.ts';
import { operation } from './operation.ts';
import type { Provided } from './options.ts';
import { payloadBytes } from './payload.ts';
import { checkProblemInformation } from './problem-information.ts';
import { parsedUrl, type Settings, userOf } from './settings.ts';

/** What an attempt is made of. */
export interface AttemptContext {
  readonly settings: Settings;
  /** In place of that of the settings: where a server said to go. The attempt sets it to where it went. */
  url: URL | undefined;
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly tap: PacketTap;
  readonly certificateSeen: DialRequest['certificateSeen'];
  /** Set by the attempt: CONNECT was sent, so without an answer what the server made of it is unknown. */
  isAsked: boolean;
}

/** A connection whose CONNECT was accepted. It is paused behind CONNACK, and its owner is to be set. */
export interface Established {
  readonly connection: Connection;
  readonly connack: ConnackPacket;
  /** Where CONNECT had an Authentication Method. */
  readonly authenticating: Authenticating | undefined;
}

const authenticatingPart = onDemand(() => import('./authenticating.ts'));

/** Connects, within `connectTimeoutMs` and until `signal` says no. Rejects with `MqttError`. */
export function attempt(context: AttemptContext, signal: AbortSignal): Promise<Established> {
  const { environment, connectTimeoutMs: timeoutMs } = context.settings;
  return operation(environment, 'Cannot connect', { signal, timeoutMs }, (settle) => {
    const bounds = new AbortController();
    connect(context, bounds.signal).then(settle.resolve, (error) =>
      settle.reject(mqttError(error, 'connection-failed')),
    );
    return () => bounds.abort();
  });
}

/** Nobody waits for it any more once the signal is aborted. */
async function connect(context: AttemptContext, signal: AbortSignal): Promise<Established> {
  const { settings, certificateSeen, tap } = context;
  const url = context.url ?? parsedUrl(await provided(settings.url));
  context.url = url;
  const packet = await connectPacket(context, url);
  const tls = await provided(settings.tls);
  const { protocolVersion, properties } = packet;
  const method = properties.authenticationMethod;
  const part = method === undefined ? undefined : await authenticatingPart();
  signal.throwIfAborted();
  const { connectTimeoutMs: timeoutMs, maximumPacketSize, authentication } = settings;
  const wire = await settings.dial({ url, tls, protocolVersion, signal, timeoutMs, certificateSeen });
  if (signal.aborted) wire.destroy();
  signal.throwIfAborted();
  context.isAsked = true;
  return new Promise<Established>((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(error);
      connection.close();
    };
    const handshake = {
      received: (answer: Packet): void => {
        checkProblemInformation(packet, answer);
        if (answer.type === 'auth' && authenticating !== undefined) authenticating.received(answer);
        else if (answer.type === 'disconnect') failed(disconnectedBy(answer));
        else if (answer.type !== 'connack') {
          throw protocolError(`Cannot accept ${answer.type.toUpperCase()} before CONNACK [MQTT-3.2.0-1]`);
        } else if (answer.reasonCode === 0) accepted(answer);
        else {
          const { reasonCode } = answer;
          failed(
            refused('Cannot connect', protocolVersion === 5 ? reasonCode : reasonCodeOfReturnCode(reasonCode), answer),
          );
        }
      },
      drained: () => {},
      failed,
      closed: (error: Error | undefined): void => reject(lost(error)),
    };
    const accepted = (connack: ConnackPacket): void => {
      checkConnack(packet, connack);
      // What a resumed session brings with CONNACK waits until the caller of `connect` has had its turn to listen.
      connection.pause();
      // A wire that closes in the same turn is told to this owner, and to no later one.
      Promise.resolve(authenticating?.connected(connack)).then(
        () => resolve({ connection, connack, authenticating }),
        failed,
      );
    };
    const connection = new Connection(wire, protocolVersion, maximumPacketSize, tap, handshake);
    const authenticating = part && new part.Authenticating(method as string, authentication, connection);
    signal.addEventListener('abort', () => connection.owner === handshake && connection.destroy());
    connection.open();
    connection.send(packet);
  });
}

/** Throws what a server may not say to this CONNECT. */
function checkConnack({ clientId, cleanStart, properties }: ConnectPacket, connack: ConnackPacket): void {
  const { assignedClientIdentifier, authenticationMethod } = connack.properties;
  const fault =
    connack.sessionPresent && cleanStart
      ? 'Session Present is 1, but this client has no session [MQTT-3.2.2-4]'
      : clientId !== '' && assignedClientIdentifier !== undefined
        ? 'it assigns a Client Identifier, though CONNECT had one (3.2.2.3.7)'
        : authenticationMethod !== properties.authenticationMethod &&
          'its Authentication Method is not that of CONNECT [MQTT-4.12.0-5]';
  if (fault) throw protocolError(`Cannot accept CONNACK: ${fault}`);
}

async function connectPacket({ settings, clientId, cleanStart }: AttemptContext, url: URL): Promise<ConnectPacket> {
  const packet: ConnectPacket = { ...settings.connect, clientId, cleanStart };
  const fromUrl = userOf(url);
  const username = (await provided(settings.username)) ?? fromUrl.username;
  const password = (await provided(settings.password)) ?? fromUrl.password;
  if (username !== undefined) packet.username = username;
  if (password !== undefined) packet.password = payloadBytes(password);
  return packet;
}

/** The value, or what its function gives. */
function provided<Value>(value: Provided<Value>): Value | Promise<Value> {
  return typeof value === 'function' ? (value as () => Value | Promise<Value>)() : value;
}
