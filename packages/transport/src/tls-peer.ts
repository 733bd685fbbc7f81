/** Who is at the other end of TLS. */

import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Peer } from './wire.ts';

/** A hostile chain is long; `refusalOf` looks at no more either. */
const SUPPORTING_MAX = 6;
const NONE: readonly Uint8Array[] = [];

/** Takes the client's own certificate out of OpenSSL when it is asked for: most are once, many never. */
export class TlsPeer implements Peer {
  readonly address: string;
  readonly port: number;
  readonly serverName?: string;
  readonly proxyAddress?: string;
  /** Undefined where the client showed no certificate. */
  readonly #socket: TLSSocket | undefined;
  readonly #supporting: readonly Uint8Array[];
  #certificates: readonly Uint8Array[] | undefined;

  /**
   * `below`: the peer of what TLS runs over. `leaf`: the client's own certificate; null where it was asked for one and
   * has none, undefined where it was not asked.
   */
  constructor(below: Peer, socket: TLSSocket, leaf: X509Certificate | null | undefined) {
    this.address = below.address;
    this.port = below.port;
    this.proxyAddress = below.proxyAddress;
    const name: unknown = socket.servername;
    this.serverName = typeof name === 'string' && name !== '' ? name : below.serverName;
    this.#socket = leaf ? socket : undefined;
    this.#supporting = leaf ? supportingOf(leaf) : NONE;
    if (leaf === undefined) this.#certificates = below.certificates;
  }

  /** Undefined also where nobody asked before the connection was gone. */
  get certificates(): readonly Uint8Array[] | undefined {
    if (this.#certificates === undefined && this.#socket !== undefined && !this.#socket.destroyed) {
      const leaf = this.#socket.getPeerX509Certificate();
      if (leaf !== undefined) this.#certificates = [Uint8Array.from(leaf.raw), ...this.#supporting];
    }
    return this.#certificates;
  }
}

/** What the client sent beside its own certificate. Node gives it once only: asking again finds the chain cut short. */
function supportingOf(leaf: X509Certificate): readonly Uint8Array[] {
  if (leaf.issuerCertificate === undefined) return NONE;
  const chain: Uint8Array[] = [];
  for (let at = leaf.issuerCertificate; at !== undefined && chain.length < SUPPORTING_MAX; ) {
    chain.push(Uint8Array.from(at.raw));
    at = at.issuerCertificate as X509Certificate;
  }
  return chain;
}
