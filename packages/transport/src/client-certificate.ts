/** Which client certificates end in TLS already, and which are for MQTT to refuse, where the client is told why. */

import type { X509Certificate } from 'node:crypto';

/**
 * What is wrong with the certificate in time only: CONNECT is answered, so that the client learns of it. OpenSSL tells
 * one error of several, the time last, hence `isFromAuthorities`.
 */
const FOR_MQTT: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];
/** OpenSSL's default for chains is longer; a hostile client shall not have us verify more signatures. */
const CHAIN_LENGTH_MAX = 6;
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const RSA_BITS_MIN = 2048;

/**
 * Why the handshake must not lead to a wire; undefined where it may. `verifyError`: what OpenSSL found, as a code;
 * undefined where it found nothing wrong, or, of a resumed session, did not when it began.
 */
export function refusalOf(
  leaf: X509Certificate,
  verifyError: string | undefined,
  authorities: readonly X509Certificate[],
): string | undefined {
  if (verifyError === undefined) return undefined;
  if (!FOR_MQTT.includes(verifyError)) return verifyError;
  if (!isFromAuthorities(leaf, authorities)) return 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
  return isForClients(leaf) ? undefined : 'INVALID_PURPOSE';
}

/** True where every signature from the certificate to one of the authorities holds, whatever the time. */
export function isFromAuthorities(leaf: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  let certificate = leaf;
  for (let length = 0; length < CHAIN_LENGTH_MAX; length += 1) {
    if (!isStrong(certificate)) return false;
    if (authorities.some((authority) => isIssuedBy(certificate, authority))) return true;
    // The certificates that the client sent, in their order: each supports the one before.
    const issuer = certificate.issuerCertificate;
    if (issuer === undefined || !isIssuedBy(certificate, issuer)) return false;
    certificate = issuer;
  }
  return false;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  if (!issuer.ca || !certificate.checkIssued(issuer)) return false;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** What OpenSSL at its default level would not find too weak. */
function isStrong(certificate: X509Certificate): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    if (asymmetricKeyType === 'ec')
      return /^(?:prime256v1|secp384r1|secp521r1)$/.test(asymmetricKeyDetails?.namedCurve ?? '');
    if (asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448') return true;
    return /^rsa(?:-pss)?$/.test(asymmetricKeyType ?? '') && (asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN;
  } catch {
    return false;
  }
}

/** Without an Extended Key Usage a certificate is for everything. */
function isForClients({ keyUsage }: X509Certificate): boolean {
  return keyUsage === undefined || keyUsage.includes(CLIENT_AUTHENTICATION);
}
