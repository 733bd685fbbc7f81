import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineAt, readSource } from './source-text.ts';

const words = (text: string) => readSource(text).code.match(/\w+/g) ?? [];

test('blanks comments and keeps lines and columns', () => {
  const text = 'a(); // b\n/* c\n d */ e();';
  const { code } = readSource(text);
  assert.equal(code, 'a();     \n    \n      e();');
  assert.equal(code.length, text.length);
});

test('blanks what stands inside strings, with escapes', () => {
  assert.deepEqual(words(`a('b\\'c', "d'e", f)`), ['a', 'f']);
});

test('keeps the code inside a template and blanks its text', () => {
  assert.deepEqual(words('a(`b ${c({ d: `e ${f}` })} g \\` h`, i)'), ['a', 'c', 'd', 'f', 'i']);
});

test('tells a regular expression from a division', () => {
  assert.deepEqual(words("a(/b'[/]c/.test(d), e / f / g, 'h')"), ['a', 'test', 'd', 'e', 'f', 'g']);
  assert.deepEqual(words('return /x"/.test(y)'), ['return', 'test', 'y']);
});

test('finds every form of import and no import in a comment or string', () => {
  const text = [
    "import { a } from 'one';",
    "import 'two';",
    'export {',
    '  b,',
    "} from './three.ts';",
    "// import 'four';",
    'const c = await import("five");',
    'const d = "import \'six\'";',
    "import type { E } from '@scope/seven/eight';",
  ].join('\n');
  assert.deepEqual(readSource(text).imports, [
    { specifier: 'one', line: 1 },
    { specifier: 'two', line: 2 },
    { specifier: './three.ts', line: 5 },
    { specifier: 'five', line: 7 },
    { specifier: '@scope/seven/eight', line: 9 },
  ]);
});

test('ends at the end of a text with an open literal', () => {
  for (const text of ["a('", 'a(`', 'a(`${', 'a /* ', 'x = /['])
    assert.equal(readSource(text).code.length, text.length);
});

test('counts lines from one', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((offset) => lineAt('a\nb\n', offset)),
    [1, 1, 2, 2],
  );
});
