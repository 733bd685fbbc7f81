import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OrderedTerms } from './ordered-terms.ts';

const term = fc.string({ unit: 'binary', maxLength: 6 });

test('orders terms as their UTF-8 bytes are ordered', () => {
  fc.assert(
    fc.property(fc.uniqueArray(term), (terms) => {
      const ordered = new OrderedTerms();
      for (const one of terms) ordered.add({ term: one, key: 'k' });
      const expected = [...terms].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(
        [...ordered.from({ term: '', key: '' })].map((entry) => entry.term),
        expected,
      );
    }),
  );
});

test('orders what stands around the surrogates', () => {
  const terms = ['\u{1f986}', '\uffff', '\uc001', '\ue000', '\ud7ff', '\u{10000}', '\u{10ffff}', '\ue001'];
  const ordered = new OrderedTerms();
  for (const one of terms) ordered.add({ term: one, key: 'k' });
  assert.deepEqual(
    [...ordered.from({ term: '', key: '' })].map((entry) => entry.term),
    [...terms].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
});

test('removes the entry of one key and leaves the other of the same term', () => {
  const ordered = new OrderedTerms();
  for (const key of ['2', '1', '3']) ordered.add({ term: 't', key });
  ordered.remove({ term: 't', key: '2' });
  ordered.remove({ term: 't', key: '9' });
  assert.deepEqual(
    [...ordered.from({ term: 't', key: '' })].map((entry) => entry.key),
    ['1', '3'],
  );
});
