/** CSV as RFC 4180 has it: what spreadsheets write, and what they read without taking a text for a formula. */

/** A line of the file, or what is wrong with it. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[]; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

const RECORD_CHARACTERS_MAX = 262_144;
const FIELDS_MAX = 1_000;

/** A text that a spreadsheet would compute is written with a quotation mark in front, and read without it. */
const FORMULA = /^['=+\-@\t]/;
const MARKED = /^'['=+\-@\t]/;

export function csvLine(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

function csvField(text: string): string {
  const marked = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(marked) ? `"${marked.replaceAll('"', '""')}"` : marked;
}

type State = 'field' | 'plain' | 'quoted' | 'quote' | 'faulty';

/** Reads in pieces of any length. Lines end in CR LF, LF or CR; empty ones are passed over. */
export class CsvReader {
  #state: State = 'field';
  #field = '';
  #fields: string[] = [];
  #characters = 0;
  #problem = '';
  /** Where the record began, and where the next character stands. */
  #begin = 1;
  #line = 1;
  #wasCarriageReturn = false;

  /** The records that end in this piece. */
  push(text: string): CsvRecord[] {
    const records: CsvRecord[] = [];
    for (const character of text) {
      const isEnd = this.#take(character);
      if (isEnd) records.push(...this.#record());
    }
    return records;
  }

  /** The last record, where the file does not end in a line end. */
  end(): CsvRecord[] {
    if (this.#state === 'quoted') this.#fault('its quotation mark is not closed');
    return this.#record();
  }

  /** Whether the record ends with this character. */
  #take(character: string): boolean {
    const isSecondHalf = this.#wasCarriageReturn && character === '\n';
    this.#wasCarriageReturn = character === '\r';
    const isLineEnd = character === '\n' || character === '\r';
    if (isLineEnd && !isSecondHalf) this.#line += 1;
    this.#characters += 1;
    if (this.#characters > RECORD_CHARACTERS_MAX && this.#state !== 'faulty')
      this.#fault(`it has more than ${RECORD_CHARACTERS_MAX} characters`);
    if (this.#state === 'quoted') {
      if (character === '"') this.#state = 'quote';
      else this.#field += character;
      return false;
    }
    if (isSecondHalf) {
      this.#begin = this.#line;
      this.#characters = 0;
      return false;
    }
    if (isLineEnd) return true;
    this.#takeWithin(character);
    return false;
  }

  #takeWithin(character: string): void {
    if (this.#state === 'faulty') return;
    if (character === ',') this.#endField();
    else if (character !== '"') {
      if (this.#state === 'quote') this.#fault('a comma is expected behind a closing quotation mark');
      else {
        this.#state = 'plain';
        this.#field += character;
      }
    } else if (this.#state === 'quote') {
      this.#state = 'quoted';
      this.#field += '"';
    } else if (this.#state === 'field') this.#state = 'quoted';
    else this.#fault('a field with quotation marks is expected within quotation marks');
  }

  #endField(): void {
    this.#fields.push(MARKED.test(this.#field) ? this.#field.slice(1) : this.#field);
    this.#field = '';
    this.#state = 'field';
    if (this.#fields.length >= FIELDS_MAX) this.#fault(`it has more than ${FIELDS_MAX} fields`);
  }

  #fault(problem: string): void {
    this.#state = 'faulty';
    this.#problem = problem;
  }

  #record(): CsvRecord[] {
    const isFaulty = this.#state === 'faulty';
    const isEmpty = this.#state === 'field' && this.#fields.length === 0;
    if (!isFaulty) this.#endField();
    const [line, fields, problem] = [this.#begin, this.#fields, this.#problem];
    this.#fields = [];
    this.#field = '';
    this.#state = 'field';
    this.#characters = 0;
    this.#begin = this.#line;
    if (isFaulty) return [{ line, problem }];
    return isEmpty ? [] : [{ line, fields }];
  }
}
