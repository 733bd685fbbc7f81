import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Progress } from './progress.ts';

function progress(isTTY: boolean, columns?: number): { progress: Progress; written: string[] } {
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), { isTTY, columns, write: (text: string) => written.push(text) });
  return { progress: new Progress(stream as unknown as NodeJS.WritableStream), written };
}

test('a burst is shown once on a terminal, and taken away', (context) => {
  let nowMs = 0;
  context.mock.method(performance, 'now', () => nowMs);
  const { progress: line, written } = progress(true);
  for (let count = 1; count <= 1000; count++) line.show(() => `${count}`);
  nowMs = 100;
  line.show(() => 'later');
  line.clear();
  line.clear();
  assert.deepEqual(written, ['\r\x1b[K1', '\r\x1b[Klater', '\r\x1b[K']);
});

test('nothing is written where there is no terminal', () => {
  const { progress: line, written } = progress(false);
  line.show(() => 'x');
  line.clear();
  assert.deepEqual(written, []);
});

test('what is too long is cut off before the last column, and control characters are shown', () => {
  const { progress: line, written } = progress(true, 9);
  line.show(() => 'a\x1b[2J and more');
  assert.deepEqual(written, ['\r\x1b[Ka\\u001b…']);
  const { progress: unknown, written: wide } = progress(true);
  unknown.show(() => 'x'.repeat(100));
  assert.equal(wide[0].length, '\r\x1b[K'.length + 79);
});
