/** Wires over TCP: listening and connecting, on whichever implementation serves this process best. */

import { once } from 'node:events';
import * as net from 'node:net';
import { codeOf, TransportError } from './errors.ts';
import { handlesWork } from './tcp-check.ts';
import { handlesUsable, wireFromSocket, wiresFromServer } from './tcp-handle.ts';
import { TcpListener } from './tcp-listener.ts';
import { NetWire } from './tcp-net.ts';
import { KEEP_ALIVE_MS } from './tcp-owner.ts';
import type { Listener, Wire } from './wire.ts';

/**
 * `handle` drives Node's stream handle itself (fastest, ADR 0003), `net` uses sockets of `node:net` (portable), `auto`
 * takes `handle` where a check at the start finds it working. The environment variable `DUNLIN_TCP=net` turns `auto`
 * into `net`.
 */
export type TcpImplementation = 'handle' | 'net' | 'auto';

/** Where to listen, and what to do with who comes. */
export interface TcpListenOptions {
  /** An address or a name of this machine; `0.0.0.0` or `::` for all. */
  readonly host: string;
  /** 0 takes a free one, see `Listener.port`. */
  readonly port: number;
  /** Connections the system keeps until they are accepted. Default 1024 (the system may allow less). */
  readonly backlog?: number;
  /** Several listeners, as of several threads, share one port and the system spreads the connections. Default false. */
  readonly reusePort?: boolean;
  /** Open wires at most; above it, and while paused above `backlog`, new ones are dropped. Default: no limit. */
  readonly connectionsMax?: number;
  /** How long `close` of an accepted wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
  readonly implementation?: TcpImplementation;
  /** Takes an accepted wire; call `open` on it, now or later. */
  readonly accept: (wire: Wire) => void;
  /** Something failed at accepting. The listener goes on. */
  readonly onError: (error: Error) => void;
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

const LINGER_MS = 2000;
const CONNECT_TIMEOUT_MS = 30_000;
const BACKLOG = 1024;

/** Listens. Settles when connections can come; rejects with a `TransportError` such as EADDRINUSE or EACCES. */
export async function listenTcp(options: TcpListenOptions): Promise<Listener> {
  const { host, port, backlog = BACKLOG, reusePort = false, onError } = options;
  const useHandles = await choose(options.implementation, handlesWork);
  const server = net.createServer({
    pauseOnConnect: true,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  try {
    server.listen({ host, port, backlog, ...(reusePort ? { reusePort } : { exclusive: true }) });
    await once(server, 'listening');
  } catch (error) {
    throw new TransportError(`Cannot listen at ${shown(host, port)}`, codeOf(error), error);
  }
  const { connectionsMax = Number.POSITIVE_INFINITY, lingerMs = LINGER_MS, accept } = options;
  const listener = new TcpListener(server, { backlog, connectionsMax, lingerMs, accept, onError });
  const offer = (wire: Wire): void => listener.offer(wire);
  server.on('error', (error) => onError(new TransportError('Cannot accept a connection', codeOf(error), error)));
  if (useHandles && wiresFromServer(server, listener, offer, onError)) return listener;
  server.on('connection', (socket) => offer(new NetWire(socket, listener)));
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
    await connected(socket, timeoutMs, signal);
  } catch (error) {
    socket.destroy();
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(`Cannot connect to ${shown(host, port)}`, codeOf(error), error);
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

function connected(socket: net.Socket, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', settle);
      socket.off('connect', settle);
      socket.off('error', settle);
      if (error === undefined) {
        resolve();
        return;
      }
      // Further errors of the socket which is given up have nobody to tell.
      socket.on('error', () => {});
      reject(error);
    };
    const timer = setTimeout(() => settle({ code: 'ETIMEDOUT' }), timeoutMs);
    signal?.addEventListener('abort', settle);
    socket.on('connect', settle);
    socket.on('error', settle);
  });
}

function shown(host: string, port: number): string {
  return host.includes(':') ? `"[${host}]:${port}"` : `"${host}:${port}"`;
}
