/** Certificates and authorities of a TLS listener, as OpenSSL wants them, swapped as one. */

import { createHash, constants as cryptoConstants, randomBytes, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { codeOf, TransportError } from './errors.ts';

/** A certificate and its key. */
export interface TlsCredential {
  /** PEM: the certificate, and after it those that support it. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

/** Whether a client is asked for a certificate, and what happens to one that has none. */
export type ClientCertificateMode = 'none' | 'optional' | 'required';

/** What TLS says and asks. All of it may be swapped while the listener runs. */
export interface TlsServerSettings {
  /** Chosen by the name that the client asks for; the first one serves the others. At least one. */
  readonly credentials: readonly TlsCredential[];
  /** Default TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Default `none`: it is not asked for one. */
  readonly clientCertificate?: ClientCertificateMode;
  /** PEM, each with one certificate or more: who may have signed a client's. Expected unless none is asked for. */
  readonly authorities?: readonly string[];
}

/** Bytes of the keys that session tickets are sealed with. */
export const TICKET_KEYS_BYTES = 48;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** OpenSSL takes no longer one. */
const SESSION_CONTEXT_LENGTH = 32;

interface Named {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
}

/** One set of settings, made ready. */
export class TlsSettings {
  readonly clientCertificate: ClientCertificateMode;
  readonly authorities: readonly X509Certificate[];
  readonly #named: readonly Named[];

  /** @throws TransportError DUNLIN_TLS_SETTINGS, which names the certificate and never holds a key */
  constructor(settings: TlsServerSettings, ticketKeys: Buffer) {
    this.clientCertificate = settings.clientCertificate ?? 'none';
    this.authorities = this.clientCertificate === 'none' ? [] : readAuthorities(settings.authorities ?? []);
    if (this.clientCertificate !== 'none' && this.authorities.length === 0)
      throw unusable('to ask for client certificates, at least one authority is expected');
    if (settings.credentials.length === 0) throw unusable('at least one certificate with its key is expected');
    const common = {
      ticketKeys,
      sessionIdContext: this.#sessionContext(),
      minVersion: settings.minVersion ?? ('TLSv1.2' as const),
      // A second handshake could bring another certificate than the one that was looked at.
      secureOptions: cryptoConstants.SSL_OP_NO_RENEGOTIATION,
      honorCipherOrder: true,
      // An authority need not be the root of a chain.
      allowPartialTrustChain: true,
      ca: this.authorities.map((authority) => authority.toString()),
    };
    this.#named = settings.credentials.map(({ certificate, key }, index) => {
      const shown = `certificate ${index + 1}`;
      try {
        const own = new X509Certificate(certificate);
        return { certificate: own, context: createSecureContext({ ...common, cert: certificate, key }) };
      } catch (error) {
        // Neither message nor stack of OpenSSL's error holds any of the key.
        throw unusable(`${shown} and its key do not serve (${codeOf(error)}); a pair in PEM is expected`);
      }
    });
  }

  get isOne(): boolean {
    return this.#named.length === 1;
  }

  get defaultContext(): SecureContext {
    return this.#named[0].context;
  }

  /** The context with a certificate for the name, else the first. */
  contextFor(serverName: string): SecureContext {
    return (this.#named.find(({ certificate }) => isFor(certificate, serverName)) ?? this.#named[0]).context;
  }

  /** Whether one of the certificates is for the host. */
  hasName(host: string): boolean {
    return this.#named.some(({ certificate }) => isFor(certificate, host));
  }

  /**
   * Sessions are resumed only within one way of asking for certificates: where the authorities change, each client shows
   * its certificate anew, so what OpenSSL found about the certificate of a resumed session is still true.
   */
  #sessionContext(): string {
    const hash = createHash('sha256').update(this.clientCertificate);
    for (const authority of this.authorities) hash.update(authority.raw);
    return hash.digest('base64').slice(0, SESSION_CONTEXT_LENGTH);
  }
}

/** Keys for the session tickets of the listeners that get them. */
export function makeTicketKeys(): Buffer {
  return randomBytes(TICKET_KEYS_BYTES);
}

function isFor(certificate: X509Certificate, host: string): boolean {
  return certificate.checkHost(host, { partialWildcards: false }) !== undefined;
}

function readAuthorities(pems: readonly string[]): X509Certificate[] {
  return pems.flatMap((pem, index) => {
    const found = pem.match(PEM_CERTIFICATE);
    try {
      if (found !== null) return found.map((text) => new X509Certificate(text));
    } catch {
      // Told below.
    }
    throw unusable(`authority ${index + 1} cannot be read; one certificate or more in PEM are expected`);
  });
}

function unusable(found: string): TransportError {
  return new TransportError('Cannot use the TLS settings', 'DUNLIN_TLS_SETTINGS', new Error(found));
}
