import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyPlain } from './plain-data.ts';

test('a copy shares nothing with what was copied', () => {
  const bytes = new Uint8Array([1, 2]);
  const value = { text: 'a', list: [{ deep: 1 }, undefined], bytes, none: null, ends: Infinity };
  const copy = copyPlain(value);
  assert.deepEqual(copy, value);
  assert.notEqual(copy.list[0], value.list[0]);
  bytes[0] = 9;
  assert.deepEqual([...copy.bytes], [1, 2]);
});

test('a property that is undefined is left out', () => {
  assert.deepEqual(Object.keys(copyPlain({ a: undefined, b: 1 })), ['b']);
});

test('a name __proto__ is a name like others', () => {
  const value = JSON.parse('{"__proto__": {"a": 1}}');
  const copy = copyPlain(value);
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.deepEqual(Object.entries(copy), [['__proto__', { a: 1 }]]);
});

test('what is no plain data is refused, with what it is', () => {
  assert.throws(() => copyPlain({ at: new Date(5) }), /holds an object of the class Date; texts/);
  assert.throws(() => copyPlain([() => 1]), /holds a function; texts/);
  const circle: unknown[] = [];
  circle.push(circle);
  assert.throws(() => copyPlain(circle), /nested more deeply than 1000/);
});
