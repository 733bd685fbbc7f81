/** What the package offers: an X.509 authority of one's own, and the service of devices. */

export {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority/authority.ts';
export { CERTIFICATE_ERRORS, CertificateError, type CertificateErrorCode } from './authority/certificate-error.ts';
export {
  type IssuedCertificate,
  type IssueRequest,
  IssuingAuthority,
  type IssuingAuthorityOptions,
} from './authority/issuing-authority.ts';
export type { NamedText } from './authority/key-file.ts';
export {
  MasterKey,
  MasterKeyError,
  type MasterKeyPlace,
  type MasterKeySource,
  newMasterKeyText,
  parseMasterKey,
  readMasterKey,
} from './authority/master-key.ts';
export { type AuthorityTexts, broughtAuthority, type NewAuthority, newAuthority } from './authority/new-authority.ts';
export { OCSP_BYTES_MAX } from './authority/ocsp-request.ts';
export { OCSP_DEFAULTS, type OcspAnswer, OcspResponder, type OcspSettings } from './authority/ocsp-responder.ts';
export { Revocations, type RevokedCertificate } from './authority/revocations.ts';
export { normalSerial } from './authority/serial-number.ts';
export type { StatusUrls } from './authority/x509-writer.ts';
