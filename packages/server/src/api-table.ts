/** The keys of the HTTP API: its limits, and who may ask it. Where it is answered says `api` of a listener. */
import { SCOPE_NAMES } from './api/scopes.ts';
import { amount, path, text, texts } from './entry-shapes.ts';
import type { GroupShape, ListShape } from './shape.ts';

export const API_LIMITS = {
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
  requestsMax: amount(
    'requests',
    [1, 100_000],
    1_000,
    'Requests at once; further ones get 503. Half of them may be without an API key.',
  ),
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
  ownerSessionsMax: amount(
    'sessions',
    [1, 1_000_000],
    10_000,
    'Owners of devices that are signed in at once; whoever did nothing for the longest time signs in again.',
  ),
  sessionsPerOwnerMax: amount('sessions', [1, 1_000], 20, 'The same of one owner.'),
} as const;

const keys: ListShape = {
  kind: 'list',
  items: {
    kind: 'group',
    description: 'An API key, by its hash or from a file.',
    entries: {
      name: text('shop', 'How the audit log and events call it: `configured-key:NAME`.'),
      sha256: text(
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'SHA-256 of the key in hexadecimal, as `dunlin api-key hash` prints it of its input. A key has 256 random bits, which ' +
          'nobody guesses from it: `openssl rand -hex 32`.',
      ),
      file: path('shop.key', 'In place of the hash, a file with the key itself: one line of 32 to 256 characters.'),
      scopes: {
        kind: 'list',
        items: { kind: 'choice', choices: SCOPE_NAMES, default: 'devices:read', description: 'A scope.' },
        default: 'none',
        description: 'What the key may do.',
      },
    },
    required: ['name', 'scopes'],
  },
  mayBeEmpty: true,
  default: 'none',
  standard: [],
  description:
    'API keys beside those that the API makes and keeps: they count while they stand here, and the API neither lists nor ' +
    'deletes them.',
};

const cors: GroupShape = {
  kind: 'group',
  description: 'Web pages of other origins that may ask the API (CORS), with an API key and never with cookies.',
  entries: {
    origins: {
      ...texts(
        'https://app.example.org',
        'An origin as browsers tell it: scheme, host, and the port where it is not that of the scheme. No `*`.',
        'none',
        'Origins whose pages may read what the API answers; beside `origins` of the listener, which may not have them.',
      ),
      mayBeEmpty: true,
    },
  },
  required: ['origins'],
};

export const API: GroupShape = {
  kind: 'group',
  description: 'Limits and keys of the HTTP API; listeners with `api: true` answer it, and the control socket.',
  entries: { ...API_LIMITS, keys, cors },
};
