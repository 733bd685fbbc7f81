/** How long the bodies of requests may take: time to begin with, and more as they come. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a body has to bring in each further second: so many slow ones keep no server busy for long. */
const BYTES_PER_S = 16 * 1024;
const LOOK_MS = 1_000;

interface Body {
  readonly response: ServerResponse;
  /** Bytes of the connection when the head was there. */
  readonly startBytes: number;
  /** While the server waited for the client; how long the client waited for the server does not count. */
  waitedMs: number;
}

export class BodyProgress {
  readonly #graceMs: number;
  readonly #lookMs: number;
  readonly #tooSlow: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #bodies = new Map<IncomingMessage, Body>();
  #timer: NodeJS.Timeout | undefined;

  /** `graceMs`: what every body may take. `tooSlow` ends the request; it is forgotten then. */
  constructor(graceMs: number, tooSlow: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#graceMs = graceMs;
    this.#lookMs = Math.min(LOOK_MS, graceMs);
    this.#tooSlow = tooSlow;
  }

  /** The head of a request is there; nothing happens where its body is as well. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    if (request.complete || !hasBody(request)) return;
    this.#bodies.set(request, { response, startBytes: request.socket.bytesRead, waitedMs: 0 });
    request.once('close', () => this.#forget(request));
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs).unref();
  }

  close(): void {
    this.#bodies.clear();
    this.#stop();
  }

  #look(): void {
    for (const [request, body] of this.#bodies) {
      if (request.complete) {
        this.#forget(request);
        continue;
      }
      // What is here and not read keeps the client from sending more.
      if (request.readableLength > 0) continue;
      body.waitedMs += this.#lookMs;
      const bytes = request.socket.bytesRead - body.startBytes;
      if (body.waitedMs <= this.#graceMs + (bytes / BYTES_PER_S) * 1_000) continue;
      this.#forget(request);
      this.#tooSlow(request, body.response);
    }
  }

  #forget(request: IncomingMessage): void {
    this.#bodies.delete(request);
    if (this.#bodies.size === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
