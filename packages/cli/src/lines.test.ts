import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readLines } from './lines.ts';

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(chunksOf(chunks), new AbortController().signal)) {
    lines.push(Buffer.from(line).toString('latin1'));
  }
  return lines;
}

test('lines are the same however the bytes are cut', async () => {
  const bytes = fc.array(fc.constantFrom(0x0a, 0x0d, 0x61, 0x00, 0xff), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(40), { maxLength: 5 }), async (content, cuts) => {
      const whole = Buffer.from(content);
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
      const expected = whole.toString('latin1').split('\n');
      if (expected.at(-1) === '') expected.pop();
      assert.deepEqual(await linesOf(chunks), expected);
    }),
    { numRuns: 200 },
  );
});

test('the signal ends the lines also while a read waits', async () => {
  const controller = new AbortController();
  async function* input(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one\ntw');
    await new Promise(() => {});
  }
  const lines: string[] = [];
  for await (const line of readLines(input(), controller.signal)) {
    lines.push(line.toString());
    setImmediate(() => controller.abort());
  }
  assert.deepEqual(lines, ['one']);
});

test('a line that no packet can hold is refused before it fills the memory', async () => {
  const piece = Buffer.alloc(64 * 1024 * 1024, 'x');
  let pieces = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      pieces += 1;
      yield piece;
    }
  }
  await assert.rejects(async () => {
    for await (const _line of readLines(endless(), new AbortController().signal));
  }, /Cannot read a line: it is longer than 268435455 bytes/);
  assert.equal(pieces, 4);
});
