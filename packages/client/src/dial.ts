/** The port by which the client gets its wires: each platform has its own. */

import type { ProtocolVersion } from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport/wire';
import type { TlsOptions } from './tls-options.ts';

/** A certificate that a connection uses. */
export interface CertificateSeen {
  readonly of: 'client' | 'server';
  /** Who it names, for people. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** One wire that is wanted. */
export interface DialRequest {
  /** With scheme, host, port and path; user and password in it are not for the transport. */
  readonly url: URL;
  readonly tls: TlsOptions | undefined;
  /** Of the CONNECT that will follow: the WebSocket subprotocol tells it. */
  readonly protocolVersion: ProtocolVersion;
  /** Largest packet taken from the server, bytes: where the platform keeps what came, it need not keep much more. */
  readonly maximumPacketSize: number;
  /** Nobody wants the wire any more: the promise rejects soon, and a wire that comes late is destroyed. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** To be told of each certificate that the platform lets one see. */
  readonly certificateSeen: (certificate: CertificateSeen) => void;
}

/** What the client uses of a wire. */
export type ClientWire = Omit<Wire, 'peer' | 'pendingBytes' | 'admitted'>;

/**
 * Makes a wire that nobody has opened. Rejects with `MqttError` 'invalid' (a URL or TLS options that cannot be), 'tls'
 * (the handshake failed), 'connection-failed' for all else; other errors become 'connection-failed'.
 */
export type Dial = (request: DialRequest) => Promise<ClientWire>;
