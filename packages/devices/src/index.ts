/** What the package offers: an X.509 authority of one's own. */

export {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority.ts';
