/**
 * The server's end of TLS on a connected socket. `tls.Server` cannot both end the handshake of a client without a
 * certificate in TLS and let one through whose certificate has expired, so its part is done here. What Node does not
 * document of that is in this file: the event `secure`, `_releaseControl` and `verifyError`.
 */

import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls';

/** What Node has and does not tell of. */
interface ServerSide {
  _releaseControl?(): boolean;
  readonly ssl?: { verifyError?(): { readonly code?: string } | null } | null;
}

/** What differs between listeners, and between two settings of one. */
export interface ServerSocketKind {
  readonly secureContext: SecureContext;
  /** Chooses the context by the name that the client asks for; costs a stop in the handshake. */
  readonly serverName?: (name: string, done: (error: Error | null, context?: SecureContext) => void) => void;
  readonly asksCertificate: boolean;
  readonly needsCertificate: boolean;
  readonly protocols: readonly string[];
}

/**
 * Begins the handshake. The socket must be paused; what it has read already is the beginning of what the client says.
 * Events: `secure` when the handshake is done, `error` and `close` where it failed.
 */
export function beginServerSide(socket: Socket, kind: ServerSocketKind): TLSSocket {
  const options: TLSSocketOptions = {
    isServer: true,
    secureContext: kind.secureContext,
    requestCert: kind.asksCertificate,
    // Only a missing certificate ends the handshake by this; Node leaves the others to whoever asks `verifyError`.
    rejectUnauthorized: kind.needsCertificate,
    ALPNProtocols: [...kind.protocols],
    ...(kind.serverName === undefined ? {} : { SNICallback: kind.serverName }),
  };
  return new TLSSocket(socket, options);
}

/** After `secure`: from here on the socket tells its errors as any socket does. */
export function finishServerSide(socket: TLSSocket): void {
  (socket as unknown as ServerSide)._releaseControl?.();
}

/** What OpenSSL found wrong with the client's certificate, as a code such as CERT_HAS_EXPIRED; undefined for nothing. */
export function verifyErrorOf(socket: TLSSocket): string | undefined {
  const { ssl } = socket as unknown as ServerSide;
  // A Node without the call lets nobody in.
  if (typeof ssl?.verifyError !== 'function') return 'UNKNOWN';
  const found = ssl.verifyError();
  return found ? (found.code ?? 'UNKNOWN') : undefined;
}
