/** The accepting side of TCP: what a listener does between the system's accept and the caller's. */

import type { AddressInfo, Server } from 'node:net';
import { TransportError } from './errors.ts';
import type { WireOwner } from './tcp-owner.ts';
import type { Listener, Wire } from './wire.ts';

/** What a listener needs to know; the meaning of each is that of `TcpListenOptions`. */
export interface TcpListenerOptions {
  readonly backlog: number;
  readonly connectionsMax: number;
  readonly lingerMs: number;
  readonly accept: (wire: Wire) => void;
  readonly onError: (error: Error) => void;
}

/** Counts and passes on the wires of one listening server. */
export class TcpListener implements Listener, WireOwner {
  readonly address: string;
  readonly port: number;
  readonly lingerMs: number;
  readonly #server: Server;
  readonly #options: TcpListenerOptions;
  #wires = 0;
  /** Accepted by the system while paused: Node gives no means to leave them there. Bounded by the backlog. */
  #held: Wire[] = [];
  #paused = false;
  #fullTold = false;
  #closed = false;

  constructor(server: Server, options: TcpListenerOptions) {
    const { address, family, port } = server.address() as AddressInfo;
    this.address = family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
    this.port = port;
    this.lingerMs = options.lingerMs;
    this.#server = server;
    this.#options = options;
  }

  /** Takes a wire from the system. */
  offer(wire: Wire): void {
    this.#wires += 1;
    if (this.#closed) {
      wire.destroy();
      return;
    }
    if (this.#wires > this.#options.connectionsMax) {
      this.#refuse(wire);
      return;
    }
    this.#fullTold = false;
    if (!this.#paused) {
      this.#options.accept(wire);
      return;
    }
    if (this.#held.length >= this.#options.backlog) {
      wire.destroy();
      return;
    }
    this.#held.push(wire);
  }

  wireGone(): void {
    this.#wires -= 1;
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

  /** Drops a wire over the limit and says so, once for each time the limit is reached. */
  #refuse(wire: Wire): void {
    wire.destroy();
    if (this.#fullTold) return;
    this.#fullTold = true;
    this.#options.onError(new TransportError('Cannot accept a connection', 'DUNLIN_CONNECTIONS_MAX'));
  }
}
