/**
 * Names of properties that only the client itself uses: the bundle for browsers has shorter ones in their place (ADR 14).
 * Two checks hold the list: one whenever the bundle is made, and one by the declarations when it is built for publishing.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { publicNames } from './public-names.ts';
import type { SyntaxTree } from './syntax-tree.ts';

/** Names that nothing else in a browser has. */
const OWN = `aliasOf aliasOn answered authenticating bodyStart carrier carriers checkText closeBlock collect flows forbidden free gone isAsked
isAskedAnew isForGood isGivenUp isGranted isHandled isHeld isOpen isOver isPassable isWritable keeper leaving lingerMs limitedIn
minimum onlyFrom onlyOf openBlock overError own pump refuse requestIgnored rest routes settle settled skip stopTimer strictText
tap tell topicFilter topicOf`;
/** Names that browsers have too, in things with which the client has nothing to do, such as `document.title`. */
const SHARED = 'begin cancel check children granted link multiple places requests sender title';

const root = dirname(import.meta.dirname);
const words = (list: string): string[] => list.split(/\s+/);

/** All of them. */
export const INTERNAL_NAMES: readonly string[] = [...words(OWN), ...words(SHARED)];

/**
 * Throws for a name that the program may mean by a string, since that stays, or exports, since `import()` finds it by that, or
 * that is one of the platform's.
 */
export function assertInternal(trees: readonly SyntaxTree[], names: readonly string[] = INTERNAL_NAMES): void {
  const taken = new Set<string>();
  for (const { nodes } of trees) {
    for (const node of nodes) {
      if (node.type === 'Literal' && typeof node.value === 'string')
        for (const word of named(node.value)) taken.add(word);
      if (node.type === 'TemplateElement') for (const word of named(node.value.cooked)) taken.add(word);
      if (node.type === 'ExportSpecifier') taken.add(node.exported.name);
    }
  }
  const shared = words(SHARED);
  refuse(names, taken, 'the bundle has it as a string or exports it');
  refuse(
    names.filter((name) => !shared.includes(name)),
    platformWords(),
    'the platform has it too',
  );
}

/** Throws for a name that users of the package see. The declarations have to be built. */
export function assertNotPublic(): void {
  const of = (name: string, file: string): string => join(root, `packages/${name}/dist/${file}.d.ts`);
  const entries = ['browser', 'index', 'indexeddb-outbox', 'typed-topics'].map((file) => of('client', file));
  const seen = publicNames(entries, (specifier) => {
    const [, name, file = 'index'] = /^@dunlin\/([^/]*)(?:\/(.*))?$/.exec(specifier) ?? [];
    return name && of(name, file);
  });
  refuse(INTERNAL_NAMES, seen, 'a declaration that users of the package see has it');
}

function refuse(names: readonly string[], taken: ReadonlySet<string>, why: string): void {
  const found = names.filter((name) => taken.has(name));
  if (found.length > 0) throw new Error(`Cannot shorten ${found.join(', ')} of tools/internal-names.ts: ${why}`);
}

/** What a string may be the name of: itself, or each word of a table. */
function named(text: string): string[] {
  return text.includes('\n') ? [text, ...text.split(/\s+/)] : [text];
}

/** Every word of the declarations of browsers and of JavaScript. */
function platformWords(): ReadonlySet<string> {
  const files = globSync('node_modules/@typescript/*/lib/lib.*.d.ts', { cwd: root });
  if (files.length === 0) throw new Error('Cannot check names: lib.*.d.ts of TypeScript is expected in node_modules');
  return new Set(
    files.flatMap(
      (file) =>
        readFileSync(join(root, file), 'utf8')
          .replace(/\/\*[\s\S]*?\*\//g, '')
          .match(/[\w$]+/g) ?? [],
    ),
  );
}
