/** Public keys and signatures of certificates: which are strong enough, and whether one is good. */
import { constants, type KeyObject, verify } from 'node:crypto';
import { context, DerError, DerReader, TAG } from './der.ts';

/** How the bytes were signed. */
export interface SignatureAlgorithm {
  /** Undefined where the algorithm hashes by itself. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | undefined;
  readonly keyType: 'rsa' | 'ec' | 'ed25519' | 'ed448';
  /** Octets of salt, with RSASSA-PSS only. */
  readonly saltLength?: number;
}

const HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const MGF1 = '1.2.840.113549.1.1.8';
const PSS = '1.2.840.113549.1.1.10';
/** What is not listed is refused: MD5 and SHA-1 are broken, DSA and the rest are not met. */
const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', keyType: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', keyType: 'rsa' },
  '1.2.840.113549.1.1.13': { hash: 'sha512', keyType: 'rsa' },
  '1.2.840.10045.4.3.2': { hash: 'sha256', keyType: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', keyType: 'ec' },
  '1.2.840.10045.4.3.4': { hash: 'sha512', keyType: 'ec' },
  '1.3.101.112': { hash: undefined, keyType: 'ed25519' },
  '1.3.101.113': { hash: undefined, keyType: 'ed448' },
};

const RSA_KEY = '1.2.840.113549.1.1.1';
const EC_KEY = '1.2.840.10045.2.1';
const CURVES: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
};
/** Below, a key can be broken; above, the owner of a key could make every check costly. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;

/** Reads an AlgorithmIdentifier; undefined where it is too weak or unknown. Throws `DerError` where it is malformed. */
export function readSignatureAlgorithm(element: Buffer): SignatureAlgorithm | undefined {
  const reader = new DerReader(element).enter(TAG.sequence);
  const oid = reader.oid();
  return oid === PSS ? readPss(reader) : ALGORITHMS[oid];
}

/** RSASSA-PSS (RFC 4055) with one hash for both of its uses; its defaults are SHA-1. */
function readPss(reader: DerReader): SignatureAlgorithm | undefined {
  const parameters = reader.enterOptional(TAG.sequence);
  const hashOid = parameters?.enterOptional(context(0))?.enter(TAG.sequence).oid();
  const mask = parameters?.enterOptional(context(1))?.enter(TAG.sequence);
  const maskOid = mask?.oid();
  const maskHashOid = mask?.isDone === false ? mask.enter(TAG.sequence).oid() : undefined;
  const saltLength = parameters?.enterOptional(context(2))?.smallInteger() ?? 20;
  if (hashOid === undefined || maskOid !== MGF1 || maskHashOid !== hashOid || saltLength > 64) return undefined;
  const hash = HASHES[hashOid];
  return hash === undefined ? undefined : { hash, keyType: 'rsa', saltLength };
}

/**
 * Why a SubjectPublicKeyInfo is not good enough, such as `an RSA key of 1024 bits; 2048 to 8192 are expected`; undefined
 * where it is. Throws `DerError` where it is malformed.
 */
export function keyWeakness(spki: Buffer): string | undefined {
  const reader = new DerReader(spki).enter(TAG.sequence);
  const algorithm = reader.enter(TAG.sequence);
  const oid = algorithm.oid();
  if (oid === RSA_KEY) {
    const bits = rsaBits(reader.octetBits());
    if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) return undefined;
    return `an RSA key of ${bits} bits; ${RSA_BITS_MIN} to ${RSA_BITS_MAX} are expected`;
  }
  if (oid === EC_KEY) {
    const curve = algorithm.tag === TAG.oid ? algorithm.oid() : 'described by parameters';
    return curve in CURVES ? undefined : `an elliptic curve ${curve}; P-256, P-384 or P-521 is expected`;
  }
  const edwards = ALGORITHMS[oid];
  if (edwards?.keyType === 'ed25519' || edwards?.keyType === 'ed448') return undefined;
  return `a key of the kind ${oid}; RSA, ECDSA or EdDSA is expected`;
}

function rsaBits(key: Buffer): number {
  const modulus = new DerReader(key).enter(TAG.sequence).integer();
  if (modulus[0] >= 0x80) throw new DerError('found a negative RSA modulus');
  const leading = modulus[0] === 0 && modulus.length > 1 ? 1 : 0;
  return (modulus.length - leading) * 8 - Math.clz32(modulus[leading]) + 24;
}

/** Whether `signature` over `data` was made with the private part of `key`. Never throws. */
export function isSignedBy(key: KeyObject, algorithm: SignatureAlgorithm, data: Buffer, signature: Buffer): boolean {
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  const pss = algorithm.saltLength !== undefined;
  const options = pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength } : {};
  try {
    return verify(algorithm.hash, data, { key, ...options }, signature);
  } catch {
    return false;
  }
}
