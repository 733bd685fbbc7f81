/** Which certificates were revoked before their time: by lists of their authorities, and by whoever else knows. */
import type { Clock } from '@dunlin/broker';
import type { Crl } from './crl.ts';
import { type CertificateWarning, utc } from './pem.ts';

/** Someone who knows revoked certificates: a device registry. */
export interface RevocationSource {
  /**
   * Asked at every CONNECT with a certificate, and for every session with one at a review; answers at once. `authority`: its
   * name in the configuration; `serial` as in `CertificateFacts`, upper-case hexadecimal of whole octets.
   */
  isRevoked(authority: string, serial: string): boolean;
  /** Calls `changed` when more certificates are revoked than before, until the function that it returns is called. */
  onChange(changed: () => void): () => void;
}

/** What lists are asked about: a certificate, by what it says itself. */
export interface Issued {
  /** Name of the issuer in DER. */
  readonly issuer: Buffer;
  readonly serial: string;
}

/** The lists of one authority. */
export interface AuthorityCrls {
  readonly crls: readonly Crl[];
  /**
   * What counts when a list is past its next update: `accept`, what it says still counts and others come in; `refuse`,
   * nobody of its issuer comes in any more.
   */
  readonly crlExpired: 'accept' | 'refuse';
}

/** How often the clock is compared with the lists, and how often it is said again that one is out of date. */
const CHECK_MS = 60_000;
const REPEAT_MS = 3_600_000;

export class Revocation {
  readonly #sources: readonly RevocationSource[];
  readonly #clock: Clock;
  readonly #warn: (warning: CertificateWarning) => void;
  readonly #listeners = new Set<() => void>();
  readonly #ends: (() => void)[];
  #authorities: ReadonlyMap<string, AuthorityCrls> = new Map();
  /** When it was last said of a list, steady. */
  #saidAtMs = new WeakMap<Crl, number>();

  constructor(clock: Clock, sources: readonly RevocationSource[], warn: (warning: CertificateWarning) => void) {
    this.#clock = clock;
    this.#sources = sources;
    this.#warn = warn;
    const timer = clock.every(CHECK_MS, () => this.#warnOfExpired());
    this.#ends = [() => timer.cancel(), ...sources.map((source) => source.onChange(() => this.changed()))];
  }

  /** Takes other lists in place of all there were, by the name of the authority. Tells nobody: see `changed`. */
  replace(authorities: ReadonlyMap<string, AuthorityCrls>): void {
    this.#authorities = authorities;
    this.#warnOfExpired();
  }

  /** Tells everyone who asked that certificates may be revoked now that were not. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Calls `changed` after each change, until the function that it returns is called. */
  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  /** Whether a certificate of a client, or one of those above it, is revoked. `chain`: the client's own first. */
  isRevoked(authority: string, chain: readonly Issued[]): boolean {
    const serial = chain[0].serial;
    if (this.#sources.some((source) => source.isRevoked(authority, serial))) return true;
    const crls = this.#authorities.get(authority)?.crls ?? [];
    return crls.some((crl) => chain.some((issued) => issued.issuer.equals(crl.issuer) && crl.has(issued.serial)));
  }

  /** A list that keeps a chain from coming in because it is past its next update; undefined where none does. */
  blockingCrl(authority: string, chain: readonly Issued[]): Crl | undefined {
    const lists = this.#authorities.get(authority);
    if (lists?.crlExpired !== 'refuse') return undefined;
    const nowMs = this.#clock.nowMs();
    const isCovered = ({ issuer }: Issued) => {
      const ofIssuer = lists.crls.filter((crl) => crl.issuer.equals(issuer));
      return ofIssuer.length === 0 || ofIssuer.some((crl) => nowMs <= crl.nextUpdateMs);
    };
    const uncovered = chain.find((issued) => !isCovered(issued));
    return uncovered && lists.crls.find((crl) => crl.issuer.equals(uncovered.issuer));
  }

  /** Ends the clock and lets go of the sources. */
  close(): void {
    for (const end of this.#ends) end();
    this.#listeners.clear();
  }

  #warnOfExpired(): void {
    const nowMs = this.#clock.nowMs();
    for (const [authority, { crls, crlExpired }] of this.#authorities) {
      for (const crl of crls) {
        const { thisUpdateMs, nextUpdateMs, source } = crl;
        const isExpired = nowMs > nextUpdateMs;
        if ((!isExpired && nowMs >= thisUpdateMs) || !this.#isTimeToSay(crl)) continue;
        const effect = crlExpired === 'refuse' ? 'nobody of its issuer comes in' : 'what it lists stays revoked';
        const message = isExpired
          ? `The revocation list ${source} of the authority ${authority} was due to be replaced at ${utc(nextUpdateMs)}: ${effect}. Put a new one in its place.`
          : `The revocation list ${source} of the authority ${authority} is of a time to come, ${utc(thisUpdateMs)}: it counts, but a clock is wrong.`;
        this.#warn({ code: isExpired ? 'crl-expired' : 'crl-not-yet-valid', source, message });
      }
    }
  }

  #isTimeToSay(crl: Crl): boolean {
    const nowMs = this.#clock.steadyMs();
    const saidAtMs = this.#saidAtMs.get(crl);
    if (saidAtMs !== undefined && nowMs - saidAtMs < REPEAT_MS) return false;
    this.#saidAtMs.set(crl, nowMs);
    return true;
  }
}
