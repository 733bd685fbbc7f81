/** How many connections each address and each identity has. */

import { countedNetworkOf } from '@dunlin/transport/network';

/** How many there are of each name. */
class Tally {
  readonly #counts = new Map<string, number>();

  of(name: string | undefined): number {
    return name === undefined ? 0 : (this.#counts.get(name) ?? 0);
  }

  add(name: string | undefined): void {
    if (name !== undefined) this.#counts.set(name, this.of(name) + 1);
  }

  remove(name: string | undefined): void {
    if (name === undefined) return;
    const left = this.of(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}

/** What of a connection is counted, and where it keeps under what identity it was. */
export interface CountedConnection {
  readonly wire: { readonly peer: { readonly address: string } };
  countedIdentity: string | undefined;
}

export class ConnectionCounts {
  readonly #byNetwork = new Tally();
  readonly #byIdentity = new Tally();

  /** Connections from the address; 0 where it is none that counts. */
  ofAddress(address: string): number {
    return this.#byNetwork.of(countedNetworkOf(address));
  }

  /** Open connections of the identity; 0 for who has none. */
  ofIdentity(identity: string | undefined): number {
    return this.#byIdentity.of(identity);
  }

  came({ wire }: CountedConnection): void {
    this.#byNetwork.add(countedNetworkOf(wire.peer.address));
  }

  /** The connection belongs to the identity from here on, in place of whoever had it. */
  opened(connection: CountedConnection, identity: string | undefined): void {
    this.#byIdentity.remove(connection.countedIdentity);
    connection.countedIdentity = identity;
    this.#byIdentity.add(identity);
  }

  left(connection: CountedConnection): void {
    this.#byNetwork.remove(countedNetworkOf(connection.wire.peer.address));
    this.#byIdentity.remove(connection.countedIdentity);
    connection.countedIdentity = undefined;
  }
}
