/** Authorities, certificates and a revocation list for tests of whatever asks for them, in a folder. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  issueClientCertificate,
  issueServerCertificate,
} from '@dunlin/devices';

const DAY_MS = 86_400_000;

/** Names of the clients: each has `NAME.pem` and `NAME.key`. */
export const CLIENTS = ['good', 'revoked', 'expired', 'not-yet-valid', 'foreign', 'same-name'] as const;
export type ClientName = (typeof CLIENTS)[number];

export interface Pki {
  /** `ca.pem`, `ca.key`, `other-ca.pem`, `server.pem`, `server.key` (localhost, 127.0.0.1, ::1), `ca.crl`, and of each client. */
  readonly path: (file: string) => string;
  readonly text: (file: string) => string;
  readonly authority: CertifiedKey;
  readonly clients: Readonly<Record<ClientName, ClientCertificate>>;
  /** Another certificate of the server, not written anywhere. */
  readonly issueServer: (days: number) => CertifiedKey;
  /** Writes `ca.crl` anew, with these clients. */
  readonly revoke: (names: readonly ClientName[], nextUpdateMs?: number) => void;
}

/**
 * Makes everything in `directory`. The Common Name of a client is its name, but that of `same-name` is `good`: another
 * authority, which also issued `foreign`, says so.
 */
export function makePki(directory: string, nowMs = Date.now()): Pki {
  const path = (file: string) => join(directory, file);
  const write = (
    name: string,
    { certificate, key }: { readonly certificate: string; readonly key: string | undefined },
  ) => {
    writeFileSync(path(`${name}.pem`), certificate);
    if (key === undefined) return;
    writeFileSync(path(`${name}.key`), key, { mode: 0o600 });
    chmodSync(path(`${name}.key`), 0o600);
  };
  const made = { nowMs: nowMs - 30 * DAY_MS, days: 365 };
  const authority = createAuthority({ commonName: 'Test authority', ...made });
  const other = createAuthority({ commonName: 'Other authority', ...made });
  const names = ['localhost', '127.0.0.1', '::1'];
  write('ca', authority);
  write('other-ca', other);
  const issueServer = (days: number) => issueServerCertificate({ authority, names, days, nowMs });
  write('server', issueServer(90));

  const issue = (commonName: string, issuer = authority, atMs = nowMs) =>
    issueClientCertificate({ authority: issuer, commonName, days: 1, nowMs: atMs });
  const clients = {
    good: issue('good'),
    revoked: issue('revoked'),
    expired: issue('expired', authority, nowMs - 10 * DAY_MS),
    'not-yet-valid': issue('not-yet-valid', authority, nowMs + 10 * DAY_MS),
    foreign: issue('foreign', other),
    'same-name': issue('good', other),
  };
  for (const name of CLIENTS) write(name, clients[name]);
  const revoke = (revoked: readonly ClientName[], nextUpdateMs = nowMs + DAY_MS) => {
    const serials = revoked.map((name) => clients[name].serial);
    writeFileSync(path('ca.crl'), createCrl({ authority, serials, nowMs, nextUpdateMs }));
  };
  revoke(['revoked']);
  return { path, text: (file) => readFileSync(path(file), 'utf8'), authority, clients, issueServer, revoke };
}
