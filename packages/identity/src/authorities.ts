/** The authorities whose client certificates count, each under the name that the configuration gives it. */
import { createHash } from 'node:crypto';
import type { CertificateFacts, Clock, Timer } from '@dunlin/broker';
import { CERTIFICATE_BYTES_MAX, type Certificate, readCertificate, type SubjectAltNames } from './certificate.ts';
import {
  type Chain,
  type ChainProblem,
  findChain,
  type Issuer,
  isChain,
  issuerProblem,
  trustedIssuers,
} from './certificate-chain.ts';
import { readCrls } from './crl.ts';
import { DerError } from './der.ts';
import {
  CertificateFileError,
  type CertificateWarning,
  nameOf,
  readCertificates,
  utc,
  validityWarnings,
} from './pem.ts';
import { type AuthorityCrls, type Issued, Revocation, type RevocationSource } from './revocation.ts';

export interface AuthorityDefinition {
  /** Letters, digits, `.`, `_` and `-`, so that identities made of it are unambiguous. */
  readonly name: string;
  /** PEM: roots, and intermediates that clients do not send. */
  readonly certificates: string;
  /** Where the certificates were read from, for messages. Default: the name. */
  readonly source?: string;
  /** Revocation lists in PEM or DER. Default: none. */
  readonly crls?: readonly { readonly bytes: Buffer; readonly source: string }[];
  /** What happens when a list is past its next update. Default: `accept`. */
  readonly crlExpired?: 'accept' | 'refuse';
}

export interface AuthoritiesOptions {
  readonly definitions: readonly AuthorityDefinition[];
  readonly clock: Clock;
  /** Who else knows revoked certificates. Default: nobody. */
  readonly revocationSources?: readonly RevocationSource[];
  /** Told when something needs an operator: a list or a certificate of an authority that ends. */
  readonly warn?: (warning: CertificateWarning) => void;
  /** Client certificates whose chains are remembered, about 1 KiB each: another one costs its signatures anew. Default: 10000. */
  readonly cachedChainsMax?: number;
}

/** Why a certificate does not prove who a client is. */
export type CertificateProblem =
  | ChainProblem['problem']
  | 'malformed'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'crl-expired';

/** A certificate that no authority vouches for. */
export interface UnprovenCertificate {
  readonly facts: undefined;
  readonly problem: ChainProblem['problem'] | 'malformed';
  /** For operators. */
  readonly detail: string;
}

/** A certificate that one of the authorities issued. */
export interface IssuedCertificate {
  /** The same object as long as its authority stays; `Authorities.hasToGo` knows it by that. */
  readonly facts: CertificateFacts;
  readonly subjectAltNames: SubjectAltNames;
  /** When the last of its chain begins, and when the first ends. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Why it does not count now all the same. */
  readonly problem: 'expired' | 'not-yet-valid' | 'revoked' | 'crl-expired' | undefined;
  /** More of the problem, for operators. */
  readonly detail: string | undefined;
}

interface Authority extends AuthorityCrls {
  readonly name: string;
  readonly issuers: readonly Issuer[];
  readonly pem: string;
  readonly source: string;
}

/** What is remembered of a good chain: no bytes of the client's but its names. */
interface KnownChain {
  readonly facts: CertificateFacts;
  readonly subjectAltNames: SubjectAltNames;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** All that a list may revoke, the client's own first. */
  readonly issued: readonly Issued[];
  /** Fingerprints of those above the client's own. */
  readonly issuers: readonly string[];
}

/** Certificates that one client may show; more are not looked at. */
const CERTIFICATES_MAX = 10;
/** Intermediates of one authority that are remembered for clients that resume a TLS session and show only their own. */
const INTERMEDIATES_MAX = 256;
const NAME = /^[\w.-]+$/;
/** How often certificates of authorities that end are told of. */
const DAY_MS = 86_400_000;

export class Authorities {
  readonly #clock: Clock;
  readonly #warn: (warning: CertificateWarning) => void;
  readonly #revocation: Revocation;
  readonly #daily: Timer;
  readonly #cachedChainsMax: number;
  /** By authority and fingerprint of the client's certificate; the one that was asked for last is at the end. */
  readonly #chains = new Map<string, KnownChain>();
  /** By authority: certificates below its own that were found good once. Nobody trusts them: signatures are checked again. */
  readonly #intermediates = new Map<string, Map<string, Certificate>>();
  /** The chains of facts that were given out, for a review of who had them. */
  readonly #given = new WeakMap<CertificateFacts, KnownChain>();
  #authorities: ReadonlyMap<string, Authority> = new Map();

  /** Throws `CertificateFileError` where a definition cannot be used. */
  constructor(options: AuthoritiesOptions) {
    this.#clock = options.clock;
    this.#warn = options.warn ?? (() => {});
    this.#cachedChainsMax = options.cachedChainsMax ?? 10_000;
    const authorities = this.#read(options.definitions);
    this.#revocation = new Revocation(options.clock, options.revocationSources ?? [], this.#warn);
    this.#use(authorities);
    this.#daily = options.clock.every(DAY_MS, () => this.#warnOfValidity());
  }

  /** Takes other definitions in place of all there were; with an error (`CertificateFileError`) nothing changes. */
  replace(definitions: readonly AuthorityDefinition[]): void {
    this.#use(this.#read(definitions));
    this.#revocation.changed();
  }

  /** Of all authorities, in the order of their definitions. */
  get names(): readonly string[] {
    return [...this.#authorities.keys()];
  }

  has(name: string): boolean {
    return this.#authorities.has(name);
  }

  /** The certificates of an authority in PEM, for the CA list of a TLS listener; undefined where there is no such authority. */
  pem(name: string): string | undefined {
    return this.#authorities.get(name)?.pem;
  }

  /**
   * Calls `changed` when someone who was let in may have to go, until the function that it returns is called. The server
   * has the broker review its connections then.
   */
  onChange(changed: () => void): () => void {
    return this.#revocation.onChange(changed);
  }

  /**
   * Finds which of the authorities `names` issued a certificate, and whether it counts now.
   *
   * `certificates` are DER, as in `Peer.certificates`: proved to be the client's first, then those it sent to support it,
   * which may be missing where they were seen before. They come from anywhere; what is returned keeps no view of them.
   */
  examine(certificates: readonly Uint8Array[], names: readonly string[]): IssuedCertificate | UnprovenCertificate {
    if (certificates.length === 0 || certificates[0].length > CERTIFICATE_BYTES_MAX)
      return unproven('malformed', `it is missing or larger than ${CERTIFICATE_BYTES_MAX} bytes`);
    const fingerprint = createHash('sha256').update(certificates[0]).digest('base64');
    try {
      return this.#find(new Shown(certificates), fingerprint, names);
    } catch (error) {
      if (!(error instanceof DerError || error instanceof CertificateFileError)) throw error;
      return unproven('malformed', error.message);
    }
  }

  /** Whether a certificate that was found good before has to go: it was revoked, or its authority was taken away. */
  hasToGo(facts: CertificateFacts): 'revoked' | 'foreign' | undefined {
    const known = this.#given.get(facts);
    if (known === undefined || !this.#isTrusted(known)) return 'foreign';
    return this.#revocation.isRevoked(facts.authority, known.issued) ? 'revoked' : undefined;
  }

  /** Lets go of the clock and of the revocation sources. */
  close(): void {
    this.#daily.cancel();
    this.#revocation.close();
  }

  #read(definitions: readonly AuthorityDefinition[]): Map<string, Authority> {
    const authorities = new Map<string, Authority>();
    for (const definition of definitions) {
      if (authorities.has(definition.name))
        throw new CertificateFileError(
          `Cannot use two authorities named "${definition.name}": one of a name is expected`,
        );
      authorities.set(definition.name, readAuthority(definition));
    }
    return authorities;
  }

  #use(authorities: ReadonlyMap<string, Authority>): void {
    this.#authorities = authorities;
    this.#chains.clear();
    for (const name of this.#intermediates.keys()) if (!authorities.has(name)) this.#intermediates.delete(name);
    this.#revocation.replace(authorities);
    this.#warnOfValidity();
  }

  #warnOfValidity(): void {
    const nowMs = this.#clock.nowMs();
    for (const { issuers, source } of this.#authorities.values())
      for (const { certificate } of issuers)
        for (const warning of validityWarnings(certificate, source, nowMs)) this.#warn(warning);
  }

  /** Asks the authorities in the order of `names`, so that one certificate has one answer whatever is remembered. */
  #find(shown: Shown, fingerprint: string, names: readonly string[]): IssuedCertificate | UnprovenCertificate {
    let problem: ChainProblem = { problem: 'foreign', detail: 'no authority that counts here issued it' };
    for (const name of names) {
      const authority = this.#authorities.get(name);
      if (authority === undefined) continue;
      const key = `${name} ${fingerprint}`;
      const remembered = this.#chains.get(key);
      const found = remembered ?? this.#search(shown, authority);
      if ('problem' in found) {
        if (found.problem !== 'foreign') problem = found;
        continue;
      }
      this.#remember(key, found);
      return this.#judge(found);
    }
    return unproven(problem.problem, problem.detail);
  }

  #search({ leaf, supporting }: Shown, authority: Authority): KnownChain | ChainProblem {
    const seen = this.#intermediates.get(authority.name)?.values() ?? [];
    const found = findChain(leaf, [...seen, ...supporting], authority.issuers);
    return isChain(found) ? this.#known(authority, found) : found;
  }

  #known({ name, issuers }: Authority, [leaf, ...above]: Chain): KnownChain {
    const trusted = new Set(issuers.map(({ certificate }) => certificate.fingerprint));
    for (const certificate of above)
      if (!trusted.has(certificate.fingerprint)) this.#keepIntermediate(name, certificate);
    const commonName = leaf.commonNames.length === 1 ? leaf.commonNames[0] : undefined;
    const facts: CertificateFacts = Object.freeze({ authority: name, serial: leaf.serial, commonName });
    const chain = [leaf, ...above];
    const known: KnownChain = {
      facts,
      subjectAltNames: leaf.subjectAltNames,
      notBeforeMs: Math.max(...chain.map(({ notBeforeMs }) => notBeforeMs)),
      notAfterMs: Math.min(...chain.map(({ notAfterMs }) => notAfterMs)),
      issued: above.map(({ subject }, index) => ({ issuer: subject, serial: chain[index].serial })),
      issuers: above.map(({ fingerprint }) => fingerprint),
    };
    this.#given.set(facts, known);
    return known;
  }

  #keepIntermediate(authority: string, certificate: Certificate): void {
    const kept = this.#intermediates.get(authority) ?? new Map<string, Certificate>();
    this.#intermediates.set(authority, kept);
    kept.delete(certificate.fingerprint);
    kept.set(certificate.fingerprint, certificate);
    if (kept.size > INTERMEDIATES_MAX) kept.delete(kept.keys().next().value!);
  }

  /** Puts a chain at the end of the line of those that are forgotten. */
  #remember(key: string, known: KnownChain): void {
    this.#chains.delete(key);
    this.#chains.set(key, known);
    if (this.#chains.size > this.#cachedChainsMax) this.#chains.delete(this.#chains.keys().next().value!);
  }

  #judge(known: KnownChain): IssuedCertificate {
    const { facts, subjectAltNames, notBeforeMs, notAfterMs } = known;
    const [problem, detail] = this.#presentProblem(known) ?? [];
    return { facts, subjectAltNames, notBeforeMs, notAfterMs, problem, detail };
  }

  #presentProblem(known: KnownChain): [NonNullable<IssuedCertificate['problem']>, string] | undefined {
    const { facts, issued, notBeforeMs, notAfterMs } = known;
    const nowMs = this.#clock.nowMs();
    if (this.#revocation.isRevoked(facts.authority, issued)) return ['revoked', `serial number ${facts.serial}`];
    if (nowMs < notBeforeMs) return ['not-yet-valid', `valid from ${utc(notBeforeMs)}`];
    if (nowMs > notAfterMs) return ['expired', `valid to ${utc(notAfterMs)}`];
    const crl = this.#revocation.blockingCrl(facts.authority, issued);
    if (crl !== undefined) return ['crl-expired', `${crl.source} was due to be replaced at ${utc(crl.nextUpdateMs)}`];
    return undefined;
  }

  #isTrusted({ facts, issuers }: KnownChain): boolean {
    const trusted = this.#authorities.get(facts.authority)?.issuers ?? [];
    return trusted.some(({ certificate }) => issuers.includes(certificate.fingerprint));
  }
}

function unproven(problem: UnprovenCertificate['problem'], detail: string): UnprovenCertificate {
  return { facts: undefined, problem, detail };
}

/** What a client shows, read when it is asked for: a certificate that is known need not be. */
class Shown {
  readonly #certificates: readonly Uint8Array[];
  #leaf: Certificate | undefined;
  #supporting: readonly Certificate[] | undefined;

  constructor(certificates: readonly Uint8Array[]) {
    this.#certificates = certificates;
  }

  get leaf(): Certificate {
    this.#leaf ??= readCertificate(Buffer.from(this.#certificates[0]));
    return this.#leaf;
  }

  get supporting(): readonly Certificate[] {
    this.#supporting ??= this.#certificates.slice(1, CERTIFICATES_MAX).flatMap(readSupporting);
    return this.#supporting;
  }
}

/** None where it cannot be read: a client may send what helps nobody, such as an old root in an odd form. */
function readSupporting(der: Uint8Array): Certificate[] {
  try {
    return [readCertificate(Buffer.from(der))];
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}

function readAuthority(definition: AuthorityDefinition): Authority {
  const { name, source = name, crls = [], crlExpired = 'accept' } = definition;
  if (!NAME.test(name))
    throw new CertificateFileError(
      `Cannot name an authority "${name}": letters, digits, ".", "_" and "-" are expected`,
    );
  const certificates = readCertificates(definition.certificates, source);
  for (const certificate of certificates) {
    const problem = readable(() => issuerProblem(certificate, 0), source);
    if (problem === undefined) continue;
    const who = nameOf(certificate.subject);
    throw new CertificateFileError(`Cannot trust ${who} of ${source}: ${problem.detail}; an authority is expected`);
  }
  const issuers = readable(() => trustedIssuers(certificates, source), source);
  const read = crls.flatMap(({ bytes, source: file }) => readCrls(bytes, file, certificates));
  return { name, issuers, pem: definition.certificates, source, crls: read, crlExpired };
}

/** What `read` returns; a `DerError` of it becomes one that names the file. */
function readable<T>(read: () => T, source: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new CertificateFileError(`Cannot read ${source}: ${error.message}; certificates are expected`);
  }
}
