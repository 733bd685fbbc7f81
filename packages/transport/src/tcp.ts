/** Wires over TCP: listening and connecting, on whichever implementation serves this process best. */

import * as net from 'node:net';
import { connected } from './connecting.ts';
import { codeOf, TransportError } from './errors.ts';
import { type OnRefused, ProxyEntrance, type ProxyProtocolOptions } from './proxy-entrance.ts';
import { listenAtPort, shownPlace, tellAcceptErrors } from './server-socket.ts';
import { SocketListener } from './socket-listener.ts';
import { handlesWork } from './tcp-check.ts';
import { handlesUsable, wireFromSocket, wiresFromServer } from './tcp-handle.ts';
import { NetWire } from './tcp-net.ts';
import type { Listener, Peer, Wire } from './wire.ts';

/**
 * `handle` drives Node's stream handle itself (fastest, ADR 0003), `net` uses sockets of `node:net` (portable), `auto`
 * takes `handle` where a check at the start finds it working. The environment variable `DUNLIN_TCP=net` turns `auto`
 * into `net`.
 */
export type TcpImplementation = 'handle' | 'net' | 'auto';

/** What every listener does with who comes. */
export interface AcceptOptions {
  /** Connections the system keeps until they are accepted. Default 1024 (the system may allow less). */
  readonly backlog?: number;
  /** Open wires at most; above it, and while paused above `backlog`, new ones are dropped. Default: no limit. */
  readonly connectionsMax?: number;
  /** How long `close` of an accepted wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
  /** Takes an accepted wire; call `open` on it, now or later. */
  readonly accept: (wire: Wire) => void;
  /**
   * Asked of each connection as it comes, with its file descriptor (-1 where that is not known); false drops it. The system
   * closes those for which none is left by itself, and tells nobody. Default: all may stay.
   */
  readonly isSpareFile?: (descriptor: number) => boolean;
  /** Something failed at accepting. The listener goes on. */
  readonly onError: (error: Error) => void;
  /** Somebody was turned away before a wire was made of it: told each time, with who it was as far as is known. */
  readonly onRefused?: OnRefused;
}

/** What bounds those of whom no wire is made yet: their TLS handshake, their request or their PROXY header is not done. */
export interface WaitingOptions {
  /**
   * Of the listener at once. One that comes beyond takes the place of the oldest from the address or /64 that has most;
   * where it is from there itself, it is dropped. Default 1280.
   */
  readonly waitingMax?: number;
  /** Of one IPv4 address or IPv6 /64 at once, where that is less; loopback addresses do not count. Default: no limit. */
  readonly connectionsPerAddressMax?: number;
  /**
   * Asked before TLS or HTTP begins, with the address that is known then; false drops the connection. Not asked for
   * proxies whose headers tell the client. Default: everybody is.
   */
  readonly isWelcome?: (address: string) => boolean;
}

/** Where to listen, and what to do with who comes. */
export interface TcpListenOptions extends AcceptOptions, Pick<WaitingOptions, 'waitingMax'> {
  /** An address or a name of this machine; `0.0.0.0` or `::` for all. */
  readonly host: string;
  /** 0 takes a free one, see `Listener.port`. */
  readonly port: number;
  /** Several listeners, as of several threads, share one port and the system spreads the connections. Default false. */
  readonly reusePort?: boolean;
  readonly implementation?: TcpImplementation;
  /** Every connection comes through a proxy that says whose it is. Default: none does. */
  readonly proxy?: ProxyProtocolOptions;
}

/** Where to connect to. */
export interface TcpConnectOptions {
  /** An address or a name; of a name's addresses the first one that answers is taken (RFC 8305). */
  readonly host: string;
  readonly port: number;
  /** The address of this machine to connect from. Default: the system chooses. */
  readonly localAddress?: string;
  /** Gives up; the promise rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal;
  /** Gives up with ETIMEDOUT, names looked up included. Milliseconds, default 30000. */
  readonly timeoutMs?: number;
  /** How long `close` of the wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
  readonly implementation?: TcpImplementation;
}

export const LINGER_MS = 2000;
export const CONNECT_TIMEOUT_MS = 30_000;
export const BACKLOG = 1024;

/** Listens. Settles when connections can come; rejects with a `TransportError` such as EADDRINUSE or EACCES. */
export async function listenTcp(options: TcpListenOptions): Promise<Listener> {
  const { host, port, backlog = BACKLOG, reusePort, onError } = options;
  const proxies = options.proxy === undefined ? undefined : new ProxyEntrance(options.proxy, options.onRefused);
  const useHandles = proxies === undefined && (await choose(options.implementation, handlesWork));
  const server = await listenAtPort({ host, port, backlog, reusePort });
  const { connectionsMax = Number.POSITIVE_INFINITY, lingerMs = LINGER_MS, waitingMax, isSpareFile } = options;
  const { accept, onRefused } = options;
  const limits = { backlog, connectionsMax, waitingMax, isSpareFile };
  const listener = new SocketListener(server, { ...limits, lingerMs, accept, onError, onRefused });
  const offer = (wire: Wire, descriptor: number): void => listener.offer(wire, descriptor);
  tellAcceptErrors(server, onError);
  if (useHandles && wiresFromServer(server, listener, offer, onError)) return listener;
  const owner = { lingerMs, wireGone: (): void => {} };
  const present = (socket: net.Socket, peer?: Peer): void => listener.present(new NetWire(socket, owner, peer), socket);
  server.on('connection', (socket) => {
    if (!listener.enter(socket, proxies !== undefined)) return;
    if (proxies === undefined) present(socket);
    else proxies.take(socket, present);
  });
  return listener;
}

/** Connects, Nagle off. Settles with a wire to `open`; rejects with a `TransportError` or the abort reason. */
export async function connectTcp(options: TcpConnectOptions): Promise<Wire> {
  const { host, port, localAddress, signal, timeoutMs = CONNECT_TIMEOUT_MS, lingerMs = LINGER_MS } = options;
  const useHandle = await choose(options.implementation, handlesUsable);
  signal?.throwIfAborted();
  const socket = new net.Socket({ allowHalfOpen: true });
  socket.pause();
  try {
    socket.setNoDelay(true);
    socket.connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    await connected(socket, 'connect', timeoutMs, signal);
  } catch (error) {
    socket.destroy();
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(`Cannot connect to ${shownPlace(host, port)}`, codeOf(error), error);
  }
  const owner = { lingerMs, wireGone: (): void => {} };
  return (useHandle ? wireFromSocket(socket, owner) : undefined) ?? new NetWire(socket, owner);
}

/** True for raw handles. */
async function choose(wanted: TcpImplementation = 'auto', test: () => boolean | Promise<boolean>): Promise<boolean> {
  if (wanted === 'net') return false;
  if (wanted === 'auto') return process.env.DUNLIN_TCP !== 'net' && test();
  if (handlesUsable()) return true;
  throw new TransportError('Cannot use raw TCP handles', 'ENOSYS', new Error('this Node does not offer them'));
}
