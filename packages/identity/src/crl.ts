/** Certificate revocation lists (RFC 5280, section 5): complete ones of one issuer, of any size. */
import { type Certificate, KEY_USAGE, readExtensionList } from './certificate.ts';
import { context, DerError, DerReader, TAG } from './der.ts';
import { CertificateFileError, nameOf, publicKeyOf, readCrlBlocks } from './pem.ts';
import { isSignedBy, readSignatureAlgorithm } from './signature.ts';

export interface Crl {
  /** Where it was read from, for messages. */
  readonly source: string;
  /** Name of the issuer in DER. */
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  /** When the next one is due; Infinity where it does not say. */
  readonly nextUpdateMs: number;
  /** How many certificates it lists. */
  readonly entries: number;
  /** `serial` in hexadecimal, as `CertificateFacts` has it. */
  has(serial: string): boolean;
}

interface SignedCrl extends Crl {
  readonly tbs: Buffer;
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
}

/** A larger list is refused before it is looked at: a million entries fit in. */
const CRL_BYTES_MAX = 67_108_864;

const AUTHORITY_KEY_ID = '2.5.29.35';
const CRL_NUMBER = '2.5.29.20';
const DELTA_CRL = '2.5.29.27';
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';
const CERTIFICATE_ISSUER = '2.5.29.29';

/**
 * The lists of a file in PEM or DER, each signed by one of `issuers`. Takes time in proportion to its length (some tenths
 * of a microsecond for each entry). Throws `CertificateFileError`, also for delta lists and indirect ones.
 */
export function readCrls(bytes: Buffer, source: string, issuers: readonly Certificate[]): Crl[] {
  if (bytes.length > CRL_BYTES_MAX * 1.5) throw tooLarge(bytes.length, source);
  return readCrlBlocks(bytes, source).map((der) => {
    if (der.length > CRL_BYTES_MAX) throw tooLarge(der.length, source);
    try {
      const crl = parseCrl(der, source);
      checkSignature(crl, issuers);
      const { issuer, thisUpdateMs, nextUpdateMs, entries, has } = crl;
      return { source, issuer: Buffer.from(issuer), thisUpdateMs, nextUpdateMs, entries, has };
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw new CertificateFileError(`Cannot read the revocation list ${source}: ${error.message}`);
    }
  });
}

function tooLarge(bytes: number, source: string): CertificateFileError {
  return new CertificateFileError(
    `Cannot read the revocation list ${source}: it has ${bytes} bytes; at most ${CRL_BYTES_MAX} are expected`,
  );
}

function parseCrl(der: Buffer, source: string): SignedCrl {
  const outer = new DerReader(der);
  const whole = outer.enter(TAG.sequence);
  outer.finish();
  const tbs = whole.element(TAG.sequence);
  const signatureAlgorithm = whole.element(TAG.sequence);
  const signature = whole.octetBits();
  whole.finish();

  const reader = new DerReader(tbs).enter(TAG.sequence);
  const version = reader.tag === TAG.integer ? reader.smallInteger() + 1 : 1;
  if (version > 2) throw new DerError(`found a list of version ${version}; 1 or 2 is expected`);
  if (!reader.element(TAG.sequence).equals(signatureAlgorithm))
    throw new DerError('found two different algorithms of one signature');
  const issuer = reader.element(TAG.sequence);
  const thisUpdateMs = reader.time();
  const isTime = reader.tag === TAG.utcTime || reader.tag === TAG.generalizedTime;
  const nextUpdateMs = isTime ? reader.time() : Infinity;
  const revoked = readEntries(reader.enterOptional(TAG.sequence));
  checkExtensions(reader.enterOptional(context(0)));
  reader.finish();
  const has = (serial: string) => revoked.has(octets(serial));
  const signed = { tbs, signatureAlgorithm, signature };
  return { ...signed, source, issuer, thisUpdateMs, nextUpdateMs, entries: revoked.size, has };
}

/** Serial numbers as strings of their octets without leading zeros: a quarter of what hexadecimal costs to make. */
function readEntries(list: DerReader | undefined): Set<string> {
  const revoked = new Set<string>();
  while (list !== undefined && !list.isDone) {
    const entry = list.enter(TAG.sequence);
    const serial = entry.integer();
    revoked.add(serial.toString('latin1', serial[0] === 0 ? 1 : 0));
    entry.content(entry.tag === TAG.utcTime ? TAG.utcTime : TAG.generalizedTime);
    if (!entry.isDone) checkEntryExtensions(entry);
  }
  return revoked;
}

function octets(serial: string): string {
  if (/^0+$/.test(serial)) return '';
  return Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex').toString('latin1');
}

function checkEntryExtensions(entry: DerReader): void {
  for (const { oid, critical } of readExtensionList(entry)) {
    if (oid === CERTIFICATE_ISSUER) throw indirect();
    if (critical) throw new DerError(`found an entry with the critical extension ${oid}, which is not known`);
  }
}

function checkExtensions(field: DerReader | undefined): void {
  for (const { oid, critical, value } of readExtensionList(field)) {
    if (oid === DELTA_CRL) throw new DerError('found a delta list; a complete one is expected');
    if (oid === ISSUING_DISTRIBUTION_POINT) checkDistributionPoint(new DerReader(value).enter(TAG.sequence));
    else if (critical && oid !== AUTHORITY_KEY_ID && oid !== CRL_NUMBER)
      throw new DerError(`found the critical extension ${oid}, which is not known`);
  }
}

/** Where a list is to be had says nothing; that it leaves certificates out must not be overlooked. */
function checkDistributionPoint(point: DerReader): void {
  point.enterOptional(context(0));
  // Only those that are no authorities: none of a client is left out.
  point.enterOptional(context(1, false));
  if (point.tag === context(4, false)) throw indirect();
  if (!point.isDone)
    throw new DerError('found a list of some certificates or reasons only; a complete one is expected');
}

function indirect(): DerError {
  return new DerError('found an indirect list, with certificates of other issuers; one for each issuer is expected');
}

function checkSignature(crl: SignedCrl, issuers: readonly Certificate[]): void {
  const cannot = `Cannot use the revocation list ${crl.source}:`;
  const named = issuers.filter(({ subject }) => subject.equals(crl.issuer));
  if (named.length === 0)
    throw new CertificateFileError(
      `${cannot} it is of ${nameOf(crl.issuer)}; one of a certificate of this authority is expected`,
    );
  const algorithm = readSignatureAlgorithm(crl.signatureAlgorithm);
  if (algorithm === undefined)
    throw new CertificateFileError(`${cannot} its signature is weak or unknown; SHA-256 or better is expected`);
  const signer = named.find(({ publicKey }) =>
    isSignedBy(publicKeyOf(publicKey, crl.source), algorithm, crl.tbs, crl.signature),
  );
  if (signer === undefined)
    throw new CertificateFileError(
      `${cannot} ${nameOf(crl.issuer)} did not sign it; a signature of its key is expected`,
    );
  if (signer.keyUsage !== undefined && (signer.keyUsage & KEY_USAGE.crlSign) === 0)
    throw new CertificateFileError(
      `${cannot} ${nameOf(crl.issuer)} may not sign lists; the key usage cRLSign is expected`,
    );
}
