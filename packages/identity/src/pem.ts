/** Certificates, keys and revocation lists in PEM, with errors that say what is wrong with a file and how to put it right. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, readCertificate, readCommonNames } from './certificate.ts';
import { DerError } from './der.ts';

/** What cannot be used of a file with certificates or keys. The message names the file and holds nothing secret of it. */
export class CertificateFileError extends Error {
  override readonly name = 'CertificateFileError';
}

/** What an operator should know before it hurts. */
export interface CertificateWarning {
  readonly code:
    | 'certificate-expired'
    | 'certificate-ends-soon'
    | 'certificate-not-yet-valid'
    | 'chain-out-of-order'
    | 'chain-incomplete'
    | 'crl-expired'
    | 'crl-not-yet-valid';
  /** The file, or whatever else names where it is. */
  readonly source: string;
  readonly message: string;
}

interface PemBlock {
  readonly label: string;
  readonly text: string;
  readonly bytes: Buffer;
  readonly encrypted: boolean;
}

/** Larger files are not read: a chain of certificates has some thousand bytes. */
const PEM_CHARACTERS_MAX = 4_194_304;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([\s\S]*?)-----END \1-----/g;
const DAY_MS = 86_400_000;
/** From here on an operator is told that a certificate ends. */
const ENDS_SOON_DAYS = 30;
const PRIVATE_KEY = /^(?:ENCRYPTED |RSA |EC )?PRIVATE KEY$/;

/** The certificates of a bundle, in its order, at least one. Throws `CertificateFileError`. */
export function readCertificates(text: string, source: string): Certificate[] {
  const blocks = readBlocks(text, source, 'certificates');
  const found = blocks.filter(({ label }) => label === 'CERTIFICATE');
  if (found.length === 0) {
    const keys = blocks.some(({ label }) => PRIVATE_KEY.test(label));
    const what = keys ? 'a private key; were the two files exchanged?' : `only "${blocks[0].label}"`;
    throw fileError(`read certificates from ${source}: it holds ${what} "-----BEGIN CERTIFICATE-----" is expected`);
  }
  return found.map(({ bytes }, index) => {
    try {
      return readCertificate(bytes);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw fileError(`read certificate ${index + 1} of ${source}: ${error.message}; a certificate is expected`);
    }
  });
}

/** The private key of a file. `passphrase` is needed where it is encrypted. Throws `CertificateFileError`. */
export function readPrivateKey(text: string, source: string, passphrase?: string): KeyObject {
  const blocks = readBlocks(text, source, 'a private key');
  const block = blocks.find(({ label }) => PRIVATE_KEY.test(label));
  if (block === undefined) {
    const certificate = blocks.some(({ label }) => label === 'CERTIFICATE');
    const what = certificate ? 'a certificate; were the two files exchanged?' : `only "${blocks[0].label}"`;
    throw fileError(`read a private key from ${source}: it holds ${what} "-----BEGIN PRIVATE KEY-----" is expected`);
  }
  if (block.encrypted && passphrase === undefined)
    throw fileError(
      `read the private key of ${source}: it is encrypted; its passphrase, or a key without, is expected`,
    );
  try {
    return createPrivateKey({ key: block.text, passphrase });
  } catch {
    const why = block.encrypted ? 'its passphrase is another, or it is damaged' : 'it is damaged';
    throw fileError(`read the private key of ${source}: ${why}; a key as of "openssl pkey" is expected`);
  }
}

/**
 * The revocation lists of a file in PEM or DER, in DER. Throws `CertificateFileError`.
 * `bytes` must stay as they are: what is returned may be a view of them.
 */
export function readCrlBlocks(bytes: Buffer, source: string): Buffer[] {
  if (bytes[0] === 0x30) return [bytes];
  const blocks = readBlocks(bytes.toString('utf8'), source, 'a revocation list', Infinity);
  const found = blocks.filter(({ label }) => label === 'X509 CRL');
  if (found.length > 0) return found.map((block) => block.bytes);
  throw fileError(`read a revocation list from ${source}: it holds "${blocks[0].label}"; "X509 CRL" is expected`);
}

/** Checks that a server can prove its certificate, the first of `chain`, with `key`. Throws `CertificateFileError`. */
export function checkKeyBelongs(
  chain: readonly Certificate[],
  source: string,
  key: KeyObject,
  keySource: string,
): void {
  // Not KeyObject.equals: of two kinds of keys it leaves an error in OpenSSL's queue, which the next key read stumbles on.
  const derOf = (publicKey: KeyObject): Buffer => publicKey.export({ format: 'der', type: 'spki' });
  const ours = derOf(createPublicKey(key));
  const matches = ({ publicKey }: Certificate) => ours.equals(derOf(publicKeyOf(publicKey, source)));
  if (matches(chain[0])) return;
  const other = chain.findIndex(matches);
  throw fileError(
    other > 0
      ? `use ${source}: the key of ${keySource} belongs to certificate ${other + 1} in it; the server's own is expected first`
      : `use ${source} with ${keySource}: the certificate of ${nameOf(chain[0].subject)} has another key; a pair is expected`,
  );
}

/**
 * What is to be said of a chain that a server shows to its clients: its own certificate first, then each issuer.
 *
 * `roots` are certificates that clients are known to have; without them a chain that ends below a root is taken as it is.
 */
export function certificateWarnings(
  chain: readonly Certificate[],
  source: string,
  nowMs: number,
  roots: readonly Certificate[] = [],
): CertificateWarning[] {
  const warnings: CertificateWarning[] = [];
  for (const certificate of chain) warnings.push(...validityWarnings(certificate, source, nowMs));
  for (const [index, { issuer }] of chain.slice(0, -1).entries()) {
    if (issuer.equals(chain[index + 1].subject)) continue;
    const message = `Certificate ${index + 2} of ${source} did not issue the one before it; the server's own comes first, then its issuer ${nameOf(issuer)}.`;
    return [...warnings, { code: 'chain-out-of-order', source, message }];
  }
  const { issuer, subject } = chain.at(-1)!;
  const isKnown = issuer.equals(subject) || roots.some((root) => root.subject.equals(issuer));
  if (roots.length > 0 && !isKnown) {
    const message = `${source} ends with a certificate of ${nameOf(issuer)}, which is no root that clients have: append the intermediate certificate of that name.`;
    warnings.push({ code: 'chain-incomplete', source, message });
  }
  return warnings;
}

/** What is to be said of one certificate's validity: from 30 days before its end on. */
export function validityWarnings(certificate: Certificate, source: string, nowMs: number): CertificateWarning[] {
  const { notBeforeMs, notAfterMs, subject } = certificate;
  const what = `The certificate of ${nameOf(subject)} in ${source}`;
  const warning = (code: CertificateWarning['code'], says: string) => [{ code, source, message: `${what} ${says}` }];
  if (nowMs < notBeforeMs) return warning('certificate-not-yet-valid', `is not valid before ${utc(notBeforeMs)}.`);
  if (nowMs > notAfterMs) return warning('certificate-expired', `has expired at ${utc(notAfterMs)}: renew it.`);
  const days = Math.floor((notAfterMs - nowMs) / DAY_MS);
  if (days >= ENDS_SOON_DAYS) return [];
  return warning('certificate-ends-soon', `ends in ${days} days, at ${utc(notAfterMs)}: renew it.`);
}

/** A wall clock time as messages have it. */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** How messages call the bearer of a Name. */
export function nameOf(name: Buffer): string {
  const text = readCommonNames(name).find((commonName) => commonName !== undefined);
  return text === undefined ? 'a subject without a Common Name' : `"${text}"`;
}

/** The key of a SubjectPublicKeyInfo. Throws `CertificateFileError`. */
export function publicKeyOf(spki: Buffer, source: string): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    throw fileError(`use ${source}: the public key of a certificate in it is damaged; another certificate is expected`);
  }
}

function readBlocks(text: string, source: string, wanted: string, charactersMax = PEM_CHARACTERS_MAX): PemBlock[] {
  if (text.length > charactersMax)
    throw fileError(
      `read ${wanted} from ${source}: it has ${text.length} characters; at most ${charactersMax} are expected`,
    );
  const blocks: PemBlock[] = [];
  for (const [whole, label, body] of text.matchAll(BLOCK)) blocks.push(readBlock(whole, label, body, source));
  if (blocks.length === 0) throw fileError(`read ${wanted} from ${source}: ${whyNoBlock(text)}`);
  return blocks;
}

function readBlock(whole: string, label: string, body: string, source: string): PemBlock {
  if (body.includes('\\n') || !/^\s*?\r?\n/.test(body) || !/\n\s*$/.test(body))
    throw fileError(
      `read "${label}" from ${source}: its line breaks are lost; lines as in the original file are expected (in YAML: a block after "|")`,
    );
  const encrypted = label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(body);
  const base64 = body.replace(/^(?:[A-Za-z-]+:.*\r?\n)+/m, '').replaceAll(/\s/g, '');
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== base64)
    throw fileError(`read "${label}" from ${source}: its text is damaged or cut short; base64 is expected`);
  return { label, text: whole, bytes, encrypted };
}

function whyNoBlock(text: string): string {
  if (text.trim() === '') return 'it is empty; "-----BEGIN …-----" is expected';
  if (text.includes('\0') || text.startsWith('0\uFFFD'))
    return 'it is binary (DER, PKCS#12 or UTF-16); PEM is expected, as "openssl x509 -inform der" or "openssl pkcs12 -nodes" write it';
  const begin = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text);
  if (begin === null) return 'it holds no "-----BEGIN …-----"; PEM is expected';
  return `"${begin[1]}" in it has no end; "-----END ${begin[1]}-----" is expected`;
}

function fileError(what: string): CertificateFileError {
  return new CertificateFileError(`Cannot ${what}`);
}
