/** The tidy check: layering, undeclared imports, banned calls, file sizes, a test beside each source, no machine paths. */
import { execFileSync } from 'node:child_process';
import { globSync, lstatSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { lineAt, readSource, type SourceText } from './source-text.ts';
import {
  bannedText,
  bans,
  folders,
  layers,
  linesMax,
  linesMaxLong,
  nodeModules,
  pureTables,
  testedElsewhere,
} from './tidy-rules.ts';

/** The files of a repository: path relative to its root, with forward slashes, to text. */
export type Tree = ReadonlyMap<string, string>;

/** One thing to put in order. */
export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** One source file and what every rule needs to know of it. */
interface Source extends SourceText {
  readonly path: string;
  readonly text: string;
  /** The package it belongs to, undefined in tools, test and bench. */
  readonly owner: string | undefined;
  readonly isTest: boolean;
}

const scope = '@dunlin/';
const sourcePattern = /^(?:packages\/[^/]+\/src|test|tools|bench)\/.*\.(?:ts|js|mjs)$/;
/** Tests, and the suites that adapters of a port must pass. */
const testPattern = /\.test\.(?:ts|js|mjs)$|^test\/|\/contract\//;
const declarationPattern = /^(?:export )?(?:default )?(?:abstract )?(?:async )?(?:const|let|function|class)\b/m;

/** Everything in the tree that breaks a rule of `tidy-rules.ts`, in the order of the files. */
export function tidy(tree: Tree): Finding[] {
  const found: Finding[] = [];
  for (const [path, text] of tree) {
    found.push(...bannedTextIn(path, text));
    if (!sourcePattern.test(path)) continue;
    const source = describe(path, text);
    found.push(
      ...layeringOf(source),
      ...foldersOf(source, tree),
      ...importsOf(source, tree),
      ...bannedCallsIn(source),
      ...sizeOf(source),
      ...shapeOf(source),
      ...testOf(source, tree),
    );
  }
  for (const path of Object.keys(testedElsewhere)) {
    if (tree.has('tools/tidy-rules.ts') && !tree.has(path))
      found.push(finding('tools/tidy-rules.ts', 1, `testedElsewhere names ${path}, which does not exist`));
  }
  return found;
}

function describe(path: string, text: string): Source {
  const owner = /^packages\/([^/]+)\//.exec(path)?.[1];
  return { path, text, owner, isTest: testPattern.test(path), ...readSource(text) };
}

function finding(path: string, line: number, text: string): Finding {
  return { path, line, text };
}

function* matches(path: string, text: string, pattern: RegExp, say: (match: string) => string): Iterable<Finding> {
  for (const match of text.matchAll(pattern)) yield finding(path, lineAt(text, match.index), say(match[0].trim()));
}

function* bannedTextIn(path: string, text: string): Iterable<Finding> {
  for (const { pattern, reason } of bannedText) yield* matches(path, text, pattern, (match) => `"${match}": ${reason}`);
}

function* layeringOf({ path, owner, imports, isTest }: Source): Iterable<Finding> {
  if (owner === undefined) return;
  const below = layers[owner];
  if (below === undefined) {
    yield finding(path, 1, `the package ${owner} has no row in the layers of tidy-rules.ts`);
    return;
  }
  for (const { specifier, line } of imports) {
    if (specifier.startsWith(scope)) {
      const target = specifier.slice(scope.length).split('/')[0];
      if (target === owner) yield finding(path, line, `imports its own package ${specifier}; use a relative path`);
      else if (!below.includes(target))
        yield finding(path, line, `${owner} may not import ${specifier}: imports go down`);
    }
    if (!specifier.startsWith('.')) continue;
    const target = posix.join(posix.dirname(path), specifier);
    const inside = target.startsWith(`packages/${owner}/`) || (isTest && /^(?:tools|test)\//.test(target));
    if (!inside) yield finding(path, line, `imports ${target}, outside its package; import packages by name`);
  }
}

function* foldersOf({ path, owner, imports, isTest }: Source, tree: Tree): Iterable<Finding> {
  const order = owner === undefined ? undefined : folders[owner];
  const folder = folderIn(path);
  if (order === undefined || folder === undefined || isTest || path.includes('/testing/')) return;
  const below = order[folder];
  if (below === undefined) {
    yield finding(path, 1, `the folder ${folder} of ${owner} has no row in the folders of tidy-rules.ts`);
    return;
  }
  for (const { specifier, line } of imports) {
    if (!specifier.startsWith('.')) continue;
    const target = posix.join(posix.dirname(path), specifier);
    const other = folderIn(target);
    if (other === undefined ? importsFolder(target, tree) : other !== folder && !below.includes(other))
      yield finding(path, line, `${folder} may not import ${other ?? posix.basename(target)}: imports go down`);
  }
}

/** The folder of `src` that the file is in; undefined for one directly in `src`. */
function folderIn(path: string): string | undefined {
  return /^packages\/[^/]+\/src\/([^/]+)\//.exec(path)?.[1];
}

/** Whether a file directly in `src` imports a folder, itself or by another such file. */
function importsFolder(path: string, tree: Tree): boolean {
  return readSource(tree.get(path) ?? '').imports.some(({ specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const target = posix.join(posix.dirname(path), specifier);
    return folderIn(target) !== undefined || importsFolder(target, tree);
  });
}

function* importsOf({ path, owner, imports, isTest }: Source, tree: Tree): Iterable<Finding> {
  const root = manifestOf(tree, 'package.json');
  const own = owner === undefined ? undefined : manifestOf(tree, `packages/${owner}/package.json`);
  const declared = new Set(Object.keys({ ...own?.dependencies, ...own?.peerDependencies }));
  if (own === undefined || isTest) for (const name of Object.keys(root.devDependencies ?? {})) declared.add(name);
  for (const { specifier, line } of imports) {
    if (specifier.startsWith('.')) continue;
    if (specifier.startsWith('node:')) {
      const allowed = owner === undefined || isTest ? undefined : nodeModules[owner];
      if (allowed && !allowed.includes(specifier)) yield finding(path, line, `${owner} may not import ${specifier}`);
      continue;
    }
    if (isBuiltin(specifier)) {
      yield finding(path, line, `imports ${specifier} without "node:"`);
      continue;
    }
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    // The workspace links every package of ours into the root, so that tools and tests need no list of them.
    const ours = name.startsWith(scope) && (owner === undefined || name === scope + owner);
    if (!ours && !declared.has(name))
      yield finding(path, line, `imports ${name}, which its package.json does not declare`);
  }
}

function manifestOf(tree: Tree, path: string): Manifest {
  return JSON.parse(tree.get(path) ?? '{}') as Manifest;
}

function* bannedCallsIn({ path, code, owner, isTest }: Source): Iterable<Finding> {
  yield* matches(path, code, /\.only\s*\(|\bonly: true\b/g, (match) => `${match} leaves out every other test`);
  if (owner === undefined || isTest) return;
  for (const { packages, pattern, instead } of bans) {
    if (packages.includes(owner)) yield* matches(path, code, pattern, (match) => `${match} in ${owner}: ${instead}`);
  }
}

function* sizeOf({ path, text, isTest }: Source): Iterable<Finding> {
  const max = isTest || pureTables.includes(path) ? linesMaxLong : linesMax;
  const lines = lineAt(text, text.length);
  if (lines > max) yield finding(path, max, `has ${lines} lines, more than ${max}`);
}

function* shapeOf({ path, text, code, isTest }: Source): Iterable<Finding> {
  if (!isTest && !/^(?:#!.*\n)?\s*\/\*\*/.test(text))
    yield finding(path, 1, 'does not open with a doc comment that says its one responsibility');
  if (path.endsWith('/src/index.ts'))
    yield* matches(path, code, /^export \*/gm, () => 'exports "*"; list the names that the package promises');
}

function* testOf({ path, code, isTest }: Source, tree: Tree): Iterable<Finding> {
  if (isTest || path.startsWith('bench/') || path.endsWith('/index.ts')) return;
  const test = path.replace(/\.(ts|js|mjs)$/, '.test.$1');
  if (tree.has(test)) {
    if (path in testedElsewhere) yield finding(path, 1, 'has a test beside it; take it out of testedElsewhere');
    return;
  }
  if (path in testedElsewhere || !declarationPattern.test(code)) return;
  yield finding(path, 1, `has no test beside it (${posix.basename(test)})`);
}

/** Reads what git tracks or would track under `root`; without git, all but dependencies and build products. */
export function readTree(root: string): Tree {
  const texts = new Map<string, string>();
  for (const path of listFiles(root).sort()) {
    // Git lists a link as one file, also where it leads to a folder or nowhere.
    if (lstatSync(join(root, path)).isSymbolicLink()) continue;
    const bytes = readFileSync(join(root, path));
    if (!bytes.includes(0)) texts.set(path, bytes.toString('utf8'));
  }
  return texts;
}

function listFiles(root: string): string[] {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const skipped = /(?:^|\/)(?:node_modules|\.git|dist|coverage)$/;
  try {
    const listed = execFileSync('git', options, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const gone = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: root, encoding: 'utf8' }).split('\0');
    return listed.split('\0').filter((path) => path !== '' && !gone.includes(path));
  } catch {
    const entries = globSync('**', { cwd: root, withFileTypes: true, exclude: (entry) => skipped.test(entry.name) });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => posix.relative(root, join(entry.parentPath, entry.name)));
  }
}

if (import.meta.main) {
  const found = tidy(readTree(dirname(import.meta.dirname)));
  for (const { path, line, text } of found) console.error(`${path}:${line}: ${text}`);
  if (found.length > 0) console.error(`\n${found.length} to put in order; the rules are in tools/tidy-rules.ts.`);
  process.exitCode = found.length > 0 ? 1 : 0;
}
