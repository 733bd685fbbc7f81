/** The kinds of arguments that umqtt knows. */

import type { TlsOptions } from '@dunlin/client';
import { isPlain, type Kind, required } from './parameters.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text, as a string or as its UTF-8. */
export const TEXT: Kind<string> = {
  expected: 'a string or its UTF-8',
  read: (value) => {
    if (typeof value === 'string') return value;
    if (!(value instanceof Uint8Array)) return undefined;
    try {
      return decoder.decode(value);
    } catch {
      return undefined;
    }
  },
};

/** A message: text, or bytes that may be anything. */
export const MESSAGE: Kind<string | Uint8Array> = {
  expected: 'a string or bytes (Uint8Array)',
  read: (value) => (typeof value === 'string' || value instanceof Uint8Array ? value : undefined),
};

/** True or false. */
export const BOOL: Kind<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

/** Something to call. */
export const CALLBACK: Kind<(...values: never[]) => unknown> = {
  expected: 'a function',
  read: (value) => (typeof value === 'function' ? (value as (...values: never[]) => unknown) : undefined),
};

/** A host name or an address, without scheme and port. */
export const SERVER: Kind<string> = {
  expected: 'a host name or an address',
  read: (value, attempt, name) => {
    if (typeof value !== 'string') return undefined;
    const host = value.includes(':') && !value.startsWith('[') ? `[${value}]` : value;
    if (/^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(host)) return host;
    throw new RangeError(
      `${attempt}: ${name} is no host name or address, one without scheme, path and port is expected`,
    );
  },
};

/** A whole number between two others. */
export function integer<Value extends number>(least: Value, most: Value, why = ''): Kind<Value> {
  const expected = `an integer from ${least} to ${most}${why}`;
  return {
    expected,
    read: (value, attempt, name) => {
      if (typeof value !== 'number') return undefined;
      if (Number.isInteger(value) && value >= least && value <= most) return value as Value;
      throw new RangeError(`${attempt}: ${name} is ${value}, ${expected} is expected`);
    },
  };
}

/** Level of delivery: umqtt knows no QoS 2. */
export const QOS = integer<0 | 1>(0, 1, ' (umqtt has no QoS 2)');

/** Of `ssl_params`: PEM text, or bytes with it. */
export interface SslParams {
  /** The private key of `cert`. */
  readonly key?: string | Uint8Array | null | undefined;
  /** This client's certificate, with those that support it behind it. */
  readonly cert?: string | Uint8Array | null | undefined;
  /** Authorities to trust in place of those that Node knows. */
  readonly ca?: string | Uint8Array | null | undefined;
  /** The name that the server's certificate must have. Default: `server`. */
  readonly server_hostname?: string | null | undefined;
}

const PEM: Kind<string | Uint8Array> = { ...MESSAGE, expected: 'PEM text' };
const PARAMS = ['key', 'cert', 'ca', 'server_hostname'] as const;

/** TLS parameters, as the client takes them. */
export const SSL_PARAMS: Kind<TlsOptions> = {
  expected: `an object with some of ${PARAMS.join(', ')}`,
  read: (value, attempt) => {
    if (!isPlain(value)) return undefined;
    const unknown = Object.keys(value).find((name) => !PARAMS.some((known) => known === name));
    if (unknown !== undefined) {
      throw new TypeError(`${attempt}: ssl_params has no "${unknown}", some of ${PARAMS.join(', ')} are expected`);
    }
    const given = PARAMS.flatMap((name) => {
      const kind: Kind<string | Uint8Array> = name === 'server_hostname' ? TEXT : PEM;
      const isLeftOut = value[name] === undefined || value[name] === null;
      const option = name === 'server_hostname' ? 'servername' : name;
      return isLeftOut ? [] : [[option, required(attempt, `ssl_params.${name}`, kind, value[name])]];
    });
    return Object.fromEntries(given);
  },
};
