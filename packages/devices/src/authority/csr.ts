/** Certification requests (PKCS#10, RFC 2986) as devices send them: hostile, and of use for a key alone. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isSignedBy, keyWeakness, readCommonNames, readExtensionList, readSignatureAlgorithm } from '@dunlin/identity';
import { context, DerError, DerReader, TAG } from '@dunlin/identity/der';
import { CertificateError, type CertificateErrorCode } from './certificate-error.ts';
import { PURPOSE } from './x509-writer.ts';

/** More is refused before it is looked at; a request with an RSA key of 8192 bits has 3 KiB. */
export const CSR_BYTES_MAX = 16_384;
const PEM =
  /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/;

/** Attributes whose value is a list of extensions: the standard's, and Microsoft's of before. */
const EXTENSION_REQUESTS = ['1.2.840.113549.1.9.14', '1.3.6.1.4.1.311.2.1.14'];
const ATTRIBUTES_MAX = 32;

const DIGITAL_SIGNATURE = 0x80;
/** Public exponents below make signatures that others can forge, or had better not be used. */
const RSA_EXPONENT_MIN = 65_537n;
/** Above, every check of a signature costs the one who checks. */
const RSA_EXPONENT_BITS_MAX = 64;

/**
 * The key of a request that its sender has proved to hold, and that asks for nothing but a certificate of a client with the
 * Common Name `deviceId`. Whatever else its subject and attributes say is left out, as nothing of it is copied.
 *
 * `request`: PEM, or DER. Throws `CertificateError`.
 */
export function readCsr(request: string | Uint8Array, deviceId: string): KeyObject {
  try {
    return readKey(derOf(request), deviceId);
  } catch (error) {
    if (error instanceof DerError) throw refused('csr-malformed', `${error.message}; a PKCS#10 request is expected`);
    throw error;
  }
}

function derOf(request: string | Uint8Array): Buffer {
  if (request.length > CSR_BYTES_MAX)
    throw refused('csr-malformed', `it has ${request.length} bytes; at most ${CSR_BYTES_MAX} are expected`);
  if (typeof request !== 'string' && request[0] === TAG.sequence) return Buffer.from(request);
  const text = typeof request === 'string' ? request : Buffer.from(request).toString('latin1');
  const base64 = PEM.exec(text)?.[1].replaceAll(/\s/g, '');
  const der = Buffer.from(base64 ?? '', 'base64');
  if (base64 === undefined || der.toString('base64') !== base64)
    throw refused(
      'csr-malformed',
      'found other text; "-----BEGIN CERTIFICATE REQUEST-----" with base64, or DER is expected',
    );
  return der;
}

function readKey(der: Buffer, deviceId: string): KeyObject {
  const outer = new DerReader(der);
  const whole = outer.enter(TAG.sequence);
  outer.finish();
  const signedPart = whole.element(TAG.sequence);
  const algorithm = readSignatureAlgorithm(whole.element(TAG.sequence));
  const signature = whole.octetBits();
  whole.finish();

  const reader = new DerReader(signedPart).enter(TAG.sequence);
  if (reader.smallInteger() !== 0) throw new DerError('found a request of another version than 1');
  const subject = reader.element(TAG.sequence);
  const spki = reader.element(TAG.sequence);
  const attributes = reader.enterOptional(context(0));
  reader.finish();

  const key = strongKey(spki);
  if (algorithm === undefined)
    throw refused(
      'csr-signature',
      'it is signed with an algorithm that is weak or unknown; SHA-256 or better is expected',
    );
  if (!isSignedBy(key, algorithm, signedPart, signature))
    throw refused('csr-signature', 'its signature is not of the key in it; proof of the private key is expected');
  checkName(subject, deviceId);
  if (attributes !== undefined) checkAttributes(attributes, deviceId);
  return key;
}

function strongKey(spki: Buffer): KeyObject {
  const weakness = keyWeakness(spki);
  if (weakness !== undefined) throw refused('key-weak', `found ${weakness}`);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    throw refused('csr-malformed', 'its public key is damaged; RSA, ECDSA or EdDSA is expected');
  }
  const exponent = key.asymmetricKeyDetails?.publicExponent;
  const isOdd = exponent === undefined || exponent % 2n === 1n;
  if (
    exponent !== undefined &&
    (exponent < RSA_EXPONENT_MIN || exponent >> BigInt(RSA_EXPONENT_BITS_MAX) > 0n || !isOdd)
  )
    throw refused('key-weak', 'found an RSA key with an odd choice of exponent; 65537 is expected');
  return key;
}

function checkName(subject: Buffer, deviceId: string): void {
  const names = readCommonNames(subject);
  if (names.length === 1 && names[0] === deviceId) return;
  const found =
    names.length === 1
      ? names[0] === undefined
        ? 'one that no text holds'
        : JSON.stringify(names[0])
      : `${names.length} of them`;
  throw refused('csr-name', `the Common Name of its subject is ${found}; ${JSON.stringify(deviceId)} is expected`);
}

function checkAttributes(attributes: DerReader, deviceId: string): void {
  for (let count = 1; !attributes.isDone; count += 1) {
    if (count > ATTRIBUTES_MAX) throw new DerError(`found more than ${ATTRIBUTES_MAX} attributes`);
    const attribute = attributes.enter(TAG.sequence);
    const type = attribute.oid();
    const values = attribute.enter(TAG.set);
    attribute.finish();
    // Others, such as a challenge password, have no effect here.
    if (!EXTENSION_REQUESTS.includes(type)) continue;
    for (const { oid, value } of readExtensionList(values)) checkExtension(oid, new DerReader(value), deviceId);
  }
}

/** What a request may ask for: what every certificate of a device says anyway. */
const ALLOWED: Readonly<Record<string, (value: DerReader, deviceId: string) => string | undefined>> = {
  // Subject Key Identifier
  '2.5.29.14': (value) => void value.content(TAG.octetString),
  '2.5.29.15': (value) => {
    const [, usage = 0, ...more] = value.content(TAG.bitString);
    const isMore = (usage & ~DIGITAL_SIGNATURE) !== 0 || more.some((octet) => octet !== 0);
    return isMore ? 'a key usage besides digitalSignature' : undefined;
  },
  '2.5.29.17': (value, deviceId) => {
    const names = value.enter(TAG.sequence);
    while (!names.isDone) {
      const { tag } = names;
      const isOwn = names.content(tag).equals(Buffer.from(deviceId)) && tag === context(2, false);
      if (!isOwn) return 'a Subject Alternative Name that is not the id of the device';
    }
    return undefined;
  },
  '2.5.29.19': (value) => {
    const constraints = value.enter(TAG.sequence);
    return constraints.isDone ? undefined : 'to be an authority (basic constraints)';
  },
  '2.5.29.37': (value) => {
    const purposes = value.enter(TAG.sequence);
    while (!purposes.isDone) if (purposes.oid() !== PURPOSE.client) return 'an extended key usage besides clientAuth';
    return undefined;
  },
};

function checkExtension(oid: string, value: DerReader, deviceId: string): void {
  const check = ALLOWED[oid];
  const found = check === undefined ? `the extension ${oid}` : check(value, deviceId);
  if (found !== undefined)
    throw refused('csr-extension', `it asks for ${found}; a certificate of a client alone is given`);
  value.finish();
}

function refused(code: CertificateErrorCode, why: string): CertificateError {
  return new CertificateError(code, `Cannot take the certification request: ${why}`);
}
