/** The name somebody probably meant. */

/** The nearest of `names` to a mistyped one; undefined where more than a third of its letters would have to change. */
export function nearestName(typed: string, names: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase();
  const tolerated = Math.min(Math.floor(wanted.length / 3), Math.max(2, Math.floor(wanted.length / 4)));
  let best: string | undefined;
  let bestDistance = tolerated + 1;
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other, row by row. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = row[j] + (from[i] === to[j] ? 0 : 1);
      const isSwap = i > 0 && j > 0 && from[i] === to[j - 1] && from[i - 1] === to[j];
      const swapped = isSwap ? before[j - 1] + 1 : replaced;
      next.push(Math.min(replaced, swapped, row[j + 1] + 1, next[j] + 1));
    }
    before = row;
    row = next;
  }
  return row[to.length];
}
