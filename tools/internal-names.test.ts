import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertInternal, INTERNAL_NAMES } from './internal-names.ts';
import { syntaxTree } from './syntax-tree.ts';

function check(code: string, ...names: string[]): void {
  assertInternal([syntaxTree('a();'), syntaxTree(code)], names);
}

test('a name is internal that is neither a string of the program, nor exported, nor of the platform', () => {
  assert.doesNotThrow(() =>
    check('const a = {}; a.isGivenUp = b["of isGivenUp"]; export { a as c };', 'isGivenUp', 'overError'),
  );
  assert.throws(() => check('a["isGivenUp"];', 'isGivenUp'), /^Error: Cannot shorten isGivenUp of .* as a string/);
  assert.throws(() => check('a[`isGivenUp`];', 'isGivenUp'), /as a string/);
  assert.throws(() => check('const a = 1; export { a as isGivenUp };', 'isGivenUp'), /or exports it$/);
  assert.throws(
    () => check('', 'bufferedAmount'),
    /^Error: Cannot shorten bufferedAmount of .* the platform has it too$/,
  );
});

test('a word of a table may be the name of a property', () => {
  assert.throws(() => check('"1 isGivenUp byte\\n2 other text".split("\\n");', 'isGivenUp'), /as a string/);
});

test('no class may lack what has a shorter name: optional members are those of options and records', () => {
  const root = join(import.meta.dirname, '..');
  const sources = globSync('packages/{client,protocol,transport}/src/*.ts', { cwd: root });
  const member = new RegExp(`^ +(?:readonly )?(${INTERNAL_NAMES.join('|')})\\?[:(]`, 'gm');
  const optional = sources
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(member)].map(([, name]) => name));
  assert.deepEqual([...new Set(optional)].sort(), ['aliasOn', 'checkText', 'lingerMs', 'strictText']);
});
