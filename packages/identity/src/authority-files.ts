/** Authorities as a configuration has them: files with certificates and with revocation lists. */
import type { AuthorityDefinition } from './authorities.ts';
import { NamedFileError, readNamedFile } from './named-file.ts';
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
  const certificates = read(certificate, 'the certificates of an authority').toString('utf8');
  const crls = [crl].flat().map((source) => ({ source, bytes: read(source, 'a revocation list') }));
  return { name, certificates, source: certificate, crls, crlExpired };
}

function read(path: string, what: string): Buffer {
  try {
    return readNamedFile(path, what);
  } catch (error) {
    throw error instanceof NamedFileError ? new CertificateFileError(error.message) : error;
  }
}
