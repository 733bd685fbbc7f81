/** One line on a terminal that counts, written over itself. */

import { visible } from '@dunlin/protocol';
import { shortened } from './cells.ts';

const INTERVAL_MS = 100;
const CLEAR = '\r\x1b[K';
/** Where the width is not known. */
const COLUMNS = 80;

/** Shows a text that changes, at most ten times a second; nothing where the stream is no terminal. */
export class Progress {
  readonly #stream: NodeJS.WritableStream & Partial<Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>>;
  readonly #isShown: boolean;
  #shownMs = Number.NEGATIVE_INFINITY;
  #isThere = false;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    this.#isShown = this.#stream.isTTY === true;
  }

  /** `text` is asked for where it is time to show it; what does not fit is left out. */
  show(text: () => string): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#shownMs < INTERVAL_MS) return;
    this.#shownMs = nowMs;
    this.#isThere = true;
    // A full line would wrap, and then the next one would not stand in its place.
    this.#stream.write(`${CLEAR}${shortened(visible(text()), (this.#stream.columns ?? COLUMNS) - 1)}`);
  }

  /** Takes the line away, before another text and at the end. */
  clear(): void {
    if (this.#isThere) this.#stream.write(CLEAR);
    this.#isThere = false;
  }
}
