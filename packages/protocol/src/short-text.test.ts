import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readShortAscii, writeAscii } from './short-text.ts';

test('short printable ASCII is read as it is, and everything else left', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '/', '~', ' ', '\u007f', '\u001f', '\0', 'ä'), maxLength: 30 });
  fc.assert(
    fc.property(text, fc.nat(5), (given, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before, 0xff), Buffer.from(given)]);
      const expected = bytes.length - before <= 24 && /^[ -~]*$/.test(given) ? given : undefined;
      assert.equal(readShortAscii(bytes, before, bytes.length), expected);
    }),
  );
});

test('ASCII is written up to the first character that is none', () => {
  const bytes = new Uint8Array(8);
  assert.equal(writeAscii(bytes, 2, 'ab'), 2);
  assert.deepEqual([...bytes], [0, 0, 0x61, 0x62, 0, 0, 0, 0]);
  assert.equal(writeAscii(bytes, 0, 'cä'), 1);
  assert.equal(writeAscii(bytes, 0, '\0'), 0);
  assert.equal(writeAscii(bytes, 0, ''), 0);
});
