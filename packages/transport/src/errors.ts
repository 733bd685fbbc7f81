/** What can go wrong with a wire, in words: the codes are those of the operating system wherever it has one. */

const REASONS: Readonly<Record<string, string>> = {
  CERT_CHAIN_TOO_LONG: 'the certificate has too many others between it and its root',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REJECTED: 'the authority of the certificate does not vouch for this use',
  CERT_REVOKED: 'the certificate was revoked',
  CERT_SIGNATURE_FAILURE: 'the certificate is by none of the authorities known here',
  CERT_UNTRUSTED: 'the authority of the certificate is not trusted for this use',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by itself, and by none of the authorities known here',
  DUNLIN_ADDRESS_WAITING_MAX: 'too many from there have not finished their TLS handshake or request',
  DUNLIN_BACKLOG: 'accepting is paused, and as many as may wait do',
  DUNLIN_CERTIFICATE_MISSING: 'the client sent no certificate',
  DUNLIN_CONNECTIONS_MAX: 'the limit of open connections is reached',
  DUNLIN_HANDSHAKES_WAITING: 'too many others wait for theirs',
  DUNLIN_HEADER_UNTRUSTED: 'it comes from one who is no proxy that is trusted here; it is not looked at',
  DUNLIN_HTTP_HANDSHAKE: 'the request is no WebSocket handshake that is known here',
  DUNLIN_HTTP_ORIGIN: 'pages of this origin may not ask for it',
  DUNLIN_HTTP_PATH: 'there is none at this path',
  DUNLIN_HTTP_REQUEST: 'no HTTP that can be read came in time',
  DUNLIN_HTTP_SENDING: 'it goes on sending behind the last answer of its connection',
  DUNLIN_HTTP_SUBPROTOCOL: 'the subprotocol mqtt was not offered',
  DUNLIN_PROXY_UNTRUSTED: 'the peer is not a proxy that is trusted here',
  DUNLIN_WAITING_MAX: 'too many have not finished their TLS handshake, request or PROXY header',
  EACCES: 'not permitted (ports below 1024 need privileges)',
  EADDRINUSE: 'another listener has the address',
  EADDRNOTAVAIL: 'not an address of this machine',
  EAI_AGAIN: 'the name service does not answer',
  ECONNABORTED: 'the connection was given up',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the peer reset the connection',
  EHOSTUNREACH: 'no route to the host',
  EMFILE: 'this process has no file descriptor left',
  ENETUNREACH: 'no route to the network',
  ENFILE: 'the system has no file descriptor left',
  ENOENT: 'nothing is there',
  ENOTFOUND: 'no such host name',
  EPIPE: 'the peer no longer reads',
  ERR_SSL_HTTP_REQUEST: 'the peer speaks HTTP without TLS',
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': 'the peer does not take the certificate that it was shown',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED': 'to the peer the certificate that it was shown has expired',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN': 'the peer does not take the certificate that it was shown',
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': 'the peer shares no cipher or version with us, or wants a certificate',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the peer asks by ALPN for protocols that are not spoken here',
  ERR_SSL_NO_SHARED_CIPHER: 'the peer speaks no cipher that fits the keys here',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client sent no certificate',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the peer asks for a certificate, and was shown none',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the peer takes no version of TLS that is spoken here',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the peer does not know the authority of the certificate that it was shown',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer speaks no version of TLS that is allowed here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer does not speak TLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  ETIMEDOUT: 'no answer in time',
  INVALID_CA: 'a certificate above it is not one of an authority',
  INVALID_PURPOSE: 'the certificate is for another purpose',
  PATH_LENGTH_EXCEEDED: 'the authority may have no others below it, and has',
  SELF_SIGNED_CERT_IN_CHAIN: 'the root of the certificate is none of the authorities known here',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate is by none of the authorities known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is by none of the authorities known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is by none of the authorities known here',
};

/** Why a wire or a listener could not be made or broke; `code` is the system's, such as `ECONNREFUSED`. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: string;

  /**
   * `what` is the beginning of the sentence, such as `Cannot connect to "10.0.0.1:1883"`. Only the cause of a code that is
   * not known is kept: below words that say it all it would be pages of stacks, and of a TLS error whole certificates.
   */
  constructor(what: string, code: string, cause?: unknown) {
    const words = REASONS[code];
    super(
      `${what}: ${words ?? describe(cause) ?? 'failed'} (${code})`,
      words !== undefined || cause === undefined ? {} : { cause },
    );
    this.code = code;
  }
}

/**
 * What somebody sent, as an error may show it: in quotes, 100 characters at the most, and without what a terminal would
 * obey.
 */
export function shownText(text: string): string {
  const short = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The system's code of an error, looking into the several attempts of one connect; `EUNKNOWN` where it has none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'EUNKNOWN';
}

/** Why a socket went before its time: ours where it was destroyed with a TransportError, else its peer's. */
export function codeOfEnd({ errored }: { readonly errored: Error | null }): string {
  return errored instanceof TransportError ? errored.code : 'ECONNRESET';
}

function describe(cause: unknown): string | undefined {
  // OpenSSL says it in a few words too; its message is a line of its log, with thread, file and place.
  const { reason } = (cause ?? {}) as { readonly reason?: unknown };
  if (typeof reason === 'string' && reason !== '') return reason;
  return cause instanceof Error && cause.message !== '' ? cause.message : undefined;
}
