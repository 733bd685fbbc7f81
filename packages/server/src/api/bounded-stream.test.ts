import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { boundedBytes } from './bounded-stream.ts';

test('what fits passes, and one byte more ends it', async () => {
  const read = (bytesMax: number) => boundedBytes(Readable.from([Buffer.from('abc'), Buffer.from('de')]), bytesMax);
  assert.equal((await read(5)).toString(), 'abcde');
  await assert.rejects(read(4), { code: 'body-too-large' });
});
