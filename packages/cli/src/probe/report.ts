/** What a probe prints, for people. */

import { visible } from '../visible.ts';
import type { Value } from './check.ts';
import type { Finding } from './probing.ts';

const WHAT_WIDTH = 35;
const VALUE_WIDTH = 10;
const WIDTHS = [WHAT_WIDTH, VALUE_WIDTH, VALUE_WIDTH, 0];
const RED = '\x1b[31m';
const GREEN = '\x1b[32m';
const YELLOW = '\x1b[33m';
const BOLD = '\x1b[1m';
const RESET = '\x1b[0m';

/** Writes the rows, each group with its title. */
export class ProbeReport {
  readonly #hasColours: boolean;
  #group: string | undefined;

  /** Colours are escape sequences of a terminal. */
  constructor(hasColours: boolean) {
    this.#hasColours = hasColours;
  }

  /** The line above the rows. */
  heading(): string {
    return this.#paint(BOLD, ['', 'stated', 'tried', 'note'].map((title, at) => title.padEnd(WIDTHS[at])).join(''));
  }

  /** One row, behind the title of its group where that is new. */
  row(finding: Finding): string {
    const { group, what, stated, tried, note } = finding;
    const title = group === this.#group ? '' : `${this.#paint(BOLD, group)}\n`;
    this.#group = group;
    const cells = [
      `  ${what}`.padEnd(WHAT_WIDTH),
      shown(stated).padEnd(VALUE_WIDTH),
      this.#paint(colourOf(finding), shown(tried).padEnd(VALUE_WIDTH)),
      visible(note ?? ''),
    ];
    return `${title}${cells.join('').trimEnd()}\n`;
  }

  #paint(colour: string | undefined, text: string): string {
    return this.#hasColours && colour !== undefined ? `${colour}${text}${RESET}` : text;
  }
}

/** Red: the server states what it does not do. */
function colourOf({ stated, tried }: Finding): string | undefined {
  if (tried === false) return stated === true ? RED : YELLOW;
  return tried === undefined ? undefined : GREEN;
}

function shown(value: Value | undefined): string {
  if (value === undefined) return '-';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : visible(String(value));
}
