/** The PROXY protocol, versions 1 and 2: the header in which a proxy says whose connection it passes on. Pure. */

import { isIPv4, isIPv6 } from 'node:net';
import { TransportError } from './errors.ts';

/** What a header says. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** The proxy speaks for itself, as for a health check: there is no client behind it. */
  readonly isLocal: boolean;
  /** Where the client comes from; undefined where the proxy does not know it, or has no address for it. */
  readonly source: { readonly address: string; readonly port: number } | undefined;
  /** The name that the client asked for in TLS (PP2_TYPE_AUTHORITY). */
  readonly serverName: string | undefined;
  /** DER of the certificate that the client proved to have, and that the proxy found good. */
  readonly certificate: Uint8Array | undefined;
}

/** Which versions a listener takes. */
export type ProxyVersion = 'v1' | 'v2' | 'any';

/** Longest header of version 1, line end included. */
const V1_BYTES_MAX = 107;
/** Longest header of version 2 that is read: a certificate in it is far shorter. */
export const PROXY_HEADER_BYTES_MAX = 16 * 1024;

const V1_BEGIN = Buffer.from('PROXY ');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;

const LOCAL = 0;
const PROXY = 1;
const TYPE_AUTHORITY = 0x02;
const TYPE_NOOP = 0x04;
const TYPE_SSL = 0x20;
const SUBTYPE_SSL_CLIENT_CERT = 0x28;
/** One byte of flags and four bytes with the outcome of the verification come before the parts of PP2_TYPE_SSL. */
const SSL_FIXED_BYTES = 5;
const CLIENT_SSL = 0x01;
/** The certificate came with this connection, or with the session that it resumes. */
const CLIENT_CERT = 0x02 | 0x04;

/**
 * Reads a header at the beginning of `bytes`. Undefined: it is not complete yet. `length` is where the client's own
 * bytes begin. The header holds copies only.
 * @throws TransportError DUNLIN_PROXY_HEADER where this is no header of the version, as early as that is certain
 */
export function readProxyHeader(
  bytes: Buffer,
  version: ProxyVersion = 'any',
): { readonly header: ProxyHeader; readonly length: number } | undefined {
  if (version !== 'v1' && beginsAlike(bytes, V2_SIGNATURE)) return readV2(bytes);
  if (version !== 'v2' && beginsAlike(bytes, V1_BEGIN)) return readV1(bytes);
  throw malformed(`it does not begin as ${version === 'any' ? 'v1 or v2' : version} does`);
}

function beginsAlike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, length, 0, length) === 0;
}

function readV1(bytes: Buffer): { header: ProxyHeader; length: number } | undefined {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n');
  if (end < 0) {
    if (bytes.length >= V1_BYTES_MAX) throw malformed(`its line does not end within ${V1_BYTES_MAX} bytes`);
    return undefined;
  }
  const line = bytes.toString('latin1', V1_BEGIN.length, end);
  const length = end + 2;
  const header = { version: 1, isLocal: false, serverName: undefined, certificate: undefined } as const;
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { header: { ...header, source: undefined }, length };
  const [family, source, destination, sourcePort, destinationPort, ...more] = line.split(' ');
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined || more.length > 0) throw malformed('its line is not that of TCP4, TCP6 or UNKNOWN');
  if (!isAddress(source) || !isAddress(destination)) throw malformed(`an address in it is none of ${family}`);
  if (!isPort(sourcePort) || !isPort(destinationPort)) throw malformed('a port in it is none');
  return { header: { ...header, source: { address: source, port: Number(sourcePort) } }, length };
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;
}

function readV2(bytes: Buffer): { header: ProxyHeader; length: number } | undefined {
  if (bytes.length < V2_FIXED_BYTES) return undefined;
  const command = bytes[12] & 0x0f;
  if (bytes[12] >> 4 !== 2 || command > PROXY) throw malformed('its version or command is unknown');
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (length > PROXY_HEADER_BYTES_MAX) throw malformed(`it has more than ${PROXY_HEADER_BYTES_MAX} bytes`);
  if (bytes.length < length) return undefined;
  const body = bytes.subarray(V2_FIXED_BYTES, length);
  if (command === LOCAL) {
    const header = { version: 2, isLocal: true, source: undefined, serverName: undefined, certificate: undefined };
    return { header: header as ProxyHeader, length };
  }
  const { source, addressBytes } = readV2Addresses(bytes[13], body);
  const parts = readParts(body.subarray(addressBytes));
  const header: ProxyHeader = {
    version: 2,
    isLocal: false,
    source,
    serverName: readName(parts.get(TYPE_AUTHORITY)),
    certificate: readCertificate(parts.get(TYPE_SSL)),
  };
  return { header, length };
}

/** Family in the upper four bits: none, IPv4, IPv6, Unix. Below them the protocol, which is a stream or unknown. */
function readV2Addresses(kind: number, body: Buffer): { source: ProxyHeader['source']; addressBytes: number } {
  const family = kind >> 4;
  if (family > 3 || (kind & 0x0f) > 1) throw malformed('its address family or protocol is unknown');
  const addressBytes = [0, 12, 36, 216][family];
  if (body.length < addressBytes) throw malformed('it is too short for its addresses');
  if (family === 1)
    return { source: { address: body.subarray(0, 4).join('.'), port: body.readUInt16BE(8) }, addressBytes };
  if (family === 2) return { source: { address: shownIPv6(body), port: body.readUInt16BE(32) }, addressBytes };
  return { source: undefined, addressBytes };
}

/** In the usual short form, as the system writes it. */
function shownIPv6(body: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(body.readUInt16BE(at).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** Type, length in two bytes, value; but for padding a type comes once. */
function readParts(body: Buffer): Map<number, Buffer> {
  const parts = new Map<number, Buffer>();
  for (let at = 0; at < body.length; ) {
    if (at + 3 > body.length) throw malformed('a part of it is cut off');
    const end = at + 3 + body.readUInt16BE(at + 1);
    if (end > body.length) throw malformed('a part of it is longer than the whole');
    if (parts.has(body[at]) && body[at] !== TYPE_NOOP) throw malformed('a part of it comes twice');
    parts.set(body[at], body.subarray(at + 3, end));
    at = end;
  }
  return parts;
}

/** What the client said: it counts only where it can be a host name. */
function readName(authority: Buffer | undefined): string | undefined {
  const name = authority?.toString('latin1');
  return name !== undefined && /^[\w.-]{1,255}$/.test(name) ? name : undefined;
}

function readCertificate(ssl: Buffer | undefined): Uint8Array | undefined {
  if (ssl === undefined) return undefined;
  if (ssl.length < SSL_FIXED_BYTES) throw malformed('its TLS part is too short');
  const isProven = (ssl[0] & CLIENT_SSL) !== 0 && (ssl[0] & CLIENT_CERT) !== 0 && ssl.readUInt32BE(1) === 0;
  const certificate = readParts(ssl.subarray(SSL_FIXED_BYTES)).get(SUBTYPE_SSL_CLIENT_CERT);
  return isProven && certificate !== undefined ? Uint8Array.from(certificate) : undefined;
}

function malformed(found: string): TransportError {
  return new TransportError('Cannot read the PROXY header', 'DUNLIN_PROXY_HEADER', new Error(found));
}
