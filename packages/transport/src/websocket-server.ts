/** Listening for WebSockets, plain and over TLS: an HTTP server of which MQTT is one part. */

import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { BodyProgress } from './body-progress.ts';
import { TransportError } from './errors.ts';
import { type ForwardedOptions, hasForwarded, peerForwarded } from './forwarded-headers.ts';
import type { HttpVisit } from './http-visit.ts';
import { LastAnswers } from './last-answer.ts';
import { newRequestTurns, PacedRequests } from './paced-requests.ts';
import { ProxyEntrance } from './proxy-entrance.ts';
import type { ProxyVersion } from './proxy-protocol.ts';
import { listenAtPort, tellAcceptErrors } from './server-socket.ts';
import { SocketListener } from './socket-listener.ts';
import { BACKLOG, LINGER_MS } from './tcp.ts';
import type { TlsListener, TlsListenOptions } from './tls.ts';
import { TlsEntrance } from './tls-entrance.ts';
import { makeTicketKeys, type TlsServerSettings, TlsSettings } from './tls-settings.ts';
import { readTrustedAddresses, type TrustedAddresses } from './trusted-addresses.ts';
import {
  isFixedHost,
  isForOwnHost,
  isFromAllowedOrigin,
  pathOf,
  refusalOfUpgrade,
  type UpgradeRules,
} from './websocket-upgrade.ts';
import { WebSocketWire } from './websocket-wire.ts';
import type { Listener, Peer } from './wire.ts';
import { peerOf } from './wire-owner.ts';

export type { ForwardedOptions } from './forwarded-headers.ts';
export { STRANGER_MESSAGE_BYTES_MAX } from './websocket-wire.ts';

/** Where to listen, whom to let in, and what to do with them. */
export interface WebSocketListenOptions extends Omit<TlsListenOptions, 'tls' | 'proxy'> {
  /** Secure WebSocket. Default: plain. */
  readonly tls?: TlsServerSettings;
  /** Where there is a WebSocket. Default `/mqtt` and `/`. */
  readonly paths?: readonly string[];
  /**
   * Pages of browsers that may connect: `own`, those of this server, `any`, or those of the origins listed, such as
   * `https://example.org`. A program that is no browser sends no Origin and may connect. Default `own`.
   */
  readonly origins?: 'own' | 'any' | readonly string[];
  /** Names under which browsers reach this server, for `own`; addresses, localhost and certificate names are. */
  readonly hosts?: readonly string[];
  /** The first that the client offers too is taken. Default `mqtt` and `mqttv3.1`. */
  readonly subprotocols?: readonly string[];
  /** False lets in clients that offer no subprotocol, against [MQTT-6.0.0-3]. Default true. */
  readonly subprotocolRequired?: boolean;
  /** Bytes of one WebSocket message: the Maximum Packet Size and 64 KiB. Before `admitted`: 64 KiB. */
  readonly messageBytesMax: number;
  /**
   * Takes requests that are not for a WebSocket. What it returns false for is answered as by default: 426 where there is a
   * WebSocket, else 404.
   */
  readonly request?: (request: http.IncomingMessage, response: http.ServerResponse, visit: HttpVisit) => boolean;
  /**
   * How long the head of a request may take to arrive, and its body again; a body longer by a second for each 16 KiB of it
   * that has come. Milliseconds, default 10000.
   */
  readonly headersTimeoutMs?: number;
  /** Bytes of the head of a request. Default 16384. */
  readonly headersBytesMax?: number;
  /** How long a connection may idle between requests. Milliseconds, default 5000. */
  readonly keepAliveTimeoutMs?: number;
  /**
   * What is read and dropped of a client that goes on sending after the last answer of its connection, for `lingerMs` at
   * most; `onRefused` is told where more comes. Bytes, default 16 MiB.
   */
  readonly droppedBytesMax?: number;
  /**
   * What proxies say counts: the PROXY protocol where `protocol` is set, else headers. Beside the PROXY protocol no header
   * counts: who wrote it is then behind that proxy, at an address that is only told. Default: nothing does.
   */
  readonly proxy?: ForwardedOptions & { readonly protocol?: ProxyVersion; readonly headerTimeoutMs?: number };
}

const PATHS = ['/mqtt', '/'];
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'];
const HEADERS_TIMEOUT_MS = 10_000;
const HEADERS_BYTES_MAX = 16 * 1024;
const HEADERS_MAX = 100;
/** Of one connection; it is closed after them. */
const REQUESTS_MAX = 1000;
const KEEP_ALIVE_TIMEOUT_MS = 5000;
/** So much that `lingerMs` is what ends it on most networks. */
const DROPPED_BYTES_MAX = 16 * 1024 * 1024;
/** How often Node looks for requests that take too long. */
const TIMEOUT_LOOK_MS = 1000;
/** A message that comes in many parts costs more memory than its bytes. */
const FRAGMENTS_MAX = 4096;
const CHUNKS_MAX = 16_384;

/** Listens. Settles when connections can come; rejects with a `TransportError` such as EADDRINUSE. */
export async function listenWebSocket(options: WebSocketListenOptions): Promise<TlsListener> {
  const { host, port, reusePort, backlog = BACKLOG, lingerMs = LINGER_MS, onError, proxy } = options;
  const ticketKeys = options.ticketKeys ?? makeTicketKeys();
  const settings = options.tls === undefined ? undefined : new TlsSettings(options.tls, ticketKeys);
  const site = new Site(options);
  const { protocol } = proxy ?? {};
  const proxies =
    proxy === undefined || protocol === undefined
      ? undefined
      : new ProxyEntrance({ ...proxy, protocol }, options.onRefused);
  const server = await listenAtPort({ host, port, backlog, reusePort });
  const { connectionsMax = Number.POSITIVE_INFINITY } = options;
  const sockets = new SocketListener(server, { ...options, backlog, connectionsMax, lingerMs });
  tellAcceptErrors(server, onError);
  const secured = (socket: TLSSocket, peer: Peer, below: Socket): void => site.take(socket, peer, below);
  const entrance =
    settings && new TlsEntrance(settings, ['http/1.1'], { ...options, backlog }, secured, options.onRefused);
  const take = (socket: Socket, peer: Peer): void => {
    if (!site.believes(peer) && !sockets.admit(socket, peer.address)) return;
    if (entrance === undefined) site.take(socket, peer, socket);
    else entrance.take(socket, peer);
  };
  site.begin(sockets, () => entrance?.settings);
  server.on('connection', (socket) => {
    if (!sockets.enter(socket, proxies !== undefined)) return;
    if (proxies === undefined) take(socket, peerOf(socket.remoteAddress, socket.remotePort));
    else proxies.take(socket, take);
  });
  server.on('close', () => site.close());
  return Object.assign(sockets, {
    prepareUpdate: (given: TlsServerSettings): (() => void) => {
      const next = new TlsSettings(given, ticketKeys);
      return () => entrance?.update(next);
    },
  }) satisfies Listener;
}

/** Who is at the other end of a connection, and the socket that it entered by. */
interface Visitor {
  readonly peer: Peer;
  readonly below: Socket;
  readonly requests: PacedRequests;
}

/** HTTP on the connections of one listener. */
class Site {
  readonly #options: WebSocketListenOptions;
  readonly #http: http.Server;
  readonly #webSockets: WebSocketServer;
  readonly #rules: UpgradeRules;
  readonly #trusted: TrustedAddresses;
  readonly #owner: { readonly lingerMs: number; wireGone(): void };
  readonly #visitors = new WeakMap<Duplex, Visitor>();
  readonly #bodies: BodyProgress;
  readonly #turns = newRequestTurns();
  readonly #lastAnswers: LastAnswers;
  #sockets!: SocketListener;
  #settings: () => TlsSettings | undefined = () => undefined;
  #untrustedTold = false;

  constructor(options: WebSocketListenOptions) {
    this.#options = options;
    const { paths = PATHS, origins = 'own', hosts = [], subprotocols = SUBPROTOCOLS, lingerMs = LINGER_MS } = options;
    this.#trusted = readTrustedAddresses(options.proxy?.trusted ?? []);
    this.#owner = { lingerMs, wireGone: () => {} };
    this.#lastAnswers = new LastAnswers({ lingerMs, droppedBytesMax: options.droppedBytesMax ?? DROPPED_BYTES_MAX });
    this.#rules = {
      paths,
      origins,
      subprotocols,
      subprotocolRequired: options.subprotocolRequired ?? true,
      isSecure: options.tls !== undefined,
      isOwnHost: (name) => isFixedHost(name) || hosts.includes(name) || (this.#settings()?.hasName(name) ?? false),
    };
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.messageBytesMax,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: CHUNKS_MAX,
      handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
    });
    this.#webSockets.on('wsClientError', (error, socket, request) =>
      this.#notUpgraded(request, socket as Socket, error),
    );
    this.#bodies = new BodyProgress(options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS, (...slow) =>
      this.#tooSlow(...slow),
    );
    this.#http = http.createServer({
      headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      // Bodies have a limit of their own, which goes by what has come.
      requestTimeout: 0,
      maxHeaderSize: options.headersBytesMax ?? HEADERS_BYTES_MAX,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: Math.min(TIMEOUT_LOOK_MS, options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS),
    });
    this.#http.maxHeadersCount = HEADERS_MAX;
    this.#http.maxRequestsPerSocket = REQUESTS_MAX;
    this.#http.on('request', (request, response) => this.#request(request, response));
    this.#http.on('checkExpectation', (_, response) => response.writeHead(417, { Connection: 'close' }).end());
    this.#http.on('clientError', (error, socket) => this.#unreadable(socket as Socket, error));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
  }

  begin(sockets: SocketListener, settings: () => TlsSettings | undefined): void {
    this.#sockets = sockets;
    this.#settings = settings;
    // The server gets its connections from us; by this event it begins to look after their time-outs.
    this.#http.emit('listening');
  }

  /** Whether the peer of a socket is a proxy whose headers tell the client. */
  believes({ address }: Peer): boolean {
    const { proxy } = this.#options;
    // With the PROXY protocol an address is only told, and not that of the socket's own peer.
    return proxy !== undefined && proxy.protocol === undefined && this.#trusted.includes(address);
  }

  /** `below`: the socket that entered. */
  take(socket: Socket, peer: Peer, below: Socket): void {
    if (this.#sockets.isClosed) {
      socket.destroy();
      return;
    }
    socket.on('error', () => {});
    this.#http.emit('connection', socket);
    this.#visitors.set(socket, { peer, below, requests: new PacedRequests(socket, this.#turns) });
    // So Node ends a connection when its last answer is written.
    socket.destroySoon = () => this.#endAfterAnswer(socket);
    socket.resume();
  }

  close(): void {
    this.#bodies.close();
    this.#http.close();
  }

  #request(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { request: take, paths = PATHS } = this.#options;
    const { peer: from, requests } = this.#visitors.get(request.socket) as Visitor;
    requests.began(request, response);
    this.#bodies.begin(request, response);
    let peer: Peer;
    try {
      peer = this.#peerOf(request, from);
    } catch (error) {
      response.writeHead(400, { Connection: 'close' }).end();
      this.#options.onRefused?.(new TransportError('Cannot take the request', 'DUNLIN_HTTP_FORWARDED', error), from);
      return;
    }
    const isOwnHost = isForOwnHost(request, this.#rules);
    const visit = { peer, isOwnHost, isFromAllowedOrigin: isFromAllowedOrigin(request, this.#rules) };
    if (!take?.(request, response, visit)) answerByDefault(request, response, paths);
  }

  #upgrade(request: http.IncomingMessage, socket: Socket, first: Buffer): void {
    const { peer: from, below, requests } = this.#visitors.get(socket) as Visitor;
    const head = Buffer.concat([first, requests.release()]);
    const refusal = refusalOfUpgrade(request, this.#rules);
    if (refusal !== undefined) {
      this.#refuse(
        socket,
        from,
        refusal.status,
        new TransportError(`Cannot open a WebSocket ${refusal.asked}`, refusal.code),
      );
      return;
    }
    let peer: Peer;
    try {
      peer = this.#peerOf(request, from);
    } catch (error) {
      this.#refuse(socket, from, 400, new TransportError('Cannot open a WebSocket', 'DUNLIN_HTTP_FORWARDED', error));
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      webSocket.binaryType = 'fragments';
      this.#sockets.present(new WebSocketWire(webSocket, peer, this.#owner, socket), below);
    });
  }

  #peerOf(request: http.IncomingMessage, from: Peer): Peer {
    const { proxy, onError } = this.#options;
    if (proxy === undefined) return from;
    if (this.believes(from)) return peerForwarded(request, from, proxy, this.#trusted);
    if (!this.#untrustedTold && hasForwarded(request, proxy)) {
      this.#untrustedTold = true;
      onError(new TransportError('Cannot believe a forwarded header', 'DUNLIN_HEADER_UNTRUSTED'));
    }
    return from;
  }

  /** What `ws` would refuse without a word to us. */
  #notUpgraded({ method }: http.IncomingMessage, socket: Socket, cause: Error): void {
    const { peer } = this.#visitors.get(socket) as Visitor;
    const error = new TransportError('Cannot open a WebSocket', 'DUNLIN_HTTP_HANDSHAKE', cause);
    this.#refuse(socket, peer, method === 'GET' ? 400 : 405, error);
  }

  /** As Node itself would have it, where the answer has not begun. */
  #tooSlow({ socket }: http.IncomingMessage, { headersSent }: http.ServerResponse): void {
    if (headersSent) socket.destroy();
    else this.#unreadable(socket, Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }));
  }

  /** No HTTP, or none in time. Who only goes, between requests, is no news. */
  #unreadable(socket: Socket, cause: NodeJS.ErrnoException): void {
    const { peer, requests } = this.#visitors.get(socket) as Visitor;
    if (cause.code === 'ECONNRESET' || !socket.writable || requests.isAnswerBegun) {
      socket.destroy();
      return;
    }
    const error = new TransportError('Cannot read the request', 'DUNLIN_HTTP_REQUEST', cause);
    this.#refuse(socket, peer, STATUS_OF_UNREADABLE[cause.code ?? ''] ?? 400, error);
  }

  #refuse(socket: Socket, peer: Peer, status: number, error: TransportError): void {
    answerBare(socket, status);
    this.#endAfterAnswer(socket);
    this.#options.onRefused?.(error, peer);
  }

  #endAfterAnswer(socket: Socket): void {
    const { peer, requests } = this.#visitors.get(socket) as Visitor;
    requests.release();
    this.#lastAnswers.end(socket, () =>
      this.#options.onRefused?.(new TransportError('Cannot wait for the client', 'DUNLIN_HTTP_SENDING'), peer),
    );
  }
}

/** As Node itself answers. */
const STATUS_OF_UNREADABLE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function answerByDefault(request: http.IncomingMessage, response: http.ServerResponse, paths: readonly string[]): void {
  const status = paths.includes(pathOf(request)) ? 426 : 404;
  const headers = {
    'Content-Type': 'text/plain; charset=utf-8',
    Connection: status === 426 ? 'Upgrade, close' : 'close',
    ...(status === 426 ? { Upgrade: 'websocket' } : {}),
  };
  response.writeHead(status, headers).end(`${http.STATUS_CODES[status]}\n`);
}

/** Answers on a connection that HTTP has given away, or could not read. */
function answerBare(socket: Socket, status: number): void {
  const text = `${http.STATUS_CODES[status]}\n`;
  socket.write(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Sec-WebSocket-Version: 13\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}
