/** Where TLS connections come in: handshakes, a few at a time, and who gets a wire after one. */

import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { refusalOf } from './client-certificate.ts';
import { clientHelloIn } from './client-hello.ts';
import { codeOf, codeOfEnd, TransportError } from './errors.ts';
import { GatheredBytes } from './gathered-bytes.ts';
import { type Lingering, startLinger, stopLinger } from './linger.ts';
import type { OnRefused } from './proxy-entrance.ts';
import { TlsPeer } from './tls-peer.ts';
import type { TlsSettings } from './tls-settings.ts';
import { beginServerSide, finishServerSide, type ServerSocketKind, verifyErrorOf } from './tls-socket.ts';
import { TurnGate } from './turn-gate.ts';
import type { Peer } from './wire.ts';

/** What bounds the handshakes of a listener. */
export interface HandshakeLimits {
  /** From accept to the end of the handshake. Milliseconds, default 10000. */
  readonly handshakeTimeoutMs?: number;
  /** Handshakes at once; those that come meanwhile wait, as many as `backlog`, then they are dropped. Default 256. */
  readonly handshakesMax?: number;
}

export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const HANDSHAKES_MAX = 256;
/** What one turn of the event loop spends on beginnings: two take half a millisecond to one. */
const PER_TURN = 2;
/** A client that is slower keeps nobody else waiting: it goes on, but no longer counts as one at once. */
const SLOT_MS = 1000;

/** The codes are those that the TLS library would give. */
const HTTP_BEGIN = /^(?:GET|POST|HEAD|PUT|CONNECT|OPTIONS) /;

/** What comes after: the socket is paused and speaks in clear to us; `below` is the one it runs over. */
export type Secured = (socket: TLSSocket, peer: Peer, below: Socket) => void;

/** The entrance of one listener. */
export class TlsEntrance {
  readonly gate: TurnGate<Handshake>;
  readonly timeoutMs: number;
  readonly secured: Secured;
  readonly onRefused: OnRefused | undefined;
  readonly #protocols: readonly string[];
  settings: TlsSettings;
  kind: ServerSocketKind;

  /** `protocols`: what is spoken inside, for ALPN; a client that asks for ALPN and none of these is turned away. */
  constructor(
    settings: TlsSettings,
    protocols: readonly string[],
    limits: HandshakeLimits & { readonly backlog: number },
    secured: Secured,
    onRefused: OnRefused | undefined,
  ) {
    this.#protocols = protocols;
    this.timeoutMs = limits.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
    this.secured = secured;
    this.onRefused = onRefused;
    this.gate = new TurnGate<Handshake>({
      atOnceMax: limits.handshakesMax ?? HANDSHAKES_MAX,
      perTurn: PER_TURN,
      waitingMax: limits.backlog,
      begin: (handshake) => handshake.begin(),
    });
    this.settings = settings;
    this.kind = this.#kindOf(settings);
  }

  /** For connections that come from now on. */
  update(settings: TlsSettings): void {
    this.settings = settings;
    this.kind = this.#kindOf(settings);
  }

  /** `socket` is paused. */
  take(socket: Socket, peer: Peer): void {
    new Handshake(this, socket, peer).wait();
  }

  #kindOf(settings: TlsSettings): ServerSocketKind {
    return {
      secureContext: settings.defaultContext,
      ...(settings.isOne ? {} : { serverName: (name, done) => done(null, settings.contextFor(name)) }),
      asksCertificate: settings.clientCertificate !== 'none',
      needsCertificate: settings.clientCertificate === 'required',
      protocols: this.#protocols,
    };
  }
}

/**
 * One handshake. It begins when the client has said its first record, so that those who say nothing, or a byte, take no
 * place; nothing of this remains when it is over.
 */
class Handshake implements Lingering {
  readonly #entrance: TlsEntrance;
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #deadlineMs: number;
  /** It may be under way when the listener gets others: it is judged by those it began with. */
  #settings: TlsSettings | undefined;
  #tls: TLSSocket | undefined;
  #hasSlot = false;
  #heard: GatheredBytes | undefined;
  readonly #onFirst = (chunk: Buffer): void => this.#hear(chunk);
  readonly #onSecure = (): void => this.#finish();
  readonly #onError = (error: Error): void => this.#refuse(codeOf(error), error);
  readonly #onGone = (): void => this.#refuse(codeOfEnd(this.#socket));

  constructor(entrance: TlsEntrance, socket: Socket, peer: Peer) {
    this.#entrance = entrance;
    this.#socket = socket;
    this.#peer = peer;
    this.#deadlineMs = performance.now() + entrance.timeoutMs;
  }

  wait(): void {
    startLinger(this, this.#entrance.timeoutMs);
    this.#socket.on('data', this.#onFirst);
    this.#socket.on('end', this.#onGone);
    this.#socket.on('close', this.#onGone);
    this.#socket.resume();
  }

  begin(): void {
    this.#hasSlot = true;
    this.#settings = this.#entrance.settings;
    const tls = beginServerSide(this.#socket, this.#entrance.kind);
    this.#tls = tls;
    startLinger(this, Math.min(SLOT_MS, this.#leftMs()));
    tls.on('secure', this.#onSecure);
    tls.on('error', this.#onError);
    tls.on('end', this.#onGone);
    tls.on('close', this.#onGone);
  }

  lingerOver(): void {
    const leftMs = this.#leftMs();
    if (leftMs <= 0) {
      this.#refuse('ETIMEDOUT');
      return;
    }
    this.#freeSlot();
    startLinger(this, leftMs);
  }

  #hear(chunk: Buffer): void {
    this.#heard ??= new GatheredBytes();
    const bytes = this.#heard.add(chunk);
    const found = clientHelloIn(bytes);
    if (found === 'partial') return;
    this.#heard = undefined;
    this.#socket.pause();
    // The TLS library would wait for more of some of these.
    if (found === 'other') {
      this.#refuse(
        HTTP_BEGIN.test(bytes.toString('latin1', 0, 8)) ? 'ERR_SSL_HTTP_REQUEST' : 'ERR_SSL_WRONG_VERSION_NUMBER',
      );
      return;
    }
    this.#socket.off('data', this.#onFirst);
    this.#socket.unshift(bytes);
    if (!this.#entrance.gate.enter(this)) this.#refuse('DUNLIN_HANDSHAKES_WAITING');
  }

  #finish(): void {
    const tls = this.#tls as TLSSocket;
    const settings = this.#settings as TlsSettings;
    const leaf = settings.clientCertificate === 'none' ? undefined : (tls.getPeerX509Certificate() ?? null);
    const refusal = refusalFor(tls, leaf, settings);
    if (refusal !== undefined) {
      this.#refuse(refusal);
      return;
    }
    this.#leave();
    finishServerSide(tls);
    tls.pause();
    this.#entrance.secured(tls, new TlsPeer(this.#peer, tls, leaf), this.#socket);
  }

  #refuse(code: string, cause?: Error): void {
    this.#leave();
    // Errors of what is given up have nobody to tell.
    this.#tls?.on('error', () => {});
    this.#tls?.destroy();
    this.#socket.destroy();
    const error = new TransportError('Cannot finish the TLS handshake', code, cause);
    this.#entrance.onRefused?.(error, this.#peer);
  }

  #leave(): void {
    stopLinger(this);
    this.#freeSlot();
    this.#entrance.gate.leave(this);
    this.#socket.off('data', this.#onFirst);
    this.#socket.off('end', this.#onGone);
    this.#socket.off('close', this.#onGone);
    this.#tls?.off('secure', this.#onSecure);
    this.#tls?.off('error', this.#onError);
    this.#tls?.off('end', this.#onGone);
    this.#tls?.off('close', this.#onGone);
  }

  #freeSlot(): void {
    if (!this.#hasSlot) return;
    this.#hasSlot = false;
    this.#entrance.gate.done();
  }

  #leftMs(): number {
    return this.#deadlineMs - performance.now();
  }
}

/** Why the client's certificate, or that there is none, ends the handshake after all. */
function refusalFor(
  tls: TLSSocket,
  leaf: X509Certificate | null | undefined,
  { clientCertificate, authorities }: TlsSettings,
): string | undefined {
  if (leaf === null || leaf === undefined)
    return clientCertificate === 'required' ? 'DUNLIN_CERTIFICATE_MISSING' : undefined;
  return refusalOf(leaf, verifyErrorOf(tls), authorities);
}
