/** What can go wrong with a wire, in words: the codes are those of the operating system wherever it has one. */

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_SIGNATURE_FAILURE: 'the certificate is by none of the authorities known here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is by none of the authorities known here',
  DUNLIN_ADDRESS_WAITING_MAX: 'too many from there have not finished their TLS handshake or request',
  DUNLIN_CERTIFICATE_MISSING: 'the client sent no certificate',
  DUNLIN_CONNECTIONS_MAX: 'the limit of open connections is reached',
  DUNLIN_HANDSHAKES_WAITING: 'too many others wait for theirs',
  DUNLIN_HEADER_UNTRUSTED: 'it comes from one who is no proxy that is trusted here; it is not looked at',
  DUNLIN_HTTP_FORWARDED: 'the header of a proxy cannot be read',
  DUNLIN_HTTP_ORIGIN: 'a page of another origin asks for it',
  DUNLIN_HTTP_PATH: 'there is no WebSocket at the path',
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
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the peer asks by ALPN for protocols that are not spoken here',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client sent no certificate',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer speaks no version of TLS that is allowed here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer does not speak TLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  ETIMEDOUT: 'no answer in time',
  INVALID_PURPOSE: 'the certificate is for another purpose',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is by none of the authorities known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is by none of the authorities known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is by none of the authorities known here',
};

/** Why a wire or a listener could not be made or broke; `code` is the system's, such as `ECONNREFUSED`. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: string;

  /** `what` is the beginning of the sentence, such as `Cannot connect to "10.0.0.1:1883"`. */
  constructor(what: string, code: string, cause?: unknown) {
    super(`${what}: ${REASONS[code] ?? describe(cause) ?? 'failed'} (${code})`, cause === undefined ? {} : { cause });
    this.code = code;
  }
}

/** The system's code of an error, looking into the several attempts of one connect; `EUNKNOWN` where it has none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'EUNKNOWN';
}

function describe(cause: unknown): string | undefined {
  // OpenSSL says it in a few words too; its message is a line of its log, with thread, file and place.
  const { reason } = (cause ?? {}) as { readonly reason?: unknown };
  if (typeof reason === 'string' && reason !== '') return reason;
  return cause instanceof Error && cause.message !== '' ? cause.message : undefined;
}
