/** What TLS may be told, where the platform lets the client have a say: not in browsers. */

/** Options of TLS; certificates and keys are PEM text or bytes. */
export interface TlsOptions {
  /** Authorities to trust in place of the platform's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** This client's certificate, with those that support it behind it. */
  readonly cert?: string | Uint8Array | undefined;
  /** The key of `cert`. */
  readonly key?: string | Uint8Array | undefined;
  /** PKCS #12 with certificate and key, in place of `cert` and `key`. */
  readonly pfx?: Uint8Array | undefined;
  /** Of `key` or `pfx`. */
  readonly passphrase?: string | undefined;
  /** The name that the server's certificate must have, also sent as SNI. Default: the host of the URL. */
  readonly servername?: string | undefined;
  /** False takes any certificate of the server, so that anybody can stand between. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
}
