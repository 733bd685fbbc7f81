/** The URL of `-L`: server, credentials and topic in one argument. */

import { usageError } from './exit-codes.ts';

/** What the URL said; absent parts were not in it. */
export interface BrokerUrl {
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** Everything behind the slash that follows the server; may hold `#`. */
  readonly topic?: string;
}

/**
 * Reads `mqtt://[user[:password]@]host[:port][/topic]`; user and password may be percent-encoded, the topic stands as
 * it is. Throws a usage error that does not repeat the password.
 */
export function readBrokerUrl(url: string): BrokerUrl {
  const found = /^([a-z]+):\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?(?:\/(.*))?$/s.exec(url);
  if (found === null) throw badUrl(url, 'expected mqtt://[user[:password]@]host[:port]/topic');
  const [, scheme, credentials, host, port, topic] = found;
  if (scheme !== 'mqtt') throw badUrl(url, `"${scheme}" is not served yet, expected "mqtt"`);
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw badUrl(url, `port ${port} does not exist, expected 1 to 65535`);
  }
  const colon = credentials?.indexOf(':') ?? -1;
  const username = colon < 0 ? credentials : credentials?.slice(0, colon);
  return {
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(username === undefined ? {} : { username: decode(url, username) }),
    ...(colon < 0 ? {} : { password: decode(url, credentials?.slice(colon + 1) ?? '') }),
    ...(topic === undefined || topic === '' ? {} : { topic }),
  };
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl(url, 'a percent sign in user or password is not followed by two hex digits');
  }
}

/** The URL as the user may see it again: without what could be a password. */
function badUrl(url: string, why: string): Error {
  return usageError(`Cannot use the URL "${url.replace(/\/\/[^@/]*@/, '//…@')}": ${why}`);
}
