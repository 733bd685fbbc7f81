/**
 * A file of devices in pieces, each of which can be imported by itself: a file of any length goes through requests of a
 * bounded one, and no piece keeps a server busy for long.
 */
import { CsvReader, type CsvRecord, csvLine } from './csv.ts';
import { JsonTextReader } from './json-texts.ts';
import { type ImportFault, type TransferFormat, texts } from './transfer.ts';

export interface ImportPiece {
  /** In the format of the file; empty where all that was read is faulty. */
  readonly text: string;
  /** For each line of `text`, the line of the file on which what stands there began. */
  readonly lines: readonly number[];
  /** What could not be taken into `text`. */
  readonly faults: readonly ImportFault[];
}

/** Of a piece: a file may be nothing but faults. */
const FAULTS_MAX = 1_000;

/** The pieces of a file, each of about so many characters; one entry alone may have 262,144. */
export function importPieces(
  source: AsyncIterable<Uint8Array>,
  format: TransferFormat,
  charactersMax: number,
): AsyncGenerator<ImportPiece> {
  return format === 'csv' ? csvPieces(source, charactersMax) : jsonPieces(source, charactersMax);
}

/** As the readers count them. */
const LINE_END = /\r\n|\r|\n/g;

/** A piece that grows. */
class Growing {
  text = '';
  readonly lines: number[] = [];
  readonly faults: ImportFault[] = [];

  add(text: string, line: number): void {
    this.text += text;
    // Also those within a field.
    for (const _ of text.matchAll(LINE_END)) this.lines.push(line);
  }
}

async function* jsonPieces(source: AsyncIterable<Uint8Array>, charactersMax: number): AsyncGenerator<ImportPiece> {
  const reader = new JsonTextReader();
  let piece = new Growing();
  const ended = (): ImportPiece => {
    const { text, lines, faults } = piece;
    piece = new Growing();
    // Always a list: a line that begins with "[" would make one of what follows it.
    return text === '' ? { text, lines, faults } : { text: `[\n${text}]`, lines: [1, ...lines], faults };
  };
  for await (const text of texts(source)) {
    for (const found of text === undefined ? reader.end() : reader.push(text)) {
      const entry = found.problem === undefined ? oneLine(found.text) : undefined;
      if (entry !== undefined) piece.add(`${piece.text === '' ? '' : ','}${entry}\n`, found.line);
      else piece.faults.push({ line: found.line, problem: found.problem ?? 'it is no JSON, which is expected' });
      if (piece.text.length >= charactersMax || piece.faults.length >= FAULTS_MAX) yield ended();
    }
  }
  yield ended();
}

/** Undefined where it is no JSON. */
function oneLine(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function* csvPieces(source: AsyncIterable<Uint8Array>, charactersMax: number): AsyncGenerator<ImportPiece> {
  const reader = new CsvReader();
  let piece = new Growing();
  let header: (CsvRecord & { readonly problem?: undefined }) | undefined;
  let rows = 0;
  const begin = (): void => {
    piece = new Growing();
    rows = 0;
    if (header !== undefined) piece.add(rowText(header.fields), header.line);
  };
  for await (const text of texts(source)) {
    for (const record of text === undefined ? reader.end() : reader.push(text)) {
      if (record.problem !== undefined) piece.faults.push(record);
      else {
        piece.add(rowText(record.fields), record.line);
        if (header === undefined) header = record;
        else rows += 1;
      }
      const isFull = rows > 0 && piece.text.length >= charactersMax;
      if (!isFull && piece.faults.length < FAULTS_MAX) continue;
      yield piece;
      begin();
    }
  }
  yield piece;
}

/** A row of one empty field would be an empty line, which is passed over. */
function rowText(fields: readonly string[]): string {
  const text = csvLine(fields);
  return text === '\r\n' ? '""\r\n' : text;
}
