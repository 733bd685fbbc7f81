/** Listening at a Unix socket: a file by whose permissions the system decides who may connect. */

import { once } from 'node:events';
import { chmod, lstat, rename, rm } from 'node:fs/promises';
import * as net from 'node:net';
import { codeOf, TransportError } from './errors.ts';
import { ProxyEntrance, type ProxyProtocolOptions } from './proxy-entrance.ts';
import { tellAcceptErrors } from './server-socket.ts';
import { SocketListener } from './socket-listener.ts';
import { type AcceptOptions, BACKLOG, LINGER_MS, type WaitingOptions } from './tcp.ts';
import { NetWire } from './tcp-net.ts';
import { UNIX_ADDRESS } from './trusted-addresses.ts';
import type { Listener, Peer } from './wire.ts';

/** Where to listen, and what to do with who comes. */
export interface UnixListenOptions extends AcceptOptions, Pick<WaitingOptions, 'waitingMax'> {
  /** Of the file; the system allows about 100 bytes. Its folder must exist. */
  readonly path: string;
  /** Permissions of the file; to connect takes the one to write. Default 0o660. */
  readonly mode?: number;
  /** Every connection comes through a proxy that says whose it is; `trusted` must then hold `unix`. Default: none does. */
  readonly proxy?: ProxyProtocolOptions;
}

const MODE = 0o660;
const UNIX_PEER: Peer = { address: UNIX_ADDRESS, port: 0 };

/**
 * Listens. A socket that somebody left behind is replaced, one at which somebody listens is not, nor is any other file.
 * Settles when connections can come; rejects with a `TransportError` such as EADDRINUSE, EEXIST or EACCES. The file is
 * removed when the listener closes, unless another one has taken its place.
 */
export async function listenUnix(options: UnixListenOptions): Promise<Listener> {
  const { path, mode = MODE, backlog = BACKLOG, lingerMs = LINGER_MS, accept, onError } = options;
  const proxies = options.proxy === undefined ? undefined : new ProxyEntrance(options.proxy, options.onRefused);
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  // Nobody can connect before the permissions are right, and a stale socket is replaced in one step.
  const beginning = `${path}.${process.pid}`;
  let inode: number;
  try {
    await checkFree(path);
    server.listen({ path: beginning, backlog });
    await once(server, 'listening');
    await chmod(beginning, mode);
    inode = (await lstat(beginning)).ino;
    await rename(beginning, path);
  } catch (error) {
    server.close();
    throw new TransportError(`Cannot listen at "${path}"`, codeOf(error), error);
  }
  tellAcceptErrors(server, onError);
  const { connectionsMax = Number.POSITIVE_INFINITY, waitingMax, isSpareFile, onRefused } = options;
  const limits = { backlog, connectionsMax, waitingMax, isSpareFile };
  const sockets = new SocketListener(server, { ...limits, lingerMs, accept, onError, onRefused });
  const owner = { lingerMs, wireGone: (): void => {} };
  const present = (socket: net.Socket, peer: Peer): void => sockets.present(new NetWire(socket, owner, peer), socket);
  server.on('connection', (socket) => {
    if (!sockets.enter(socket, proxies !== undefined)) return;
    if (proxies === undefined) present(socket, UNIX_PEER);
    else proxies.take(socket, present, UNIX_PEER);
  });
  return new UnixListener(path, inode, sockets);
}

class UnixListener implements Listener {
  readonly address: string;
  readonly port = 0;
  readonly #inode: number;
  readonly #sockets: SocketListener;

  constructor(path: string, inode: number, sockets: SocketListener) {
    this.address = path;
    this.#inode = inode;
    this.#sockets = sockets;
  }

  pause(): void {
    this.#sockets.pause();
  }

  resume(): void {
    this.#sockets.resume();
  }

  async close(): Promise<void> {
    const ours = !this.#sockets.isClosed && (await inodeAt(this.address)) === this.#inode;
    await this.#sockets.close();
    if (ours) await rm(this.address, { force: true });
  }
}

/** Throws where something is at the path that must stay there. */
async function checkFree(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw Object.assign(new Error('a file which is no socket is there'), { code: 'EEXIST' });
  const socket = net.connect({ path });
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') return;
    throw error;
  } finally {
    socket.destroy();
  }
  throw Object.assign(new Error('somebody listens there'), { code: 'EADDRINUSE' });
}

async function inodeAt(path: string): Promise<number | undefined> {
  return (await lstat(path).catch(() => undefined))?.ino;
}
