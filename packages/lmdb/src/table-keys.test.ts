import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textHash } from './keys.ts';
import { DamagedValue } from './reader.ts';
import { indexPrefix, parseIndexKey, parseRecordKey, recordPrefix, termKey, termRange } from './table-keys.ts';

const prefix = indexPrefix('users', 'name');
const term = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\u{1f600}', '￠'), maxLength: 8 });

function indexKey(text: string, key: string): Buffer {
  return Buffer.concat([prefix, termKey(text, textHash).bytes, Buffer.from(key)]);
}

test('reads record keys back', () => {
  const key = Buffer.concat([recordPrefix('users'), Buffer.from('a\0b')]);
  assert.deepEqual(parseRecordKey(key), { table: 'users', key: 'a\0b' });
});

test('reads index keys back, and sorts them by term, then by key', () => {
  fc.assert(
    fc.property(term, term, fc.string({ minLength: 1 }), (left, right, key) => {
      assert.deepEqual(parseIndexKey(indexKey(left, key)), { table: 'users', index: 'name', term: left, key });
      const order = Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      if (order !== 0) assert.equal(Math.sign(Buffer.compare(indexKey(left, 'z'), indexKey(right, 'a'))), order);
    }),
  );
});

test('cuts long terms, never within an escaped zero', () => {
  for (const text of ['x'.repeat(5_000), `${'x'.repeat(999)}\0\0`, '\0'.repeat(700)]) {
    assert.ok(termKey(text, textHash).isCut);
    const { key, term: found } = parseIndexKey(indexKey(text, 'the key'));
    assert.deepEqual([key, found], ['the key', undefined]);
    const { from, to } = termRange(prefix, text);
    assert.ok(Buffer.compare(indexKey(text, ''), from) >= 0 && Buffer.compare(indexKey(text, ''), to) < 0);
  }
});

test('refuses keys that do not end', () => {
  assert.throws(() => parseRecordKey(Buffer.from('`users')), DamagedValue);
  assert.throws(() => parseIndexKey(Buffer.concat([prefix, Buffer.from('abc')])), DamagedValue);
});
