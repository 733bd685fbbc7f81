import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textHash } from './keys.ts';
import { DamagedValue } from './reader.ts';
import {
  indexKey,
  indexPrefix,
  parseIndexKey,
  parseRecordKey,
  recordPrefix,
  termKey,
  termRange,
} from './table-keys.ts';

const prefix = indexPrefix('users', 'name');
const term = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\u{1f600}', '￠'), maxLength: 8 });

function keyOf(text: string, key: string): Buffer {
  return Buffer.concat([prefix, termKey(text, textHash).bytes, Buffer.from(key)]);
}

test('reads record keys back', () => {
  const key = Buffer.concat([recordPrefix('users'), Buffer.from('a\0b')]);
  assert.deepEqual(parseRecordKey(key), { table: 'users', key: 'a\0b' });
});

test('reads index keys back, and sorts them by term, then by key', () => {
  fc.assert(
    fc.property(term, term, fc.string({ minLength: 1 }), (left, right, key) => {
      assert.deepEqual(parseIndexKey(keyOf(left, key)), { table: 'users', index: 'name', term: left, key });
      const order = Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      if (order !== 0) assert.equal(Math.sign(Buffer.compare(keyOf(left, 'z'), keyOf(right, 'a'))), order);
    }),
  );
});

test('cuts long terms, never within an escaped zero', () => {
  for (const text of ['x'.repeat(5_000), `${'x'.repeat(999)}\0\0`, '\0'.repeat(700)]) {
    assert.ok(termKey(text, textHash).isCut);
    const { key, term: found } = parseIndexKey(keyOf(text, 'the key'));
    assert.deepEqual([key, found], ['the key', undefined]);
    const { from, to } = termRange(prefix, text);
    assert.ok(Buffer.compare(keyOf(text, ''), from) >= 0 && Buffer.compare(keyOf(text, ''), to) < 0);
  }
});

test('writes index keys as text that are the same bytes, of plain terms and of others', () => {
  const any = fc.oneof(term, fc.string(), fc.constantFrom('x'.repeat(5_000), 'x'.repeat(100), '\u007f', '\u0080'));
  fc.assert(
    fc.property(any, fc.string({ minLength: 1 }), (text, key) => {
      const [start, keyText] = [prefix, Buffer.from(key)].map((bytes) => bytes.toString('latin1'));
      const { name, isCut } = indexKey(start, text, keyText, textHash);
      assert.deepEqual(Buffer.from(name, 'latin1'), keyOf(text, key));
      assert.equal(isCut, termKey(text, textHash).isCut);
    }),
  );
});

test('refuses keys that do not end', () => {
  assert.throws(() => parseRecordKey(Buffer.from('`users')), DamagedValue);
  assert.throws(() => parseIndexKey(Buffer.concat([prefix, Buffer.from('abc')])), DamagedValue);
});
