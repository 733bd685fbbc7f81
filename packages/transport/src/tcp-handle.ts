/**
 * A wire on Node's stream handle itself, without the socket of `node:net` around it (ADR 0003).
 *
 * Everything here that Node does not document is in this file: the bindings, what their numbers mean, and how a handle
 * is taken from a server or a socket of `node:net`. `handlesUsable` looks whether it is all there.
 */

import type { Server, Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { TransportError } from './errors.ts';
import { type Lingering, startLinger, stopLinger } from './linger.ts';
import type { Peer, Wire, WireHandler } from './wire.ts';
import { KEEP_ALIVE_MS, peerOf, type WireOwner } from './wire-owner.ts';

interface TcpHandle {
  /** Ours: which wire the handle belongs to, while there is one. */
  wire: HandleWire | undefined;
  onread: (this: TcpHandle) => void;
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: Request, bytes: Uint8Array): number;
  writev(request: Request, chunks: Uint8Array[], allBuffers: true): number;
  shutdown(request: Request): number;
  close(closed: (this: TcpHandle) => void): void;
  reset(closed: (this: TcpHandle) => void): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, delayS: number): number;
  getpeername(out: { address?: string; port?: number }): number;
}

/** A write or a shutdown under way. The C++ side holds on to it, and it holds on to the bytes. */
interface Request {
  oncomplete: (this: Request, status: number, handle: TcpHandle) => void;
  bytes?: Uint8Array | Uint8Array[];
}

interface Bindings {
  readonly TCP: new (kind: number) => TcpHandle;
  readonly WriteWrap: new () => Request;
  readonly ShutdownWrap: new () => Request;
  /** Where the C++ side leaves the outcome of the last read and the last write. */
  readonly state: Int32Array;
  readonly readBytesOrError: number;
  readonly lastWriteWasAsync: number;
  /** libuv's number for the end of the stream. */
  readonly endOfStream: number;
}

/** One buffer for all handles of the thread: a chunk is handled before the next read fills it. */
const READ_BUFFER_BYTES = 256 * 1024;

const OPEN = 0;
/** Writing failed: what the peer had sent before is still read, then the wire goes with the error of the write. */
const BROKEN = 1;
/** `close` was called: the rest is sent, input is dropped until the peer closes too. */
const CLOSING = 2;
const GONE = 3;

/** An accepted socket has the options of the one that listens, which saves five system calls for each (Linux, tcp(7)). */
const ACCEPTED_INHERIT = process.platform === 'linux';

let bindings: Bindings | undefined;
let readBuffer: Buffer;
/** The request for the next write: one that was finished at once never used it, so one serves all wires. */
let spareRequest: Request;

/** True where this Node has what the file needs; says nothing about whether it works. Cheap after the first call. */
export function handlesUsable(): boolean {
  bindings ??= loadBindings();
  return bindings !== undefined;
}

/** Makes a listening server hand raw handles to `accept`, or a libuv status below 0 to `failed`; false if it cannot. */
export function wiresFromServer(
  server: Server,
  owner: WireOwner,
  accept: (wire: Wire) => void,
  failed: (error: Error) => void,
): boolean {
  const handle = (server as unknown as { _handle?: object })._handle;
  if (!handlesUsable() || !(handle instanceof (bindings as Bindings).TCP)) return false;
  setOptions(handle);
  Object.assign(handle, {
    onconnection: (status: number, client: TcpHandle | undefined) => {
      if (status < 0 || client === undefined) {
        failed(brokenBy(status, 'Cannot accept a connection'));
        return;
      }
      if (!ACCEPTED_INHERIT) setOptions(client);
      accept(new HandleWire(client, owner));
    },
  });
  return true;
}

/** Takes the handle out of a connected, paused socket, which is of no use afterwards; undefined if it cannot. */
export function wireFromSocket(socket: Socket, owner: WireOwner): Wire | undefined {
  const holder = socket as unknown as { _handle: unknown };
  const handle = holder._handle;
  if (!handlesUsable() || !(handle instanceof (bindings as Bindings).TCP)) return undefined;
  holder._handle = null;
  // The handle's way back to the socket: without it the socket can be collected.
  for (const key of Object.getOwnPropertySymbols(handle)) {
    if (key.description === 'owner_symbol') Reflect.set(handle, key, null);
  }
  return new HandleWire(handle, owner);
}

class HandleWire implements Wire, Lingering {
  readonly #handle: TcpHandle;
  readonly #owner: WireOwner;
  #handler: WireHandler | undefined;
  #peer: Peer | undefined;
  #stage = OPEN;
  #opened = false;
  #paused = false;
  #reading = false;
  #inputEnded = false;
  /** A write is with the system; what is written meanwhile waits in `#queue` and goes as one. */
  #writing = false;
  #queue: Uint8Array[] | undefined;
  #queueBytes = 0;
  #error: Error | undefined;

  constructor(handle: TcpHandle, owner: WireOwner) {
    this.#handle = handle;
    this.#owner = owner;
    handle.wire = this;
  }

  get peer(): Peer {
    this.#peer ??= peerOfHandle(this.#handle);
    return this.#peer;
  }

  get pendingBytes(): number {
    if (!this.#writing || this.#stage === GONE) return 0;
    return this.#handle.writeQueueSize + this.#queueBytes;
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#stage === GONE && this.#handle.wire === undefined) {
      queueMicrotask(() => this.#tellClosed());
      return;
    }
    if (!this.#paused && this.#stage < CLOSING) this.#startReading();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#stage !== OPEN) return true;
    if (this.#writing) return this.#enqueue(bytes);
    if (bytes.length === 0) return true;
    return this.#settle(this.#handle.writeBuffer(spareRequest, bytes), bytes);
  }

  pause(): void {
    if (this.#stage >= CLOSING || this.#paused) return;
    this.#paused = true;
    if (this.#reading) this.#handle.readStop();
    this.#reading = false;
  }

  resume(): void {
    if (this.#stage >= CLOSING || !this.#paused) return;
    this.#paused = false;
    if (this.#handler !== undefined) this.#startReading();
  }

  close(): void {
    if (this.#stage >= CLOSING) return;
    if (this.#stage === BROKEN) {
      this.#go(this.#error);
      return;
    }
    this.#stage = CLOSING;
    if (!this.#writing && this.#inputEnded) {
      this.#go(undefined);
      return;
    }
    startLinger(this, this.#owner.lingerMs);
    // What still comes is read and dropped: a system answers unread bytes with a reset, which overtakes our last ones.
    this.#startReading();
    if (!this.#writing) this.#shutDown();
  }

  destroy(): void {
    if (this.#stage !== GONE) this.#go(undefined);
  }

  lingerOver(): void {
    if (this.#stage === BROKEN) {
      this.#go(this.#error);
      return;
    }
    this.#go(this.#writing ? new TransportError('Cannot send the rest', 'ETIMEDOUT') : undefined);
  }

  /** `outcome`: how many bytes lie in the read buffer, or libuv's negative status. */
  onRead(outcome: number): void {
    if (outcome > 0) {
      if (this.#stage < CLOSING) this.#handler?.received(readBuffer.subarray(0, outcome));
      return;
    }
    if (outcome < 0 && this.#stage !== GONE) this.#onReadEnd(outcome);
  }

  onWritten(status: number): void {
    if (this.#stage === GONE) return;
    this.#writing = false;
    if (status < 0) {
      this.#onWriteFailed(status);
      return;
    }
    if (this.#queue !== undefined && !this.#flushQueue()) return;
    if (this.#stage === CLOSING) {
      this.#shutDown();
      return;
    }
    if (this.#stage === OPEN) this.#handler?.drained();
  }

  onShutDown(): void {
    // A peer which is gone already needs no farewell, so a failure is no different.
    if (this.#stage === CLOSING && this.#inputEnded) this.#go(undefined);
  }

  onHandleClosed(): void {
    this.#handle.wire = undefined;
    this.#owner.wireGone();
    this.#tellClosed();
  }

  #startReading(): void {
    if (this.#inputEnded || this.#reading) return;
    if (!this.#opened) {
      this.#opened = true;
      this.#handle.onread = onRead;
      this.#handle.useUserBuffer(readBuffer);
    }
    this.#reading = true;
    const status = this.#handle.readStart();
    if (status < 0) this.#go(brokenBy(status));
  }

  #onReadEnd(status: number): void {
    this.#inputEnded = true;
    this.#reading = false;
    const orderly = status === (bindings as Bindings).endOfStream;
    if (this.#stage === BROKEN) this.#go(this.#error);
    else if (this.#stage === CLOSING && !this.#writing) this.#go(undefined);
    else if (!orderly) this.#go(brokenBy(status));
    else if (this.#stage === OPEN) this.#handler?.ended();
  }

  #enqueue(bytes: Uint8Array): false {
    this.#queue ??= [];
    this.#queue.push(bytes);
    this.#queueBytes += bytes.length;
    return false;
  }

  /** Sends what was written meanwhile; true where all of it was taken at once. */
  #flushQueue(): boolean {
    const chunks = this.#queue as Uint8Array[];
    this.#queue = undefined;
    this.#queueBytes = 0;
    return this.#settle(this.#handle.writev(spareRequest, chunks, true), chunks) && this.#stage !== BROKEN;
  }

  /** After a write call: true where the bytes are the caller's again. */
  #settle(status: number, bytes: Uint8Array | Uint8Array[]): boolean {
    const { state, lastWriteWasAsync } = bindings as Bindings;
    if (status === 0 && state[lastWriteWasAsync] === 0) return true;
    const request = spareRequest;
    spareRequest = makeWriteRequest();
    if (status !== 0) {
      this.#onWriteFailed(status);
      return true;
    }
    request.bytes = bytes;
    this.#writing = true;
    return false;
  }

  #onWriteFailed(status: number): void {
    this.#queue = undefined;
    this.#queueBytes = 0;
    const error = brokenBy(status);
    if (this.#stage !== OPEN || this.#inputEnded) {
      this.#go(error);
      return;
    }
    // The peer's last packets may lie unread, a DISCONNECT among them: they count, so the wire goes after them.
    this.#stage = BROKEN;
    this.#error = error;
    startLinger(this, this.#owner.lingerMs);
  }

  #shutDown(): void {
    if (this.#inputEnded) {
      this.#go(undefined);
      return;
    }
    const request = new (bindings as Bindings).ShutdownWrap();
    request.oncomplete = onShutDown;
    if (this.#handle.shutdown(request) < 0) this.#go(undefined);
  }

  #go(error: Error | undefined): void {
    this.#stage = GONE;
    this.#error = error;
    this.#queue = undefined;
    this.#queueBytes = 0;
    stopLinger(this);
    // A reset lets the system forget at once what a peer that does not read would keep it holding for minutes.
    if (this.#writing && this.#handle.reset(onHandleClosed) === 0) return;
    this.#handle.close(onHandleClosed);
  }

  #tellClosed(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed(this.#error);
  }
}

function onRead(this: TcpHandle): void {
  const { state, readBytesOrError } = bindings as Bindings;
  this.wire?.onRead(state[readBytesOrError]);
}

function onWritten(this: Request, status: number, handle: TcpHandle): void {
  handle.wire?.onWritten(status);
}

function onShutDown(this: Request, _status: number, handle: TcpHandle): void {
  handle.wire?.onShutDown();
}

function setOptions(handle: TcpHandle): void {
  handle.setNoDelay(true);
  handle.setKeepAlive(true, KEEP_ALIVE_MS / 1000);
}

function onHandleClosed(this: TcpHandle): void {
  this.wire?.onHandleClosed();
}

function makeWriteRequest(): Request {
  const request = new (bindings as Bindings).WriteWrap();
  request.oncomplete = onWritten;
  return request;
}

function peerOfHandle(handle: TcpHandle): Peer {
  const out: { address?: string; port?: number } = {};
  handle.getpeername(out);
  return peerOf(out.address, out.port);
}

function brokenBy(status: number, what = 'The connection broke'): TransportError {
  return new TransportError(what, status < 0 ? getSystemErrorName(status) : 'EUNKNOWN');
}

function loadBindings(): Bindings | undefined {
  // On Windows a read may be under way in the buffer before its callback, so one buffer cannot serve all handles.
  if (process.platform === 'win32') return undefined;
  const quiet = process.noDeprecation;
  try {
    // With --pending-deprecation Node warns of `process.binding`, which the user of this server could not mend.
    if (!quiet) process.noDeprecation = true;
    const found = findBindings();
    if (found === undefined) return undefined;
    bindings = found;
    readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    spareRequest = makeWriteRequest();
    return found;
  } catch {
    return undefined;
  } finally {
    if (!quiet) process.noDeprecation = quiet;
  }
}

/** The three bindings, if each part is there and of the expected kind. */
function findBindings(): Bindings | undefined {
  const binding = (process as unknown as { binding(name: string): Record<string, never> }).binding;
  const { TCP } = binding('tcp_wrap') as unknown as Partial<Bindings>;
  const stream = binding('stream_wrap') as Record<string, unknown>;
  const { WriteWrap, ShutdownWrap } = stream as Partial<Bindings>;
  const { streamBaseState: state, kReadBytesOrError, kLastWriteWasAsync } = stream;
  const { UV_EOF } = binding('uv') as Record<string, unknown>;
  if (typeof TCP !== 'function' || typeof WriteWrap !== 'function' || typeof ShutdownWrap !== 'function')
    return undefined;
  if (!(state instanceof Int32Array)) return undefined;
  if (!isIndex(kReadBytesOrError, state) || !isIndex(kLastWriteWasAsync, state)) return undefined;
  if (typeof UV_EOF !== 'number' || UV_EOF >= 0) return undefined;
  const methods =
    'useUserBuffer readStart readStop writeBuffer writev shutdown close reset setNoDelay setKeepAlive getpeername';
  if (!methods.split(' ').every((name) => typeof Reflect.get(TCP.prototype, name) === 'function')) return undefined;
  return {
    TCP,
    WriteWrap,
    ShutdownWrap,
    state,
    readBytesOrError: kReadBytesOrError,
    lastWriteWasAsync: kLastWriteWasAsync,
    endOfStream: UV_EOF,
  };
}

function isIndex(value: unknown, array: Int32Array): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < array.length;
}
