/** An X.509 authority of one's own: makes it, and issues certificates of servers and clients, and revocation lists. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type Certificate,
  checkKeyBelongs,
  isReadable,
  readCertificate,
  readCertificates,
  readPrivateKey,
} from '@dunlin/identity';
import {
  authorityExtensions,
  crlEntries,
  endEntityExtensions,
  keyIdOf,
  commonName as nameOf,
  PURPOSE,
  pemOf,
  type Signer,
  type StatusUrls,
  signCertificate,
  signCrl,
  statusExtensions,
} from './x509-writer.ts';

/** A certificate with its private key, both in PEM; the key is PKCS#8 and a secret. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** A client's certificate in PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  /** Where the key was made here: PKCS#8 in PEM, a secret that is kept nowhere else. */
  readonly key: string | undefined;
  /** In upper-case hexadecimal without leading zeros, as for revocation. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

interface Validity {
  /** How long it is valid from now on. A certificate ends with its authority at the latest. */
  readonly days: number;
  /** The time now, in milliseconds since 1970. */
  readonly nowMs: number;
}

const DAY_MS = 86_400_000;
/** A certificate is valid from a little earlier on, for devices whose clocks are slow. */
const CLOCK_TOLERANCE_MS = 300_000;
/** RFC 5280 allows a Common Name that many characters, and programs hold to it. */
export const COMMON_NAME_MAX = 64;
const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * Makes an authority with a new key (ECDSA P-256): a root, or below `issuer`.
 *
 * `pathLength`: how many authorities may follow below it; default 0 below another one, any number for a root.
 */
export function createAuthority(
  options: Validity & {
    readonly commonName: string;
    readonly issuer?: CertifiedKey;
    readonly pathLength?: number;
    /** Nothing below it counts for a server. Default: false. */
    readonly clientsOnly?: boolean;
  },
): CertifiedKey {
  const { issuer, commonName, pathLength = issuer === undefined ? undefined : 0, clientsOnly = false } = options;
  const subject = subjectOf(commonName);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = spkiOf(publicKey);
  const signer = issuer === undefined ? undefined : signerOf(issuer);
  const content = {
    subject,
    publicKey: spki,
    extensions: authorityExtensions(pathLength, clientsOnly ? PURPOSE.client : undefined),
    ...validityOf(options, signer),
  };
  const der = signCertificate(content, signer ?? { subject, key: privateKey, keyId: keyIdOf(spki) });
  return { certificate: pemOf(der, 'CERTIFICATE'), key: pemOfKey(privateKey) };
}

/** Issues a certificate with a new key for a server. `names`: DNS names (one may begin with `*.`) and IP addresses. */
export function issueServerCertificate(
  options: Validity & { readonly authority: CertifiedKey; readonly names: readonly string[] },
): CertifiedKey {
  const { authority, names } = options;
  if (names.length === 0) throw new TypeError('Cannot issue a server certificate: at least one name is expected');
  const odd = names.find((name) => !isServerName(name));
  if (odd !== undefined)
    throw new TypeError(
      `Cannot issue a server certificate for ${JSON.stringify(odd)}: a DNS name in ASCII or an IP address is expected`,
    );
  const signer = signerOf(authority);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Clients look at the alternative names; the subject is for people, and too long a name has none.
  const subject = subjectOf(names.find((name) => name.length <= COMMON_NAME_MAX) ?? 'server');
  const extensions = endEntityExtensions(PURPOSE.server, names);
  const content = { subject, publicKey: spkiOf(publicKey), extensions, ...validityOf(options, signer) };
  return { certificate: pemOf(signCertificate(content, signer), 'CERTIFICATE'), key: pemOfKey(privateKey) };
}

/** Whether a server certificate can be for it: an IP address, or a DNS name in ASCII, which may begin with `*.`. */
export function isServerName(name: string): boolean {
  // A zone such as %eth0 belongs to one machine and has no place in a certificate.
  if (isIP(name) !== 0) return !name.includes('%');
  return name.length <= 253 && DNS_NAME.test(name);
}

/**
 * Issues a certificate for a client whose name is `commonName`.
 *
 * `publicKey`: the client's own in PEM (SubjectPublicKeyInfo), of which it has proved that it has the private part; without,
 * a new key is made. Throws `TypeError` where the name cannot be one: up to 64 characters, each of them visible.
 */
export function issueClientCertificate(
  options: Validity & { readonly authority: CertifiedKey; readonly commonName: string; readonly publicKey?: string },
): ClientCertificate {
  const { authority, publicKey } = options;
  return signClientCertificate(signerOf(authority), {
    ...options,
    publicKey: publicKey === undefined ? undefined : createPublicKey(publicKey),
  });
}

/** The same by an authority that was opened before. Its key makes the certificate, whoever asks: callers check first. */
export function signClientCertificate(
  signer: Authority,
  options: Validity & {
    readonly commonName: string;
    readonly publicKey: KeyObject | undefined;
    readonly urls?: StatusUrls;
  },
): ClientCertificate {
  const { commonName, publicKey, urls = {} } = options;
  const made = publicKey === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : undefined;
  const spki = spkiOf(made?.publicKey ?? publicKey!);
  const extensions = [...endEntityExtensions(PURPOSE.client, []), ...statusExtensions(urls)];
  const content = { subject: subjectOf(commonName), publicKey: spki, extensions, ...validityOf(options, signer) };
  const der = signCertificate(content, signer);
  const { serial, notBeforeMs, notAfterMs } = readCertificate(der);
  const key = made && pemOfKey(made.privateKey);
  return { certificate: pemOf(der, 'CERTIFICATE'), key, serial, notBeforeMs, notAfterMs };
}

/**
 * Makes the list of the certificates that the authority has revoked, in PEM. `serials` in hexadecimal; `number` rises from
 * list to list; `nextUpdateMs`: when the next one is out at the latest.
 */
export function createCrl(options: {
  readonly authority: CertifiedKey;
  readonly serials: readonly string[];
  readonly nowMs: number;
  readonly nextUpdateMs: number;
  readonly number?: number;
}): string {
  const { authority, serials, nowMs, nextUpdateMs, number = Math.floor(nowMs / 1000) } = options;
  const odd = serials.find((serial) => !/^[0-9a-f]{1,40}$/i.test(serial));
  if (odd !== undefined)
    throw new TypeError(
      `Cannot revoke ${JSON.stringify(odd)}: a serial number in up to 40 hexadecimal digits is expected`,
    );
  const revoked = serials.map((serial) => ({ serial, revokedAtMs: nowMs, reasonCode: undefined }));
  const entries = revoked.length === 0 ? [] : [crlEntries(revoked)];
  return pemOf(signCrl(entries, { thisUpdateMs: nowMs, nextUpdateMs, number }, signerOf(authority)), 'X509 CRL');
}

/** An authority that is ready to sign. */
export interface Authority extends Signer {
  readonly certificate: Certificate;
}

function signerOf(authority: CertifiedKey): Authority {
  const [certificate] = readCertificates(authority.certificate, 'the authority');
  const key = readPrivateKey(authority.key, 'the key of the authority');
  checkKeyBelongs([certificate], 'the authority', key, 'its key');
  return readyToSign(certificate, key);
}

/** `key` belongs to the certificate. */
export function readyToSign(certificate: Certificate, key: KeyObject): Authority {
  const keyId = certificate.subjectKeyId ?? keyIdOf(certificate.publicKey);
  return { certificate, subject: certificate.subject, key, keyId };
}

function validityOf({ days, nowMs }: Validity, authority: Authority | undefined) {
  if (!(days > 0)) throw new TypeError(`Cannot issue a certificate for ${days} days: more than 0 is expected`);
  const notAfterMs = Math.min(nowMs + days * DAY_MS, authority?.certificate.notAfterMs ?? Infinity);
  if (notAfterMs <= nowMs)
    throw new TypeError('Cannot issue a certificate: the authority has expired; one that is valid is expected');
  return { notBeforeMs: nowMs - CLOCK_TOLERANCE_MS, notAfterMs };
}

function subjectOf(commonName: string): Buffer {
  if (commonName.length > COMMON_NAME_MAX || !isReadable(commonName))
    throw new TypeError(
      `Cannot issue a certificate for ${JSON.stringify(commonName.slice(0, 80))}: 1 to ${COMMON_NAME_MAX} visible characters are expected`,
    );
  return nameOf(commonName);
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}
