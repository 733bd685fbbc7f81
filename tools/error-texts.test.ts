import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertListed, listedTexts, textsIn, textsOfBrowser, withNumbers } from './error-texts.ts';
import { syntaxTree } from './syntax-tree.ts';

function texts(code: string): string[] {
  return textsIn(syntaxTree(code)).map(({ text }) => text);
}

test('a text is a literal of one line with two words of its own', () => {
  assert.deepEqual(texts("a('it broke', `the ${b} broke`, `${c}: no answer`);"), [
    'it broke',
    'the {1} broke',
    '{1}: no answer',
  ]);
  const others = ['use strict', 'Cannot ${a}: ${b}', 'aborted', ', ', 'a\\nb and c', 'topic-name-invalid', '0 1 2'];
  assert.deepEqual(texts(`'use strict'; f(${others.map((text) => `\`${text}\``)});`), ['use strict']);
  assert.deepEqual(texts("'use strict'; 'it broke';"), [], 'directives are no texts');
});

test('a text becomes its number with the values, which may be texts or hold some', () => {
  const list = ['it broke', 'Cannot use {1} of {2}', 'no end'];
  assert.equal(withNumbers("f('it broke', { a }, 'other words');", list), "f('DUN1', { a }, 'other words');");
  assert.equal(
    withNumbers('f(`Cannot use ${a ? `no end` : g("it broke")} of ${b.c}`);', list),
    "f(`DUN2(${a ? `DUN3()` : g('DUN1')}, ${b.c})`);",
  );
});

test('the list has every text of the client for browsers, once (npm run texts)', () => {
  const list = listedTexts();
  assertListed(textsOfBrowser(), list);
  assert.equal(new Set(list).size, list.length);
});

test('what the list lacks is named with the command that appends it', () => {
  assert.doesNotThrow(() => assertListed(['a b'], ['a b', 'gone long since']));
  assert.throws(() => assertListed(['a b', 'it broke'], ['a b']), /"npm run texts" appends them:\n {2}it broke$/);
});
