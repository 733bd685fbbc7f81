/**
 * A client's wire over the standard WebSocket interface, which browsers have and the package `ws` in Node imitates:
 * binary messages are its bytes, however they are cut (MQTT section 6). No `node:*`, and few bytes.
 */

import type { Peer, Wire, WireHandler } from './wire.ts';

/** What is used of a WebSocket; `pause`, `resume` and `terminate` are those of `ws`. */
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
  pause?(): void;
  resume?(): void;
  terminate?(): void;
}

/** Bounds of opening and closing. */
export interface WebSocketBounds {
  /** Gives up; the promise rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal;
  /** Gives up with ETIMEDOUT. Milliseconds, default 30000. */
  readonly timeoutMs?: number;
  /** How long `close` of the wire may take. Milliseconds, default 2000. */
  readonly lingerMs?: number;
}

/** The subprotocol that a client offers for a protocol level: `mqttv3.1` for 3, `mqtt` for all others [MQTT-6.0.0-3]. */
export function subprotocolOf(protocolLevel: number): string {
  return protocolLevel === 3 ? 'mqttv3.1' : 'mqtt';
}

const OPEN = 1;
const NORMAL = 1000;
/** Below it the platform is trusted with the bytes; above it writers wait until it has sent them. */
const BUFFERED_BYTES_MAX = 65_536;
/** There is no event for bytes that have left. */
const LOOK_MS = 10;

/**
 * Settles when the WebSocket, which was just made, is open. Rejects with an `Error` whose `code` is ECONNREFUSED or
 * ETIMEDOUT, or the signal's reason; `whyRefused` may say more than the platform's event does.
 */
export function openWebSocket(
  socket: StandardWebSocket,
  { signal, timeoutMs = 30_000, lingerMs = 2000 }: WebSocketBounds,
  whyRefused: () => string = () => 'no WebSocket came about; the platform does not tell why',
): Promise<Wire> {
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined) resolve(new WebSocketClientWire(socket, lingerMs));
      else {
        forget(socket);
        end(socket);
        reject(error);
      }
    };
    const onAbort = (): void => settle(signal?.reason);
    const timer = setTimeout(() => settle(failure('ETIMEDOUT', 'no answer in time')), timeoutMs);
    signal?.addEventListener('abort', onAbort);
    socket.onopen = () => settle();
    socket.onclose = socket.onerror = () => settle(failure('ECONNREFUSED', whyRefused()));
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
  #error: Error | undefined;
  /** Bytes written since the platform last had none to send; 0: `drained` is not owed. */
  #writtenBytes = 0;
  #isFull = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: StandardWebSocket, lingerMs: number) {
    const { hostname, port, protocol } = new URL(socket.url);
    this.peer = { address: hostname, port: Number(port) || (protocol === 'wss:' ? 443 : 80) };
    this.#socket = socket;
    this.#lingerMs = lingerMs;
    socket.pause?.();
    socket.onopen = null;
    socket.onmessage = ({ data }: { data: unknown }) => this.#received(data);
    socket.onerror = ({ message }: { message?: string }) => {
      this.#error ??= failure('ECONNRESET', message ?? 'the connection broke');
    };
    socket.onclose = ({ wasClean }: { wasClean: boolean }) => this.#closed(wasClean);
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
    if (!this.#isClosing) this.#socket.pause?.();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#handler !== undefined) this.#goOn();
  }

  close(): void {
    if (this.#isClosing || this.#isGone) return;
    this.#isClosing = true;
    this.#held = [];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#giveUp(), this.#lingerMs);
    this.#socket.close(NORMAL);
    // What still comes is dropped: the server's close is behind it.
    this.#socket.resume?.();
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#isClosing = true;
    this.#held = [];
    forget(this.#socket);
    end(this.#socket);
    this.#gone();
  }

  /** The close took too long. */
  #giveUp(): void {
    if (this.#socket.bufferedAmount > 0) this.#error ??= failure('ETIMEDOUT', 'the rest could not be sent');
    this.destroy();
  }

  #received(data: unknown): void {
    if (this.#isClosing) return;
    if (typeof data === 'string') {
      this.#error = failure('EPROTO', 'a text message came, binary is expected [MQTT-6.0.0-1]');
      this.close();
      return;
    }
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes.length > 0) this.#held.push(bytes);
    this.#handOut();
  }

  #goOn(): void {
    if (this.#isGone) setTimeout(() => this.#tellEnd());
    else if (!this.#isPaused && !this.#isClosing) {
      this.#socket.resume?.();
      if (this.#held.length > 0) setTimeout(() => this.#handOut());
    }
  }

  #handOut(): void {
    while (!this.#isPaused && this.#handler !== undefined && !this.#isClosing) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#handler.received(bytes);
    }
    if (this.#isGone) this.#tellEnd();
  }

  /** Looks until the platform has sent what it has. */
  #look(): void {
    this.#timer = setTimeout(() => {
      if (this.#isClosing || this.#isGone) return;
      if (this.#socket.bufferedAmount > 0) {
        this.#look();
        return;
      }
      this.#isFull = false;
      this.#handler?.drained();
    }, LOOK_MS);
  }

  #closed(wasClean: boolean): void {
    if (!wasClean && !this.#isClosing) this.#error ??= failure('ECONNRESET', 'the connection broke');
    this.#gone();
  }

  #gone(): void {
    this.#isGone = true;
    clearTimeout(this.#timer);
    setTimeout(() => this.#tellEnd());
  }

  /** There is no half of a WebSocket: when the peer has closed, so have we. What came before is told first. */
  #tellEnd(): void {
    if (this.#held.length > 0 && this.#error === undefined) {
      if (!this.#isPaused) this.#handOut();
      return;
    }
    const handler = this.#handler;
    this.#handler = undefined;
    if (!this.#isClosing && this.#error === undefined) handler?.ended();
    handler?.closed(this.#error);
  }
}

/** Whatever the WebSocket still tells has nobody to hear it; `ws` throws where nobody hears an error. */
function forget(socket: StandardWebSocket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
}

function end(socket: StandardWebSocket): void {
  if (socket.terminate !== undefined) socket.terminate();
  else socket.close();
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
