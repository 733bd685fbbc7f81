/** An X.509 certificate (RFC 5280) as read from hostile DER: what a decision about a client needs, nothing more. */
import { createHash } from 'node:crypto';
import { context, DerError, DerReader, TAG } from './der.ts';
import { readableText } from './readable-text.ts';

/** Subject Alternative Names by kind, in the order of the certificate. Names that no text can hold safely are left out. */
export interface SubjectAltNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  /** IPv4 in decimal, IPv6 in eight groups of hexadecimal without leading zeros. */
  readonly ip: readonly string[];
}

export interface Certificate {
  /** SHA-256 of the whole, in hexadecimal. */
  readonly fingerprint: string;
  /** The bytes that were signed. */
  readonly tbs: Buffer;
  /** AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
  /** In upper-case hexadecimal, whole octets without those of zeros in front. */
  readonly serial: string;
  /** Names in DER; two are the same where their bytes are. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** The subject's Common Names; undefined for one that no text can hold safely. */
  readonly commonNames: readonly (string | undefined)[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly isAuthority: boolean;
  /** How many authorities may follow below, where it says so. */
  readonly pathLength: number | undefined;
  /** Bits as in `KEY_USAGE`; undefined where nothing is said, which permits all. */
  readonly keyUsage: number | undefined;
  /** Object identifiers; undefined where nothing is said, which permits all. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltNames: SubjectAltNames;
  readonly subjectKeyId: Buffer | undefined;
  readonly authorityKeyId: Buffer | undefined;
  /** A critical extension that nobody here understands: such a certificate must not be used. */
  readonly unknownExtension: string | undefined;
}

/** The first octet of KeyUsage. */
export const KEY_USAGE = { digitalSignature: 0x80, keyAgreement: 0x08, keyCertSign: 0x04, crlSign: 0x02 } as const;

/** More is refused before it is looked at: those of real devices have one or two thousand. */
export const CERTIFICATE_BYTES_MAX = 32_768;
const NAME_PARTS_MAX = 64;
const EXTENSIONS_MAX = 64;
const ALT_NAMES_MAX = 256;
/** RFC 5280 allows 20 octets and a sign. */
const SERIAL_OCTETS_MAX = 21;

const COMMON_NAME = '2.5.4.3';
/** Extensions that restrict what comes below in ways that are not followed here, critical or not. */
const NAME_CONSTRAINTS = '2.5.29.30';

interface Extensions {
  isAuthority: boolean;
  pathLength: number | undefined;
  keyUsage: number | undefined;
  extendedKeyUsage: readonly string[] | undefined;
  subjectAltNames: SubjectAltNames;
  subjectKeyId: Buffer | undefined;
  authorityKeyId: Buffer | undefined;
  unknownExtension: string | undefined;
}

/** Keeps views of `der`. Throws `DerError` where it is too large or not what RFC 5280 describes. */
export function readCertificate(der: Buffer): Certificate {
  if (der.length > CERTIFICATE_BYTES_MAX)
    throw new DerError(`found a certificate of ${der.length} bytes; at most ${CERTIFICATE_BYTES_MAX} are expected`);
  const outer = new DerReader(der);
  const whole = outer.enter(TAG.sequence);
  outer.finish();
  const tbs = whole.element(TAG.sequence);
  const signatureAlgorithm = whole.element(TAG.sequence);
  const signature = whole.octetBits();
  whole.finish();

  const reader = new DerReader(tbs).enter(TAG.sequence);
  const version = readVersion(reader);
  const serial = readSerial(reader.integer());
  if (!reader.element(TAG.sequence).equals(signatureAlgorithm))
    throw new DerError('found two different algorithms of one signature');
  const issuer = reader.element(TAG.sequence);
  const validity = reader.enter(TAG.sequence);
  const notBeforeMs = validity.time();
  const notAfterMs = validity.time();
  validity.finish();
  const subject = reader.element(TAG.sequence);
  const publicKey = reader.element(TAG.sequence);
  reader.enterOptional(context(1, false));
  reader.enterOptional(context(2, false));
  const extensions = version === 3 ? readExtensions(reader.enterOptional(context(3))) : NO_EXTENSIONS;
  reader.finish();
  const fingerprint = createHash('sha256').update(der).digest('hex');
  const names = { issuer, subject, commonNames: readCommonNames(subject) };
  const signed = { fingerprint, tbs, signatureAlgorithm, signature };
  return { ...signed, serial, ...names, notBeforeMs, notAfterMs, publicKey, ...extensions };
}

function readVersion(reader: DerReader): number {
  const explicit = reader.enterOptional(context(0));
  const version = (explicit?.smallInteger() ?? 0) + 1;
  explicit?.finish();
  if (version > 3) throw new DerError(`found a certificate of version ${version}; 1 to 3 are expected`);
  return version;
}

/** The octets of an INTEGER as `CertificateFacts.serial` has it. */
function readSerial(octets: Buffer): string {
  if (octets[0] >= 0x80 || octets.length > SERIAL_OCTETS_MAX)
    throw new DerError('found a serial number that is negative or of more than 20 octets');
  const text = octets.toString('hex').toUpperCase();
  return text.replace(/^(?:00)+(?=..)/, '');
}

/** The Common Names of a Name in DER; undefined for one that no text can hold safely. */
export function readCommonNames(name: Buffer): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  const parts = new DerReader(name).enter(TAG.sequence);
  for (let count = 1; !parts.isDone; count += 1) {
    if (count > NAME_PARTS_MAX) throw new DerError(`found a name of more than ${NAME_PARTS_MAX} parts`);
    const attributes = parts.enter(TAG.set);
    while (!attributes.isDone) {
      const attribute = attributes.enter(TAG.sequence);
      const type = attribute.oid();
      const tag = attribute.tag;
      const value = attribute.content(tag);
      attribute.finish();
      if (type === COMMON_NAME) found.push(readableText(tag, value));
      if (found.length > NAME_PARTS_MAX) throw new DerError(`found more than ${NAME_PARTS_MAX} Common Names`);
    }
  }
  return found;
}

const NO_NAMES: SubjectAltNames = { dns: [], uri: [], email: [], ip: [] };
const NO_EXTENSIONS: Extensions = {
  isAuthority: false,
  pathLength: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  subjectAltNames: NO_NAMES,
  subjectKeyId: undefined,
  authorityKeyId: undefined,
  unknownExtension: undefined,
};

const READERS: Readonly<Record<string, (value: DerReader, into: Extensions) => void>> = {
  '2.5.29.14': (value, into) => {
    into.subjectKeyId = value.content(TAG.octetString);
  },
  '2.5.29.15': (value, into) => {
    const bits = value.content(TAG.bitString);
    if (bits.length < 1 || bits.length > 3 || bits[0] > 7)
      throw new DerError('found a KeyUsage that is not well formed');
    into.keyUsage = bits.length > 1 ? bits[1] : 0;
  },
  '2.5.29.17': (value, into) => {
    into.subjectAltNames = readAltNames(value.enter(TAG.sequence));
  },
  '2.5.29.19': (value, into) => {
    const constraints = value.enter(TAG.sequence);
    into.isAuthority = constraints.tag === TAG.boolean && constraints.boolean();
    into.pathLength = constraints.tag === TAG.integer ? constraints.smallInteger() : undefined;
    constraints.finish();
  },
  '2.5.29.35': (value, into) => {
    const identifier = value.enter(TAG.sequence);
    if (identifier.tag === context(0, false)) into.authorityKeyId = identifier.content(context(0, false));
  },
  '2.5.29.37': (value, into) => {
    const purposes: string[] = [];
    for (const list = value.enter(TAG.sequence); !list.isDone; ) purposes.push(list.oid());
    into.extendedKeyUsage = purposes;
  },
};
/** certificatePolicies names rules that people keep; no policy is asked for here. */
const HARMLESS = new Set(['2.5.29.32']);

/** One entry of an Extensions sequence, of a certificate as of a revocation list. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

/** All of an Extensions field (undefined: none). Throws `DerError` where one comes twice, or there are too many. */
export function readExtensionList(field: DerReader | undefined): Extension[] {
  if (field === undefined) return [];
  const list = field.enter(TAG.sequence);
  field.finish();
  const found = new Map<string, Extension>();
  while (!list.isDone) {
    const extension = list.enter(TAG.sequence);
    const oid = extension.oid();
    const critical = extension.tag === TAG.boolean && extension.boolean();
    const value = extension.content(TAG.octetString);
    extension.finish();
    if (found.has(oid)) throw new DerError(`found the extension ${oid} twice`);
    if (found.size >= EXTENSIONS_MAX) throw new DerError(`found more than ${EXTENSIONS_MAX} extensions`);
    found.set(oid, { oid, critical, value });
  }
  return [...found.values()];
}

function readExtensions(field: DerReader | undefined): Extensions {
  const into: Extensions = { ...NO_EXTENSIONS };
  for (const { oid, critical, value } of readExtensionList(field)) {
    const read = READERS[oid];
    if (read !== undefined) {
      const reader = new DerReader(value);
      read(reader, into);
      reader.finish();
    } else if (oid === NAME_CONSTRAINTS || (critical && !HARMLESS.has(oid))) into.unknownExtension ??= oid;
  }
  return into;
}

function readAltNames(list: DerReader): SubjectAltNames {
  const names = { dns: [] as string[], uri: [] as string[], email: [] as string[], ip: [] as string[] };
  const kinds: Readonly<Record<number, string[]>> = {
    [context(1, false)]: names.email,
    [context(2, false)]: names.dns,
    [context(6, false)]: names.uri,
  };
  for (let count = 1; !list.isDone; count += 1) {
    if (count > ALT_NAMES_MAX) throw new DerError(`found more than ${ALT_NAMES_MAX} Subject Alternative Names`);
    const tag = list.tag;
    const value = list.content(tag);
    const text = tag === context(7, false) ? addressText(value) : readableText(TAG.ia5String, value);
    if (text !== undefined) (tag === context(7, false) ? names.ip : kinds[tag])?.push(text);
  }
  return names;
}

function addressText(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16)).join(':');
}
