import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoted, visible } from './visible-text.ts';

test('what a terminal may obey is escaped, everything else stays', () => {
  assert.equal(visible('a\u001b[2J\u009b\u202e\u2028\n'), 'a\\u001b[2J\\u009b\\u202e\\u2028\\u000a');
  assert.equal(visible('\u{e0001}'), '\\udb40\\udc01');
  assert.equal(visible('two\nlines\r', { lines: true }), 'two\nlines\\u000d');
  assert.equal(visible('Zürich/温度/🙂'), 'Zürich/温度/🙂');
});

test('a quoted text is one of JSON that shows what it holds, and is cut', () => {
  assert.equal(quoted('a "b"\u009b\u202e\n'), '"a \\"b\\"\\u009b\\u202e\\n"');
  assert.equal(JSON.parse(quoted('\u{e0001} \ud83d')), '\u{e0001} \ud83d');
  assert.equal(quoted('x'.repeat(100)), `"${'x'.repeat(100)}"`);
  assert.equal(quoted('x'.repeat(101)), `"${'x'.repeat(100)}…"`);
  assert.equal(quoted('abc', 2), '"ab…"');
});
