import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatheredBytes } from './gathered-bytes.ts';

test('what comes in chunks is what it would be in one', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 600 })), (chunks) => {
      const gathered = new GatheredBytes();
      for (const [index, chunk] of chunks.entries())
        assert.deepEqual(gathered.add(Buffer.from(chunk)), Buffer.concat(chunks.slice(0, index + 1)));
    }),
  );
});

test('bytes that come one by one are copied to another place a few times, not each time', () => {
  const gathered = new GatheredBytes();
  const places = new Set<ArrayBufferLike>();
  for (let count = 1; count <= 16_384; count += 1) {
    const all = gathered.add(Buffer.from([count & 0xff]));
    assert.equal(all.length, count);
    places.add(all.buffer);
  }
  assert.ok(places.size < 10, `${places.size} places`);
});

test('a chunk is never written into', () => {
  const gathered = new GatheredBytes();
  const first = Buffer.from('abcdef').subarray(0, 3);
  gathered.add(first);
  gathered.add(Buffer.from('xyz'));
  assert.equal(Buffer.from(first.buffer, first.byteOffset, 6).toString(), 'abcdef');
});
