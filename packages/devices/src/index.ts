/** What the package offers: an X.509 authority of one's own, and the ports of the device service. */

export {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority.ts';
export type * from './ports.ts';
