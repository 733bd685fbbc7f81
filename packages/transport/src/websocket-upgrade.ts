/** Who may have a WebSocket: what a request must say before it gets one. */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { shownText } from './errors.ts';

/** What a listener asks of a request. */
export interface UpgradeRules {
  readonly paths: readonly string[];
  /** Pages that may connect: those of this server itself, any, or those of the origins, such as `https://example.org`. */
  readonly origins: 'own' | 'any' | readonly string[];
  readonly subprotocols: readonly string[];
  /** False: a client that offers no subprotocol at all may come too. */
  readonly subprotocolRequired: boolean;
  readonly isSecure: boolean;
  /** Whether a host name is one of this server's. */
  readonly isOwnHost: (name: string) => boolean;
}

/** An answer other than a WebSocket. */
export interface UpgradeRefusal {
  readonly status: 400 | 403 | 404;
  /** DUNLIN_HTTP_…, for `TransportError`. */
  readonly code: string;
  /** What was asked, for the error: the path, the origin, or the subprotocols that were offered. */
  readonly asked: string;
}

/** Why the request gets no WebSocket; undefined where it gets one. What RFC 6455 asks is left to `ws`. */
export function refusalOfUpgrade(request: IncomingMessage, rules: UpgradeRules): UpgradeRefusal | undefined {
  const path = pathOf(request);
  const { origin = [], 'sec-websocket-protocol': offered = [] } = request.headersDistinct;
  // Without the query: there may be a token in it.
  if (!rules.paths.includes(path)) return { status: 404, code: 'DUNLIN_HTTP_PATH', asked: `at ${shownText(path)}` };
  if (!isFromAllowedOrigin(request, rules))
    return { status: 403, code: 'DUNLIN_HTTP_ORIGIN', asked: `for the origin ${shownText(origin.join(', '))}` };
  if (!offersSubprotocol(request, rules))
    return {
      status: 400,
      code: 'DUNLIN_HTTP_SUBPROTOCOL',
      asked: `of the subprotocols ${shownText(offered.join(', '))}`,
    };
  return undefined;
}

export function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/**
 * A browser says which page asks; other programs do not, and need not. The page is our own where its host is the one
 * that was asked, and that is a name of ours: any name can be made to lead to our address, a page of that name then asks
 * for a host of that name too (DNS rebinding).
 */
export function isFromAllowedOrigin(
  request: IncomingMessage,
  { origins, isSecure, isOwnHost }: Pick<UpgradeRules, 'origins' | 'isSecure' | 'isOwnHost'>,
): boolean {
  const given = request.headersDistinct.origin;
  if (given === undefined || origins === 'any') return true;
  const origin = URL.parse(given[0]);
  if (given.length > 1 || origin === null || (origin.protocol !== 'https:' && origin.protocol !== 'http:'))
    return false;
  if (origins !== 'own') return origins.some((allowed) => URL.parse(allowed)?.origin === origin.origin);
  if (isSecure && origin.protocol !== 'https:') return false;
  const host = URL.parse(`${origin.protocol}//${request.headers.host ?? ''}`);
  return host !== null && host.host === origin.host && isOwnHost(host.hostname);
}

/** Whether the host that the request asks for is a name of this server. */
export function isForOwnHost({ headers }: IncomingMessage, { isOwnHost }: Pick<UpgradeRules, 'isOwnHost'>): boolean {
  const host = URL.parse(`http://${headers.host ?? ''}`);
  return host !== null && isOwnHost(host.hostname);
}

/** Names that cannot be made to lead elsewhere: addresses, and the names of this machine for itself. */
export function isFixedHost(name: string): boolean {
  const plain = name.startsWith('[') ? name.slice(1, -1) : name;
  return isIP(plain) !== 0 || plain === 'localhost' || plain.endsWith('.localhost');
}

function offersSubprotocol(request: IncomingMessage, { subprotocols, subprotocolRequired }: UpgradeRules): boolean {
  const offered = request.headers['sec-websocket-protocol'];
  if (offered === undefined) return !subprotocolRequired;
  return offered.split(',').some((name) => subprotocols.includes(name.trim()));
}
