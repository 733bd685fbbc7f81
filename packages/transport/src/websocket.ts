/** Connecting over WebSocket in Node, plain and over TLS. */

import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { codeOf, TransportError } from './errors.ts';
import { type TlsClientSettings, tlsClientOptions } from './tls-connect.ts';
import { openWebSocket, type StandardWebSocket, type WebSocketBounds } from './websocket-client.ts';
import type { Wire } from './wire.ts';

/** Where to connect to, and whom to believe there. */
export interface WebSocketConnectOptions extends WebSocketBounds {
  /** Gives up with ETIMEDOUT. Milliseconds, default 30000. */
  readonly timeoutMs?: number;
  /** With the scheme `ws:` or `wss:` and without credentials. */
  readonly url: string;
  /** Of the request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The address of this machine to connect from. Default: the system chooses. */
  readonly localAddress?: string;
  /** Default `mqtt`. */
  readonly subprotocols?: readonly string[];
  /** For `wss:`. */
  readonly tls?: TlsClientSettings;
  /**
   * Bytes of the largest packet that is taken, default 268435460, the largest there is. A WebSocket message, which is
   * held as a whole, may have 1 MiB more, since a server may put several packets into one.
   */
  readonly packetBytesMax?: number;
}

const PACKET_BYTES_MAX = 268_435_460;
const FURTHER_BYTES_MAX = 1_048_576;
/** Of the words behind a status of HTTP. */
const STATUS_CHARACTERS_MAX = 100;

/**
 * Connects. Settles with a wire to `open` when the server has answered with a WebSocket and the subprotocol; over TLS its
 * `peer.certificates` holds the server's certificate, or nothing where a session goes on. Rejects
 * with a `TransportError`, such as ECONNREFUSED, CERT_HAS_EXPIRED or DUNLIN_HTTP_STATUS where it answered otherwise, or
 * with the abort reason.
 */
export async function connectWebSocket(options: WebSocketConnectOptions): Promise<Wire> {
  const { url, headers, localAddress, subprotocols = ['mqtt'], tls, signal } = options;
  const { timeoutMs = 30_000, packetBytesMax = PACKET_BYTES_MAX } = options;
  signal?.throwIfAborted();
  const bounds = new AbortController();
  const giveUp = (): void => bounds.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  signal?.addEventListener('abort', giveUp);
  let cause: unknown;
  try {
    const socket = new WebSocket(url, [...subprotocols], {
      ...(headers === undefined ? {} : { headers }),
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(tls === undefined ? {} : tlsClientOptions(tls)),
      maxPayload: packetBytesMax + FURTHER_BYTES_MAX,
      perMessageDeflate: false,
    });
    socket.on('error', (error) => {
      cause ??= error;
    });
    let certificate: Buffer | undefined;
    socket.on('upgrade', ({ socket: below }) => {
      if (below instanceof TLSSocket) certificate = below.getPeerX509Certificate()?.raw;
    });
    socket.on('unexpected-response', (request, { statusCode, statusMessage = '' }) => {
      const found = `the server answered ${statusCode} ${phraseOf(statusMessage)}, a WebSocket is expected`;
      cause ??= Object.assign(new Error(found), { code: 'DUNLIN_HTTP_STATUS' });
      request.destroy();
      socket.terminate();
    });
    const wire = await openWebSocket(socket as unknown as StandardWebSocket, {
      ...options,
      signal: bounds.signal,
    });
    return certificate === undefined ? wire : withCertificate(wire, certificate);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (bounds.signal.aborted) cause = { code: 'ETIMEDOUT' };
    const { host, pathname } = new URL(url);
    throw new TransportError(`Cannot connect to "${host}${pathname}"`, codeOf(cause ?? error), cause ?? error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** What the server says, made safe for a terminal and short. */
function phraseOf(statusMessage: string): string {
  return statusMessage.slice(0, STATUS_CHARACTERS_MAX).replace(/[^ -~]/g, '?');
}

/** What only TLS knows, beside what the URL said. */
function withCertificate(wire: Wire, certificate: Uint8Array): Wire {
  return Object.defineProperty(wire, 'peer', { value: { ...wire.peer, certificates: [certificate] } });
}
