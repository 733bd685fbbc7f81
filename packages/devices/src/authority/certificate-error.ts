/** Why a certificate is not issued, renewed or revoked: closed set, for whoever answers a caller. */

export const CERTIFICATE_ERRORS = {
  'csr-malformed': 'The request is not a PKCS#10 request in PEM or DER, or too large.',
  'csr-signature': 'The request is not signed by the key that it names.',
  'csr-name': 'The request is for another name than that of the device.',
  'csr-extension': 'The request asks for more than a device is given.',
  'key-weak': 'The key can be broken, or is of a kind that does not count.',
  'key-taken': 'The key belongs to somebody else, or was revoked.',
  'name-unfit': 'The id of the device cannot be the name of a certificate.',
  'days-unfit': 'A certificate is not issued for so many days.',
  'authority-expired': 'The authority has expired.',
  'too-many': 'The device has as many valid certificates as it may have.',
  unknown: 'There is no certificate of this serial number.',
  revoked: 'The certificate is revoked or replaced.',
  conflict: 'Somebody else changed it meanwhile.',
} as const;

export type CertificateErrorCode = keyof typeof CERTIFICATE_ERRORS;

/** The message says what was attempted, found and expected; it holds no key. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code: CertificateErrorCode;

  constructor(code: CertificateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
