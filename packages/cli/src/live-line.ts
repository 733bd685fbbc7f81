/** One line of a terminal that is written anew while a command works; nothing where there is no terminal. */

import { visible } from './visible.ts';

/** Where the width of the terminal is not known. */
const COLUMNS = 80;

/** The line. It stands on the stream of errors, so that a result in a pipe stays clean. */
export class LiveLine {
  readonly #stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  #isShown = false;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  /** True where somebody may look. */
  get isOpen(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Puts the text in place of the one before; what does not fit is cut off. */
  show(text: string): void {
    if (!this.isOpen) return;
    // A full line would wrap, and then the next one would not stand in its place.
    const room = (this.#stream.columns ?? COLUMNS) - 1;
    const characters = [...visible(text)];
    const shown = characters.length > room ? `${characters.slice(0, Math.max(0, room - 1)).join('')}…` : visible(text);
    this.#stream.write(`\r${shown}\x1b[K`);
    this.#isShown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isShown) this.#stream.write('\r\x1b[K');
    this.#isShown = false;
  }
}
