import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertListed, listedTexts, shownTexts, textsIn, textsOfBrowser, withNumbers } from './error-texts.ts';
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
  const numbered = (code: string): string => withNumbers(code, list, 'packages/client/src/a.ts');
  assert.equal(numbered("f('it broke', { a }, 'other words');"), "f('DUN1', { a }, 'other words');");
  assert.equal(
    numbered('f(`Cannot use ${a ? `no end` : g("it broke")} of ${b.c}`);'),
    "f(`DUN2(${a ? 'DUN3' : g('DUN1')}, ${b.c})`);",
  );
});

test('types, constants and kinds of packets are left out, and of packets all but the fault', () => {
  const list = ['Cannot use {1} of {2}'];
  const numbered = (a: string, b: string, path: string): string =>
    withNumbers(`f(\`Cannot use \${${a}} of \${${b}}\`)`, list, path);
  const client = 'packages/client/src/a.ts';
  assert.equal(numbered('typeof a', 'BYTES_MAX', client), "f('DUN1')");
  assert.equal(numbered('type.toUpperCase()', 'value', client), 'f(`DUN1(${value})`)');
  const protocol = 'packages/protocol/src/a.ts';
  assert.equal(numbered('field', 'key', protocol), 'f(`DUN1(${key})`)');
  assert.equal(numbered('value', 'fault', protocol), 'f(fault)');
  assert.equal(
    numbered('quoted(topic)', 'why', 'packages/protocol/src/topic.ts'),
    'f(`DUN1(${quoted(topic)}, ${why})`)',
  );
});

test('the page has a mark in place of what is left out', () => {
  const shown = shownTexts();
  assert.equal(shown.get('Cannot read {1}: {2}'), 'Cannot read …: {1}');
  assert.equal(shown.get('{1}: {2} is {3} ({4}), expected {5}'), '{1}: {2} is {3} (…), expected {4}');
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
