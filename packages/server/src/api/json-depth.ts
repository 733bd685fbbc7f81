/** How deep JSON nests, told without recursion: what nests deeper than anybody means would exhaust the stack elsewhere. */

/** Whether no object or list is inside more than `depthMax` others. */
export function nestsAtMost(value: unknown, depthMax: number): boolean {
  let level: object[] = isNesting(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > depthMax) return false;
    level = level.flatMap((outer) => Object.values(outer).filter(isNesting));
  }
  return true;
}

function isNesting(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
