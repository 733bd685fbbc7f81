/** Numbers as people read them in reports: three significant digits, thousands apart, a unit that fits. */

/** `1,234,567`, without a fraction. */
export function shownCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Three significant digits, and all of those before the point: `0.412`, `12.3`, `1,234`. `value` is not negative. */
export function shownNumber(value: number): string {
  if (value === 0 || value >= 999.5) return shownCount(value);
  return value.toLocaleString('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** Microseconds in the unit that fits: `412 µs`, `12.3 ms`, `1.23 s`. */
export function shownTime(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  return us < 999_500 ? `${shownNumber(us / 1000)} ms` : `${shownNumber(us / 1_000_000)} s`;
}

/** Bytes in the unit that fits, in steps of 1000: `64 B`, `1.23 MB`. */
export function shownBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return step === 0 ? `${Math.round(bytes)} B` : `${shownNumber(bytes / 1000 ** step)} ${units[step]}`;
}

/**
 * Lines with aligned columns, two blanks apart: the first to the left, the others to the right. A cell may be missing at
 * the end of a row.
 */
export function alignedRows(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  ')
      .trimEnd(),
  );
}
