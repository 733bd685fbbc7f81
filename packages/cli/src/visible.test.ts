import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visible } from './visible.ts';

test('what a terminal may obey is escaped, everything else stays', () => {
  assert.equal(visible('a\u001b[2J\u009b\u202e\u2028\n'), 'a\\u001b[2J\\u009b\\u202e\\u2028\\u000a');
  assert.equal(visible('\u{e0001}'), '\\udb40\\udc01');
  assert.equal(visible('two\nlines\r', { lines: true }), 'two\nlines\\u000d');
  assert.equal(visible('Zürich/温度/🙂'), 'Zürich/温度/🙂');
});
