import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { hexDump } from './hex-dump.ts';

test('a line has an offset, sixteen bytes in two halves, and what of them is ASCII', () => {
  assert.deepEqual(hexDump(Buffer.from('Hello, world\n\0\x7f\xff~', 'latin1')), [
    '00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 0a 00 7f ff  |Hello, world....|',
    '00000010  7e                                                |~|',
  ]);
  assert.deepEqual(hexDump(new Uint8Array()), []);
});

test('it is what hexdump -C prints', (context) => {
  const bytes = Uint8Array.from({ length: 77 }, (_, at) => (at * 37) % 256);
  const { stdout, error } = spawnSync('hexdump', ['-vC'], { input: bytes, encoding: 'utf8' });
  if (error !== undefined) {
    context.skip('hexdump is not here');
    return;
  }
  assert.deepEqual(hexDump(bytes), stdout.trimEnd().split('\n').slice(0, -1));
});
