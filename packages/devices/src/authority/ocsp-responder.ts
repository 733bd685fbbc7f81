/** Answers whether a certificate of the authority counts (OCSP, RFC 6960), signed by the authority itself. */
import { createHash } from 'node:crypto';
import type { Clock } from '@dunlin/broker';
import { context, DerError, DerReader, TAG } from '@dunlin/identity/der';
import { element, octetString, oid, sequence } from '@dunlin/identity/der-writer';
import type { CertificateRecord } from './certificate-record.ts';
import type { Certificates } from './certificates.ts';
import { reasonCodeOf } from './crl-publisher.ts';
import type { IssuingAuthority } from './issuing-authority.ts';
import { NONCE, type OcspQuestion, type OcspRequest, readOcspRequest } from './ocsp-request.ts';
import { extension, generalizedTime, signed } from './x509-writer.ts';

export interface OcspSettings {
  /** How long an answer counts, in seconds. */
  readonly validityS: number;
}

export const OCSP_DEFAULTS: OcspSettings = { validityS: 3_600 };

/** An answer in DER, `application/ocsp-response`. */
export interface OcspAnswer {
  readonly der: Buffer;
  /** How long it may be kept; 0 where it may not: errors, and what a nonce makes an answer to one request alone. */
  readonly keepS: number;
}

const BASIC = '1.3.6.1.5.5.7.48.1.1';
/** OCSPResponseStatus. */
const STATUS = { successful: 0, malformedRequest: 1, unauthorized: 6 } as const;
/** How programs say for which issuer they ask. */
const HASHES: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

export class OcspResponder {
  readonly #authority: IssuingAuthority;
  readonly #certificates: Certificates;
  readonly #clock: Clock;
  readonly #settings: OcspSettings;
  /** Hashes of name and key of the issuer, by the algorithm. */
  readonly #issuer: ReadonlyMap<string, { readonly name: Buffer; readonly key: Buffer }>;

  constructor(
    authority: IssuingAuthority,
    certificates: Certificates,
    clock: Clock,
    settings: Partial<OcspSettings> = {},
  ) {
    this.#authority = authority;
    this.#certificates = certificates;
    this.#clock = clock;
    this.#settings = { ...OCSP_DEFAULTS, ...settings };
    const { subject, publicKey } = authority.certificate;
    const bits = keyBits(publicKey);
    this.#issuer = new Map(
      Object.entries(HASHES).map(([type, hash]) => [type, { name: digest(hash, subject), key: digest(hash, bits) }]),
    );
  }

  /** Answers every request, whatever it is. `request`: DER. Rejects only where the table does. */
  async answer(request: Uint8Array): Promise<OcspAnswer> {
    let asked: OcspRequest;
    try {
      asked = readOcspRequest(Buffer.from(request.buffer, request.byteOffset, request.byteLength));
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      return { der: failure(STATUS.malformedRequest), keepS: 0 };
    }
    const { questions, nonce } = asked;
    // Of no certificate here anybody could say something.
    if (!questions.some((question) => this.#isOurs(question))) return { der: failure(STATUS.unauthorized), keepS: 0 };
    const nowMs = this.#clock.nowMs();
    const statuses: Buffer[] = [];
    let keepMs = this.#settings.validityS * 1_000;
    for (const question of questions) {
      const { der, nextUpdateMs } = await this.#status(question, nowMs);
      statuses.push(der);
      keepMs = Math.min(keepMs, nextUpdateMs - nowMs);
    }
    const { signer } = this.#authority;
    const data = sequence(
      // byKey: SHA-1 is what the standard says, and proves nothing.
      element(context(2), octetString(this.#issuer.get('1.3.14.3.2.26')!.key)),
      generalizedTime(nowMs),
      sequence(...statuses),
      ...(nonce === undefined ? [] : [element(context(1), sequence(extension(NONCE, nonce)))]),
    );
    const basic = signed(data, signer.key);
    const bytes = sequence(oid(BASIC), octetString(basic));
    const der = sequence(statusElement(STATUS.successful), element(context(0), bytes));
    return { der, keepS: nonce === undefined ? Math.floor(keepMs / 1_000) : 0 };
  }

  /** SingleResponse. */
  async #status(
    question: OcspQuestion,
    nowMs: number,
  ): Promise<{ readonly der: Buffer; readonly nextUpdateMs: number }> {
    const found = this.#isOurs(question) ? await this.#certificates.get(question.serial) : undefined;
    const record = found?.value.authority === this.#authority.name ? found.value : undefined;
    const ahead = record?.revokedAtMs ?? 0;
    const endMs = nowMs + this.#settings.validityS * 1_000;
    // An answer must not outlive the end that is known already.
    const nextUpdateMs = ahead > nowMs ? Math.min(endMs, ahead) : endMs;
    const nextUpdate = element(context(0), generalizedTime(nextUpdateMs));
    const der = sequence(question.certId, certStatus(record, nowMs), generalizedTime(nowMs), nextUpdate);
    return { der, nextUpdateMs };
  }

  #isOurs({ hash, issuerNameHash, issuerKeyHash }: OcspQuestion): boolean {
    const own = this.#issuer.get(hash);
    return own?.name.equals(issuerNameHash) === true && own.key.equals(issuerKeyHash);
  }
}

function certStatus(record: CertificateRecord | undefined, nowMs: number): Buffer {
  if (record === undefined) return element(context(2, false));
  const { revokedAtMs, reason = 'unspecified' } = record;
  if (revokedAtMs === undefined || revokedAtMs > nowMs) return element(context(0, false));
  const code = reasonCodeOf(reason);
  const why = code === undefined ? [] : [element(context(0), element(TAG.enumerated, Uint8Array.of(code)))];
  return element(context(1), generalizedTime(revokedAtMs), ...why);
}

function failure(status: number): Buffer {
  return sequence(statusElement(status));
}

function statusElement(status: number): Buffer {
  return element(TAG.enumerated, Uint8Array.of(status));
}

/** The bits of a SubjectPublicKeyInfo, without its algorithm. */
function keyBits(spki: Buffer): Buffer {
  const reader = new DerReader(spki).enter(TAG.sequence);
  reader.element(TAG.sequence);
  return reader.octetBits();
}

function digest(hash: string, bytes: Buffer): Buffer {
  return createHash(hash).update(bytes).digest();
}
