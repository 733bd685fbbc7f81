/** What a probe prints, for people. */

import { visible } from '@dunlin/protocol';
import type { Paint, Screen } from '../screen.ts';
import type { Value } from './check.ts';
import type { Finding } from './probing.ts';

const WHAT_WIDTH = 35;
const VALUE_WIDTH = 10;
const WIDTHS = [WHAT_WIDTH, VALUE_WIDTH, VALUE_WIDTH, 0];

/** Writes the rows, each group with its title. */
export class ProbeReport {
  readonly #screen: Pick<Screen, 'bold' | 'red' | 'green' | 'yellow'>;
  #group: string | undefined;

  constructor(screen: Pick<Screen, 'bold' | 'red' | 'green' | 'yellow'>) {
    this.#screen = screen;
  }

  /** The line above the rows. */
  heading(): string {
    return this.#screen.bold(['', 'stated', 'tried', 'note'].map((title, at) => title.padEnd(WIDTHS[at])).join(''));
  }

  /** One row, behind the title of its group where that is new. */
  row(finding: Finding): string {
    const { group, what, stated, tried, note } = finding;
    const title = group === this.#group ? '' : `${this.#screen.bold(group)}\n`;
    this.#group = group;
    const cells = [
      `  ${what}`.padEnd(WHAT_WIDTH),
      shown(stated).padEnd(VALUE_WIDTH),
      this.#painted(finding)(shown(tried).padEnd(VALUE_WIDTH)),
      visible(note ?? ''),
    ];
    return `${title}${cells.join('').trimEnd()}\n`;
  }

  /** Red: the server states what it does not do. */
  #painted({ stated, tried }: Finding): Paint {
    const { red, green, yellow } = this.#screen;
    if (tried === false) return stated === true ? red : yellow;
    return tried === undefined ? (text) => text : green;
  }
}

function shown(value: Value | undefined): string {
  if (value === undefined) return '-';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : visible(String(value));
}
