/** A wire on a socket of `node:net`: the portable implementation, and the measure that the others must match. */

import type { Socket } from 'node:net';
import { codeOf, TransportError } from './errors.ts';
import { type Lingering, startLinger, stopLinger } from './linger.ts';
import type { Peer, Wire, WireHandler } from './wire.ts';
import { peerOf, type WireOwner } from './wire-owner.ts';

/**
 * Drives a connected socket, of TLS too, which must be paused, allow half-open and have no listeners. `peer`: where
 * somebody else knows better than the socket who is at the other end.
 */
export class NetWire implements Wire, Lingering {
  readonly #socket: Socket;
  readonly #owner: WireOwner;
  #handler: WireHandler | undefined;
  #peer: Peer | undefined;
  #opened = false;
  #paused = false;
  /** A `write` returned false and `drained` is owed. */
  #waiting = false;
  #closing = false;
  #gone = false;
  #error: Error | undefined;
  readonly #written = (): void => this.#onWritten();

  constructor(socket: Socket, owner: WireOwner, peer?: Peer) {
    this.#socket = socket;
    this.#owner = owner;
    this.#peer = peer;
    socket.on('error', (error) => {
      this.#error ??= new TransportError('The connection broke', codeOf(error), error);
    });
    socket.on('close', () => this.#onClose());
  }

  get peer(): Peer {
    this.#peer ??= peerOf(this.#socket.remoteAddress, this.#socket.remotePort);
    return this.#peer;
  }

  get pendingBytes(): number {
    return this.#waiting && !this.#socket.destroyed ? this.#socket.writableLength : 0;
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#gone) {
      queueMicrotask(() => this.#tellClosed());
      return;
    }
    if (this.#opened) return;
    this.#opened = true;
    this.#listen();
    if (!this.#paused) this.#socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || this.#socket.destroyed) return true;
    this.#socket.write(bytes, this.#written);
    this.#waiting = this.#socket.writableLength > 0;
    return !this.#waiting;
  }

  pause(): void {
    if (this.#closing) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#opened) this.#socket.resume();
  }

  close(): void {
    if (this.#closing || this.#gone) return;
    this.#closing = true;
    startLinger(this, this.#owner.lingerMs);
    if (!this.#opened) this.#listen();
    this.#opened = true;
    this.#socket.end();
    // What still comes is read and dropped: a system answers unread bytes with a reset, which overtakes our last ones.
    this.#socket.resume();
  }

  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  lingerOver(): void {
    if (this.#socket.writableLength > 0) this.#error ??= new TransportError('Cannot send the rest', 'ETIMEDOUT');
    this.destroy();
  }

  #listen(): void {
    this.#socket.on('data', (chunk) => {
      if (!this.#closing) this.#handler?.received(chunk);
    });
    this.#socket.on('end', () => {
      if (!this.#closing) this.#handler?.ended();
    });
  }

  #onWritten(): void {
    if (!this.#waiting || this.#closing || this.#socket.destroyed || this.#socket.writableLength > 0) return;
    this.#waiting = false;
    this.#handler?.drained();
  }

  #onClose(): void {
    this.#gone = true;
    stopLinger(this);
    this.#owner.wireGone();
    this.#tellClosed();
  }

  #tellClosed(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed(this.#error);
  }
}
