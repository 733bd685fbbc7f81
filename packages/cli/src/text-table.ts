/** Tables for people: columns to the left, whatever letters they hold. */

import { visible } from '@dunlin/protocol';
import { cellsOf, fitted } from './cells.ts';

/** A line for each row, of which the first is the header; columns are two blanks apart. */
export function textTable(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map((cell) => visible(cell)));
  const widths: number[] = [];
  for (const row of shown)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cellsOf(cell));
  return shown.map((row) =>
    row
      .map((cell, at) => fitted(cell, widths[at]))
      .join('  ')
      .trimEnd(),
  );
}
