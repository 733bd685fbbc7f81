import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTree, tidy } from './tidy.ts';
import { folders, layers, linesMax, linesMaxLong } from './tidy-rules.ts';

const manifests = {
  'package.json': JSON.stringify({ devDependencies: { 'fast-check': '*' } }),
  'packages/protocol/package.json': '{}',
  'packages/broker/package.json': JSON.stringify({ dependencies: { '@dunlin/protocol': '*' } }),
  'packages/server/package.json': JSON.stringify({ dependencies: { yaml: '*', '@dunlin/broker': '*' } }),
};
const doc = '/** One thing. */\n';

/** What the check says about the given files beside sound manifests: `path:line text`, shortened to the given words. */
function said(files: Record<string, string>): string[] {
  const tree = new Map(Object.entries({ ...manifests, ...files }));
  return tidy(tree).map(({ path, line, text }) => `${path}:${line} ${text}`);
}
/** Asserts that one file gives one finding which matches. */
function oneFinding(path: string, text: string, expected: RegExp, others: Record<string, string> = {}): void {
  const found = said({ [path]: text, ...others });
  assert.equal(found.length, 1, `${path}: ${found.join(' | ') || 'nothing found'}`);
  assert.match(found[0], expected);
}

test('finds nothing in a tidy tree', () => {
  const found = said({
    'packages/protocol/src/index.ts': `${doc}export { a } from './a.ts';\n`,
    'packages/protocol/src/a.ts': `${doc}export const a = 1; // Date.now()\n`,
    'packages/protocol/src/a.test.ts':
      "import fc from 'fast-check';\nimport test from 'node:test';\nDate.now(fc, test);\n",
    'packages/protocol/src/types.ts': `${doc}export interface A {}\nexport type B = 1;\n`,
    'packages/broker/src/types.ts': `${doc}import { Buffer } from 'node:buffer';\nimport type { A } from '@dunlin/protocol';\n`,
    'test/whole.test.ts': "import '@dunlin/server';\nimport fc from 'fast-check';\nfc();\n",
    'README.md': 'Topics such as a/home/b and https://example.org/home/x are fine.\n',
  });
  assert.deepEqual(found, []);
});

test('finds an import that goes up, sideways or to the package itself', () => {
  const types = 'packages/broker/src/types.ts';
  oneFinding('packages/protocol/src/types.ts', `${doc}import type { A } from '@dunlin/protocol';\n`, /its own package/);
  for (const target of ['server', 'client']) {
    const found = said({ [types]: `${doc}import type { A } from '@dunlin/${target}/x';\n` });
    assert.ok(found.includes(`${types}:2 broker may not import @dunlin/${target}/x: imports go down`), found.join());
  }
});

test('finds an import of a folder that is not below', () => {
  const src = 'packages/devices/src';
  const types = (imported: string) => `${doc}import type { A } from '${imported}';\n`;
  const leaf = { [`${src}/leaf.ts`]: `${doc}export type A = 1;\n` };
  assert.deepEqual(said({ [`${src}/claims/a.ts`]: types('../registry/b.ts') + types('../leaf.ts'), ...leaf }), []);
  assert.deepEqual(said({ [`${src}/registry/testing/a.ts`]: types('../../claims/b.ts') }), []);
  oneFinding(
    `${src}/registry/a.ts`,
    types('../claims/b.ts'),
    /a\.ts:2 registry may not import claims: imports go down/,
  );
  oneFinding(`${src}/registry/a.ts`, types('../above.ts'), /registry may not import above\.ts/, {
    [`${src}/above.ts`]: types('./service.ts'),
    [`${src}/service.ts`]: types('./claims/b.ts'),
  });
  oneFinding(`${src}/other/a.ts`, types('../leaf.ts'), /the folder other of devices has no row/, leaf);
});

test('the folders of a package stand in an order, so that none imports itself by others', () => {
  for (const order of Object.values(folders)) {
    const names = Object.keys(order);
    for (const [at, name] of names.entries())
      for (const other of order[name]) assert.ok(names.indexOf(other) < at, `${name} imports ${other}, which is above`);
  }
});

test('finds a relative import that leaves the package, except from a test into tools and test', () => {
  const path = 'packages/broker/src/types.ts';
  oneFinding(
    path,
    `${doc}import type { A } from '../../protocol/src/a.ts';\n`,
    /imports packages\/protocol\/src\/a\.ts/,
  );
  oneFinding(path, `${doc}import type { A } from '../../../tools/a.ts';\n`, /imports tools\/a\.ts/);
  assert.deepEqual(said({ 'packages/broker/src/a.test.ts': "import '../../../tools/prerequisites.ts';\n" }), []);
});

test('finds a package without a row in the layers', () => {
  oneFinding('packages/attic/src/types.ts', doc, /attic has no row/);
});

test('lets every layer import only layers named before it', () => {
  const order = Object.keys(layers);
  for (const [name, below] of Object.entries(layers))
    for (const other of below) assert.ok(order.indexOf(other) < order.indexOf(name), `${name} imports ${other}`);
});

test('finds an import that package.json does not declare', () => {
  const path = 'packages/server/src/types.ts';
  oneFinding(path, `${doc}import type { A } from '@scope/a/b';\n`, /server\/src\/types\.ts:2 imports @scope\/a, which/);
  oneFinding(path, `${doc}import type { A } from '@dunlin/protocol';\n`, /imports @dunlin\/protocol, which/);
  oneFinding(path, `${doc}import type { A } from 'fast-check';\n`, /imports fast-check, which/);
  oneFinding('test/a.test.ts', "import 'left-pad/x.js';\n", /imports left-pad, which/);
  oneFinding(path, `${doc}import type { A } from 'fs';\n`, /without "node:"/);
});

test('finds a clock, a timer, dice, the process and modules of Node in the pure packages', () => {
  const calls = ['Date.now()', 'new Date()', 'performance.now()', 'setTimeout(f)', 'setInterval(f)', 'setImmediate(f)'];
  const more = [
    'queueMicrotask(f)',
    'Math.random()',
    'crypto.getRandomValues(f)',
    'process.nextTick(f)',
    'console.log(1)',
  ];
  for (const owner of ['protocol', 'broker'])
    for (const call of [...calls, ...more])
      oneFinding(`packages/${owner}/src/index.ts`, `${doc}${call};\n`, /index\.ts:2 /);
  oneFinding('packages/protocol/src/index.ts', `${doc}Buffer.from(a);\n`, /Buffer in protocol/);
  for (const module of ['net', 'fs', 'crypto', 'timers/promises'])
    oneFinding('packages/broker/src/index.ts', `${doc}import 'node:${module}';\n`, /broker may not import node:/);
  oneFinding('packages/protocol/src/index.ts', `${doc}import 'node:buffer';\n`, /protocol may not import node:buffer/);
});

test('leaves a clock to packages that are not pure, and a method of the same name to everyone', () => {
  const server = { 'packages/server/src/index.ts': `${doc}import 'node:net';\nDate.now();\n` };
  const broker = { 'packages/broker/src/index.ts': `${doc}clock.setTimeout(f);\nthis.process.x();\n` };
  assert.deepEqual(said({ ...server, ...broker }), []);
});

test('finds a test that leaves out every other', () => {
  oneFinding('test/x.test.ts', "test.only('a', () => {});\n", /\.only\( leaves out/);
  oneFinding('test/x.test.ts', "test('a', { only: true }, () => {});\n", /only: true leaves out/);
});

test('finds a file with too many lines', () => {
  const lines = (count: number) => doc + '\n'.repeat(count - 2);
  const long = lines(linesMax + 1);
  oneFinding('packages/server/src/index.ts', long, new RegExp(`has ${linesMax + 1} lines`));
  assert.deepEqual(
    said({ 'packages/server/src/index.ts': lines(linesMax), 'packages/server/src/a.test.ts': long }),
    [],
  );
  oneFinding('packages/server/src/a.test.ts', lines(linesMaxLong + 1), new RegExp(`more than ${linesMaxLong}`));
});

test('finds a source without a test beside it', () => {
  oneFinding('packages/server/src/a.ts', `${doc}export function a() {}\n`, /no test beside it \(a\.test\.ts\)/);
});

test('finds a file that does not say what it is for', () => {
  oneFinding('packages/server/src/types.ts', '// types\nexport type A = 1;\n', /doc comment/);
});

test('finds an index that exports everything', () => {
  oneFinding('packages/server/src/index.ts', `${doc}export * from './a.ts';\n`, /index\.ts:2 exports "\*"/);
});

test('finds a machine path and a registry host in any file', () => {
  for (const folder of ['work', 'root', 'home']) {
    const path = ['', folder, 'somebody'].join('/');
    oneFinding('docs/a.md', `see\n${path}/b\n`, /docs\/a\.md:2 .*path of one machine/);
    oneFinding('a.json', JSON.stringify({ a: path }), /path of one machine/);
  }
  oneFinding(
    'package-lock.json',
    `{"resolved":"https://${['registry', 'npmjs', 'org'].join('.')}/a"}`,
    /registry host/,
  );
});

test('reads a folder that git does not know, without what is built or installed', () => {
  const root = mkdtempSync(join(tmpdir(), 'dunlin-tidy-'));
  try {
    for (const folder of ['src', 'node_modules/a']) mkdirSync(join(root, folder), { recursive: true });
    for (const path of ['src/a.ts', 'node_modules/a/index.js']) writeFileSync(join(root, path), path);
    writeFileSync(join(root, 'binary'), Uint8Array.of(1, 0, 2));
    assert.deepEqual([...readTree(root)], [['src/a.ts', 'src/a.ts']]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('reads no links, where they lead to a folder least of all', () => {
  const root = mkdtempSync(join(tmpdir(), 'dunlin-tidy-'));
  try {
    execFileSync('git', ['init', '-q'], { cwd: root });
    mkdirSync(join(root, 'folder'));
    writeFileSync(join(root, 'folder/a.ts'), 'a');
    symlinkSync('folder', join(root, 'link'));
    symlinkSync('nowhere', join(root, 'dangling'));
    assert.deepEqual([...readTree(root)], [['folder/a.ts', 'a']]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
