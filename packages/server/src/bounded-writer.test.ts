import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { BoundedWriter } from './bounded-writer.ts';

const MIB = 1024 * 1024;
const line = (text: string) => ({ level: 'info', text }) as const;
const asText = ({ text }: { readonly text: string }): string => `${text}\n`;
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('drops what a reader leaves lying beyond the bound, and tells how much when there is room again', async () => {
  const stream = new PassThrough();
  const writer = new BoundedWriter(stream, asText);
  for (let written = 0; written < 100; written++) writer.write([line('x'.repeat(MIB))]);
  assert.ok(stream.writableLength <= 6 * MIB, String(stream.writableLength));
  let read = '';
  stream.on('data', (chunk) => {
    read += chunk;
  });
  while (!read.includes('could not')) await turn();
  const lines = read.trimEnd().split('\n');
  assert.equal(lines.at(-1), `${100 - (lines.length - 1)} lines could not be written`);
  writer.write([line('after')]);
  await turn();
  assert.match(read, /written\nafter\n$/, 'told once');
});

test('tells in another stream what was dropped after the end of the first', async () => {
  const first = new PassThrough();
  const writer = new BoundedWriter(first, asText);
  first.destroy();
  writer.write([line('a'), line('b')]);
  const second = new PassThrough();
  writer.stream = second;
  writer.write([line('c')]);
  assert.equal(second.read().toString(), '2 lines could not be written\nc\n');
});
