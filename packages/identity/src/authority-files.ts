/** Authorities as a configuration has them: files with certificates and with revocation lists. */
import { readFileSync } from 'node:fs';
import type { AuthorityDefinition } from './authorities.ts';
import { CertificateFileError } from './pem.ts';

export interface AuthorityFiles {
  /** Letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Path of a file with certificates in PEM. */
  readonly certificate: string;
  /** Paths of revocation lists in PEM or DER. Default: none. */
  readonly crl?: string | readonly string[];
  /** What happens when a list is past its next update. Default: `accept`. */
  readonly crlExpired?: 'accept' | 'refuse';
}

/**
 * Reads the files of an authority, for `new Authorities` and, when `WatchedFiles` tells of a change, for its `replace`;
 * these check what is in them. Throws `CertificateFileError` where a file cannot be read.
 */
export function readAuthorityFiles({ name, certificate, crl = [], crlExpired }: AuthorityFiles): AuthorityDefinition {
  const certificates = read(certificate).toString('utf8');
  const crls = [crl].flat().map((source) => ({ source, bytes: read(source) }));
  return { name, certificates, source: certificate, crls, crlExpired };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CertificateFileError(`Cannot read ${path}: ${code}; a file that can be read is expected`);
  }
}
