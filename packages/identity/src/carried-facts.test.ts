import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAttributes, readGroups, readUsername } from './carried-facts.ts';

test('a user name is a text within its limits', () => {
  assert.equal(readUsername('ada'), 'ada');
  for (const value of [undefined, null, '', 7, ['ada'], 'a\nb', 'a\0', 'x'.repeat(1025)])
    assert.throws(() => readUsername(value), /^Error: Cannot use the user name: .* is expected$/);
});

test('groups are a list of texts, or one', () => {
  assert.deepEqual(readGroups(['a', 'b']), ['a', 'b']);
  assert.deepEqual(readGroups('a'), ['a']);
  assert.deepEqual(readGroups([]), []);
  for (const value of [undefined, 7, [7], [''], Array(65).fill('a'), ['x'.repeat(257)]])
    assert.throws(() => readGroups(value), /^Error: Cannot use the groups: .* are expected$/);
});

test('attributes are texts by name; numbers and truth values are written out', () => {
  assert.deepEqual(readAttributes({ tenant: 'acme', level: 3, isAdmin: false }), {
    tenant: 'acme',
    level: '3',
    isAdmin: 'false',
  });
});

test('attributes with other names, of other kinds or in too great a number are refused', () => {
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, 'x']));
  const wrong = [null, [], 'x', { 'a b': 'x' }, { a: {} }, { a: '' }, { a: null }, { a: 'x\u0007' }, many];
  for (const value of [...wrong, JSON.parse('{"__proto__": "x"}')])
    assert.throws(() => readAttributes(value), /^Error: Cannot use the attributes: .* expected/, JSON.stringify(value));
});
