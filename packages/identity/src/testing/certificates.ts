/** Certificates and lists of any shape for the tests beside the package: also those that no honest authority makes. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { context, TAG } from '../der.ts';
import { bitString, boolean, element, integer, octetString, oid, sequence, time, utf8String } from '../der-writer.ts';

export const DAY_MS = 86_400_000;
/** The time of the tests: 2026-01-01. */
export const NOW_MS = Date.UTC(2026, 0, 1);

export const EKU_CLIENT = '1.3.6.1.5.5.7.3.2';
export const EKU_SERVER = '1.3.6.1.5.5.7.3.1';
export const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/** A certificate with its private key. */
export interface Bearer {
  readonly der: Buffer;
  readonly key: KeyObject;
  readonly subject: Buffer;
}

export interface Shape {
  readonly subject?: Buffer;
  readonly issuer?: Bearer;
  readonly key?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly serial?: Buffer;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly extensions?: readonly Buffer[];
  /** AlgorithmIdentifier and hash of the signature. Default: ECDSA with SHA-256. */
  readonly algorithm?: { readonly identifier: Buffer; readonly hash: string | undefined };
}

export function ecKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** A Name with an RDN for each attribute: its type and its value in DER. */
export function nameOfParts(...parts: readonly (readonly [string, Buffer])[]): Buffer {
  return sequence(...parts.map(([type, value]) => element(TAG.set, sequence(oid(type), value))));
}

export function commonName(text: string): Buffer {
  return nameOfParts(['2.5.4.3', utf8String(text)]);
}

export function extension(type: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
}

export const basicConstraints = (pathLength?: number): Buffer =>
  extension('2.5.29.19', sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])), true);
export const keyUsage = (bits: number): Buffer => extension('2.5.29.15', bitString(Uint8Array.of(bits), 0), true);
export const extendedKeyUsage = (...purposes: string[]): Buffer =>
  extension('2.5.29.37', sequence(...purposes.map(oid)));
/** Names by their tag number: 1 email, 2 DNS, 6 URI, 7 address. */
export const altNames = (...names: readonly (readonly [number, string | Uint8Array])[]): Buffer =>
  extension(
    '2.5.29.17',
    sequence(...names.map(([kind, name]) => element(context(kind, false), Buffer.from(name as string)))),
  );

/** A certificate of a client unless its extensions say otherwise; signed by itself without an issuer. */
export function makeCertificate(shape: Shape = {}): Bearer {
  const {
    subject = commonName('ada'),
    serial = integer(randomBytes(8)),
    extensions = [extendedKeyUsage(EKU_CLIENT)],
  } = shape;
  const { privateKey, publicKey } = shape.key ?? ecKey();
  const { identifier, hash } = shape.algorithm ?? { identifier: ECDSA_SHA256, hash: 'sha256' };
  const tbs = sequence(
    element(context(0), integer(2)),
    serial,
    identifier,
    shape.issuer?.subject ?? subject,
    sequence(time(shape.notBeforeMs ?? NOW_MS - DAY_MS), time(shape.notAfterMs ?? NOW_MS + DAY_MS)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [element(context(3), sequence(...extensions))]),
  );
  const signature = sign(hash, tbs, shape.issuer?.key ?? privateKey);
  return { der: sequence(tbs, identifier, bitString(signature)), key: privateKey, subject };
}

/** An authority that outlives the certificates of clients. */
export function makeAuthority(name: string, shape: Shape = {}): Bearer {
  const extensions = [basicConstraints(), keyUsage(0x06)];
  return makeCertificate({ subject: commonName(name), extensions, notAfterMs: NOW_MS + 30 * DAY_MS, ...shape });
}

export interface CrlShape {
  readonly serials?: readonly number[];
  readonly thisUpdateMs?: number;
  /** `null`: without. */
  readonly nextUpdateMs?: number | null;
  readonly extensions?: readonly Buffer[];
  readonly entryExtensions?: readonly Buffer[];
  readonly key?: KeyObject;
}

/** A revocation list in DER. */
export function makeCrl(issuer: Bearer, shape: CrlShape = {}): Buffer {
  const { serials = [], thisUpdateMs = NOW_MS - DAY_MS, extensions = [], entryExtensions = [] } = shape;
  const nextUpdateMs = shape.nextUpdateMs === undefined ? NOW_MS + DAY_MS : shape.nextUpdateMs;
  const revokedAt = time(thisUpdateMs);
  const ofEntry = entryExtensions.length === 0 ? [] : [sequence(...entryExtensions)];
  const entries = serials.map((serial) => sequence(integer(serial), revokedAt, ...ofEntry));
  const tbs = sequence(
    integer(1),
    ECDSA_SHA256,
    issuer.subject,
    time(thisUpdateMs),
    ...(nextUpdateMs === null ? [] : [time(nextUpdateMs)]),
    ...(entries.length === 0 ? [] : [sequence(Buffer.concat(entries))]),
    ...(extensions.length === 0 ? [] : [element(context(0), sequence(...extensions))]),
  );
  return sequence(tbs, ECDSA_SHA256, bitString(sign('sha256', tbs, shape.key ?? issuer.key)));
}

export function pem(der: Buffer, label = 'CERTIFICATE'): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
