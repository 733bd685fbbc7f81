/**
 * The texts for people in the client, and how the published bundle for browsers has them: by their numbers, with the values
 * that mend something (ADR 14). A text is a string or template literal of one line whose own words are two or more; `KEPT` names the
 * others. `error-texts.json` is the list of all there ever were: the place of a text in it is its number, from 1.
 *
 *     npm run texts      appends what the list lacks; then "npm run reference" writes the page
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync, transformSync } from 'esbuild';
import { childrenOf, type SyntaxNode, type SyntaxTree, syntaxTree } from './syntax-tree.ts';
import { checkTextFlow } from './text-flow.ts';

/** The modules that are in the bundle, as one would import them. */
export const BROWSER_ENTRIES = ['@dunlin/client', '@dunlin/client/indexeddb', '@dunlin/client/topics'] as const;

/** Literals that look like texts and are none: their beginning, and why. */
const KEPT: readonly string[] = [
  // A program: the timers of a page run in a Worker.
  'var t={};',
  // The name of no Reason Code, for a module that the bundle has another one for.
  'Reason Code ',
  // A line of the packet log, which is put together like a sentence of any language.
  'session present',
  // What to do after an error of IndexedDB, from a table.
  ': the origin has no room',
  ': a newer version of the page',
];

/** Stands before the number. */
const PREFIX = 'DUN';
/** Not a number that a text was replaced by. */
const WORD = new RegExp(`(?!${PREFIX}\\d)\\b[A-Za-z]{2,}`, 'g');
const root = dirname(import.meta.dirname);
const listPath = join(root, 'tools/error-texts.json');

/** What stands in a bundle for the text of a number, such as `DUN7`. */
export function numberedName(number: number): string {
  return `${PREFIX}${number}`;
}

/** A literal in a program that is a text. */
interface FoundText {
  readonly node: SyntaxNode;
  /** With `{1}`, `{2}` for the values that it is put together with. */
  readonly text: string;
}

/** The texts of a module, also those within the values of others. */
export function textsIn(tree: SyntaxTree): FoundText[] {
  return tree.nodes.flatMap((node) => {
    const text = textOf(node);
    return text === undefined || tree.parentOf(node).directive !== undefined ? [] : [{ node, text }];
  });
}

function textOf(node: SyntaxNode): string | undefined {
  const parts: string[] | undefined =
    node.type === 'TemplateLiteral'
      ? node.quasis.map((quasi: SyntaxNode) => quasi.value.cooked)
      : node.type === 'Literal' && typeof node.value === 'string'
        ? [node.value]
        : undefined;
  if (parts === undefined) return undefined;
  const words = parts.join(' ').match(WORD) ?? [];
  const isOneLine = !parts.some((part) => part.includes('\n'));
  if (words.length < 2 || !isOneLine || !parts.some((part) => part.includes(' '))) return undefined;
  if (KEPT.some((start) => parts[0].startsWith(start))) return undefined;
  return parts.reduce((text, part, index) => `${text}{${index}}${part}`);
}

/** What follows from the number or mends nothing: types, constants, statements, kinds of packets, limits and counts. */
const UNSHOWN =
  /^typeof |^[A-Z][A-Z_]+$|^"|^(?:wildcard|statement)$|\.toUpperCase\(\)$|[.#]title$|[sS]ender$|[mM]ax(?:imum\w*)?$|[.#](?:size|bytes|state)$|\.qos$|^move$/;
/** Begin the texts of what a server sent wrong, besides those of what reads packets. No page can mend that. */
const OF_SERVER =
  /^(?:Cannot (?:accept |read \{|take |use Topic Alias )|begins with |more than |the packet ends |\{1\}a )/;
/** The values of such texts that are shown: what is wrong, which is a number. */
const REASONS = /^(?:why|fault|found)$/;

/** The values of a text that stand behind its number, by their places in it, from 1. */
function shownIn({ node, text }: FoundText, code: string, path: string): Map<number, SyntaxNode> {
  const isOfPackets = path.startsWith('packages/protocol/') && !path.endsWith('/topic.ts');
  const isShown = (value: string): boolean => {
    if (REASONS.test(value)) return true;
    if (OF_SERVER.test(text)) return false;
    // Of what a page writes, the name of the property.
    return isOfPackets ? value === 'key' : !UNSHOWN.test(value);
  };
  const shown = new Map<number, SyntaxNode>();
  if (node.type === 'Literal') return shown;
  for (const [index, value] of node.expressions.entries()) {
    if (isShown(code.slice(value.start, value.end))) shown.set(index + 1, value);
  }
  return shown;
}

/**
 * The module at a path with the texts of the list as numbers: `'…'` becomes `'DUN7'`, `\`…${a}…${b}\`` becomes
 * `\`DUN8(${a}, ${b})\`` with the values that are shown, and `\`…: ${why}\`` becomes `why` where nothing else is.
 */
export function withNumbers(code: string, list: readonly string[], path: string): string {
  const tree = syntaxTree(code);
  const texts = new Map(textsIn(tree).map((found) => [found.node, found]));
  const shown = (node: SyntaxNode): string => {
    const found = texts.get(node);
    const number = found === undefined ? 0 : list.indexOf(found.text) + 1;
    if (found === undefined || number === 0) return within(node, childrenOf(node));
    const values = [...shownIn(found, code, path).values()].map(shown);
    if (values.length === 0) return `'${numberedName(number)}'`;
    // The text that says why does without the one that leads to it.
    if (values.length === 1 && REASONS.test(values[0])) return values[0];
    return `\`${numberedName(number)}(${values.map((value) => `\${${value}}`).join(', ')})\``;
  };
  /** The node's own characters with its children between them. */
  const within = ({ start, end }: SyntaxNode, children: readonly SyntaxNode[]): string => {
    let at = start;
    let out = '';
    for (const child of children) {
      // A shorthand property has one identifier as key and as value.
      if (child.start < at) continue;
      out += code.slice(at, child.start) + shown(child);
      at = child.end;
    }
    return out + code.slice(at, end);
  };
  return shown(tree.nodes[0]);
}

/** What browsers get, as one module, and the paths of its sources. */
function programOfBrowser(): { code: string; paths: string[] } {
  const contents = BROWSER_ENTRIES.map((name, index) => `export * as entry${index} from '${name}';`).join('');
  const { outputFiles, metafile } = buildSync({
    stdin: { contents, resolveDir: root },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@dunlin/source'],
    absWorkingDir: root,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const paths = Object.keys(inputs).filter((path) => path !== '<stdin>' && inputs[path].bytesInOutput > 0);
  return { code: outputFiles[0].text, paths };
}

/** How the page of the reference has a text: `…` in place of each value that is not shown; the others are numbered anew. */
export function shownTexts(): ReadonlyMap<string, string> {
  const shown = new Map<string, string>();
  for (const path of programOfBrowser().paths) {
    const { code } = transformSync(readFileSync(join(root, path), 'utf8'), { loader: 'ts' });
    for (const found of textsIn(syntaxTree(code))) {
      const { text } = found;
      const places = [...shownIn(found, code, path).keys()];
      const anew = text.replace(/\{(\d+)\}/g, (_, place) => {
        const at = places.indexOf(Number(place));
        return at < 0 ? '…' : `{${at + 1}}`;
      });
      if ((shown.get(text) ?? anew) !== anew)
        throw new Error(`Cannot tell the values of "${text}": two places show others`);
      shown.set(text, anew);
    }
  }
  return shown;
}

/**
 * The texts of what browsers get, each once, in the order of the program. Throws where the program may do more with one of
 * them than show it.
 */
export function textsOfBrowser(): string[] {
  const tree = syntaxTree(programOfBrowser().code);
  const found = textsIn(tree);
  checkTextFlow(
    tree,
    found.map(({ node }) => node),
  );
  return [...new Set(found.map(({ text }) => text))];
}

/** All texts there ever were, in the order of their numbers. */
export function listedTexts(): string[] {
  return JSON.parse(readFileSync(listPath, 'utf8'));
}

/** Throws where the list lacks a text, and says how to mend that. */
export function assertListed(texts: readonly string[], list: readonly string[]): void {
  const missing = texts.filter((text) => !list.includes(text));
  if (missing.length === 0) return;
  const shown = missing.map((text) => `\n  ${text}`).join('');
  throw new Error(`Cannot number texts that tools/error-texts.json lacks; "npm run texts" appends them:${shown}`);
}

if (import.meta.main) {
  const list = listedTexts();
  const texts = textsOfBrowser().filter((text) => !list.includes(text));
  writeFileSync(listPath, `${JSON.stringify([...list, ...texts], undefined, 2)}\n`);
  console.log(`${texts.length} texts appended to tools/error-texts.json`);
}
