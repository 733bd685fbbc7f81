/** The keys of the HTTP API: its limits. Where it is answered says `api` of a listener. */
import { amount } from './entry-shapes.ts';
import type { GroupShape } from './shape.ts';

export const API_ENTRIES = {
  requestsPerSecondMax: amount(
    'requests',
    [1, 1_000_000],
    1_000,
    'Requests of one API key a second; further ones get 429.',
  ),
  strangerRequestsPerSecondMax: amount(
    'requests',
    [1, 1_000_000],
    20,
    'Requests of one address a second that show no API key, or none that counts.',
  ),
  requestsMax: amount('requests', [1, 100_000], 1_000, 'Requests at once; further ones get 503.'),
  bodyBytesMax: amount('bytes', [1_024, 64 * 1_024 * 1_024], 1_024 * 1_024, 'Size of the body of a request.'),
  importBytesMax: amount(
    'bytes',
    [1_024, 1_024 * 1_024 * 1_024],
    64 * 1_024 * 1_024,
    'Size of the body of a request that imports devices; it is read line by line.',
  ),
  keysMax: amount('keys', [1, 10_000], 1_000, 'API keys that there may be.'),
  auditEntriesMax: amount('entries', [100, 10_000_000], 100_000, 'Entries of the audit log; the oldest make room.'),
  idempotencyS: amount(
    'seconds',
    [60, 2_592_000],
    86_400,
    'Time for which who repeats a request with its Idempotency-Key gets the first answer.',
  ),
  idempotencyEntriesMax: amount(
    'answers',
    [10, 1_000_000],
    10_000,
    'Answers that are kept for that; the oldest make room.',
  ),
} as const;

export const API: GroupShape = {
  kind: 'group',
  description: 'Limits of the HTTP API; listeners with `api: true` answer it, and the control socket.',
  entries: API_ENTRIES,
};
