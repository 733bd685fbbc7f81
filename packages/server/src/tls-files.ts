/** Reads the certificates and keys of a listener with TLS, and says what is wrong with a file before TLS does. */
import type { KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Authorities, CertificateWarning } from '@dunlin/identity';
import {
  CertificateFileError,
  certificateWarnings,
  checkKeyBelongs,
  readCertificates,
  readPrivateKey,
} from '@dunlin/identity';
import type { TlsCredential, TlsServerSettings } from '@dunlin/transport/tls';
import { type CertificateFiles, ConfigurationError, type TlsConfiguration } from './configuration.ts';
import { readConfiguredFile } from './configured-file.ts';

export interface TlsFilesContext {
  readonly authorities: Authorities;
  /** Names of all of them. */
  readonly authorityNames: readonly string[];
  readonly nowMs: number;
  readonly warn: (warning: CertificateWarning) => void;
}

/** @throws ConfigurationError where a file cannot be read or used */
export function readTlsFiles(tls: TlsConfiguration, context: TlsFilesContext): TlsServerSettings {
  const credentials = [tls, ...(tls.certificates ?? [])].map((files) => readCredential(files, context));
  const { minVersion, clientCertificate = 'none' } = tls;
  return {
    credentials,
    ...(minVersion !== undefined && { minVersion: `TLSv${minVersion}` as const }),
    clientCertificate,
    authorities: clientCertificate === 'none' ? [] : authoritiesOf(tls, context),
  };
}

/** Tells again of certificates in use that end: a server may run longer than from one reading of its files to their end. */
export function warnOfCertificates(
  tls: TlsConfiguration,
  { credentials }: TlsServerSettings,
  { nowMs, warn }: Pick<TlsFilesContext, 'nowMs' | 'warn'>,
): void {
  const sources = [tls, ...(tls.certificates ?? [])].map(({ certificate }) => certificate);
  for (const [index, { certificate }] of credentials.entries())
    for (const warning of certificateWarnings(readCertificates(certificate, sources[index]), sources[index], nowMs))
      warn(warning);
}

/** Paths of all of a listener's files, for watching. */
export function tlsPaths(tls: TlsConfiguration | undefined): string[] {
  return tls === undefined
    ? []
    : [tls, ...(tls.certificates ?? [])].flatMap(({ certificate, key, passphraseFile }) => [
        certificate,
        key,
        ...(passphraseFile === undefined ? [] : [passphraseFile]),
      ]);
}

/** @throws ConfigurationError, CertificateFileError */
export function readKey({ key, passphraseFile }: CertificateFiles): KeyObject {
  const text = readConfiguredFile(key, 'a key').toString('utf8');
  return readPrivateKey(text, key, passphraseFile === undefined ? undefined : readPassphrase(passphraseFile));
}

/** Without the line break at its end, which editors write. */
function readPassphrase(file: string): string {
  const passphrase = readConfiguredFile(file, 'a passphrase')
    .toString('utf8')
    .replace(/\r?\n$/, '');
  const rights = statSync(file).mode & 0o777;
  // Windows has no such rights.
  if (process.platform !== 'win32' && (rights & 0o077) !== 0)
    throw new ConfigurationError([
      `Cannot use the passphrase in ${JSON.stringify(file)}: it has mode ${rights.toString(8).padStart(4, '0')}, so others ` +
        'than its owner may reach it; mode 0600 is expected',
    ]);
  return passphrase;
}

function readCredential(files: CertificateFiles, { nowMs, warn }: TlsFilesContext): TlsCredential {
  const certificate = readConfiguredFile(files.certificate, 'a certificate').toString('utf8');
  try {
    const chain = readCertificates(certificate, files.certificate);
    const privateKey = readKey(files);
    checkKeyBelongs(chain, files.certificate, privateKey, files.key);
    for (const warning of certificateWarnings(chain, files.certificate, nowMs)) warn(warning);
    // Written anew: a byte order mark or text around the blocks is no trouble to our own reader alone.
    const credential = { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
    checkServes(credential, files);
    return credential;
  } catch (error) {
    if (!(error instanceof CertificateFileError)) throw error;
    throw new ConfigurationError([error.message]);
  }
}

/** OpenSSL refuses some that can be read, such as keys that are too short. */
function checkServes({ certificate, key }: TlsCredential, files: CertificateFiles): void {
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    const { reason, code = 'unknown' } = error as { readonly reason?: string; readonly code?: string };
    throw new ConfigurationError([
      `Cannot use the certificate in ${files.certificate}: TLS does not take it (${reason ?? code}); ` +
        'an ECDSA P-256 key, or an RSA key of 2048 bits or more, is expected',
    ]);
  }
}

/** A listener that is still open, and no longer in the configuration, may name one that is gone. */
function authoritiesOf(tls: TlsConfiguration, { authorities, authorityNames }: TlsFilesContext): string[] {
  const names = tls.authorities ?? authorityNames;
  const known = names.flatMap((name) => authorities.pem(name) ?? []);
  if (known.length > 0) return known;
  throw new ConfigurationError([
    `Cannot ask for client certificates: no authority is left of ${names.join(', ') || 'authorities'}, one is expected`,
  ]);
}
