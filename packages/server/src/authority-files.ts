/** Reads the files of authorities: their certificates, and what they have revoked. */
import { readFileSync } from 'node:fs';
import type { AuthorityDefinition } from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import type { AuthorityConfiguration } from './identity-configuration.ts';

/** @throws ConfigurationError where a file cannot be read */
export function readAuthorities(authorities: readonly AuthorityConfiguration[]): AuthorityDefinition[] {
  return authorities.map(({ name, certificate, crl, crlExpired }) => ({
    name,
    certificates: readNamedFile(certificate, `the certificate of authority "${name}"`).toString('utf8'),
    source: certificate,
    crls:
      crl === undefined
        ? []
        : [{ bytes: readNamedFile(crl, `the revocation list of authority "${name}"`), source: crl }],
    crlExpired,
  }));
}

/** Paths of all those files, for watching. */
export function authorityPaths(authorities: readonly AuthorityConfiguration[]): string[] {
  return authorities.flatMap(({ certificate, crl }) => (crl === undefined ? [certificate] : [certificate, crl]));
}

/** @throws ConfigurationError that says what the file was to be */
export function readNamedFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'this user may not read it',
      EISDIR: 'it is a folder',
    };
    throw new ConfigurationError([
      `Cannot read ${what} from ${JSON.stringify(path)}: ${reasons[code ?? ''] ?? message}`,
    ]);
  }
}
