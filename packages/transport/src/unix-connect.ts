/** Connecting to a Unix socket. */

import * as net from 'node:net';
import { connected } from './connecting.ts';
import { codeOf, TransportError } from './errors.ts';
import { CONNECT_TIMEOUT_MS, LINGER_MS } from './tcp.ts';
import { NetWire } from './tcp-net.ts';
import { UNIX_ADDRESS } from './trusted-addresses.ts';
import type { Wire } from './wire.ts';

/** Where to connect to. */
export interface UnixConnectOptions {
  /** Of the socket's file; the system allows about 100 bytes. */
  readonly path: string;
  /** Gives up; the promise rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal;
  /** Gives up with ETIMEDOUT. Milliseconds, default 30000. */
  readonly timeoutMs?: number;
  /** How long `close` of the wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
}

/** Connects. Settles with a wire to `open`; rejects with a `TransportError` such as ENOENT, or the abort reason. */
export async function connectUnix(options: UnixConnectOptions): Promise<Wire> {
  const { path, signal, timeoutMs = CONNECT_TIMEOUT_MS, lingerMs = LINGER_MS } = options;
  signal?.throwIfAborted();
  const socket = new net.Socket({ allowHalfOpen: true });
  socket.pause();
  try {
    socket.connect({ path });
    await connected(socket, 'connect', timeoutMs, signal);
  } catch (error) {
    socket.destroy();
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(`Cannot connect to "${path}"`, codeOf(error), error);
  }
  return new NetWire(socket, { lingerMs, wireGone: (): void => {} }, { address: UNIX_ADDRESS, port: 0 });
}
