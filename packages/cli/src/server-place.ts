/** Where the flags say that the server is. */

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { SCHEME_PORTS, type Scheme } from './broker-url.ts';
import type { ConnectionFlags } from './connection-flags.ts';
import { usageError } from './exit-codes.ts';

/** A server by its transport. */
export interface ServerPlace {
  readonly scheme: Scheme;
  /** An address, with its zone too, or a name; empty for a Unix socket. */
  readonly host: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Of a WebSocket, with the query, or of the Unix socket's file; else empty. */
  readonly path: string;
}

/** Where MQTT usually is on a server of WebSockets. */
const WEBSOCKET_PATH = '/mqtt';
const TLS_PORT = 8883;

/** The place that the flags mean. */
export function serverPlace(flags: ConnectionFlags): ServerPlace {
  const { url, unix } = flags;
  const scheme = url?.scheme ?? (unix === undefined ? schemeOf(flags) : 'mqtt+unix');
  if (scheme === 'mqtt+unix') return { scheme, host: '', port: 0, path: unix ?? url?.path ?? '' };
  return {
    scheme,
    host: flags.host ?? url?.host ?? 'localhost',
    port: flags.port ?? url?.port ?? SCHEME_PORTS[scheme],
    path: scheme.startsWith('ws') ? (url?.path ?? WEBSOCKET_PATH) : '',
  };
}

/** The same as a URL without credentials, for the client. Throws a usage error for a host that cannot be. */
export function placeUrl({ scheme, host, port, path }: ServerPlace): URL {
  if (scheme === 'mqtt+unix') return new URL(`mqtt+unix://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`);
  // A zone has no place in a URL.
  const name = isIP(host) === 6 ? `[${host.replace(/%.*/, '')}]` : domainToASCII(host);
  const url = name === '' || /[/?#@\\\s]/.test(host) ? null : URL.parse(`${scheme}://${name}:${port}${path}`);
  if (url === null) throw usageError(`Cannot connect to the host "${host}": expected a name or an IP address`);
  return url;
}

/** The place that a URL of the client means, such as that of another server which this one named. */
export function urlPlace(url: URL): ServerPlace {
  const scheme = url.protocol.slice(0, -1) as Scheme;
  if (scheme === 'mqtt+unix') return { scheme, host: '', port: 0, path: decodeURIComponent(url.pathname) };
  return {
    scheme,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? SCHEME_PORTS[scheme] : Number(url.port),
    path: scheme.startsWith('ws') ? `${url.pathname}${url.search}` : '',
  };
}

/** True where the connection is encrypted. */
export function isTls({ scheme }: ServerPlace): boolean {
  return scheme === 'mqtts' || scheme === 'wss';
}

/** As Mosquitto's clients take it: port 8883 means TLS. */
function schemeOf({ ws, tls, port }: ConnectionFlags): Scheme {
  const hasTls = Object.keys(tls).length > 0;
  if (ws) return hasTls ? 'wss' : 'ws';
  return hasTls || port === TLS_PORT ? 'mqtts' : 'mqtt';
}
