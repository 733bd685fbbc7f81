import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Progress } from './progress.ts';

function progress(isTTY: boolean): { progress: Progress; written: string[] } {
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), { isTTY, write: (text: string) => written.push(text) });
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
