/** Opens the addresses of a listener entry, and explains why one cannot be opened. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { type HttpVisit, type Listener, listenTcp, type Peer, TransportError, type Wire } from '@dunlin/transport';
import type { ProxyProtocolOptions, ProxyVersion } from '@dunlin/transport/proxy';
import { listenTls, type TlsServerSettings } from '@dunlin/transport/tls';
import { listenUnix } from '@dunlin/transport/unix';
import {
  listenWebSocket,
  STRANGER_MESSAGE_BYTES_MAX,
  type WebSocketListenOptions,
} from '@dunlin/transport/websocket-server';
import { addressesOf, hostAndPort, isLoopback, LOCALHOST } from './address.ts';
import type { ListenerConfiguration, ProxyConfiguration, TlsConfiguration } from './configuration.ts';
import { MQTT_PORT } from './listener-table.ts';

/** Code of a start that the configuration forbids, where the others are for what the machine has. */
export const OPEN_TO_ALL = 'listener-open-to-all';

/** The server cannot start; the message says why. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
  /** `listener-open-to-all`, or the code of the transport, such as `EADDRINUSE`. */
  readonly code: string;
  /** Name of the listener that cannot be opened. */
  readonly listener: string;

  constructor(
    code: string,
    message: string,
    { listener, cause }: { readonly listener: string; readonly cause?: unknown },
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.listener = listener;
  }
}

/** Answers a request of HTTP that is for no WebSocket; false: it does not, which gets the default answer. Must not throw. */
export type HttpRequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  listener: string,
  visit: HttpVisit,
) => boolean;

export interface ListenOptions {
  readonly backlog: number;
  /** Those of each address that the system accepted and that have not finished TLS or their request. */
  readonly waitingMax: number;
  readonly connectionsPerAddressMax: number;
  /** Asked before TLS or HTTP begins. */
  readonly isWelcome: (address: string) => boolean;
  /** Asked of each connection as it comes, with its file descriptor. */
  readonly isSpareFile: (descriptor: number) => boolean;
  readonly accept: (wire: Wire) => void;
  readonly onError: (error: Error) => void;
  /** Somebody was turned away before they could speak MQTT. */
  readonly onRefused: (error: TransportError, peer: Peer) => void;
  /** Of a listener with TLS. */
  readonly tls: TlsServerSettings | undefined;
  /** Bytes; a WebSocket message may carry a packet of that size and some more. */
  readonly maximumPacketSize: number;
  /** Undefined: 426 where there is a WebSocket, else 404. */
  readonly httpRequest: HttpRequestHandler | undefined;
}

/** A free port must be free at both loopback addresses; another program may take the second one meanwhile. */
const freePortAttemptsMax = 20;
/** What the system answers where it has no IPv6 (or, rarely, no IPv4). */
const FAMILY_MISSING: readonly string[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'];

/**
 * Opens every address of a listener entry, at one port.
 *
 * `localhost` is 127.0.0.1 and ::1; one of them may be missing on the machine.
 * @throws ServerStartError
 */
export async function listenAt(configuration: ListenerConfiguration, options: ListenOptions): Promise<Listener[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listenAtAll(configuration, options);
    } catch (error) {
      const isRace = configuration.port === 0 && error instanceof TransportError && error.code === 'EADDRINUSE';
      if (!isRace || attempt >= freePortAttemptsMax) throw explained(error, configuration);
    }
  }
}

async function listenAtAll(configuration: ListenerConfiguration, options: ListenOptions): Promise<Listener[]> {
  const { host, transport } = configuration;
  if (transport === 'unix') return [await openAddress(configuration, { host, port: 0 }, options)];
  const opened: Listener[] = [];
  let missing: unknown;
  for (const address of addressesOf(host)) {
    const port = opened[0]?.port ?? configuration.port;
    try {
      opened.push(await openAddress(configuration, { host: address, port }, options));
    } catch (error) {
      missing = error;
      if (host === LOCALHOST && error instanceof TransportError && FAMILY_MISSING.includes(error.code)) continue;
      await Promise.all(opened.map((listener) => listener.close()));
      throw error;
    }
  }
  if (opened.length === 0) throw missing;
  return opened;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

async function openAddress(
  configuration: ListenerConfiguration,
  place: Place,
  options: ListenOptions,
): Promise<Listener> {
  const { transport, limits, tls, path, mode, proxy } = configuration;
  const { connectionsMax } = limits;
  const common = { ...options, ...place, connectionsMax, proxy: proxyProtocol(proxy) };
  switch (transport) {
    case 'tcp':
      return await listenTcp(common);
    case 'tls': {
      const { handshakeTimeoutMs, handshakesMax } = tls as TlsConfiguration;
      return await listenTls({ ...common, tls: options.tls as TlsServerSettings, handshakeTimeoutMs, handshakesMax });
    }
    case 'ws':
    case 'wss':
      return await listenWebSocket({ ...common, ...webSocketOptions(configuration, options) });
    case 'unix':
      return await listenUnix({ ...common, path: path as string, mode: Number.parseInt(mode, 8) });
  }
}

function webSocketOptions(configuration: ListenerConfiguration, options: ListenOptions) {
  const { name, host, paths, origins, tls, proxy } = configuration;
  const { handshakeTimeoutMs, handshakesMax } = tls ?? {};
  const { maximumPacketSize, httpRequest } = options;
  return {
    tls: options.tls,
    handshakeTimeoutMs,
    handshakesMax,
    paths,
    origins: allowedOrigins(origins),
    hosts: [host, ...configuration.hosts],
    messageBytesMax: maximumPacketSize + STRANGER_MESSAGE_BYTES_MAX,
    ...(httpRequest !== undefined && {
      request: (request: IncomingMessage, response: ServerResponse, visit: HttpVisit) =>
        httpRequest(request, response, name, visit),
    }),
    proxy: proxy && {
      trusted: proxy.trusted,
      forwardedFor: proxy.forwardedFor,
      clientCertificate: proxy.clientCertificateHeader,
      protocol: proxyProtocol(proxy)?.protocol,
    },
  };
}

function allowedOrigins(origins: readonly string[]): WebSocketListenOptions['origins'] {
  const [first] = origins;
  return first === 'own' || first === 'any' ? first : origins;
}

function proxyProtocol(proxy: ProxyConfiguration | undefined): ProxyProtocolOptions | undefined {
  const protocol = proxy?.protocol ?? 'none';
  if (proxy === undefined || protocol === 'none') return undefined;
  return { protocol: protocol as ProxyVersion, trusted: proxy.trusted };
}

/** Refuses a listener that would let in everybody on the network without being told to. */
export function checkReach({ name, host, port, allowAnonymous }: ListenerConfiguration): void {
  if (allowAnonymous || isLoopback(host)) return;
  throw new ServerStartError(
    OPEN_TO_ALL,
    `Cannot open the listener "${name}" at ${hostAndPort(host, port)}: other machines can reach it, and nobody who ` +
      'comes would be asked who they are. Expected is authentication, the host localhost, or allowAnonymous: true in its ' +
      'entry.',
    { listener: name },
  );
}

function explained(error: unknown, { name, transport, host, port, path = '' }: ListenerConfiguration): unknown {
  if (!(error instanceof TransportError)) return error;
  const isUnix = transport === 'unix';
  const reason = isUnix ? socketReasonFor(error.code, path) : reasonFor(error.code, port);
  const place = isUnix ? JSON.stringify(path) : hostAndPort(host, port);
  const message = reason === undefined ? error.message : `Cannot listen at ${place}: ${reason}`;
  return new ServerStartError(error.code, `${message}.`, { listener: name, cause: error });
}

function socketReasonFor(code: string, path: string): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program listens at this socket';
    case 'EEXIST':
      return 'a file that is no socket is there';
    case 'EACCES':
      // The same for both: libuv does not tell a folder that is missing from one that is closed.
      return `the folder ${JSON.stringify(dirname(path))} is not there, or this user may not write to it`;
    default:
      return undefined;
  }
}

function reasonFor(code: string, port: number): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return (
        `port ${port} is in use, perhaps by another broker` +
        `${port === MQTT_PORT ? ' (Debian starts its package mosquitto on this port)' : ''}`
      );
    case 'EACCES':
      return `this user may not take port ${port}; ports below 1024 need privileges`;
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTFOUND':
      return 'there is no such host name';
    default:
      return undefined;
  }
}
