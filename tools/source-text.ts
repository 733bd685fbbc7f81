/** Finds code in TypeScript text: blanks comments, strings and regular expressions, so that a search meets only code. */

/** One source text with the parts that are no code replaced by spaces; lines and columns stay where they were. */
export interface SourceText {
  /** Without comments, and without what stands inside strings, templates and regular expressions. */
  readonly code: string;
  /** What modules are imported or re-exported, statically or with `import()`, and on which line (from 1). */
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
}

/** A slash after one of these begins a regular expression, after anything else it divides. */
const beforeExpression =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|do|else|in|of|void|delete|throw|await|yield))$/;
const importPattern = /(?:\bfrom|\bimport|\bimport\s*\()\s*(['"])( *)\1/g;

/** Reads one TypeScript text. It is a lexer by rule of thumb, enough for text that a formatter has put in order. */
export function readSource(text: string): SourceText {
  const code = blank(text);
  const imports = [...code.matchAll(importPattern)].map((match) => {
    const end = match.index + match[0].length - 1;
    return { specifier: text.slice(end - match[2].length, end), line: lineAt(text, match.index) };
  });
  return { code, imports };
}

/** Line number, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function blank(text: string): string {
  let code = '';
  let at = 0;
  /** Depth of braces in each open `${`; the innermost last. */
  const holes: number[] = [];
  const skip = (end: number) => {
    code += text.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  const keep = () => {
    code += text[at++];
  };
  const template = () => {
    skip(templateEnd(text, at));
    if (text[at] === '`') return keep();
    holes.push(0);
    code += text.slice(at, at + 2);
    at += 2;
  };
  while (at < text.length) {
    const character = text[at];
    if (text.startsWith('//', at) || (at === 0 && text.startsWith('#!'))) skip(endOf(text, at, '\n', 0));
    else if (text.startsWith('/*', at)) skip(endOf(text, at + 2, '*/', 2));
    else if (
      character === "'" ||
      character === '"' ||
      (character === '/' && beforeExpression.test(code.slice(-40).trimEnd()))
    ) {
      keep();
      skip(literalEnd(text, at, character));
      if (at < text.length) keep();
    } else if (character === '`') {
      keep();
      template();
    } else if (character === '}' && holes.at(-1) === 0) {
      holes.pop();
      keep();
      template();
    } else {
      if (holes.length > 0 && character === '{') holes[holes.length - 1]++;
      if (holes.length > 0 && character === '}') holes[holes.length - 1]--;
      keep();
    }
  }
  return code;
}

function endOf(text: string, from: number, mark: string, length: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found + length;
}

/** Offset of the quote or slash that closes a literal whose body starts at `from`, or of the end of its line. */
function literalEnd(text: string, from: number, quote: string): number {
  let inClass = false;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === '\n') return at;
    if (character === '\\') at++;
    else if (quote === '/' && character === '[') inClass = true;
    else if (quote === '/' && character === ']') inClass = false;
    else if (character === quote && !inClass) return at;
  }
  return text.length;
}

/** Offset of the backquote or `${` that ends the run of template text at `from`. */
function templateEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`' || text.startsWith('${', at)) return at;
  }
  return text.length;
}
