/** One line on a terminal that counts, written over itself. */

const INTERVAL_MS = 100;
const CLEAR = '\r\x1b[K';

/** Shows a text that changes, at most ten times a second; nothing where the stream is no terminal. */
export class Progress {
  readonly #stream: NodeJS.WritableStream;
  readonly #isShown: boolean;
  #shownMs = Number.NEGATIVE_INFINITY;
  #isThere = false;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    this.#isShown = (stream as Partial<NodeJS.WriteStream>).isTTY === true;
  }

  /** `text` is asked for where it is time to show it. */
  show(text: () => string): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#shownMs < INTERVAL_MS) return;
    this.#shownMs = nowMs;
    this.#isThere = true;
    this.#stream.write(`${CLEAR}${text()}`);
  }

  /** Takes the line away, before another text and at the end. */
  clear(): void {
    if (this.#isThere) this.#stream.write(CLEAR);
    this.#isThere = false;
  }
}
