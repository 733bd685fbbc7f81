/**
 * What a player shows who it is with: `cert.pem` and `key.pem`, as `dunlin device cert --out` makes them, and `server-ca.pem`,
 * the authority that its server is known by.
 */
import { X509Certificate } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tlsFiles } from '@dunlin/client/node';

const CERTIFICATE = 'cert.pem';
const KEY = 'key.pem';
/** Two files do not change at once. */
const SETTLE_MS = 200;

/** The option `tls` of the client: read anew for each attempt. */
export function tlsOf(folder: string): ReturnType<typeof tlsFiles> {
  const [ca, cert, key] = ['server-ca.pem', CERTIFICATE, KEY].map((file) => join(folder, file));
  return tlsFiles({ ca, cert, key });
}

/** The player_key: the Common Name of the certificate. */
export async function playerKeyOf(folder: string): Promise<string> {
  const file = join(folder, CERTIFICATE);
  const [, name] = /^CN=(.+)$/m.exec(new X509Certificate(await readFile(file)).subject) ?? [];
  if (name === undefined) throw new Error(`Cannot use ${file}: a Common Name is expected`);
  return name;
}

/**
 * Fetches another certificate in place of that in the folder, which counts on for a while. `keyFile` holds an API key with
 * the scope `certificates:write`.
 */
export async function renewCertificate(folder: string, apiUrl: string, keyFile: string): Promise<void> {
  const playerKey = await playerKeyOf(folder);
  const response = await fetch(new URL(`/api/v1/devices/${encodeURIComponent(playerKey)}/certificates/renew`, apiUrl), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${(await readFile(keyFile, 'utf8')).trim()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ generateKey: true }),
  });
  if (!response.ok)
    throw new Error(`Cannot renew the certificate of ${playerKey}: the API answered ${await response.text()}`);
  const { chain, key } = (await response.json()) as { chain: string; key: string };
  await put(join(folder, CERTIFICATE), chain);
  await put(join(folder, KEY), key);
}

/** Calls back when another certificate is in the folder; what it returns ends that. */
export function watchCertificate(folder: string, changed: () => void): () => void {
  let settled: NodeJS.Timeout | undefined;
  const watcher = watch(folder, (_event, name) => {
    if (name !== CERTIFICATE && name !== KEY) return;
    clearTimeout(settled);
    settled = setTimeout(changed, SETTLE_MS);
  });
  return () => {
    clearTimeout(settled);
    watcher.close();
  };
}

async function put(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}
