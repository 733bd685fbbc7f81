/** Wires over TLS: listening. `tls-connect.ts` is the other end. */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ProxyEntrance, type ProxyProtocolOptions } from './proxy-entrance.ts';
import { listenAtPort, tellAcceptErrors } from './server-socket.ts';
import { SocketListener } from './socket-listener.ts';
import { type AcceptOptions, BACKLOG, LINGER_MS, type WaitingOptions } from './tcp.ts';
import { NetWire } from './tcp-net.ts';
import { type HandshakeLimits, TlsEntrance } from './tls-entrance.ts';
import { makeTicketKeys, type TlsServerSettings, TlsSettings } from './tls-settings.ts';
import type { Listener, Peer } from './wire.ts';
import { peerOf } from './wire-owner.ts';

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
    if (!sockets.enter(socket)) return;
    if (proxies === undefined) take(socket, peerOf(socket.remoteAddress, socket.remotePort));
    else proxies.take(socket, take);
  });
  return Object.assign(sockets, {
    update: (next: TlsServerSettings): void => entrance.update(new TlsSettings(next, ticketKeys)),
  });
}
