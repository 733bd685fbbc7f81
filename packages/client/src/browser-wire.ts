/**
 * A wire over the WebSocket of a browser: binary messages are its bytes, however they are cut (MQTT section 6). It cannot
 * stop a server from sending, so what comes while nobody reads is kept, and it has no event for bytes that have left.
 */

import type { WireHandler } from '@dunlin/transport/wire';
import type { ClientWire } from './dial.ts';

/** What is used of a WebSocket. */
export interface PageWebSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: ArrayBuffer | string }) => void) | null;
  onclose: ((event: { readonly wasClean: boolean }) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

const NORMAL = 1000;
/** Below it the browser is trusted with the bytes; above it writers wait until it has sent them. */
const BUFFERED_BYTES_MAX = 65_536;
const LOOK_MS = 10;
/** How long `close` may take. */
const LINGER_MS = 2000;

/** See the head of the file; of a WebSocket that is open. */
export class BrowserWire implements ClientWire {
  readonly #socket: PageWebSocket;
  #handler: WireHandler | undefined;
  /** Came while nobody read. */
  #held: Uint8Array[] = [];
  #isPaused = false;
  #isFull = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** It is gone, and what broke it. */
  #end: { readonly error: Error | undefined } | undefined;

  constructor(socket: PageWebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#abandon(new Error('a text message came, binary is expected [MQTT-6.0.0-1]'));
      else this.#held.push(new Uint8Array(data));
      this.#tell();
    };
    socket.onclose = ({ wasClean }) => this.#gone(wasClean ? undefined : new Error('the connection broke'));
  }

  open(handler: WireHandler): void {
    this.#handler = handler;
    this.resume();
  }

  write(bytes: Uint8Array): boolean {
    // The browser copies the bytes, so they are the caller's again in any case.
    this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
    if (!this.#isFull) this.#look(BUFFERED_BYTES_MAX);
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    setTimeout(() => this.#tell());
  }

  close(): void {
    this.#stop();
    this.#timer = setTimeout(
      () => this.#gone(this.#socket.bufferedAmount > 0 ? new Error('the rest could not be sent') : undefined),
      LINGER_MS,
    );
    this.#socket.onclose = () => this.#gone();
    this.#socket.close(NORMAL);
  }

  destroy(): void {
    this.#abandon();
  }

  #abandon(error?: Error): void {
    this.#stop();
    this.#socket.close();
    this.#gone(error);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#socket.onmessage = null;
    this.#held = [];
  }

  #gone(error?: Error): void {
    clearTimeout(this.#timer);
    this.#end ??= { error };
    setTimeout(() => this.#tell());
  }

  /** What came before the end is told first, where it can be. */
  #tell(): void {
    while (!this.#isPaused && this.#handler !== undefined) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#handler.received(bytes);
    }
    if (this.#end === undefined || (this.#held.length > 0 && this.#end.error === undefined)) return;
    this.#handler?.closed(this.#end.error);
    this.#handler = undefined;
  }

  /** Whether the browser has more than so many bytes; if so, until it has none. */
  #look(bytesMax: number): void {
    const wasFull = this.#isFull;
    this.#isFull = this.#socket.bufferedAmount > bytesMax;
    if (this.#isFull) this.#timer = setTimeout(() => this.#look(0), LOOK_MS);
    else if (wasFull) this.#handler?.drained();
  }
}
