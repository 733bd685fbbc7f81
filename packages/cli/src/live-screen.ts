/** A view that is drawn again in place on a terminal, at most ten times a second. */

import type { Screen } from './screen.ts';
import type { Output } from './terminal.ts';

/** The least time between two drawings. */
const INTERVAL_MS = 100;
/** The longest: ages and rates move on by themselves. */
const REFRESH_MS = 1000;

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** The lines of a view, each within the columns and no more than the rows. */
export type Draw = (columns: number, rows: number) => readonly string[];

/**
 * Draws on the second screen of the terminal, so that what was there before comes back. `stop` gives the terminal back
 * and leaves the last view behind, where it is worth it; a command must call it however it ends.
 */
export class LiveScreen {
  readonly #screen: Screen;
  readonly #output: Output;
  readonly #draw: Draw;
  readonly #ignoreResize: () => void;
  #timer: NodeJS.Timeout | undefined;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(screen: Screen, output: Output, draw: Draw) {
    this.#screen = screen;
    this.#output = output;
    this.#draw = draw;
    this.#ignoreResize = screen.onResize(() => this.changed());
    output.write(ENTER);
    this.#redraw();
  }

  /** There is something new to see. Cheap: call it for every message. */
  changed(): void {
    this.#at(this.#drawnMs + INTERVAL_MS);
  }

  stop(leavesView = true): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ignoreResize();
    const lines = leavesView ? this.#draw(this.#screen.columns(), this.#screen.rows()) : [];
    this.#output.write(`${LEAVE}${lines.map((line) => `${line}\n`).join('')}`);
  }

  #at(dueMs: number): void {
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => this.#redraw(), Math.max(0, dueMs - performance.now()));
  }

  #redraw(): void {
    this.#drawnMs = performance.now();
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#at(this.#drawnMs + REFRESH_MS);
    // A terminal that is stopped or slow gets the view of when it has room again, not all those between.
    if (this.#output.isFull) return;
    const lines = this.#draw(this.#screen.columns(), this.#screen.rows());
    this.#output.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\n')}${CLEAR_BELOW}`);
  }
}
