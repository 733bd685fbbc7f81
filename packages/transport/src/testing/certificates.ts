/** Certificates for tests: authorities, and what they sign, of any age and for any purpose. */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import type { TlsCredential } from '../tls-settings.ts';

/** What a certificate shall say; every field may be left out. */
export interface CertificateWishes {
  /** Common Name, default `localhost`. */
  readonly name?: string;
  /** DNS names and IPv4 addresses. */
  readonly hosts?: readonly string[];
  readonly isAuthority?: boolean;
  /** Days from now. Default -1 and 1. */
  readonly fromDays?: number;
  readonly untilDays?: number;
  /** Object identifiers of the Extended Key Usage. Default: none, which is for everything. */
  readonly purposes?: readonly string[];
  /** RSA with so many bits in place of P-256. */
  readonly rsaBits?: number;
}

/** Purposes of a client's certificate. */
export const FOR_CLIENTS = ['1.3.6.1.5.5.7.3.2'];
/** Purposes of a server's certificate. */
export const FOR_SERVERS = ['1.3.6.1.5.5.7.3.1'];

const DAY_MS = 86_400_000;

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Something that signs. */
export class Authority {
  /** Its own certificate. */
  readonly pem: string;
  readonly #name: string;
  readonly #keys: Keys;
  /** Those between this and a root, own one included, as a client sends them. */
  readonly #chain: string;

  private constructor(name: string, keys: Keys, pem: string, chain: string) {
    this.#name = name;
    this.#keys = keys;
    this.pem = pem;
    this.#chain = chain;
  }

  static root(name: string, wishes: CertificateWishes = {}): Authority {
    const keys = makeKeys(wishes);
    return new Authority(name, keys, make(keys, name, keys, { name, isAuthority: true, ...wishes }), '');
  }

  intermediate(name: string, wishes: CertificateWishes = {}): Authority {
    const keys = makeKeys(wishes);
    const pem = make(keys, this.#name, this.#keys, { name, isAuthority: true, ...wishes });
    return new Authority(name, keys, pem, pem + this.#chain);
  }

  issue(wishes: CertificateWishes = {}): TlsCredential {
    const keys = makeKeys(wishes);
    return { certificate: make(keys, this.#name, this.#keys, wishes) + this.#chain, key: shownKey(keys) };
  }

  /** Its own certificate, for whoever has its key. */
  self(): TlsCredential {
    return { certificate: this.pem, key: shownKey(this.#keys) };
  }
}

function makeKeys({ rsaBits }: CertificateWishes): Keys {
  return rsaBits === undefined
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: rsaBits });
}

function shownKey({ privateKey }: Keys): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A certificate as RFC 5280 writes it. */
function make(keys: Keys, issuer: string, signer: Keys, wishes: CertificateWishes): string {
  const { name = 'localhost', fromDays = -1, untilDays = 1 } = wishes;
  const algorithm = algorithmOf(signer.privateKey);
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer),
    sequence(time(fromDays), time(untilDays)),
    distinguishedName(name),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensionsOf(wishes))),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, signer.privateKey));
  const text = sequence(body, algorithm, signature).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
}

function extensionsOf({ hosts = [], isAuthority = false, purposes }: CertificateWishes): Buffer[] {
  const extensions = [extension('2.5.29.19', sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : [])))];
  if (hosts.length > 0) extensions.push(extension('2.5.29.17', sequence(...hosts.map(alternativeName))));
  if (purposes !== undefined) extensions.push(extension('2.5.29.37', sequence(...purposes.map(identifier))));
  return extensions;
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 0) return der(0x82, Buffer.from(host));
  if (!isIPv4(host)) throw new RangeError(`Cannot write the address "${host}": IPv4 is expected`);
  return der(0x87, Buffer.from(host.split('.').map(Number)));
}

function algorithmOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'ec') return sequence(identifier('1.2.840.10045.4.3.2'));
  return sequence(identifier('1.2.840.113549.1.1.11'), der(0x05));
}

function distinguishedName(name: string): Buffer {
  return sequence(der(0x31, sequence(identifier('2.5.4.3'), der(0x0c, Buffer.from(name)))));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(identifier(id), der(0x04, value));
}

function time(days: number): Buffer {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}

function identifier(id: string): Buffer {
  const [first, second, ...rest] = id.split('.').map(Number);
  const bytes = rest.flatMap((number) => {
    const digits = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
