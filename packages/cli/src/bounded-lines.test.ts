import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { boundedLines } from './bounded-lines.ts';

test('lines that nobody reads are dropped above the bound, and who reads later hears how many', async () => {
  const stream = new PassThrough({ highWaterMark: 10, encoding: 'utf8' });
  const write = boundedLines(stream, 100);
  for (let number = 0; number < 1000; number++) write('0123456789\n');
  const waiting = stream.writableLength + stream.readableLength;
  assert.ok(waiting > 100 && waiting < 150, `${waiting} bytes wait`);
  let text = '';
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  await once(stream, 'drain');
  write('on\n');
  stream.end();
  await once(stream, 'end');
  const [, kept, dropped] =
    /^((?:0123456789\n)+)(\d+) lines were dropped: they were not read in time\non\n$/.exec(text) ?? [];
  assert.equal(kept.length / 11 + Number(dropped), 1000);
});

test('lines that are read are all there', () => {
  const lines: string[] = [];
  const write = boundedLines({ write: (line) => lines.push(line), once: assert.fail }, 0);
  for (const line of ['a', 'b']) write(line);
  assert.deepEqual(lines, ['a', 'b']);
});
