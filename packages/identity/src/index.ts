/** What the package offers: methods of authentication, and rules of what a client may do. */

export {
  Authorities,
  type AuthoritiesOptions,
  type AuthorityDefinition,
  type CertificateProblem,
  type IssuedCertificate,
  type UnprovenCertificate,
} from './authorities.ts';
export { type AuthorityFiles, readAuthorityFiles } from './authority-files.ts';
export { type Certificate, readCertificate, type SubjectAltNames } from './certificate.ts';
export { type CertificateMethodOptions, certificateMethod } from './certificate-method.ts';
export type { Method } from './method.ts';
export {
  CertificateFileError,
  type CertificateWarning,
  certificateWarnings,
  checkKeyBelongs,
  readCertificates,
  readPrivateKey,
} from './pem.ts';
export { isReadable } from './readable-text.ts';
export type { RevocationSource } from './revocation.ts';
export { WatchedFiles, type WatchedFilesOptions } from './watched-file.ts';
