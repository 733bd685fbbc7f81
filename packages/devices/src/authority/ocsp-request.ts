/** Reads what a program asks an OCSP responder (RFC 6960, section 4.1): hostile, and answered to anybody. */
import { readExtensionList } from '@dunlin/identity';
import { context, DerError, DerReader, TAG } from '@dunlin/identity/der';

/** What is asked about. */
export interface OcspQuestion {
  /** CertID in DER, which the answer repeats. */
  readonly certId: Buffer;
  /** Object identifier. */
  readonly hash: string;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** As `CertificateFacts.serial`. */
  readonly serial: string;
}

export interface OcspRequest {
  readonly questions: readonly OcspQuestion[];
  /** The extension of the request in DER, which the answer repeats; undefined where there is none. */
  readonly nonce: Buffer | undefined;
}

/** More is refused before it is looked at: a request for one certificate has a hundred bytes. */
export const OCSP_BYTES_MAX = 4_096;
/** Certificates of one request. */
const QUESTIONS_MAX = 16;
export const NONCE = '1.3.6.1.5.5.7.48.1.2';
/** RFC 9654, section 2.1. */
const NONCE_OCTETS_MAX = 128;
const SERIAL_OCTETS_MAX = 21;

/** Keeps views of `der`. Throws `DerError`. A signature of the request is passed over: anybody may ask. */
export function readOcspRequest(der: Buffer): OcspRequest {
  if (der.length > OCSP_BYTES_MAX)
    throw new DerError(`found ${der.length} bytes; at most ${OCSP_BYTES_MAX} are expected`);
  const outer = new DerReader(der);
  const whole = outer.enter(TAG.sequence);
  outer.finish();
  const reader = whole.enter(TAG.sequence);
  whole.enterOptional(context(0));
  whole.finish();

  const version = reader.enterOptional(context(0));
  if (version !== undefined && version.smallInteger() !== 0) throw new DerError('found another version than 1');
  reader.enterOptional(context(1));
  const list = reader.enter(TAG.sequence);
  const extensions = readExtensionList(reader.enterOptional(context(2)));
  reader.finish();

  const questions: OcspQuestion[] = [];
  while (!list.isDone) {
    if (questions.length >= QUESTIONS_MAX) throw new DerError(`found more than ${QUESTIONS_MAX} certificates`);
    questions.push(readQuestion(list.enter(TAG.sequence)));
  }
  if (questions.length === 0) throw new DerError('found no certificate that is asked about');
  return { questions, nonce: readNonce(extensions) };
}

function readQuestion(request: DerReader): OcspQuestion {
  const certId = request.element(TAG.sequence);
  for (const { oid, critical } of readExtensionList(request.enterOptional(context(0))))
    if (critical) throw new DerError(`found the critical extension ${oid}, which is not known`);
  request.finish();
  const reader = new DerReader(certId).enter(TAG.sequence);
  const algorithm = reader.enter(TAG.sequence);
  const hash = algorithm.oid();
  if (!algorithm.isDone) algorithm.element();
  algorithm.finish();
  const issuerNameHash = reader.content(TAG.octetString);
  const issuerKeyHash = reader.content(TAG.octetString);
  const octets = reader.integer();
  reader.finish();
  if (octets[0] >= 0x80 || octets.length > SERIAL_OCTETS_MAX)
    throw new DerError('found a serial number that is negative or of more than 20 octets');
  const serial = octets
    .toString('hex')
    .toUpperCase()
    .replace(/^(?:00)+(?=..)/, '');
  return { certId, hash, issuerNameHash, issuerKeyHash, serial };
}

function readNonce(extensions: ReturnType<typeof readExtensionList>): Buffer | undefined {
  let nonce: Buffer | undefined;
  for (const { oid, critical, value } of extensions) {
    if (oid !== NONCE) {
      if (critical) throw new DerError(`found the critical extension ${oid}, which is not known`);
      continue;
    }
    const reader = new DerReader(value);
    const { length } = reader.content(TAG.octetString);
    reader.finish();
    if (length < 1 || length > NONCE_OCTETS_MAX)
      throw new DerError(`found a nonce of ${length} octets; 1 to ${NONCE_OCTETS_MAX} are expected`);
    nonce = value;
  }
  return nonce;
}
