/** The way from a client's certificate to one that is trusted: signatures and rules of RFC 5280 (section 6), without time. */
import type { KeyObject } from 'node:crypto';
import { type Certificate, KEY_USAGE } from './certificate.ts';
import { nameOf, publicKeyOf } from './pem.ts';
import { isSignedBy, keyWeakness, readSignatureAlgorithm } from './signature.ts';

/** Why a chain is not good, whatever the time. */
export interface ChainProblem {
  /**
   * `foreign`: no trusted certificate issued it; `weak`: a key or a signature that can be forged; `issuer`: one that issued
   * was not entitled to; `purpose`: not made for clients; `unsupported`: says in a critical extension what nobody here knows.
   */
  readonly problem: 'foreign' | 'weak' | 'issuer' | 'purpose' | 'unsupported';
  /** For operators. */
  readonly detail: string;
}

/** A certificate that may issue, with its key. */
export interface Issuer {
  readonly certificate: Certificate;
  readonly key: KeyObject;
  /** The trusted certificates above it, nearest first. */
  readonly above: readonly Certificate[];
}

/** Certificates from the client's own to the topmost. */
export type Chain = readonly [Certificate, ...Certificate[]];

/** Certificates between the client's and a trusted one that are followed. */
const INTERMEDIATES_MAX = 6;
/** Signatures checked for one client: one who sends many certificates of one name cannot make us check them all. */
const SIGNATURES_MAX = 24;

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_PURPOSE = '2.5.29.37.0';

/**
 * The first chain from `leaf` to one of `trusted` in which every signature is good and every rule kept, through
 * `supporting` certificates, which nobody trusts.
 */
export function findChain(
  leaf: Certificate,
  supporting: readonly Certificate[],
  trusted: readonly Issuer[],
): Chain | ChainProblem {
  const search = new Search(supporting, trusted);
  search.extend([leaf]);
  return search.chain ?? search.problem;
}

export function isChain(found: Chain | ChainProblem): found is Chain {
  return Array.isArray(found);
}

class Search {
  chain: Chain | undefined;
  problem: ChainProblem = { problem: 'foreign', detail: 'no authority that counts here issued it' };
  readonly #supporting: readonly Certificate[];
  readonly #trusted: readonly Issuer[];
  #signaturesLeft = SIGNATURES_MAX;

  constructor(supporting: readonly Certificate[], trusted: readonly Issuer[]) {
    this.#supporting = supporting;
    this.#trusted = trusted;
  }

  /** Looks for what issued the last certificate of `path`; leaves the chain, or the most telling problem. */
  extend(path: Chain): void {
    const current = path.at(-1)!;
    for (const { certificate, key, above } of this.#trusted) {
      if (!mayHaveIssued(certificate, current) || !this.#isSigned(current, key)) continue;
      const chain: Chain = [...path, certificate, ...above];
      const problem = chainProblem(chain);
      if (problem === undefined) this.chain = chain;
      else this.problem = problem;
      if (problem === undefined) return;
    }
    if (path.length > INTERMEDIATES_MAX) return;
    for (const certificate of this.#supporting) {
      if (path.includes(certificate) || !mayHaveIssued(certificate, current)) continue;
      if (issuerProblem(certificate, 0) !== undefined) continue;
      if (!this.#isSigned(current, supportingKey(certificate))) continue;
      this.extend([...path, certificate]);
      if (this.chain !== undefined) return;
    }
  }

  #isSigned({ signatureAlgorithm, tbs, signature, issuer }: Certificate, key: KeyObject): boolean {
    const algorithm = readSignatureAlgorithm(signatureAlgorithm);
    if (algorithm === undefined) {
      this.problem = {
        problem: 'weak',
        detail: `what ${nameOf(issuer)} issued is signed with an algorithm that is weak or unknown`,
      };
      return false;
    }
    if (this.#signaturesLeft === 0) return false;
    this.#signaturesLeft -= 1;
    return isSignedBy(key, algorithm, tbs, signature);
  }
}

/** Keys of supporting certificates, which are asked for at every client below them: to make one costs as much as to use it. */
const supportingKeys = new WeakMap<Certificate, KeyObject>();

function supportingKey(certificate: Certificate): KeyObject {
  const known = supportingKeys.get(certificate);
  if (known !== undefined) return known;
  const key = publicKeyOf(certificate.publicKey, 'the chain of the client');
  supportingKeys.set(certificate, key);
  return key;
}

/** Whether names and key identifiers speak for it. */
function mayHaveIssued(issuer: Certificate, subject: Certificate): boolean {
  if (!issuer.subject.equals(subject.issuer)) return false;
  const { subjectKeyId } = issuer;
  const { authorityKeyId } = subject;
  return subjectKeyId === undefined || authorityKeyId === undefined || subjectKeyId.equals(authorityKeyId);
}

function chainProblem(chain: Chain): ChainProblem | undefined {
  const [leaf, ...issuers] = chain;
  const own = leafProblem(leaf) ?? usable(leaf);
  if (own !== undefined) return own;
  let below = 0;
  for (const issuer of issuers) {
    const problem = issuerProblem(issuer, below);
    if (problem !== undefined) return problem;
    // One that issued itself anew, for another key, is not counted (RFC 5280, section 4.2.1.9).
    if (!issuer.subject.equals(issuer.issuer)) below += 1;
  }
  return undefined;
}

function leafProblem({ isAuthority, keyUsage, extendedKeyUsage }: Certificate): ChainProblem | undefined {
  if (isAuthority) return { problem: 'purpose', detail: 'it is the certificate of an authority' };
  const signs = KEY_USAGE.digitalSignature | KEY_USAGE.keyAgreement;
  if (keyUsage !== undefined && (keyUsage & signs) === 0)
    return { problem: 'purpose', detail: 'its key usage lacks digitalSignature' };
  if (isForClients(extendedKeyUsage)) return undefined;
  return { problem: 'purpose', detail: 'its extended key usage lacks clientAuth' };
}

/** Why a certificate may not have issued one of a client with `below` authorities in between. Undefined where it may. */
export function issuerProblem(issuer: Certificate, below: number): ChainProblem | undefined {
  const name = nameOf(issuer.subject);
  const say = (detail: string): ChainProblem => ({ problem: 'issuer', detail: `${name} ${detail}` });
  if (!issuer.isAuthority) return say('is no authority: it lacks the basic constraint CA');
  if (issuer.keyUsage !== undefined && (issuer.keyUsage & KEY_USAGE.keyCertSign) === 0)
    return say('may not issue certificates: its key usage lacks keyCertSign');
  if (issuer.pathLength !== undefined && below > issuer.pathLength)
    return say(`allows ${issuer.pathLength} authorities below it, and there are ${below}`);
  if (!isForClients(issuer.extendedKeyUsage))
    return say('may not issue for clients: its extended key usage lacks clientAuth');
  return usable(issuer);
}

function isForClients(purposes: readonly string[] | undefined): boolean {
  return purposes === undefined || purposes.includes(CLIENT_AUTH) || purposes.includes(ANY_PURPOSE);
}

function usable({ publicKey, unknownExtension, subject }: Certificate): ChainProblem | undefined {
  const weakness = keyWeakness(publicKey);
  if (weakness !== undefined) return { problem: 'weak', detail: `${nameOf(subject)} has ${weakness}` };
  if (unknownExtension === undefined) return undefined;
  return {
    problem: 'unsupported',
    detail: `${nameOf(subject)} has the extension ${unknownExtension}, which is not followed here`,
  };
}

/**
 * Trusted issuers from the certificates of an authority. One whose issuer is among them counts only together with it.
 * Throws `CertificateFileError` where a key is damaged.
 */
export function trustedIssuers(certificates: readonly Certificate[], source: string): Issuer[] {
  const keys = certificates.map((certificate) => publicKeyOf(certificate.publicKey, source));
  return certificates.map((certificate, index) => {
    const above: Certificate[] = [];
    for (let next: Certificate | undefined = certificate; next !== undefined; ) {
      const current: Certificate = next;
      const algorithm = readSignatureAlgorithm(current.signatureAlgorithm);
      next = certificates.find(
        (issuer, at) =>
          algorithm !== undefined &&
          issuer !== certificate &&
          !above.includes(issuer) &&
          issuer !== current &&
          mayHaveIssued(issuer, current) &&
          isSignedBy(keys[at], algorithm, current.tbs, current.signature),
      );
      if (next !== undefined) above.push(next);
    }
    return { certificate, key: keys[index], above };
  });
}
