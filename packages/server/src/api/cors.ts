/**
 * Pages of other origins that may read what the API answers (CORS). They show an API key: cookies are neither asked for nor
 * looked at, so that nobody's browser is made to act in their name.
 */
import type { IncomingMessage } from 'node:http';

/** The origin of a page elsewhere that may ask; undefined: no page asks, or it is none of these. */
export function corsOriginOf({ headers }: IncomingMessage, origins: readonly string[]): string | undefined {
  const { origin, host = '' } = headers;
  if (origin === undefined || !origins.includes(origin)) return undefined;
  return URL.parse(origin)?.host === host.toLowerCase() ? undefined : origin;
}

/** Of every answer, to such a page or to anybody else: who keeps answers must not give one to the other. */
export function corsHeaders(origin: string | undefined, origins: readonly string[]): Record<string, string> {
  if (origins.length === 0) return {};
  if (origin === undefined) return { vary: 'origin' };
  return {
    vary: 'origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'etag, idempotency-replayed, location, retry-after, x-request-id',
  };
}

/** Whether a browser asks what it may send before it does. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

export const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST, PATCH, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, if-match, idempotency-key, x-claim-secret, x-renewal-token',
  'access-control-max-age': '600',
} as const;
