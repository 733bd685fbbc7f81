/** Sockets that the system has accepted and of which no wire is made yet: how many there may be, and of whom. */

import type { Socket } from 'node:net';
import { TransportError } from './errors.ts';
import { countedNetworkOf } from './network.ts';

/** How many may wait. */
export interface WaitingLimits {
  /** Of one listener. */
  readonly waitingMax: number;
  /** Of one IPv4 address or IPv6 /64; loopback addresses do not count. */
  readonly waitingPerAddressMax: number;
  /** Told once for each time that a limit is reached. */
  readonly onFull: (error: TransportError) => void;
}

interface Waiting {
  count: number;
  isTold: boolean;
}

/** Counts them. Each leaves by `delete`, which does nothing where it has left already. */
export class WaitingSockets {
  readonly #limits: WaitingLimits;
  /** With the network that each counts for. */
  readonly #networks = new Map<Socket, string | undefined>();
  readonly #byNetwork = new Map<string, Waiting>();
  #isTold = false;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  /** False where the listener has no room for it. */
  add(socket: Socket): boolean {
    if (this.#networks.size >= this.#limits.waitingMax) {
      if (!this.#isTold) this.#limits.onFull(new TransportError('Cannot accept a connection', 'DUNLIN_WAITING_MAX'));
      this.#isTold = true;
      return false;
    }
    this.#networks.set(socket, undefined);
    return true;
  }

  /** Says whose a socket is that waits; false where too many from there do. */
  addressKnown(socket: Socket, address: string): boolean {
    const network = countedNetworkOf(address);
    if (network === undefined || !this.#networks.has(socket)) return true;
    const waiting = this.#byNetwork.get(network) ?? { count: 0, isTold: false };
    if (waiting.count >= this.#limits.waitingPerAddressMax) {
      if (!waiting.isTold)
        this.#limits.onFull(
          new TransportError(`Cannot accept a connection from ${address}`, 'DUNLIN_ADDRESS_WAITING_MAX'),
        );
      waiting.isTold = true;
      return false;
    }
    waiting.count += 1;
    this.#byNetwork.set(network, waiting);
    this.#networks.set(socket, network);
    return true;
  }

  delete(socket: Socket): void {
    const network = this.#networks.get(socket);
    if (!this.#networks.delete(socket)) return;
    // One that comes and goes at the limit is no news: it was over when half of the room is free again.
    if (this.#networks.size <= this.#limits.waitingMax / 2) this.#isTold = false;
    const waiting = network === undefined ? undefined : this.#byNetwork.get(network);
    if (waiting === undefined || network === undefined) return;
    waiting.count -= 1;
    if (waiting.count <= this.#limits.waitingPerAddressMax / 2) waiting.isTold = false;
    if (waiting.count === 0) this.#byNetwork.delete(network);
  }
}
