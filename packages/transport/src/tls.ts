/** Wires over TLS: listening and connecting. */

import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { connected } from './connecting.ts';
import { codeOf, TransportError } from './errors.ts';
import { ProxyEntrance, type ProxyProtocolOptions } from './proxy-entrance.ts';
import { listenAtPort, shownPlace, tellAcceptErrors } from './server-socket.ts';
import { SocketListener } from './socket-listener.ts';
import { type AcceptOptions, BACKLOG, CONNECT_TIMEOUT_MS, LINGER_MS, type WaitingOptions } from './tcp.ts';
import { NetWire } from './tcp-net.ts';
import { type HandshakeLimits, TlsEntrance } from './tls-entrance.ts';
import { makeTicketKeys, type TlsServerSettings, TlsSettings } from './tls-settings.ts';
import type { Listener, Peer, Wire } from './wire.ts';
import { KEEP_ALIVE_MS, peerOf } from './wire-owner.ts';

export type { HandshakeLimits } from './tls-entrance.ts';
export {
  type ClientCertificateMode,
  makeTicketKeys,
  TICKET_KEYS_BYTES,
  type TlsCredential,
  type TlsServerSettings,
} from './tls-settings.ts';

/** Where to listen, and what to do with who comes. */
export interface TlsListenOptions extends AcceptOptions, HandshakeLimits, WaitingOptions {
  /** An address or a name of this machine; `0.0.0.0` or `::` for all. */
  readonly host: string;
  /** 0 takes a free one, see `Listener.port`. */
  readonly port: number;
  /** Several listeners, as of several threads, share one port and the system spreads the connections. Default false. */
  readonly reusePort?: boolean;
  readonly tls: TlsServerSettings;
  /** 48 secret bytes, shared by listeners of one port so that each resumes what another began. Default: own ones. */
  readonly ticketKeys?: Buffer;
  /** Every connection comes through a proxy that says whose it is before TLS begins. Default: none does. */
  readonly proxy?: ProxyProtocolOptions;
}

/** A listener whose certificates can be swapped. */
export interface TlsListener extends Listener {
  /**
   * Takes other certificates and authorities, for handshakes that begin from now on; what is open stays open. Sessions
   * go on being resumed unless authorities or `clientCertificate` changed. Throws a `TransportError`
   * DUNLIN_TLS_SETTINGS and changes nothing where they cannot be used.
   */
  update(settings: TlsServerSettings): void;
}

/** Where to connect to, and whom to believe there. */
export interface TlsConnectOptions {
  /** An address or a name; of a name's addresses the first one that answers is taken (RFC 8305). */
  readonly host: string;
  readonly port: number;
  /** The address of this machine to connect from. Default: the system chooses. */
  readonly localAddress?: string;
  /** Whom to ask for, and whose certificate is expected. Default `host`, which is not asked for where it is an address. */
  readonly serverName?: string;
  /** PEM: authorities that may have signed the server's certificate. Default: those that Node knows. */
  readonly authorities?: readonly string[];
  /** PEM: the client's certificate, those that support it after it, and its key. */
  readonly credential?: { readonly certificate: string; readonly key: string };
  /** False: anybody may answer, with whatever certificate; the connection is then open to whoever is on the way. */
  readonly verify?: boolean;
  /** Names for ALPN, such as `mqtt`. Default: none is sent. */
  readonly protocols?: readonly string[];
  /** Default TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Gives up; the promise rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal;
  /** Gives up with ETIMEDOUT, names looked up and handshake included. Milliseconds, default 30000. */
  readonly timeoutMs?: number;
  /** How long `close` of the wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
}

const PROTOCOL = 'mqtt';

/**
 * Listens. TLS 1.2 and 1.3 only. A client whose certificate is from one of the authorities gets a wire even where it has
 * expired, is not yet valid or was revoked: MQTT can tell it so. A client with another certificate gets none, nor does
 * one without where it is required. Settles when connections can come; rejects with a `TransportError`.
 */
export async function listenTls(options: TlsListenOptions): Promise<TlsListener> {
  const { host, port, reusePort, backlog = BACKLOG, lingerMs = LINGER_MS, onError, onRefused } = options;
  const ticketKeys = options.ticketKeys ?? makeTicketKeys();
  const settings = new TlsSettings(options.tls, ticketKeys);
  const proxies = options.proxy === undefined ? undefined : new ProxyEntrance(options.proxy, onRefused);
  const server = await listenAtPort({ host, port, backlog, reusePort });
  const { connectionsMax = Number.POSITIVE_INFINITY } = options;
  const sockets = new SocketListener(server, { ...options, backlog, connectionsMax, lingerMs });
  tellAcceptErrors(server, onError);
  const owner = { lingerMs, wireGone: (): void => {} };
  const secured = (socket: TLSSocket, peer: Peer, below: Socket): void =>
    sockets.present(new NetWire(socket, owner, peer), below);
  const entrance = new TlsEntrance(settings, [PROTOCOL], { ...options, backlog }, secured, onRefused);
  const take = (socket: Socket, peer: Peer): void => {
    if (sockets.admit(socket, peer.address)) entrance.take(socket, peer);
  };
  server.on('connection', (socket) => {
    if (!sockets.enter(socket, proxies !== undefined)) return;
    if (proxies === undefined) take(socket, peerOf(socket.remoteAddress, socket.remotePort));
    else proxies.take(socket, take);
  });
  return Object.assign(sockets, {
    update: (next: TlsServerSettings): void => entrance.update(new TlsSettings(next, ticketKeys)),
  });
}

/**
 * Connects. Settles with a wire to `open` when the handshake is done and the server's certificate was found good;
 * rejects with a `TransportError`, such as CERT_HAS_EXPIRED or ERR_TLS_CERT_ALTNAME_INVALID, or the abort reason. What
 * a server of TLS 1.3 says against the client's certificate comes later: the wire then breaks.
 */
export async function connectTls(options: TlsConnectOptions): Promise<Wire> {
  const { host, port, signal, timeoutMs = CONNECT_TIMEOUT_MS, lingerMs = LINGER_MS } = options;
  signal?.throwIfAborted();
  let socket: TLSSocket | undefined;
  try {
    socket = connect(connectOptions(options));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    await connected(socket, 'secureConnect', timeoutMs, signal);
  } catch (error) {
    socket?.destroy();
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(`Cannot connect to ${shownPlace(host, port)}`, codeOf(error), error);
  }
  socket.pause();
  return new NetWire(socket, { lingerMs, wireGone: (): void => {} });
}

function connectOptions(
  options: TlsConnectOptions,
): ConnectionOptions & { localAddress?: string; allowHalfOpen: true } {
  const { host, port, localAddress, serverName, authorities, credential, protocols } = options;
  return {
    host,
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(authorities === undefined ? {} : { ca: [...authorities], allowPartialTrustChain: true }),
    ...(credential === undefined ? {} : { cert: credential.certificate, key: credential.key }),
    ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    minVersion: options.minVersion ?? 'TLSv1.2',
    rejectUnauthorized: options.verify ?? true,
    allowHalfOpen: true,
  };
}
