/** The authority of the device service: its chain and key, opened once, and the certificates of devices that it issues. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import {
  type Certificate,
  CertificateFileError,
  isReadable,
  issuerProblem,
  KEY_USAGE,
  nameOf,
  readCertificates,
} from '@dunlin/identity';
import { bitString, sequence } from '@dunlin/identity/der-writer';
import {
  type Authority,
  type ClientCertificate,
  COMMON_NAME_MAX,
  readyToSign,
  signClientCertificate,
} from './authority.ts';
import { CertificateError } from './certificate-error.ts';
import { readCsr } from './csr.ts';
import { decryptKey, type NamedText } from './key-file.ts';
import type { MasterKey } from './master-key.ts';
import { pemOf, type StatusUrls, signed } from './x509-writer.ts';

export interface IssuingAuthorityOptions {
  /** As in `CertificateFacts.authority`. */
  readonly name: string;
  /** PEM: the certificate that issues comes first, then, as far as they are wanted, each that issued the one before. */
  readonly certificate: NamedText;
  /** PEM, encrypted under the master key. */
  readonly key: NamedText;
  readonly masterKey: MasterKey;
  /**
   * PEM of whoever vouches for the server that devices connect to; goes along with each certificate. Default: this
   * authority itself.
   */
  readonly serverAuthorities?: NamedText;
  /** Put into every certificate. Default: none. */
  readonly urls?: StatusUrls;
}

export interface IssueRequest {
  /** Becomes the Common Name. */
  readonly deviceId: string;
  /** PKCS#10 in PEM or DER, for a key that the device made. Without one a key is made here. */
  readonly csr?: string | Uint8Array;
  /** The Common Name that the request has to have. Default: the device id. */
  readonly csrName?: string;
  /** How long it is valid, from `nowMs` on. It ends with the authority at the latest. */
  readonly days: number;
  readonly nowMs: number;
}

/** A certificate as it is handed out, once where its key was made here. */
export interface IssuedCertificate extends ClientCertificate {
  /** PEM: the certificate, and those between it and the root. What a device shows in TLS. */
  readonly chain: string;
}

const DAY_MS = 86_400_000;

/** Days that a certificate may be issued for. */
const DAYS_MAX = 7_300;

export class IssuingAuthority {
  readonly name: string;
  /** Of the one that issues. */
  readonly certificate: Certificate;
  /** Signs lists and OCSP answers. Holds the key: it goes no further than this folder. */
  readonly signer: Authority;
  /** PEM of each certificate of the file, in its order. */
  readonly pems: readonly string[];
  /** PEM: whom a device trusts when it connects to the server. */
  readonly serverAuthorities: string;
  readonly #intermediates: string;
  readonly #chain: readonly Certificate[];
  readonly #urls: StatusUrls;

  private constructor(
    name: string,
    chain: readonly Certificate[],
    pems: readonly string[],
    key: KeyObject,
    { urls = {}, serverAuthorities }: Pick<IssuingAuthorityOptions, 'urls' | 'serverAuthorities'>,
  ) {
    this.name = name;
    this.certificate = chain[0];
    this.signer = readyToSign(chain[0], key);
    this.pems = pems;
    this.serverAuthorities = (serverAuthorities && certificatesOf(serverAuthorities)) ?? pems.join('');
    this.#intermediates = pems.filter((_, index) => !chain[index].subject.equals(chain[index].issuer)).join('');
    this.#chain = chain;
    this.#urls = urls;
  }

  /** Throws `CertificateFileError` where files do not fit together, or the first certificate may not issue for clients. */
  static open(options: IssuingAuthorityOptions): IssuingAuthority {
    const { name, certificate: file, masterKey } = options;
    const chain = readCertificates(file.text, file.source);
    const x509 = chain.map((certificate) => new X509Certificate(derOf(certificate)));
    checkChain(chain, x509, file.source);
    const key = decryptKey(options.key, masterKey, chain, file.source);
    checkCanSign(key, options.key.source);
    return new IssuingAuthority(
      name,
      chain,
      x509.map(({ raw }) => pemOf(raw, 'CERTIFICATE')),
      key,
      options,
    );
  }

  get notAfterMs(): number {
    return Math.min(...this.#chain.map(({ notAfterMs }) => notAfterMs));
  }

  /** PEM of all of the file: what others check certificates of devices with. */
  get trusted(): string {
    return this.pems.join('');
  }

  /** Issues a certificate. Throws `CertificateError`; nothing is remembered here. */
  issue({ deviceId, csr, csrName = deviceId, days, nowMs }: IssueRequest): IssuedCertificate {
    if (deviceId.length > COMMON_NAME_MAX || !isReadable(deviceId))
      throw refused('name-unfit', deviceId, `a name of 1 to ${COMMON_NAME_MAX} visible characters is expected`);
    if (!Number.isFinite(days) || days <= 0 || days > DAYS_MAX)
      throw refused('days-unfit', deviceId, `found ${days} days; more than 0 and at most ${DAYS_MAX} are expected`);
    if (this.notAfterMs <= nowMs)
      throw refused('authority-expired', deviceId, 'the authority has expired; one that is valid is expected');
    const publicKey = csr === undefined ? undefined : readCsr(csr, csrName);
    const spki = publicKey?.export({ type: 'spki', format: 'der' });
    if (spki !== undefined && this.#chain.some((certificate) => certificate.publicKey.equals(spki)))
      throw refused('key-taken', deviceId, 'the key is that of an authority; one of its own is expected');
    const latest = Math.min(days, (this.notAfterMs - nowMs) / DAY_MS);
    const options = { commonName: deviceId, publicKey, days: latest, nowMs, urls: this.#urls };
    const issued = signClientCertificate(this.signer, options);
    return { ...issued, chain: issued.certificate + this.#intermediates };
  }
}

/** A certificate as it was read: DER has one form for it. */
function derOf({ tbs, signatureAlgorithm, signature }: Certificate): Buffer {
  return sequence(tbs, signatureAlgorithm, bitString(signature));
}

function refused(code: CertificateError['code'], deviceId: string, why: string): CertificateError {
  return new CertificateError(code, `Cannot issue a certificate for ${JSON.stringify(deviceId.slice(0, 80))}: ${why}`);
}

/** What else stands in the file, such as a private key, goes to nobody. */
function certificatesOf({ text, source }: NamedText): string {
  return readCertificates(text, source)
    .map((certificate) => pemOf(derOf(certificate), 'CERTIFICATE'))
    .join('');
}

function checkChain(chain: readonly Certificate[], x509: readonly X509Certificate[], source: string): void {
  const cannot = (what: string) => new CertificateFileError(`Cannot issue with ${source}: ${what}`);
  let below = 0;
  for (const [index, certificate] of chain.entries()) {
    const problem = issuerProblem(certificate, below);
    if (problem !== undefined) throw cannot(`${problem.detail}; an authority for clients is expected`);
    if (!certificate.subject.equals(certificate.issuer)) below += 1;
    const above = x509[index + 1];
    if (above !== undefined && !(x509[index].checkIssued(above) && x509[index].verify(above.publicKey)))
      throw cannot(
        `certificate ${index + 2} in it did not issue the one before; the one that issues is expected first, then its issuer`,
      );
  }
  const { keyUsage, subject } = chain[0];
  if (keyUsage !== undefined && (keyUsage & KEY_USAGE.crlSign) === 0)
    throw cannot(`${nameOf(subject)} may not sign revocation lists; the key usage cRLSign is expected`);
}

function checkCanSign(key: KeyObject, source: string): void {
  try {
    signed(Buffer.alloc(0), key);
  } catch (error) {
    throw new CertificateFileError(`Cannot issue with the key ${source}: ${(error as Error).message}`);
  }
}
