/** The texts of the values in a JSON file, found without holding the file: a list of them, or one on each line. */

/** A text that is to be parsed, or what is wrong with it. */
export type JsonText =
  | { readonly line: number; readonly text: string; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

const VALUE_CHARACTERS_MAX = 262_144;
const TOO_LONG = `it has more than ${VALUE_CHARACTERS_MAX} characters`;

/** Reads in pieces of any length. A file that begins with `[` is a list, another has a value on each line. */
export class JsonTextReader {
  #mode: 'unknown' | 'list' | 'lines' | 'ended' = 'unknown';
  #text = '';
  #isTooLong = false;
  #begin = 1;
  #line = 1;
  /** Brackets that are open in the value, and whether a string is. */
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** Whether a comma was the last, behind which a value is expected. */
  #isComma = false;

  /** The values that end in this piece. */
  push(text: string): JsonText[] {
    const found: JsonText[] = [];
    for (const character of text) {
      found.push(...this.#take(character));
      if (character === '\n') this.#line += 1;
    }
    return found;
  }

  /** The last value, or how the file does not end as it should. */
  end(): JsonText[] {
    if (this.#mode === 'list') return [{ line: this.#line, problem: 'the list ends without "]"' }];
    const rest = this.#value();
    if (this.#mode !== 'ended') return rest;
    return rest.map(({ line }) => ({ line, problem: 'nothing is expected behind the list' }));
  }

  #take(character: string): JsonText[] {
    if (this.#mode === 'unknown' && !isSpace(character)) {
      this.#mode = character === '[' ? 'list' : 'lines';
      if (this.#mode === 'list') return [];
    }
    if (this.#mode === 'list') return this.#takeOfList(character);
    if (this.#mode === 'lines' && character === '\n') return this.#value();
    this.#keep(character);
    return [];
  }

  #takeOfList(character: string): JsonText[] {
    const isAtTop = this.#depth === 0 && !this.#isString;
    if (isAtTop && (character === ',' || character === ']')) {
      const isMissing = this.#text === '' && !this.#isTooLong && (character === ',' || this.#isComma);
      this.#isComma = character === ',';
      if (character === ']') this.#mode = 'ended';
      return isMissing ? [{ line: this.#line, problem: 'a value is expected before it' }] : this.#value();
    }
    this.#follow(character);
    this.#keep(character);
    return [];
  }

  #follow(character: string): void {
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#isString = false;
    } else if (character === '"') this.#isString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if ((character === '}' || character === ']') && this.#depth > 0) this.#depth -= 1;
  }

  #keep(character: string): void {
    if (this.#isTooLong) return;
    if (this.#text === '') {
      if (isSpace(character)) return;
      this.#begin = this.#line;
    }
    this.#text += character;
    if (this.#text.length <= VALUE_CHARACTERS_MAX) return;
    this.#text = '';
    this.#isTooLong = true;
  }

  #value(): JsonText[] {
    const [line, text, isTooLong] = [this.#begin, this.#text.trimEnd(), this.#isTooLong];
    this.#text = '';
    this.#isTooLong = false;
    if (isTooLong) return [{ line, problem: TOO_LONG }];
    return text === '' ? [] : [{ line, text }];
  }
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}
