import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './main.ts';

test('runs the tool, and loads it only then', async () => {
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text) };
  assert.equal(await run(['--version'], { output, written: async () => undefined } as never), 0);
  assert.match(written.join(''), /^dunlin \d/);
});
