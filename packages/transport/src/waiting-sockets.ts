/**
 * Sockets that the system has accepted and of which no wire is made yet: how many there may be, and of whom.
 *
 * Where all places are taken, the newcomer gets that of the oldest of the network that has most, unless it is of that
 * network itself. So of k networks that want places each gets a k-th of them at least, and who says nothing keeps
 * nobody else out.
 */

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

/** Those of one network, the oldest first. */
interface Waiting {
  readonly sockets: Set<Socket>;
  isTold: boolean;
}

/** Addresses that are of no network count as one: loopback, where proxies are, and Unix sockets. */
const NO_NETWORK = '';

/** Counts them. Each leaves by `delete`, which does nothing where it has left already. */
export class WaitingSockets {
  readonly #limits: WaitingLimits;
  /** With the network that each counts for. */
  readonly #networks = new Map<Socket, string>();
  readonly #byNetwork = new Map<string, Waiting>();
  /** Networks by how many places they have, so that nothing is searched while many come. */
  readonly #byCount = new Map<number, Set<string>>();
  #most = 0;
  #isTold = false;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  /**
   * False where there is no room for it; may destroy another in its favour. `isProxy`: whose it is will be told, until
   * then it counts for the proxy.
   */
  add(socket: Socket, address: string | undefined, isProxy = false): boolean {
    const from = countedNetworkOf(address ?? '') ?? NO_NETWORK;
    const network = isProxy ? `proxy ${from}` : from;
    if (this.#networks.size >= this.#limits.waitingMax) {
      const error = new TransportError('Cannot accept a connection', 'DUNLIN_WAITING_MAX');
      if (!this.#isTold) this.#limits.onFull(error);
      this.#isTold = true;
      if (!this.#makeRoom(network, error)) return false;
    }
    this.#enter(socket, network);
    return true;
  }

  /** Says whose a socket is that waits; false where too many from there do. */
  addressKnown(socket: Socket, address: string): boolean {
    const network = countedNetworkOf(address);
    if (network === undefined || !this.#networks.has(socket)) return true;
    const isCounted = this.#networks.get(socket) === network;
    const waiting = this.#byNetwork.get(network);
    if (waiting !== undefined && waiting.sockets.size - (isCounted ? 1 : 0) >= this.#limits.waitingPerAddressMax) {
      if (!waiting.isTold)
        this.#limits.onFull(
          new TransportError(`Cannot accept a connection from ${address}`, 'DUNLIN_ADDRESS_WAITING_MAX'),
        );
      waiting.isTold = true;
      return false;
    }
    if (isCounted) return true;
    this.#leave(socket);
    this.#enter(socket, network);
    return true;
  }

  delete(socket: Socket): void {
    this.#leave(socket);
    // One that comes and goes at the limit is no news: it was over when half of the room is free again.
    if (this.#networks.size <= this.#limits.waitingMax / 2) this.#isTold = false;
  }

  /** Takes a place from the network that has most; false where that is the newcomer's own, or has no more. */
  #makeRoom(newcomer: string, error: TransportError): boolean {
    const own = this.#byNetwork.get(newcomer)?.sockets.size ?? 0;
    if (own >= this.#most) return false;
    const [network] = this.#byCount.get(this.#most) as Set<string>;
    const [oldest] = (this.#byNetwork.get(network) as Waiting).sockets;
    this.#leave(oldest);
    oldest.destroy(error);
    return true;
  }

  #enter(socket: Socket, network: string): void {
    const waiting = this.#byNetwork.get(network) ?? { sockets: new Set(), isTold: false };
    this.#byNetwork.set(network, waiting);
    this.#networks.set(socket, network);
    waiting.sockets.add(socket);
    this.#counted(network, waiting.sockets.size - 1, waiting.sockets.size);
  }

  #leave(socket: Socket): void {
    const network = this.#networks.get(socket);
    const waiting = network === undefined ? undefined : this.#byNetwork.get(network);
    if (waiting === undefined || network === undefined) return;
    this.#networks.delete(socket);
    waiting.sockets.delete(socket);
    const { size } = waiting.sockets;
    this.#counted(network, size + 1, size);
    if (size <= this.#limits.waitingPerAddressMax / 2) waiting.isTold = false;
    if (size === 0) this.#byNetwork.delete(network);
  }

  /** The network has one more or one less than before. */
  #counted(network: string, before: number, now: number): void {
    const former = this.#byCount.get(before);
    former?.delete(network);
    if (former?.size === 0) this.#byCount.delete(before);
    if (now > 0) {
      const those = this.#byCount.get(now) ?? new Set();
      this.#byCount.set(now, those.add(network));
    }
    if (now > this.#most || (before === this.#most && !this.#byCount.has(before))) this.#most = now;
  }
}
