/** How many connections each address and each identity has. */

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
    return this.#byNetwork.of(networkOf(address));
  }

  /** Open connections of the identity; 0 for who has none. */
  ofIdentity(identity: string | undefined): number {
    return this.#byIdentity.of(identity);
  }

  came({ wire }: CountedConnection): void {
    this.#byNetwork.add(networkOf(wire.peer.address));
  }

  /** The connection belongs to the identity from here on, in place of whoever had it. */
  opened(connection: CountedConnection, identity: string | undefined): void {
    this.#byIdentity.remove(connection.countedIdentity);
    connection.countedIdentity = identity;
    this.#byIdentity.add(identity);
  }

  left(connection: CountedConnection): void {
    this.#byNetwork.remove(networkOf(connection.wire.peer.address));
    this.#byIdentity.remove(connection.countedIdentity);
    connection.countedIdentity = undefined;
  }
}

/**
 * What an address counts as: itself, of IPv6 its /64, since one host has all of that. Undefined for loopback addresses,
 * where proxies and whole test fleets come from, and for what is no IP address.
 */
export function networkOf(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(plain)) return plain.startsWith('127.') ? undefined : plain;
  if (!/^[\da-f]*:[\da-f:]*(%.*)?$/i.test(plain) || plain === '::1') return undefined;
  const [front, back] = plain.replace(/%.*$/, '').split('::');
  const groups = front === '' ? [] : front.split(':');
  const behind = back === undefined || back === '' ? [] : back.split(':');
  while (back !== undefined && groups.length + behind.length < 8) groups.push('0');
  return [...groups, ...behind]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
