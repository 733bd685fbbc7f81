/** Wires in Node: TCP, TLS, WebSocket with and without TLS, Unix sockets, by the scheme of the URL. */

import { createHash, X509Certificate } from 'node:crypto';
import {
  connectTcp,
  connectTls,
  connectUnix,
  connectWebSocket,
  type TlsClientSettings,
  TransportError,
  type Wire,
} from '@dunlin/transport/connect';
import type { CertificateSeen, Dial, DialRequest } from './dial.ts';
import { MqttError } from './errors.ts';
import { checkNames } from './known-names.ts';
import { checkPem } from './pem.ts';
import { hostOf, schemeOf, subprotocolOf, webSocketUrl } from './server-url.ts';
import type { TlsOptions } from './tls-options.ts';

/** What the URL does not say. */
export interface NodeDialOptions {
  /** Of the request for a WebSocket, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

type Way = (request: DialRequest) => Promise<Wire>;

const PORT = 1883;
const TLS_PORT = 8883;
const ALPN = ['mqtt'];
/** A server of plain MQTT takes the first bytes of TLS or HTTP for a bad CONNECT, and closes without a word. */
const PLAIN_PORT = `; is this a port for plain MQTT, often ${PORT} (mqtt:)?`;
/** Servers whose TLS session is remembered; above it the oldest is forgotten. */
const SESSIONS_MAX = 256;

/**
 * Makes wires by `mqtt:` (`tcp:`), `mqtts:` (`tls:`, `ssl:`), `ws:`, `wss:` and `mqtt+unix:///path`. TLS sessions are
 * gone on with over reconnects, also by other clients with the same server and options of TLS.
 */
export function nodeDial({ headers }: NodeDialOptions = {}): Dial {
  const sessions = new Map<string, TlsSession>();
  const dialTls: Way = (request) => overTls(request, sessions);
  const plain: Readonly<Record<string, Way>> = {
    mqtt: overTcp,
    tcp: overTcp,
    ws: overWebSocket,
    'mqtt+unix': overUnix,
  };
  const secure: Readonly<Record<string, Way>> = { mqtts: dialTls, tls: dialTls, ssl: dialTls, wss: overWebSocket };

  function overWebSocket(request: DialRequest): Promise<Wire> {
    const { url, tls, protocolVersion, maximumPacketSize, signal, timeoutMs, certificateSeen } = request;
    const settings = tls === undefined ? {} : { tls: clientSettings(tls, certificateSeen) };
    const given = headers === undefined ? {} : { headers };
    return connectWebSocket({
      url: webSocketUrl(url),
      subprotocols: [subprotocolOf(protocolVersion)],
      packetBytesMax: maximumPacketSize,
      ...settings,
      ...given,
      signal,
      timeoutMs,
    }).then((wire) => withServer(wire, certificateSeen));
  }

  return async (request) => {
    const scheme = schemeOf(request.url);
    const way = request.tls === undefined ? (plain[scheme] ?? secure[scheme]) : secure[scheme];
    if (way === undefined)
      throw wrongScheme(scheme, Object.hasOwn(plain, scheme), [plain, secure].flatMap(Object.keys));
    try {
      return await way(request);
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      if (!(error instanceof TransportError)) throw error;
      const isReset = error.code === 'ECONNRESET' && way !== overTcp && way !== overUnix;
      // What speaks no TLS closes in the handshake.
      const code = isReset && way === secure[scheme] ? 'tls' : codeFor(error);
      throw new MqttError(code, `${error.message}${isReset ? PLAIN_PORT : ''}`, { cause: error });
    }
  };
}

function wrongScheme(scheme: string, isPlain: boolean, known: readonly string[]): MqttError {
  const expected = isPlain
    ? 'options.tls was given, and TLS needs mqtts: or wss:'
    : `expected one of ${known.map((name) => `${name}:`).join(' ')}`;
  return new MqttError('invalid', `Cannot connect by "${scheme}:": ${expected}`);
}

/** A session to go on with, and the server's certificate, which a connection that goes on does not show again. */
interface TlsSession {
  session?: Buffer;
  certificate?: CertificateSeen;
}

function overTcp({ url, signal, timeoutMs }: DialRequest): Promise<Wire> {
  return connectTcp({ host: hostOf(url), port: Number(url.port) || PORT, signal, timeoutMs });
}

async function overTls(request: DialRequest, sessions: Map<string, TlsSession>): Promise<Wire> {
  const { url, tls = {}, signal, timeoutMs, certificateSeen } = request;
  const settings = clientSettings(tls, certificateSeen);
  const [host, port] = [hostOf(url), Number(url.port) || TLS_PORT];
  const key = sessionKey(host, port, tls);
  const known = sessions.get(key) ?? {};
  // It comes back with the new session, so that a session which does harm is used once.
  sessions.delete(key);
  const onSession = (session: Buffer): void => {
    known.session = session;
    if (sessions.size >= SESSIONS_MAX) for (const oldest of sessions.keys()) if (sessions.delete(oldest)) break;
    sessions.set(key, known);
  };
  const session = known.session === undefined ? {} : { session: known.session };
  const wire = await connectTls({ ...settings, ...session, host, port, protocols: ALPN, onSession, signal, timeoutMs });
  known.certificate = serverCertificate(wire) ?? known.certificate;
  if (known.certificate !== undefined) certificateSeen(known.certificate);
  return wire;
}

function overUnix({ url, signal, timeoutMs }: DialRequest): Promise<Wire> {
  if (url.host !== '' || url.pathname === '') {
    throw new MqttError(
      'invalid',
      'Cannot connect by "mqtt+unix:": expected a path such as mqtt+unix:///run/dunlin.sock',
    );
  }
  return connectUnix({ path: decodeURIComponent(url.pathname), signal, timeoutMs });
}

/** Checks the options and tells of the client's own certificate. Throws 'invalid'. */
function clientSettings(tls: TlsOptions, certificateSeen: DialRequest['certificateSeen']): TlsClientSettings {
  checkNames('tls', tls);
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = key === undefined ? ['cert', 'key'] : ['key', 'cert'];
    throw new MqttError('invalid', `Cannot use tls.${given} without tls.${missing}: both are expected`);
  }
  const authorities = ca === undefined ? undefined : ([ca].flat() as readonly (string | Uint8Array)[]);
  for (const authority of authorities ?? []) checkPem('tls.ca', authority, 'CERTIFICATE');
  if (cert !== undefined) checkPem('tls.cert', cert, 'CERTIFICATE');
  if (key !== undefined) checkPem('tls.key', key, 'PRIVATE KEY');
  const own = cert === undefined ? undefined : seen('client', cert);
  if (own !== undefined) certificateSeen(own);
  return {
    ...(authorities === undefined ? {} : { authorities }),
    ...(cert === undefined || key === undefined ? {} : { credential: { certificate: cert, key } }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { serverName: servername }),
    ...(rejectUnauthorized === undefined ? {} : { verify: rejectUnauthorized }),
  };
}

function withServer(wire: Wire, certificateSeen: DialRequest['certificateSeen']): Wire {
  const certificate = serverCertificate(wire);
  if (certificate !== undefined) certificateSeen(certificate);
  return wire;
}

function serverCertificate(wire: Wire): CertificateSeen | undefined {
  const [certificate] = wire.peer.certificates ?? [];
  return certificate === undefined ? undefined : seen('server', certificate);
}

/** Undefined for what cannot be read: OpenSSL will say so where it matters. */
function seen(of: CertificateSeen['of'], certificate: string | Uint8Array): CertificateSeen | undefined {
  try {
    const { subject, validTo } = new X509Certificate(certificate);
    return { of, subject: subject.replaceAll('\n', ', '), expiresAtMs: Date.parse(validTo) };
  } catch {
    return undefined;
  }
}

/** A session belongs to a server and to everything that decided whom to trust and who the client is. */
function sessionKey(host: string, port: number, tls: TlsOptions): string {
  const hash = createHash('sha256');
  for (const [name, value] of Object.entries(tls).sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const part of [value].flat()) {
      const bytes = part instanceof Uint8Array ? part : String(part);
      hash.update(`${name} ${bytes.length} `).update(bytes);
    }
  }
  return `${host} ${port} ${hash.digest('base64')}`;
}

/** The system's codes are words in capitals; OpenSSL's and Node's for TLS are not, but for EPROTO. */
function codeFor({ code }: TransportError): 'invalid' | 'tls' | 'connection-failed' {
  if (code === 'DUNLIN_TLS_SETTINGS') return 'invalid';
  const isOfSystem = /^(?:EAI_[A-Z]+|E[A-Z0-9]+|DUNLIN_\w+)$/.test(code) && code !== 'EPROTO';
  return isOfSystem ? 'connection-failed' : 'tls';
}
