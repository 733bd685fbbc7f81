/** TLS options from files, read anew for each attempt: a renewed certificate is used by the next connection. */

import { readFile } from 'node:fs/promises';
import { MqttError } from './errors.ts';
import type { TlsOptions } from './tls-options.ts';

/** Paths of the files, and the options that are none. */
export interface TlsFiles extends Pick<TlsOptions, 'passphrase' | 'servername' | 'rejectUnauthorized'> {
  /** PEM: authorities to trust in place of the platform's. */
  readonly ca?: string | readonly string[] | undefined;
  /** PEM: this client's certificate, with those that support it behind it. */
  readonly cert?: string | undefined;
  /** PEM: the key of `cert`. */
  readonly key?: string | undefined;
  /** PKCS #12 with certificate and key, in place of `cert` and `key`. */
  readonly pfx?: string | undefined;
}

/**
 * A function for the option `tls`. It rejects with `MqttError` 'tls', which names the option and the path, where a file
 * cannot be read.
 */
export function tlsFiles(files: TlsFiles): () => Promise<TlsOptions> {
  const { ca, cert, key, pfx, ...others } = files;
  return async () => ({
    ...others,
    ...(ca === undefined ? {} : { ca: await Promise.all([ca].flat().map((path) => read('ca', path))) }),
    ...(cert === undefined ? {} : { cert: await read('cert', cert) }),
    ...(key === undefined ? {} : { key: await read('key', key) }),
    ...(pfx === undefined ? {} : { pfx: await read('pfx', pfx) }),
  });
}

async function read(option: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MqttError('tls', `Cannot read tls.${option} from "${path}": ${(cause as Error).message}`, { cause });
  }
}
