/**
 * What a player shows who it is with: `credentials.json`, an answer of `POST /api/v1/devices/{id}/certificates`, and `ca.pem`,
 * the authority of the server. One file, so that certificate and key are always those of each other.
 */
import { X509Certificate } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Credentials {
  readonly chain: string;
  readonly key: string;
}

const FILE = 'credentials.json';

/** The option `tls` of the client: read anew for each attempt. */
export async function tlsOptions(folder: string): Promise<{ ca: string; cert: string; key: string }> {
  const { chain, key } = await read(folder);
  return { ca: await readFile(join(folder, 'ca.pem'), 'utf8'), cert: chain, key };
}

/** The player_key: the Common Name of the certificate. */
export async function playerKeyOf(folder: string): Promise<string> {
  const { subject } = new X509Certificate((await read(folder)).chain);
  const [, name] = /^CN=(.+)$/m.exec(subject) ?? [];
  if (name === undefined) throw new Error(`Cannot use ${FILE} in ${folder}: a Common Name is expected`);
  return name;
}

/**
 * Fetches new credentials in place of those in the folder, which count on for a while. `keyFile` is the answer of
 * `POST /api/v1/keys`, whose key has the scope `certificates:write`.
 */
export async function renewCredentials(folder: string, apiUrl: string, keyFile: string): Promise<void> {
  const playerKey = await playerKeyOf(folder);
  const { key } = JSON.parse(await readFile(keyFile, 'utf8')) as { key: string };
  const response = await fetch(new URL(`/api/v1/devices/${encodeURIComponent(playerKey)}/certificates/renew`, apiUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ generateKey: true }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`Cannot renew the certificate of ${playerKey}: the API answered ${text}`);
  const file = join(folder, FILE);
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/** Calls back whenever other credentials are in the folder; what it returns ends that. */
export function watchCredentials(folder: string, changed: () => void): () => void {
  const watcher = watch(folder, (_event, name) => {
    if (name === FILE) changed();
  });
  return () => watcher.close();
}

async function read(folder: string): Promise<Credentials> {
  return JSON.parse(await readFile(join(folder, FILE), 'utf8')) as Credentials;
}
