/** A listening socket of `node:net`, and the words for one that cannot be had. */

import { once } from 'node:events';
import * as net from 'node:net';
import { codeOf, TransportError } from './errors.ts';
import { KEEP_ALIVE_MS } from './wire-owner.ts';

/** Where to listen. */
export interface ServerSocketOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly reusePort?: boolean;
}

/** Accepted sockets are paused and allow half-open, as `NetWire` needs them. Rejects with a `TransportError`. */
export async function listenAtPort({
  host,
  port,
  backlog,
  reusePort = false,
}: ServerSocketOptions): Promise<net.Server> {
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
    throw new TransportError(`Cannot listen at ${shownPlace(host, port)}`, codeOf(error), error);
  }
  return server;
}

/** The file descriptor of a socket; -1 where Node does not tell it, as on Windows. */
export function descriptorOf(socket: net.Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}

/** Tells of failures to accept; the server goes on. */
export function tellAcceptErrors(server: net.Server, onError: (error: Error) => void): void {
  server.on('error', (error) => onError(new TransportError('Cannot accept a connection', codeOf(error), error)));
}

/** For messages, with quotation marks. */
export function shownPlace(host: string, port: number): string {
  return host.includes(':') ? `"[${host}]:${port}"` : `"${host}:${port}"`;
}
