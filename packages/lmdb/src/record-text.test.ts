import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyPlain } from '@dunlin/broker';
import fc from 'fast-check';
import { DamagedValue } from './reader.ts';
import { readRecordText, writeRecordText } from './record-text.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('~', 'u', 'b', '"', '\\', 'ä') }),
);
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.oneof(text, fc.constant('__proto__')), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

test('reads what it wrote, whatever it was, and changes nothing of that', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const before = structuredClone(value);
      const written = writeRecordText(value);
      assert.deepEqual(value, before);
      assert.deepEqual(readRecordText(written), copyPlain(value));
    }),
  );
});

test('writes as JSON what JSON has, and the rest as texts with a mark', () => {
  assert.equal(writeRecordText({ a: [1, null, 'x'], b: { c: true } }), '{"a":[1,null,"x"],"b":{"c":true}}');
  assert.equal(writeRecordText([undefined, Infinity, -Infinity, Number.NaN, -0]), '["~u","~i","~j","~n","~z"]');
  assert.equal(writeRecordText([new Uint8Array([255, 254]), '~u']), '["~b__4","~~u"]');
});

test('an object of a class, a function, a symbol and too deep a value are refused', () => {
  class Thing {}
  for (const value of [new Thing(), new Map(), new Date(5), () => 1, Symbol('x'), 5n, new ArrayBuffer(1)])
    assert.throws(() => writeRecordText({ value }), TypeError);
  const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  assert.ok(writeRecordText(nested(1_000)));
  assert.throws(() => writeRecordText(nested(1_001)), TypeError);
});

test('refuses a text that was not written so', () => {
  for (const found of [
    '',
    '{',
    '"~"',
    '"~x"',
    '"~ux"',
    '["~b*"]',
    '["~bA"]',
    `${'['.repeat(1_001)}"~u"${']'.repeat(1_001)}`,
  ])
    assert.throws(() => readRecordText(found), DamagedValue);
});
