/**
 * What browsers get of `@dunlin/client` unless they are developed for: one minified module with texts as numbers, and beside
 * it what is loaded on demand or imported by its own name (ADR 14).
 *
 *     node tools/browser-bundle.ts      writes it to packages/client/dist/bundle, as "npm run build" does
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bundled, everything } from './bundle.ts';
import { assertListed, BROWSER_ENTRIES, listedTexts, textsIn, textsOfBrowser, withNumbers } from './error-texts.ts';
import { assertInternal, assertNotPublic, INTERNAL_NAMES } from './internal-names.ts';
import { withPlainMembers } from './plain-members.ts';
import { type SyntaxTree, syntaxTree } from './syntax-tree.ts';
import { withoutFields } from './unshown-fields.ts';

/** The modules of the bundle that are imported by a name, and what has their types in `dist/`. */
const MODULES = {
  main: { name: BROWSER_ENTRIES[0], types: 'browser' },
  indexeddb: { name: BROWSER_ENTRIES[1], types: 'indexeddb-outbox' },
  topics: { name: BROWSER_ENTRIES[2], types: 'typed-topics' },
} as const;

/** The classes that users of the package see. */
const SEEN = ['Client', 'MqttError', 'ReceivedMessage', 'Subscription'];

/** Modules that have others in their place: the names of Reason Codes are words too, and pages have time for their encoders. */
const REPLACED: Readonly<Record<string, string>> = {
  'packages/client/src/reason-words.ts': `
    export { hexadecimal as describeReason } from '@dunlin/protocol';
    export const addedWords = (words) => words;`,
  'packages/client/src/first-byte.ts': 'export const checkFirstByte = () => {};',
  'packages/protocol/src/short-text.ts': `
    export const readShortAscii = () => undefined;
    export const writeAscii = () => 0;`,
};

const root = dirname(import.meta.dirname);

/**
 * The files by their names. Throws where the list of texts lacks one, where the program may do more with a text than show
 * it, or where a text was not replaced.
 */
export async function browserBundle(): Promise<ReadonlyMap<string, string>> {
  const list = listedTexts();
  assertListed(textsOfBrowser(), list);
  for (const path of Object.keys(REPLACED))
    if (!existsSync(join(root, path))) throw new Error(`Cannot replace ${path}: there is no such module`);
  const entries = { main: '', ...mapped(({ name }) => everything(name)) };
  const prepared = (code: string, path: string): string => {
    const source = relative(root, path);
    return REPLACED[source] ?? withNumbers(withoutFields(code, source), list, source);
  };
  const { outputs } = await bundled({ entries, prepared, internalNames: INTERNAL_NAMES });
  const trees = new Map([...outputs].map(([name, code]) => [name, syntaxTree(code)]));
  assertInternal([...trees.values()]);
  const files = new Map<string, string>();
  for (const [name, code] of outputs) {
    const [left] = textsIn(trees.get(name) as SyntaxTree);
    if (left !== undefined) throw new Error(`Cannot bundle the client: ${name} still has the text "${left.text}"`);
    files.set(
      unhashed(name),
      withPlainMembers(code, SEEN).replaceAll(/"\.\/([^"/]+\.js)"/g, (_, path) => `"./${unhashed(path)}"`),
    );
  }
  if (files.size < outputs.size)
    throw new Error(`Cannot name the files of the bundle: ${[...outputs.keys()].join(' ')}`);
  for (const [name, text] of Object.entries(mapped(({ types }) => `export * from '../${types}.js';\n`)))
    files.set(`${name}.d.ts`, text);
  return files;
}

function mapped(of: (module: (typeof MODULES)[keyof typeof MODULES]) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(MODULES).map(([name, module]) => [name, of(module)]));
}

/** `authenticating-ABCDEFGH.js` without the hash: a package needs none, its version says what it is. */
function unhashed(name: string): string {
  return name.replace(/-[A-Z0-9]{8}(?=\.js$)/, '');
}

if (import.meta.main) {
  assertNotPublic();
  const folder = join(root, 'packages/client/dist/bundle');
  const files = await browserBundle();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}
