/** The accepting side of every socket: what a listener does between the system's accept and the caller's. */

import type { AddressInfo, Server, Socket } from 'node:net';
import { TransportError } from './errors.ts';
import type { OnRefused } from './proxy-entrance.ts';
import { descriptorOf } from './server-socket.ts';
import { WaitingSockets } from './waiting-sockets.ts';
import type { Listener, Wire } from './wire.ts';
import type { WireOwner } from './wire-owner.ts';

/** What a listener needs to know; the meaning of each is that of `TcpListenOptions`. */
export interface SocketListenerOptions {
  readonly backlog: number;
  readonly connectionsMax: number;
  readonly lingerMs: number;
  readonly accept: (wire: Wire) => void;
  readonly onError: (error: Error) => void;
  readonly onRefused?: OnRefused | undefined;
  readonly waitingMax?: number | undefined;
  readonly connectionsPerAddressMax?: number;
  readonly isWelcome?: (address: string) => boolean;
  readonly isSpareFile?: ((descriptor: number) => boolean) | undefined;
}

const WAITING_MAX = 1280;

/**
 * Counts what comes to one listening server, and passes wires on.
 *
 * A wire that is there as soon as the system accepts is given to `offer`. Where more has to happen first (a TLS
 * handshake, an upgrade), the socket enters with `enter` and counts until it closes; `admit` decides when its address is
 * known; its wire comes to `present`.
 */
export class SocketListener implements Listener, WireOwner {
  readonly address: string;
  readonly port: number;
  readonly lingerMs: number;
  readonly #server: Server;
  readonly #options: SocketListenerOptions;
  readonly #waiting: WaitingSockets;
  #open = 0;
  /** Accepted by the system while paused: Node gives no means to leave them there. Bounded by the backlog. */
  #held: Wire[] = [];
  #paused = false;
  #fullTold = false;
  #closed = false;

  constructor(server: Server, options: SocketListenerOptions) {
    const place = server.address() as AddressInfo | string;
    this.address = typeof place === 'string' ? place : shownAddress(place);
    this.port = typeof place === 'string' ? 0 : place.port;
    this.lingerMs = options.lingerMs;
    this.#server = server;
    this.#options = options;
    const { waitingMax = WAITING_MAX, connectionsPerAddressMax = Number.POSITIVE_INFINITY } = options;
    this.#waiting = new WaitingSockets({
      waitingMax,
      waitingPerAddressMax: connectionsPerAddressMax,
      onFull: options.onError,
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Takes a wire from the system; counts it until `wireGone`. */
  offer(wire: Wire, descriptor: number): void {
    this.#open += 1;
    if (this.#closed || this.#isFull() || !this.#isSpareFile(descriptor)) wire.destroy();
    else this.present(wire);
  }

  /**
   * Counts a socket from the system until it closes; false, and the socket destroyed, where there is no room. `isProxy`:
   * a header will tell whose it is.
   */
  enter(socket: Socket, isProxy = false): boolean {
    this.#open += 1;
    socket.on('close', () => this.#socketGone(socket));
    // Whoever has the socket at the time hears of it by `close`.
    socket.on('error', ignore);
    const hasRoom = !this.#closed && !this.#isFull() && this.#isSpareFile(descriptorOf(socket));
    if (hasRoom && this.#waiting.add(socket, socket.remoteAddress, isProxy)) return true;
    socket.destroy();
    return false;
  }

  /** False, and a socket that has entered destroyed, where whoever is at the address may not come in. */
  admit(socket: Socket, address: string): boolean {
    if (this.#options.isWelcome?.(address) !== false && this.#waiting.addressKnown(socket, address)) return true;
    socket.destroy();
    return false;
  }

  /** Passes on a wire that is counted already, as that of `socket` which has entered. */
  present(wire: Wire, socket?: Socket): void {
    if (socket !== undefined) this.#waiting.delete(socket);
    if (this.#closed) {
      wire.destroy();
      return;
    }
    if (!this.#paused) {
      this.#options.accept(wire);
      return;
    }
    if (this.#held.length >= this.#options.backlog) {
      const { peer } = wire;
      wire.destroy();
      this.#options.onRefused?.(new TransportError('Cannot accept a connection', 'DUNLIN_BACKLOG'), peer);
      return;
    }
    this.#held.push(wire);
  }

  wireGone(): void {
    this.#open -= 1;
  }

  #socketGone(socket: Socket): void {
    this.#waiting.delete(socket);
    this.wireGone();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // Accepting one may bring on the next pause.
    for (let wire = this.#held.shift(); wire !== undefined; wire = this.#held.shift()) {
      this.#options.accept(wire);
      if (this.#paused) return;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wire of this.#held) wire.destroy();
    this.#held = [];
    // The callback of `close` would wait for all open wires; the address is free as soon as the turn is over.
    this.#server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #isSpareFile(descriptor: number): boolean {
    return this.#options.isSpareFile?.(descriptor) !== false;
  }

  /** Whether one more is one too many; says so once for each time the limit is reached. */
  #isFull(): boolean {
    const full = this.#open > this.#options.connectionsMax;
    if (full && !this.#fullTold) {
      this.#options.onError(new TransportError('Cannot accept a connection', 'DUNLIN_CONNECTIONS_MAX'));
    }
    this.#fullTold = full;
    return full;
  }
}

function shownAddress({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

function ignore(): void {}
