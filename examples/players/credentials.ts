/**
 * The folder of a player: `ca.pem` (whom it trusts), `cert.pem` and `key.pem`, as `dunlin device cert --out` or a
 * registration makes them; after a registration `renewal-token` as well.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, unwatchFile, watchFile } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileSet, tlsFiles } from '@dunlin/client/node';

const AUTHORITIES = 'ca.pem';
const CERTIFICATE = 'cert.pem';
const KEY = 'key.pem';
const RENEWAL_TOKEN = 'renewal-token';
const MODES = { [AUTHORITIES]: 0o644, [CERTIFICATE]: 0o644, [KEY]: 0o600 };
const LOOK_EACH_MS = 500;
/** Files that somebody copies do not change at once. */
const SETTLE_MS = 200;

/** As the API gives them. */
export interface Credentials {
  readonly certificate: { readonly chain: string; readonly key: string; readonly authorities: string };
  readonly renewalToken: string;
}

/** The option `tls` of the client: read anew for each attempt. */
export function tlsOf(folder: string): ReturnType<typeof tlsFiles> {
  const [ca, cert, key] = [AUTHORITIES, CERTIFICATE, KEY].map((file) => join(folder, file));
  return tlsFiles({ ca, cert, key });
}

export function isRegistered(folder: string): boolean {
  return existsSync(join(folder, KEY));
}

/** Whether it may renew by itself. */
export function isRenewable(folder: string): boolean {
  return existsSync(join(folder, RENEWAL_TOKEN));
}

/** The player_key, which is the Common Name of the certificate, and until when that counts. */
export async function identityOf(folder: string): Promise<{ playerKey: string; endsAtMs: number }> {
  const file = join(folder, CERTIFICATE);
  const { subject, validTo } = new X509Certificate(await readFile(file));
  const [, playerKey] = /^CN=(.+)$/m.exec(subject) ?? [];
  if (playerKey === undefined) throw new Error(`Cannot use ${file}: a Common Name is expected`);
  return { playerKey, endsAtMs: Date.parse(validTo) };
}

/** What a renewal shows: the token that the last answer brought. */
export async function renewalTokenOf(folder: string): Promise<string> {
  return (await readFile(join(folder, RENEWAL_TOKEN), 'utf8')).trim();
}

/** Certificate and key change at once, so that they always fit; before them the token, which another renewal would need. */
export async function keep(folder: string, { certificate, renewalToken }: Credentials): Promise<void> {
  const token = join(folder, RENEWAL_TOKEN);
  await writeFile(`${token}.new`, renewalToken, { mode: 0o600, flush: true });
  await rename(`${token}.new`, token);
  const files = new FileSet(folder, MODES);
  try {
    files.commit({ [AUTHORITIES]: certificate.authorities, [CERTIFICATE]: certificate.chain, [KEY]: certificate.key });
  } finally {
    files.close();
  }
}

/** Calls back when another certificate is in the folder; what it returns ends that. */
export function watchCertificate(folder: string, changed: () => void): () => void {
  let settled: NodeJS.Timeout | undefined;
  const told = (): void => {
    clearTimeout(settled);
    settled = setTimeout(changed, SETTLE_MS);
  };
  // Looked at, not watched: what changes may lie behind a link.
  const files = [CERTIFICATE, KEY].map((file) => join(folder, file));
  for (const file of files) watchFile(file, { interval: LOOK_EACH_MS }, told);
  return () => {
    clearTimeout(settled);
    for (const file of files) unwatchFile(file, told);
  };
}
