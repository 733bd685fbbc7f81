/** What answers of the API carry, whoever gives them. */
import { randomBytes } from 'node:crypto';

/** Of every answer. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** Of those that say to try again. */
export const RETRY_AFTER_S = 1;

/** Ids of requests: unlike those of other starts, and no secret. */
export function requestIds(): () => string {
  const start = randomBytes(6).toString('hex');
  let count = 0;
  return () => `${start}-${++count}`;
}
