/** A client's wire over a WebSocket of `ws`: binary messages are its bytes, however they are cut (MQTT section 6). */

import type { Peer, Wire, WireHandler } from './wire.ts';

/** What is used of a WebSocket. */
export interface StandardWebSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  readonly url: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  pause(): void;
  resume(): void;
  terminate(): void;
}

/** Bounds of opening and closing. */
export interface WebSocketBounds {
  /** Gives up; the promise rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal;
  /** How long `close` of the wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
}

const OPEN = 1;
const NORMAL = 1000;
/** Below it the platform is trusted with the bytes; above it writers wait until it has sent them. */
const BUFFERED_BYTES_MAX = 65_536;
/** There is no event for bytes that have left. */
const LOOK_MS = 10;

/**
 * Settles when the WebSocket, which was just made, is open. Rejects with an `Error` whose `code` is ECONNREFUSED, or the
 * signal's reason; `whyRefused` may say more than the platform's event does.
 */
export function openWebSocket(
  socket: StandardWebSocket,
  { signal, lingerMs = 2000 }: WebSocketBounds,
  whyRefused: () => string = () => 'no WebSocket came about',
): Promise<Wire> {
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    const onAbort = (): void => giveUp(signal?.reason);
    const giveUp = (error: unknown): void => {
      signal?.removeEventListener('abort', onAbort);
      abandon(socket);
      reject(error);
    };
    signal?.addEventListener('abort', onAbort);
    socket.onopen = () => {
      signal?.removeEventListener('abort', onAbort);
      resolve(new WebSocketClientWire(socket, lingerMs));
    };
    socket.onclose = socket.onerror = () => giveUp(failure('ECONNREFUSED', whyRefused()));
    if (signal?.aborted) onAbort();
  });
}

class WebSocketClientWire implements Wire {
  readonly peer: Peer;
  readonly #socket: StandardWebSocket;
  readonly #lingerMs: number;
  #handler: WireHandler | undefined;
  /** Came while nobody read. */
  #held: Uint8Array[] = [];
  #isPaused = false;
  #isClosing = false;
  #isGone = false;
  #isFull = false;
  #error: Error | undefined;
  /** Bytes written since the platform last had none to send. */
  #writtenBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: StandardWebSocket, lingerMs: number) {
    const { hostname, port, protocol } = new URL(socket.url);
    // The URL leaves out the port of its scheme.
    this.peer = { address: hostname, port: Number(port) || (protocol === 'wss:' ? 443 : 80) };
    this.#socket = socket;
    this.#lingerMs = lingerMs;
    socket.pause();
    socket.onopen = null;
    socket.onmessage = ({ data }: { data: unknown }) => this.#received(data);
    socket.onerror = ({ message }: { message?: string }) => this.#fail('ECONNRESET', message);
    socket.onclose = ({ wasClean }: { wasClean: boolean }) => {
      if (!wasClean && !this.#isClosing) this.#fail('ECONNRESET');
      this.#gone();
    };
  }

  get pendingBytes(): number {
    return this.#isFull && !this.#isClosing ? Math.min(this.#writtenBytes, this.#socket.bufferedAmount) : 0;
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    this.#goOn();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#isClosing || socket.readyState !== OPEN) return true;
    if (bytes.length === 0) return !this.#isFull;
    if (socket.bufferedAmount === 0) this.#writtenBytes = 0;
    this.#writtenBytes += bytes.length;
    // The platform copies the bytes, so they are the caller's again in any case.
    socket.send(bytes as Uint8Array<ArrayBuffer>);
    if (!this.#isFull && socket.bufferedAmount > BUFFERED_BYTES_MAX) {
      this.#isFull = true;
      this.#look();
    }
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isClosing) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#goOn();
  }

  close(): void {
    if (this.#isClosing || this.#isGone) return;
    this.#stopReading();
    this.#timer = setTimeout(() => {
      if (this.#socket.bufferedAmount > 0) this.#fail('ETIMEDOUT', 'the rest could not be sent');
      this.destroy();
    }, this.#lingerMs);
    this.#socket.close(NORMAL);
    // What still comes is dropped: the server's close is behind it.
    this.#socket.resume();
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#stopReading();
    abandon(this.#socket);
    this.#gone();
  }

  #received(data: unknown): void {
    if (this.#isClosing) return;
    if (typeof data === 'string') {
      this.#fail('EPROTO', 'a text message came, binary is expected [MQTT-6.0.0-1]');
      this.close();
      return;
    }
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes.length > 0) this.#held.push(bytes);
    this.#tell();
  }

  #goOn(): void {
    if (this.#isPaused || this.#handler === undefined) return;
    if (!this.#isClosing) this.#socket.resume();
    setTimeout(() => this.#tell());
  }

  /** There is no half of a WebSocket: when the peer has closed, so have we. What came before is told first. */
  #tell(): void {
    while (!this.#isPaused && this.#handler !== undefined) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#handler.received(bytes);
    }
    if (!this.#isGone || (this.#held.length > 0 && this.#error === undefined)) return;
    const handler = this.#handler;
    this.#handler = undefined;
    if (!this.#isClosing && this.#error === undefined) handler?.ended();
    handler?.closed(this.#error);
  }

  /** Looks until the platform has sent what it has. */
  #look(): void {
    this.#timer = setTimeout(() => {
      this.#isFull = this.#socket.bufferedAmount > 0;
      if (this.#isFull) this.#look();
      else this.#handler?.drained();
    }, LOOK_MS);
  }

  #stopReading(): void {
    this.#isClosing = true;
    this.#held = [];
    clearTimeout(this.#timer);
  }

  #gone(): void {
    this.#isGone = true;
    clearTimeout(this.#timer);
    setTimeout(() => this.#tell());
  }

  #fail(code: string, message = 'the connection broke'): void {
    this.#error ??= failure(code, message);
  }
}

/** Whatever the WebSocket still tells has nobody to hear it; `ws` throws where nobody hears an error. */
function abandon(socket: StandardWebSocket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
  socket.terminate();
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
