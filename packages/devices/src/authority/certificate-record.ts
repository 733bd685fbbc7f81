/** What is remembered of every certificate that was issued to a device. */
import type { TableDefinition, TableRecord } from '@dunlin/broker';

/** Why a certificate is revoked, with the CRLReason of RFC 5280 (section 5.3.1). */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

/** Times are wall clock. Its key is the serial number as `CertificateFacts.serial`. */
export interface CertificateRecord {
  readonly deviceId: string;
  /** Of the device: one that was removed and added anew has another, and its former certificates count no longer. */
  readonly generation: string;
  /** Name of the authority that issued it. */
  readonly authority: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedAtMs: number;
  /** SHA-256 of its public key (SubjectPublicKeyInfo), in hexadecimal. */
  readonly keyId: string;
  /** When a device first came with it. */
  readonly firstUsedAtMs: number | undefined;
  /** From when on it counts no longer; may lie ahead, where the one that replaces it is in use. */
  readonly revokedAtMs: number | undefined;
  readonly reason: RevocationReason | undefined;
  /** Serial number of the one that was made to take its place. */
  readonly replacedBy: string | undefined;
}

export type StoredCertificate = TableRecord<CertificateRecord>;

/** The one term of the index `revoked`. */
export const REVOKED = 'revoked';

export const CERTIFICATES: TableDefinition<CertificateRecord> = {
  name: 'device-certificates',
  indexes: {
    device: ({ deviceId }) => [deviceId],
    /** When it ends. */
    day: ({ notAfterMs }) => [dayOf(notAfterMs)],
    key: ({ keyId }) => [keyId],
    revoked: ({ revokedAtMs }) => (revokedAtMs === undefined ? [] : [REVOKED]),
  },
};

/** Term of the index `day`: `2026-01-31`, in UTC, in the order of time. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Whether it counts at that time. */
export function isValid(
  { notAfterMs, revokedAtMs }: Pick<CertificateRecord, 'notAfterMs' | 'revokedAtMs'>,
  nowMs: number,
): boolean {
  return nowMs <= notAfterMs && (revokedAtMs === undefined || nowMs < revokedAtMs);
}

/**
 * Of these certificates of one device, none of them revoked, the one that it has in use: of those that it came with the one
 * issued last; where it never came with one the first, since what was to take its place may not have arrived.
 */
export function inUse(certificates: readonly StoredCertificate[]): StoredCertificate | undefined {
  const byIssue = certificates.toSorted((one, other) => one.value.issuedAtMs - other.value.issuedAtMs);
  return byIssue.findLast(({ value }) => value.firstUsedAtMs !== undefined) ?? byIssue[0];
}
