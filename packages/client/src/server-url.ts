/** The URL of a server: scheme, host, port and credentials. */

import { MqttError } from './errors.ts';

/** Where to connect, and as whom where the URL says so. */
export interface ServerAddress {
  readonly scheme: 'mqtt';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

/** The schemes and their default ports. */
const PORTS: Readonly<Record<string, number>> = { mqtt: 1883, tcp: 1883 };

/** Reads `mqtt://[user[:password]@]host[:port]`. Throws `MqttError` 'invalid', which never repeats a password. */
export function serverAddress(given: string | URL): ServerAddress {
  const url = URL.parse(String(given));
  if (url === null || url.hostname === '') {
    throw new MqttError(
      'invalid',
      `Cannot connect to "${withoutSecrets(String(given))}": expected a URL such as mqtt://localhost:1883`,
    );
  }
  const scheme = url.protocol.slice(0, -1);
  if (!Object.hasOwn(PORTS, scheme)) {
    const known = Object.keys(PORTS).map((name) => `${name}:`);
    throw new MqttError(
      'invalid',
      `Cannot connect to "${scheme}:": this transport is not built yet, expected ${known.join(' or ')}`,
    );
  }
  return {
    scheme: 'mqtt',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? PORTS[scheme] : Number(url.port),
    ...(url.username === '' ? {} : { username: decoded(url.username) }),
    ...(url.password === '' ? {} : { password: decoded(url.password) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MqttError('invalid', 'Cannot connect: user or password in the URL holds a lone percent sign, write %25');
  }
}

function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@');
}
