/** What can go wrong with a wire, in words: the codes are those of the operating system wherever it has one. */

const REASONS: Readonly<Record<string, string>> = {
  DUNLIN_CONNECTIONS_MAX: 'the limit of open connections is reached',
  DUNLIN_CERTIFICATE_MISSING: 'the client sent no certificate',
  DUNLIN_HANDSHAKES_WAITING: 'too many others wait for theirs',
  DUNLIN_HTTP_FORWARDED: 'the header of a proxy cannot be read',
  DUNLIN_HTTP_ORIGIN: 'a page of another origin asks for it',
  DUNLIN_HTTP_PATH: 'there is no WebSocket at the path',
  DUNLIN_HTTP_SUBPROTOCOL: 'the subprotocol mqtt was not offered',
  DUNLIN_PROXY_UNTRUSTED: 'the peer is not a proxy that is trusted here',
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
  ENOTFOUND: 'no such host name',
  EPIPE: 'the peer no longer reads',
  ETIMEDOUT: 'no answer in time',
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
  // OpenSSL's message tells the line of its source as well.
  const { reason } = (cause ?? {}) as { readonly reason?: unknown };
  if (typeof reason === 'string' && reason !== '') return reason;
  return cause instanceof Error && cause.message !== '' ? cause.message : undefined;
}
