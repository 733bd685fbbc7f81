/** Writes the certificates and lists of RFC 5280 that an authority of ours issues. */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { context, TAG } from '@dunlin/identity/der';
import {
  bitString,
  boolean,
  element,
  integer,
  octetString,
  oid,
  sequence,
  time,
  utf8String,
} from '@dunlin/identity/der-writer';

const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const ALT_NAMES = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const CRL_NUMBER = '2.5.29.20';
const REASON_CODE = '2.5.29.21';
const CRL_DISTRIBUTION_POINTS = '2.5.29.31';
const AUTHORITY_KEY_ID = '2.5.29.35';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const AUTHORITY_INFORMATION = '1.3.6.1.5.5.7.1.1';
const OCSP_ACCESS = '1.3.6.1.5.5.7.48.1';

/** Purposes of an end entity. */
export const PURPOSE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** keyCertSign, cRLSign. */
const ISSUES = 0x06;
/** digitalSignature. */
const SIGNS = 0x80;
/** Octets of a serial number: the most that RFC 5280 allows. */
const SERIAL_OCTETS = 20;

/** What a certificate is to say. */
export interface CertificateContent {
  /** In DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Buffer[];
}

/** Who signs: name in DER, private key, and the identifier of the key. */
export interface Signer {
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly keyId: Buffer;
}

/** A Name that is a Common Name. */
export function commonName(text: string): Buffer {
  return sequence(element(TAG.set, sequence(oid('2.5.4.3'), utf8String(text))));
}

/** Identifier of a public key (RFC 7093, method 1): 160 bits of its SHA-256. */
export function keyIdOf(spki: Buffer): Buffer {
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

/**
 * Extensions of an authority. `pathLength`: how many may follow below it; undefined for any number. `purpose`: all that
 * certificates below it may be for; it may sign OCSP answers then. Undefined for any purpose.
 */
export function authorityExtensions(pathLength: number | undefined, purpose?: string): Buffer[] {
  const constraints = sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)]));
  const usage = purpose === undefined ? ISSUES : ISSUES | SIGNS;
  return [
    extension(BASIC_CONSTRAINTS, constraints, true),
    extension(KEY_USAGE, bitString(Uint8Array.of(usage), 1), true),
    ...(purpose === undefined ? [] : [extension(EXTENDED_KEY_USAGE, sequence(oid(purpose)))]),
  ];
}

/** Where others learn whether a certificate was revoked. */
export interface StatusUrls {
  /** Of the revocation list. */
  readonly crl?: string;
  /** Of the OCSP responder. */
  readonly ocsp?: string;
}

/** Extensions that say where a certificate's status is to be had. */
export function statusExtensions({ crl, ocsp }: StatusUrls): Buffer[] {
  const uri = (url: string) => element(context(6, false), Buffer.from(url));
  const point = (url: string) => sequence(sequence(element(context(0), element(context(0), uri(url)))));
  return [
    ...(crl === undefined ? [] : [extension(CRL_DISTRIBUTION_POINTS, point(crl))]),
    ...(ocsp === undefined ? [] : [extension(AUTHORITY_INFORMATION, sequence(sequence(oid(OCSP_ACCESS), uri(ocsp))))]),
  ];
}

/** Extensions of one that is no authority. `names`: DNS names and addresses. */
export function endEntityExtensions(purpose: string, names: readonly string[]): Buffer[] {
  const alternatives = names.map((name) =>
    isIP(name) === 0 ? element(context(2, false), Buffer.from(name)) : element(context(7, false), addressOctets(name)),
  );
  return [
    extension(BASIC_CONSTRAINTS, sequence(), true),
    extension(KEY_USAGE, bitString(Uint8Array.of(SIGNS), 7), true),
    extension(EXTENDED_KEY_USAGE, sequence(oid(purpose))),
    ...(names.length === 0 ? [] : [extension(ALT_NAMES, sequence(...alternatives))]),
  ];
}

/** A certificate in DER with a random serial number of 159 bits. */
export function signCertificate(content: CertificateContent, signer: Signer): Buffer {
  const algorithm = algorithmOf(signer.key);
  const extensions = [
    ...content.extensions,
    extension(SUBJECT_KEY_ID, octetString(keyIdOf(content.publicKey))),
    authorityKeyId(signer),
  ];
  const tbs = sequence(
    element(context(0), integer(2)),
    integer(randomSerial()),
    algorithm.identifier,
    signer.subject,
    sequence(time(content.notBeforeMs), time(content.notAfterMs)),
    content.subject,
    content.publicKey,
    element(context(3), sequence(...extensions)),
  );
  return signed(tbs, signer.key);
}

/** An entry of a revocation list. */
export interface RevokedEntry {
  /** In hexadecimal, up to 20 octets. */
  readonly serial: string;
  readonly revokedAtMs: number;
  /** CRLReason of RFC 5280; undefined says none. */
  readonly reasonCode: number | undefined;
}

/** A revocation list in DER, of the `entries` that `crlEntries` has written. `number` rises from list to list. */
export function signCrl(
  entries: readonly Buffer[],
  { thisUpdateMs, nextUpdateMs, number }: { thisUpdateMs: number; nextUpdateMs: number; number: number },
  signer: Signer,
): Buffer {
  const tbs = sequence(
    integer(1),
    algorithmOf(signer.key).identifier,
    signer.subject,
    time(thisUpdateMs),
    time(nextUpdateMs),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    element(context(0), sequence(authorityKeyId(signer), extension(CRL_NUMBER, integer(number)))),
  );
  return signed(tbs, signer.key);
}

/**
 * Entries of a revocation list in DER, one behind the other. They are written as hexadecimal text, which takes a third of the
 * time of a buffer for each element.
 */
export function crlEntries(revoked: readonly RevokedEntry[]): Buffer {
  const hex = (bytes: Buffer) => bytes.toString('hex');
  const reasons = new Map<number | undefined, string>([[undefined, '']]);
  const entries = revoked.map(({ serial, revokedAtMs, reasonCode }) => {
    if (!reasons.has(reasonCode)) reasons.set(reasonCode, hex(reasonExtension(reasonCode!)));
    const digits = serial.replace(/^0+(?=.)/, '');
    const padded = digits.length % 2 === 0 ? digits : `0${digits}`;
    const octets = padded[0] >= '8' ? `00${padded}` : padded;
    const content = `02${lengthHex(octets)}${octets}${hex(time(revokedAtMs))}${reasons.get(reasonCode)}`;
    return `30${lengthHex(content)}${content}`;
  });
  return Buffer.from(entries.join(''), 'hex');
}

/** Of contents below 128 octets, which those of an entry are. */
function lengthHex(content: string): string {
  return (content.length / 2).toString(16).padStart(2, '0');
}

function reasonExtension(code: number): Buffer {
  return sequence(extension(REASON_CODE, element(TAG.enumerated, Uint8Array.of(code))));
}

/** The INTEGER of a serial number in hexadecimal. */
export function serialNumber(serial: string): Buffer {
  return integer(Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex'));
}

/** GeneralizedTime whatever the year, as OCSP wants it; parts of a second are dropped. */
export function generalizedTime(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return element(TAG.generalizedTime, Buffer.from(text));
}

/** PEM of one element in DER. */
export function pemOf(der: Buffer, label: 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL'): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** One entry of an Extensions sequence. */
export function extension(type: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
}

function authorityKeyId({ keyId }: Signer): Buffer {
  return extension(AUTHORITY_KEY_ID, sequence(element(context(0, false), keyId)));
}

/** SEQUENCE of what is signed, the algorithm, the signature and `more`: a certificate, a list, an OCSP answer. */
export function signed(tbs: Buffer, key: KeyObject, ...more: readonly Buffer[]): Buffer {
  const { identifier, hash } = algorithmOf(key);
  return sequence(tbs, identifier, bitString(sign(hash, tbs, key)), ...more);
}

/** How a key signs: ours are P-256, one that was brought along may be another. */
function algorithmOf(key: KeyObject): { readonly identifier: Buffer; readonly hash: string | undefined } {
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (key.asymmetricKeyDetails?.namedCurve !== 'secp384r1')
        return { identifier: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' };
      return { identifier: sequence(oid('1.2.840.10045.4.3.3')), hash: 'sha384' };
    case 'rsa':
      return { identifier: sequence(oid('1.2.840.113549.1.1.11'), element(0x05)), hash: 'sha256' };
    case 'ed25519':
      return { identifier: sequence(oid('1.3.101.112')), hash: undefined };
    default:
      throw new TypeError(
        `Cannot sign with a key of the kind ${key.asymmetricKeyType}: ECDSA, RSA or Ed25519 is expected`,
      );
  }
}

/** Nobody can guess it, and the same never comes twice; positive. */
function randomSerial(): Buffer {
  const serial = randomBytes(SERIAL_OCTETS);
  serial[0] &= 0x7f;
  return serial;
}

function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The parser of URLs writes every form of an IPv6 address in one: hexadecimal groups and at most one "::".
  const [before, after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(before), groups(after)];
  const zeros = new Array<string>(8 - head.length - tail.length).fill('0');
  return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
