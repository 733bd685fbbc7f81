/** What a proxy that ends HTTP says of its clients: X-Forwarded-For, and their certificates (RFC 9440, nginx). */

import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TrustedAddresses } from './trusted-addresses.ts';
import type { Peer } from './wire.ts';
import { peerOf } from './wire-owner.ts';

/** Which headers count, and from whom. */
export interface ForwardedOptions {
  /** Addresses and ranges, as `readTrustedAddresses` reads them; from anybody else the headers say nothing. */
  readonly trusted: readonly string[];
  /** The client's address is the right-most of X-Forwarded-For which is not trusted itself. Default false. */
  readonly forwardedFor?: boolean;
  /**
   * The header with the client's certificate: `Client-Cert` as RFC 9440 writes it, with `Client-Cert-Chain`; any other
   * one holds a PEM certificate, URL-encoded, as nginx writes `$ssl_client_escaped_cert`. Default: none.
   */
  readonly clientCertificate?: string;
}

/** The headers of a trusted proxy cannot be understood; nobody is let in by guess. */
export class ForwardedError extends Error {
  override readonly name = 'ForwardedError';
}

const FORWARDED_FOR = 'x-forwarded-for';
const CLIENT_CERT = 'client-cert';
const CLIENT_CERT_CHAIN = 'client-cert-chain';
const CHAIN_MAX = 6;
const ADDRESSES_MAX = 32;

/** Whether the request has a header that would count if it came from a trusted proxy. */
export function hasForwarded({ headers }: IncomingMessage, options: ForwardedOptions): boolean {
  const { forwardedFor = false, clientCertificate = '' } = options;
  return (forwardedFor && FORWARDED_FOR in headers) || clientCertificate.toLowerCase() in headers;
}

/**
 * The client behind a trusted proxy. Without a certificate in the header it has none: what the proxy itself has shown is
 * not the client's.
 * @throws ForwardedError for a header that comes twice or cannot be read
 */
export function peerForwarded(
  request: IncomingMessage,
  proxy: Peer,
  options: ForwardedOptions,
  trusted: TrustedAddresses,
): Peer {
  const { forwardedFor = false, clientCertificate } = options;
  const address = forwardedFor ? forwardedAddress(one(request, FORWARDED_FOR), trusted) : undefined;
  const { serverName } = proxy;
  const certificates =
    clientCertificate === undefined ? undefined : forwardedCertificates(request, clientCertificate.toLowerCase());
  return {
    address: address ?? proxy.address,
    port: address === undefined ? proxy.port : 0,
    proxyAddress: proxy.address,
    ...(serverName === undefined ? {} : { serverName }),
    ...(certificates === undefined ? {} : { certificates }),
  };
}

/** The header's one value; undefined where it is missing or empty, which is how nginx sends one without a value. */
function one(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name];
  if (values === undefined) return undefined;
  if (values.length > 1) throw new ForwardedError(`the header ${name} comes ${values.length} times, once is expected`);
  return values[0].trim() === '' ? undefined : values[0];
}

function forwardedAddress(list: string | undefined, trusted: TrustedAddresses): string | undefined {
  if (list === undefined) return undefined;
  const addresses = list.split(',', ADDRESSES_MAX + 1);
  if (addresses.length > ADDRESSES_MAX)
    throw new ForwardedError(`${FORWARDED_FOR} has over ${ADDRESSES_MAX} addresses`);
  let found: string | undefined;
  for (const text of addresses.reverse()) {
    found = readAddress(text.trim());
    if (!trusted.includes(found)) return found;
  }
  return found;
}

/** An address, as some proxies write it with its port. */
function readAddress(text: string): string {
  const withPort = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text) ?? /^([\d.]+):\d{1,5}$/.exec(text);
  const { address } = peerOf(withPort?.[1] ?? text);
  if (isIP(address) === 0 || address.includes('%'))
    throw new ForwardedError(`${FORWARDED_FOR} holds what is no address`);
  return address;
}

function forwardedCertificates(request: IncomingMessage, name: string): readonly Uint8Array[] | undefined {
  const value = one(request, name);
  if (value === undefined) return undefined;
  if (name !== CLIENT_CERT) return [certificateOf(decodePem(value, name), name)];
  const chain = one(request, CLIENT_CERT_CHAIN)?.split(',', CHAIN_MAX + 1) ?? [];
  if (chain.length > CHAIN_MAX) throw new ForwardedError(`${CLIENT_CERT_CHAIN} has over ${CHAIN_MAX} certificates`);
  return [certificateOf(byteSequence(value, name), name), ...chain.map((item) => chained(item))];
}

function chained(item: string): Uint8Array {
  return certificateOf(byteSequence(item, CLIENT_CERT_CHAIN), CLIENT_CERT_CHAIN);
}

/** A Byte Sequence of RFC 8941: base64 between colons. */
function byteSequence(text: string, name: string): Buffer {
  const found = /^\s*:([A-Za-z0-9+/]+={0,2}):\s*$/.exec(text);
  if (found === null) throw new ForwardedError(`${name} is no byte sequence, ":base64:" is expected`);
  return Buffer.from(found[1], 'base64');
}

function decodePem(text: string, name: string): string {
  try {
    const pem = decodeURIComponent(text);
    if (/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*$/.test(pem)) return pem;
  } catch {
    // Told below.
  }
  throw new ForwardedError(`${name} is no URL-encoded certificate in PEM`);
}

function certificateOf(bytes: Buffer | string, name: string): Uint8Array {
  try {
    return Uint8Array.from(new X509Certificate(bytes).raw);
  } catch {
    throw new ForwardedError(`${name} holds no certificate`);
  }
}
