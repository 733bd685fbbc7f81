import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineTooLong, linesOf } from './line-stream.ts';

async function lines(bytesMax: number, ...chunks: string[]): Promise<string[]> {
  const found: string[] = [];
  const stream = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  })();
  for await (const line of linesOf(stream, bytesMax)) found.push(line);
  return found;
}

test('finds lines, however the bytes arrive', async () => {
  const text = Buffer.from('one\n\ntwo å\nlast').toString('latin1');
  const expected = ['one', '', 'two å', 'last'];
  assert.deepEqual(await lines(100, text), expected);
  assert.deepEqual(await lines(100, ...text), expected);
  assert.deepEqual(await lines(100), []);
  assert.deepEqual(await lines(100, 'a\n'), ['a']);
});

test('takes a line of the greatest length, and none beyond it, ended or not', async () => {
  assert.deepEqual(await lines(3, 'abc\nab', 'c\n'), ['abc', 'abc']);
  for (const chunks of [['abcd\n'], ['abcd'], ['ab', 'cd'], ['ab', 'cd\n']])
    await assert.rejects(lines(3, ...chunks), LineTooLong);
});
