/** What a command knows of the terminal that it writes to. */

import type { Terminal } from './terminal.ts';

/** Paints text; without colours it leaves it as it is. */
export type Paint = (text: string) => string;

/** The terminal, or what stands for one. */
export interface Screen {
  /** False: a pipe or a file, for programs. */
  readonly isTerminal: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  /** Cells; what terminals begin with where it is unknown. */
  columns(): number;
  rows(): number;
  /** Calls when the size is another; the function returned stops that. */
  onResize(call: () => void): () => void;
}

const COLUMNS = 80;
const ROWS = 24;

/** That of the output. Colours only on a terminal, and not with `NO_COLOR` (any text) or `TERM=dumb`. */
export function screenOf({ output, environment }: Pick<Terminal, 'output' | 'environment'>): Screen {
  const stream = output as Partial<NodeJS.WriteStream>;
  const isTerminal = stream.isTTY === true;
  const isColoured = isTerminal && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  const paint = (code: number): Paint => (isColoured ? (text) => `\x1b[${code}m${text}\x1b[0m` : (text) => text);
  return {
    isTerminal,
    bold: paint(1),
    dim: paint(2),
    columns: () => stream.columns || COLUMNS,
    rows: () => stream.rows || ROWS,
    onResize: (call) => {
      output.on('resize', call);
      return () => void output.off('resize', call);
    },
  };
}
