/** Text in the cells of a terminal. */

/** Letters of East Asia and most emoji take two cells. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;

/** How many cells the text takes. It must be `visible`. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += cellsOfCharacter(character);
  return cells;
}

/** The text in exactly so many cells: filled with blanks, or shortened with `…` at the end. */
export function fitted(text: string, cells: number): string {
  return filled(shortened(text, cells), cells);
}

/** A name in exactly so many cells: filled with blanks, or with `…` inside, since what differs is often at the end. */
export function fittedName(name: string, cells: number): string {
  if (cellsOf(name) <= cells) return filled(name, cells);
  if (cells < 1) return '';
  const headCells = Math.ceil(cells / 3);
  const head = shortened(name, headCells);
  const tail = [...shortened([...name].reverse().join(''), cells - headCells + 1)].reverse().join('');
  return filled(`${head.slice(0, -1)}${tail}`, cells);
}

function filled(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - cellsOf(text)));
}

/** The text in at most so many cells, with `…` at the end where some of it is left out. */
export function shortened(text: string, cells: number): string {
  let used = 0;
  let kept = '';
  let room = '';
  for (const character of text) {
    used += cellsOfCharacter(character);
    if (used > cells) return cells > 0 ? `${room}…` : '';
    kept += character;
    if (used < cells) room = kept;
  }
  return kept;
}

function cellsOfCharacter(character: string): number {
  if (character >= ' ' && character <= '~') return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
