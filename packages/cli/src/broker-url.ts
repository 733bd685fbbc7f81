/** The URL of `-L`: transport, server, credentials and topic in one argument. */

import { usageError } from './exit-codes.ts';

/** The transports by the scheme of their URLs, with the port where none is given; a Unix socket has none. */
export const SCHEME_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443, 'mqtt+unix': 0 } as const;

/** The scheme of a server's URL. */
export type Scheme = keyof typeof SCHEME_PORTS;

/** What the URL said; absent parts were not in it. */
export interface BrokerUrl {
  readonly scheme: Scheme;
  /** Without brackets; empty for a Unix socket. */
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** Of a WebSocket, with the query, or of the Unix socket's file; begins with a slash. */
  readonly path?: string;
  /** Of `mqtt` and `mqtts`: everything behind the slash that follows the server; may hold `#`. */
  readonly topic?: string;
}

const SHAPE = /^([a-z+]+):\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/@]*)(?::(\d+))?(?:\/(.*))?$/s;
const EXPECTED = 'expected mqtt://[user[:password]@]host[:port]/topic, or mqtts://, ws://, wss://, mqtt+unix:///path';

/**
 * Reads a URL; user and password may be percent-encoded, the topic and the path stand as they are. Throws a usage error
 * that does not repeat the password.
 */
export function readBrokerUrl(url: string): BrokerUrl {
  const found = SHAPE.exec(url);
  if (found === null) throw badUrl(url, EXPECTED);
  const [, scheme, credentials, host, port, rest = ''] = found;
  if (!isScheme(scheme)) {
    throw badUrl(url, `"${scheme}" is no transport, expected one of ${Object.keys(SCHEME_PORTS).join(', ')}`);
  }
  const isUnix = scheme === 'mqtt+unix';
  if (isUnix ? host !== '' || port !== undefined || rest === '' : host === '') throw badUrl(url, EXPECTED);
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw badUrl(url, `port ${port} does not exist, expected 1 to 65535`);
  }
  const colon = credentials?.indexOf(':') ?? -1;
  const username = colon < 0 ? credentials : credentials?.slice(0, colon);
  return {
    scheme,
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(username === undefined ? {} : { username: decode(url, username) }),
    ...(colon < 0 ? {} : { password: decode(url, credentials?.slice(colon + 1) ?? '') }),
    ...(rest === '' ? {} : scheme.startsWith('mqtt') && !isUnix ? { topic: rest } : { path: `/${rest}` }),
  };
}

function isScheme(text: string): text is Scheme {
  return Object.hasOwn(SCHEME_PORTS, text);
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl(url, 'a percent sign in user or password is not followed by two hex digits');
  }
}

/**
 * The URL as people may see it: without the password and the query of a WebSocket, which may hold a token. Of a text that
 * has not the shape of a URL nothing is shown that could be a part of a password, such as one with a slash in it.
 */
export function shownUrl(url: string): string {
  const found = SHAPE.exec(url);
  if (found === null) return url.replace(/^([a-z+]+:\/\/)?.*@/is, '$1(hidden)@').replace(/:(?!\/\/).*$/s, ':(hidden)');
  const [, scheme, credentials] = found;
  const user = credentials?.replace(/:.*$/s, ':(hidden)');
  const rest = url.slice(scheme.length + '://'.length + (credentials === undefined ? 0 : credentials.length + 1));
  const shown = scheme.startsWith('ws') ? rest.replace(/\?.*$/s, '?(hidden)') : rest;
  return `${scheme}://${user === undefined ? '' : `${user}@`}${shown}`;
}

function badUrl(url: string, why: string): Error {
  return usageError(`Cannot use the URL "${shownUrl(url)}": ${why}`);
}
