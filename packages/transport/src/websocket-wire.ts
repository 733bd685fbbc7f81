/** A wire over WebSocket: binary messages are its bytes, however they are cut (MQTT section 6). */

import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { codeOf, TransportError } from './errors.ts';
import { type Lingering, startLinger, stopLinger } from './linger.ts';
import type { Peer, Wire, WireHandler } from './wire.ts';
import type { WireOwner } from './wire-owner.ts';

/** Close codes of RFC 6455. */
const NORMAL = 1000;
const NOT_BINARY = 1003;
const TOO_BIG = 1009;
/** Told by `ws` where no close frame came. */
const ABNORMAL = 1006;

/** Bytes of one message that a peer may send before it has been let in. */
export const STRANGER_MESSAGE_BYTES_MAX = 64 * 1024;

/** Messages without a byte that it may send before; they are of no use, and cost as much to read as others. */
const STRANGER_EMPTY_MESSAGES_MAX = 16;

/** Drives an open WebSocket without listeners, whose `binaryType` is `fragments`. */
export class WebSocketWire implements Wire, Lingering {
  readonly peer: Peer;
  readonly #socket: WebSocket;
  readonly #owner: WireOwner;
  #handler: WireHandler | undefined;
  #opened = false;
  #paused = false;
  #closing = false;
  #gone = false;
  /** A clean end that was not ours. */
  #peerClosed = false;
  #error: Error | undefined;
  /** Came while the wire was paused, with what was read before: less than one read and one message. */
  #held: Buffer[] = [];
  #handOutAsked = false;
  /** Bytes written since the socket last had none to send. */
  #writtenBytes = 0;
  #waiting = false;
  readonly #sent = (): void => this.#onSent();
  /** While the peer is a stranger: what carries the WebSocket, and the bytes read since a message was complete. */
  #stream: Socket | undefined;
  #unfinishedBytes = 0;
  #emptyMessages = 0;
  readonly #onRead = (chunk: Buffer): void => this.#countRead(chunk);

  /** `stream`: what carries the WebSocket, where its peer is a stranger until `admitted`. */
  constructor(socket: WebSocket, peer: Peer, owner: WireOwner, stream?: Socket) {
    this.#socket = socket;
    this.#stream = stream;
    // Before `ws` reads: it holds on to a message until the message is complete.
    stream?.prependListener('data', this.#onRead);
    this.peer = peer;
    this.#owner = owner;
    socket.pause();
    socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer[], isBinary));
    socket.on('error', (error) => this.#onError(error));
    socket.on('close', (code) => this.#onClose(code));
  }

  get pendingBytes(): number {
    if (!this.#waiting || this.#closing || this.#gone) return 0;
    // The socket counts the heads of frames too.
    return Math.min(this.#writtenBytes, this.#socket.bufferedAmount);
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#gone) {
      queueMicrotask(() => this.#tellClosed());
      return;
    }
    this.#opened = true;
    this.#goOn();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return true;
    if (bytes.length === 0) return !this.#waiting;
    if (!this.#waiting) this.#writtenBytes = 0;
    this.#writtenBytes += bytes.length;
    this.#socket.send(bytes, this.#sent);
    this.#waiting = this.#socket.bufferedAmount > 0;
    return !this.#waiting;
  }

  pause(): void {
    if (this.#closing) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#opened) this.#goOn();
  }

  close(): void {
    this.#closeWith(NORMAL);
  }

  destroy(): void {
    this.#closing = true;
    this.#held = [];
    this.#socket.terminate();
  }

  lingerOver(): void {
    if (this.#socket.bufferedAmount > 0) this.#error ??= new TransportError('Cannot send the rest', 'ETIMEDOUT');
    this.destroy();
  }

  admitted(): void {
    this.#stream?.off('data', this.#onRead);
    this.#stream = undefined;
  }

  /** Ends a wire whose peer sends what it must not. */
  #refuse(code: typeof NOT_BINARY | typeof TOO_BIG, found: string): void {
    if (this.#closing || this.#gone) return;
    this.#error ??= new TransportError(
      'The connection broke',
      code === TOO_BIG ? 'EMSGSIZE' : 'EPROTO',
      new Error(found),
    );
    this.#closeWith(code);
  }

  #refuseTooBig(): void {
    this.#refuse(
      TOO_BIG,
      `a message of more than ${STRANGER_MESSAGE_BYTES_MAX} bytes came before the client was let in`,
    );
  }

  #countRead(chunk: Buffer): void {
    if (this.#unfinishedBytes > STRANGER_MESSAGE_BYTES_MAX) this.#refuseTooBig();
    else this.#unfinishedBytes += chunk.length;
  }

  #closeWith(code: number): void {
    if (this.#closing || this.#gone) return;
    this.#closing = true;
    this.#held = [];
    startLinger(this, this.#owner.lingerMs);
    this.#socket.close(code);
    // What still comes is read and dropped: the peer's close frame is behind it.
    this.#socket.resume();
  }

  /** The socket has begun to close by itself, and would wait for the peer far longer than its owner says. */
  #onError(error: Error): void {
    this.#error ??= new TransportError('The connection broke', codeOf(error), error);
    if (this.#closing || this.#gone) return;
    this.#closing = true;
    this.#held = [];
    startLinger(this, this.#owner.lingerMs);
  }

  #onMessage(chunks: Buffer[], isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary) {
      this.#refuse(NOT_BINARY, 'a text message came, binary is expected [MQTT-6.0.0-1]');
      return;
    }
    this.#unfinishedBytes = 0;
    if (this.#stream !== undefined && bytesOf(chunks) > STRANGER_MESSAGE_BYTES_MAX) {
      this.#refuseTooBig();
      return;
    }
    if (this.#stream !== undefined && bytesOf(chunks) === 0 && ++this.#emptyMessages > STRANGER_EMPTY_MESSAGES_MAX) {
      const found = `more than ${STRANGER_EMPTY_MESSAGES_MAX} empty messages came before the client was let in`;
      this.#error ??= new TransportError('The connection broke', 'EPROTO', new Error(found));
      // At once: there are thousands of them in each read, and all would be taken apart to find the peer's close frame.
      this.destroy();
      return;
    }
    for (const chunk of chunks) if (chunk.length > 0) this.#held.push(chunk);
    this.#handOut();
  }

  #goOn(): void {
    if (this.#paused || this.#closing) return;
    this.#socket.resume();
    if (this.#held.length === 0 || this.#handOutAsked) return;
    this.#handOutAsked = true;
    setImmediate(() => {
      this.#handOutAsked = false;
      this.#handOut();
    });
  }

  #handOut(): void {
    while (!this.#paused && this.#opened && !this.#closing) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#handler?.received(chunk);
    }
    if (this.#gone && this.#held.length === 0) this.#tellEnd();
  }

  #onSent(): void {
    if (!this.#waiting || this.#closing || this.#gone || this.#socket.bufferedAmount > 0) return;
    this.#waiting = false;
    this.#handler?.drained();
  }

  #onClose(code: number): void {
    this.#gone = true;
    this.#peerClosed = !this.#closing && code !== ABNORMAL;
    if (!this.#closing && code === ABNORMAL) this.#error ??= new TransportError('The connection broke', 'ECONNRESET');
    stopLinger(this);
    this.#owner.wireGone();
    // What came before the end and waits for a paused owner is told first.
    if (this.#held.length === 0 || this.#closing || this.#error !== undefined) this.#tellEnd();
  }

  /** There is no half of a WebSocket: when the peer has closed, so have we. */
  #tellEnd(): void {
    if (this.#peerClosed && this.#error === undefined && !this.#closing) this.#handler?.ended();
    this.#tellClosed();
  }

  #tellClosed(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed(this.#error);
  }
}

function bytesOf(chunks: readonly Buffer[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
