/** Connecting over TLS. */

import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { connected } from './connecting.ts';
import { codeOf, TransportError } from './errors.ts';
import { shownPlace } from './server-socket.ts';
import { CONNECT_TIMEOUT_MS, LINGER_MS } from './tcp.ts';
import { NetWire } from './tcp-net.ts';
import type { Wire } from './wire.ts';
import { KEEP_ALIVE_MS, peerOf } from './wire-owner.ts';

/** Whom a client believes, and what it shows of itself. */
export interface TlsClientSettings {
  /** Whom to ask for, and whose certificate is expected. Default: the host, which is not asked for where it is an address. */
  readonly serverName?: string;
  /** PEM: authorities that may have signed the server's certificate. Default: those that Node knows. */
  readonly authorities?: readonly (string | Uint8Array)[];
  /** PEM: the client's certificate, those that support it after it, and its key. */
  readonly credential?: { readonly certificate: string | Uint8Array; readonly key: string | Uint8Array };
  /** PKCS #12 with certificate and key, in place of `credential`. */
  readonly pfx?: Uint8Array;
  /** Of the key or of `pfx`. */
  readonly passphrase?: string;
  /** False: anybody may answer, with whatever certificate; the connection is then open to whoever is on the way. */
  readonly verify?: boolean;
  /** False: a certificate of another host is taken, if an authority signed it. */
  readonly checkHost?: boolean;
  /** Default TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Of OpenSSL, divided by colons. Default: those of Node. */
  readonly ciphers?: string;
}

/** Where to connect to, and whom to believe there. */
export interface TlsConnectOptions extends TlsClientSettings {
  /** An address or a name; of a name's addresses the first one that answers is taken (RFC 8305). */
  readonly host: string;
  readonly port: number;
  /** The address of this machine to connect from. Default: the system chooses. */
  readonly localAddress?: string;
  /** Names for ALPN, such as `mqtt`. Default: none is sent. */
  readonly protocols?: readonly string[];
  /** A session that `onSession` gave, of the same server and settings: the handshake is then shorter. */
  readonly session?: Buffer;
  /** A session to go on with comes, also when the wire is open already; the latest one counts. */
  readonly onSession?: (session: Buffer) => void;
  /** Gives up; the promise rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal;
  /** Gives up with ETIMEDOUT, names looked up and handshake included. Milliseconds, default 30000. */
  readonly timeoutMs?: number;
  /** How long `close` of the wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
}

/**
 * Connects. Settles with a wire to `open` when the handshake is done and the server's certificate was found good;
 * `peer.certificates` holds that certificate, or nothing
 * where a session goes on. Rejects with a `TransportError`, such as CERT_HAS_EXPIRED,
 * ERR_TLS_CERT_ALTNAME_INVALID or DUNLIN_TLS_SETTINGS, or the abort reason. What a server of TLS 1.3 says against the
 * client's certificate comes later: the wire then breaks.
 */
export async function connectTls(options: TlsConnectOptions): Promise<Wire> {
  const { host, port, localAddress, protocols, session, onSession, signal } = options;
  const { timeoutMs = CONNECT_TIMEOUT_MS, lingerMs = LINGER_MS } = options;
  signal?.throwIfAborted();
  const settings = tlsClientOptions(options);
  let socket: TLSSocket | undefined;
  try {
    socket = connect({
      ...settings,
      host,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
      ...(session === undefined ? {} : { session }),
      allowHalfOpen: true,
    } as ConnectionOptions);
    if (onSession !== undefined) socket.on('session', onSession);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    await connected(socket, 'secureConnect', timeoutMs, signal);
  } catch (error) {
    socket?.destroy();
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(`Cannot connect to ${shownPlace(host, port)}`, codeOf(error), error);
  }
  socket.pause();
  const certificate = socket.getPeerX509Certificate()?.raw;
  const peer = {
    ...peerOf(socket.remoteAddress, socket.remotePort),
    ...(certificate && { certificates: [certificate] }),
  };
  return new NetWire(socket, { lingerMs, wireGone: (): void => {} }, peer);
}

/** The settings as Node takes them. Throws a `TransportError` DUNLIN_TLS_SETTINGS, which never holds a key. */
export function tlsClientOptions(settings: TlsClientSettings): {
  secureContext: SecureContext;
  servername?: string;
  rejectUnauthorized: boolean;
  checkServerIdentity?: () => undefined;
} {
  const { serverName, verify = true, checkHost = true } = settings;
  return {
    secureContext: contextOf(settings),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: verify,
    ...(checkHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

function contextOf({
  authorities,
  credential,
  pfx,
  passphrase,
  minVersion = 'TLSv1.2',
  ciphers,
}: TlsClientSettings): SecureContext {
  try {
    return createSecureContext({
      ...(authorities === undefined ? {} : { ca: authorities.map(asBuffer), allowPartialTrustChain: true }),
      ...(credential === undefined ? {} : { cert: asBuffer(credential.certificate), key: asBuffer(credential.key) }),
      ...(pfx === undefined ? {} : { pfx: asBuffer(pfx) as Buffer }),
      ...(passphrase === undefined ? {} : { passphrase }),
      minVersion,
      ...(ciphers === undefined ? {} : { ciphers }),
    });
  } catch (error) {
    // Neither message nor stack of OpenSSL's error holds any of the key, but nobody needs them.
    const found = new Error(
      `certificates and key do not serve (${codeOf(error)}): PEM, or PKCS #12 as pfx, is expected`,
    );
    throw new TransportError('Cannot use the TLS settings', 'DUNLIN_TLS_SETTINGS', found);
  }
}

function asBuffer(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text);
}
