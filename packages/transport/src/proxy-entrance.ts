/** Where connections through a proxy come in: who may say whose they are, and what is done with those who may not. */

import type { Socket } from 'node:net';
import { codeOfEnd, TransportError } from './errors.ts';
import { GatheredBytes } from './gathered-bytes.ts';
import { type Lingering, startLinger, stopLinger } from './linger.ts';
import { type ProxyHeader, type ProxyVersion, readProxyHeader } from './proxy-protocol.ts';
import { readTrustedAddresses, type TrustedAddresses } from './trusted-addresses.ts';
import type { Peer } from './wire.ts';
import { peerOf } from './wire-owner.ts';

/** A listener behind a proxy which speaks the PROXY protocol. Whoever comes without it is turned away. */
export interface ProxyProtocolOptions {
  readonly protocol: ProxyVersion;
  /** Addresses and ranges from which a header counts, as `readTrustedAddresses` reads them. */
  readonly trusted: readonly string[];
  /** How long the header may take. Milliseconds, default 5000. */
  readonly headerTimeoutMs?: number;
}

/** Told of somebody who was turned away; the code of the error names the check that failed. */
export type OnRefused = (error: TransportError, peer: Peer) => void;

/** What comes after: the socket is paused, and its first unread byte is the client's. */
export type Next = (socket: Socket, peer: Peer) => void;

const HEADER_TIMEOUT_MS = 5000;

/** Reads the header of each connection of one listener. */
export class ProxyEntrance {
  readonly version: ProxyVersion;
  readonly headerTimeoutMs: number;
  readonly #trusted: TrustedAddresses;
  readonly #onRefused: OnRefused | undefined;

  /** @throws RangeError for a trusted address that is none */
  constructor(options: ProxyProtocolOptions, onRefused: OnRefused | undefined) {
    this.version = options.protocol;
    this.headerTimeoutMs = options.headerTimeoutMs ?? HEADER_TIMEOUT_MS;
    this.#trusted = readTrustedAddresses(options.trusted);
    this.#onRefused = onRefused;
  }

  /** `from`: who is at the other end of the socket, where the socket itself does not know. */
  take(socket: Socket, next: Next, from: Peer = peerOf(socket.remoteAddress, socket.remotePort)): void {
    if (this.#trusted.includes(from.address)) new HeaderReader(this, socket, from, next).start();
    else this.refuse(socket, from, new TransportError('Cannot take a PROXY header', 'DUNLIN_PROXY_UNTRUSTED'));
  }

  refuse(socket: Socket, from: Peer, error: TransportError): void {
    socket.destroy();
    this.#onRefused?.(error, from);
  }
}

class HeaderReader implements Lingering {
  readonly #entrance: ProxyEntrance;
  readonly #socket: Socket;
  readonly #from: Peer;
  readonly #next: Next;
  readonly #heard = new GatheredBytes();
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onEnd = (): void => this.#refuse('DUNLIN_PROXY_HEADER', 'the connection ended before it');
  readonly #onClose = (): void => this.#refuse(codeOfEnd(this.#socket));

  constructor(entrance: ProxyEntrance, socket: Socket, from: Peer, next: Next) {
    this.#entrance = entrance;
    this.#socket = socket;
    this.#from = from;
    this.#next = next;
  }

  start(): void {
    startLinger(this, this.#entrance.headerTimeoutMs);
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('close', this.#onClose);
    this.#socket.resume();
  }

  lingerOver(): void {
    this.#refuse('ETIMEDOUT');
  }

  #take(chunk: Buffer): void {
    const bytes = this.#heard.add(chunk);
    let found: ReturnType<typeof readProxyHeader>;
    try {
      found = readProxyHeader(bytes, this.#entrance.version);
    } catch (error) {
      this.#leave();
      this.#entrance.refuse(this.#socket, this.#from, error as TransportError);
      return;
    }
    if (found === undefined) return;
    this.#socket.pause();
    this.#leave();
    if (found.length < bytes.length) this.#socket.unshift(bytes.subarray(found.length));
    this.#next(this.#socket, peerBehind(this.#from, found.header));
  }

  #refuse(code: string, found?: string): void {
    this.#leave();
    const cause = found === undefined ? undefined : new Error(found);
    this.#entrance.refuse(this.#socket, this.#from, new TransportError('Cannot read the PROXY header', code, cause));
  }

  #leave(): void {
    stopLinger(this);
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
  }
}

/** The client, as the proxy tells; the proxy itself where it speaks for itself or knows no address. */
function peerBehind(proxy: Peer, { isLocal, source, serverName, certificate }: ProxyHeader): Peer {
  if (isLocal) return proxy;
  return {
    ...(source === undefined ? { address: proxy.address, port: proxy.port } : peerOf(source.address, source.port)),
    proxyAddress: proxy.address,
    ...(serverName === undefined ? {} : { serverName }),
    ...(certificate === undefined ? {} : { certificates: [certificate] }),
  };
}
