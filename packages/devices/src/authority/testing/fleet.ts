/** An authority, certification requests and OpenSSL for the tests beside it. */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { readCertificates } from '@dunlin/identity';
import { context, DerReader, TAG } from '@dunlin/identity/der';
import { element, integer, octetString, oid, sequence, utf8String } from '@dunlin/identity/der-writer';
import { TestClock } from '../../testing/clock.ts';
import { testParts } from '../../testing/registry.ts';
import { CERTIFICATES } from '../certificate-record.ts';
import { IssuingAuthority } from '../issuing-authority.ts';
import { MasterKey } from '../master-key.ts';
import { newAuthority } from '../new-authority.ts';
import { commonName, extension, pemOf, type StatusUrls, serialNumber, signed } from '../x509-writer.ts';

export const NOW_MS = Date.UTC(2026, 0, 1);
export const DAY_MS = 86_400_000;

export const masterKey = new MasterKey(randomBytes(32), 'a test');
export const fleet = newAuthority({ name: 'Fleet', nowMs: NOW_MS, masterKey });

/** What parts of the service are given, over tables in memory, and the table of certificates. */
export function serviceParts(nowMs = NOW_MS) {
  const parts = testParts(new TestClock(nowMs));
  return { parts, clock: parts.clock, events: parts.events, table: parts.tables.table(CERTIFICATES) };
}

/** As the registry has it. */
export const device = (id: string, generation = 'first') => ({ device: { id }, generation, trust: 0 });

/** The authority `devices`, or one of other texts. */
export function openAuthority(texts = fleet.issuing, urls: StatusUrls = {}): IssuingAuthority {
  const certificate = { text: texts.certificate, source: 'ca.pem' };
  return IssuingAuthority.open({
    name: 'devices',
    certificate,
    key: { text: texts.key, source: 'ca.key' },
    masterKey,
    urls,
  });
}

export type Pair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

export const ecPair = (namedCurve = 'P-256'): Pair => generateKeyPairSync('ec', { namedCurve });

export interface CsrShape {
  readonly pair?: Pair;
  readonly subject?: Buffer;
  /** Extensions that it asks for. */
  readonly extensions?: readonly Buffer[];
  readonly attributes?: readonly Buffer[];
  /** Signs in place of the pair. */
  readonly signer?: KeyObject;
  readonly version?: number;
}

/** A certification request in DER. */
export function csrDer(name: string, shape: CsrShape = {}): Buffer {
  const { pair = ecPair(), subject = commonName(name), extensions = [], attributes = [], version = 0 } = shape;
  const asked = extensions.length === 0 ? [] : [attribute('1.2.840.113549.1.9.14', sequence(...extensions))];
  const info = sequence(
    integer(version),
    subject,
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    element(context(0), ...asked, ...attributes),
  );
  return signed(info, shape.signer ?? pair.privateKey);
}

export function csrPem(name: string, shape: CsrShape = {}): string {
  return pemOf(csrDer(name, shape), 'CERTIFICATE REQUEST');
}

export function attribute(type: string, value: Buffer): Buffer {
  return sequence(oid(type), element(TAG.set, value));
}

/** A Name with one attribute for each pair of type and text. */
export function nameOfParts(...parts: readonly (readonly [string, string])[]): Buffer {
  return sequence(...parts.map(([type, text]) => element(TAG.set, sequence(oid(type), utf8String(text)))));
}

/** DER of the first certificate of a PEM. */
export const rawOf = (pem: string): Buffer => new X509Certificate(pem).raw;

export interface OcspShape {
  readonly serials: readonly string[];
  /** PEM. Default: the one that issues in the fleet. */
  readonly issuer?: string;
  readonly hash?: readonly [oid: string, name: string];
  readonly nonce?: Buffer;
  readonly extensions?: readonly Buffer[];
}

/** A request to an OCSP responder in DER. */
export function ocspRequest(shape: OcspShape): Buffer {
  const { serials, issuer = fleet.issuing.certificate, hash = ['1.3.14.3.2.26', 'sha1'], nonce } = shape;
  const [{ subject, publicKey }] = readCertificates(issuer, 'the issuer');
  const key = new DerReader(publicKey).enter(TAG.sequence);
  key.element();
  const digest = (bytes: Buffer) => octetString(createHash(hash[1]).update(bytes).digest());
  const names = [digest(subject), digest(key.octetBits())];
  const asked = serials.map((serial) =>
    sequence(sequence(sequence(oid(hash[0]), element(0x05)), ...names, serialNumber(serial))),
  );
  const extensions = [
    ...(nonce === undefined ? [] : [extension('1.3.6.1.5.5.7.48.1.2', octetString(nonce))]),
    ...(shape.extensions ?? []),
  ];
  return sequence(
    sequence(sequence(...asked), ...(extensions.length === 0 ? [] : [element(context(2), sequence(...extensions))])),
  );
}

/** A folder that goes with the test file, and OpenSSL in it. */
export function workshop() {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-authority-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const openssl = (...args: string[]) =>
    spawnSync('openssl', args, { encoding: 'utf8', cwd: directory, timeout: 30_000 });
  return { directory, path: (file: string) => join(directory, file), openssl };
}
