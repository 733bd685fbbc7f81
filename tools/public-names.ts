/**
 * The words of what a package shows to its users: of every declaration that can be reached from what it exports. Among them
 * are the names of all properties that belong to others as well. It reads what `tsc` wrote, whose form is regular.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a name comes from: a file and its name there. */
type Origin = readonly [file: string, name: string];

/** A file of declarations. */
interface Declarations {
  /** The text of each declaration by its name; several of one name together. */
  readonly texts: ReadonlyMap<string, string>;
  /** By the local name. */
  readonly imports: ReadonlyMap<string, Origin>;
  /** By the outer name; of this file or another one. */
  readonly exports: ReadonlyMap<string, Origin>;
  /** The files of which all is exported. */
  readonly all: readonly string[];
}

const NAMES = /^(import|export) (?:type )?\{([^}]*)\}(?: from ['"]([^'"]*)['"])?/;
const ALL = /^export (?:type )?\* from ['"]([^'"]*)['"]/;
const DECLARATION =
  /^(export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|let) (\{[^}]*\}|[\w$]+)/;

/** The words reached from these `.d.ts` files. `locate` finds the `.d.ts` of a package; undefined: not followed. */
export function publicNames(
  files: readonly string[],
  locate: (specifier: string) => string | undefined,
): ReadonlySet<string> {
  const read = new Map<string, Declarations>();
  const words = new Set<string>();
  const reached = new Set<string>();
  const declarationsOf = (file: string): Declarations => {
    const declarations = read.get(file) ?? parsed(file, locate);
    read.set(file, declarations);
    return declarations;
  };
  const reach = (file: string, name: string): void => {
    if (reached.has(`${file} ${name}`) || !existsSync(file)) return;
    reached.add(`${file} ${name}`);
    const { texts, imports, exports, all } = declarationsOf(file);
    const [from, local] = exports.get(name) ?? imports.get(name) ?? [file, name];
    const text = from === file ? texts.get(local) : undefined;
    if (from !== file) reach(from, local);
    else if (text === undefined) for (const other of all) reach(other, name);
    for (const [word] of (text ?? '').matchAll(/[A-Za-z_$][\w$]*/g)) {
      words.add(word);
      if (texts.has(word) || imports.has(word)) reach(file, word);
    }
  };
  const queue = [...files];
  for (const file of queue) {
    const { exports, all } = declarationsOf(file);
    for (const name of exports.keys()) reach(file, name);
    for (const other of all) if (!queue.includes(other)) queue.push(other);
  }
  return words;
}

function parsed(file: string, locate: (specifier: string) => string | undefined): Declarations {
  const texts = new Map<string, string>();
  const imports = new Map<string, Origin>();
  const exports = new Map<string, Origin>();
  const all: string[] = [];
  const fileOf = (specifier: string): string =>
    specifier.startsWith('.') ? join(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')) : (locate(specifier) ?? '');
  // Comments, and the libraries of the language that a file asks for, have no names of ours.
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\/\/\/ <reference lib=.*$/gm, '');
  for (const statement of text.split(/\n(?=(?:export|import|declare|interface|type)\b)/).map((part) => part.trim())) {
    const [, kind, list, from] = NAMES.exec(statement) ?? [];
    const [, whole] = ALL.exec(statement) ?? [];
    const [, exported, declared] = DECLARATION.exec(statement) ?? [];
    if (whole !== undefined) all.push(fileOf(whole));
    else if (kind !== undefined) {
      for (const [name, other = name] of namesIn(list)) {
        const origin: Origin = [from === undefined ? file : fileOf(from), name];
        (kind === 'import' ? imports : exports).set(other, origin);
      }
    } else if (declared !== undefined) {
      for (const [name] of namesIn(declared.replace(/[{}]/g, ''))) {
        texts.set(name, (texts.get(name) ?? '') + statement);
        if (exported !== undefined) exports.set(name, [file, name]);
      }
    } else if (!/^(?:import ['"]|export \{\};|$)/.test(statement)) {
      throw new Error(`Cannot read ${file}: expected an import, an export or a declaration, found ${statement}`);
    }
  }
  return { texts, imports, exports, all };
}

/** `a, type b as c` as `[a]` and `[b, c]`. */
function namesIn(list: string): string[][] {
  const names = list.split(',').map((one) => one.trim().replace(/^type /, ''));
  return names.filter((one) => one !== '').map((one) => one.split(' as '));
}
