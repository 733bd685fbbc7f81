/** Reads a table of comma-separated values (RFC 4180). */

/** The lines of a table as their fields; a field in quotes may hold commas, line ends, and quotes that are doubled. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // One field with what ends it: a comma, a line end or the end of the text.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  for (let at = 0; at < text.length; at = field.lastIndex) {
    field.lastIndex = at;
    const found = field.exec(text);
    if (found === null) throw new SyntaxError(`line ${rows.length + 1} has a quote where none is expected`);
    const [, quoted, plain, end] = found;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',' && field.lastIndex < text.length) continue;
    if (end === ',') row.push('');
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}

/** The rows as records by the names in the first one. Throws a SyntaxError that never shows a value. */
export function csvRecords(text: string): Record<string, string>[] {
  const [names, ...rows] = csvRows(text.replace(/^\uFEFF/, ''));
  if (names === undefined) throw new SyntaxError('it is empty');
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined) throw new SyntaxError('its first line has a name that is not letters, digits and _');
  return rows.map((row, at) => {
    if (row.length !== names.length) {
      throw new SyntaxError(`row ${at + 1} has ${row.length} fields, ${names.length} are expected`);
    }
    return Object.fromEntries(names.map((name, column) => [name, row[column]]));
  });
}
