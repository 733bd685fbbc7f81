/** Private keys as they lie on a disk: PKCS#8, encrypted under the master key. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Certificate, CertificateFileError, checkKeyBelongs } from '@dunlin/identity';
import type { MasterKey } from './master-key.ts';

/** The text of a file, and what messages call it. */
export interface NamedText {
  readonly text: string;
  readonly source: string;
}

/** "ENCRYPTED PRIVATE KEY" in PEM. OpenSSL opens it with `MasterKey.passphrase`. */
export function encryptKey(key: KeyObject, masterKey: MasterKey): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: masterKey.passphrase() } as const;
  return key.export(options) as string;
}

/**
 * The private key of a file, and that it is the key of a certificate, the first of `chain`.
 *
 * Throws `CertificateFileError`, which names the file, the master key and what is expected.
 */
export function decryptKey(
  file: NamedText,
  masterKey: MasterKey,
  chain: readonly Certificate[],
  chainSource: string,
): KeyObject {
  const { text, source } = file;
  if (!text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----'))
    throw new CertificateFileError(
      `Cannot use the key ${source}: it is not encrypted; "-----BEGIN ENCRYPTED PRIVATE KEY-----" under the master key is expected, as dunlin init writes it`,
    );
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, passphrase: masterKey.passphrase() });
  } catch {
    throw new CertificateFileError(
      `Cannot open the key ${source} with the master key of ${masterKey.source}: it was encrypted under another one, or is damaged; the master key that it was written with is expected`,
    );
  }
  checkKeyBelongs(chain, chainSource, key, source);
  return key;
}
