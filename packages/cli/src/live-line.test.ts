import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { LiveLine } from './live-line.ts';

function screen(isTTY: boolean, columns?: number): { line: LiveLine; read: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns });
  return { line: new LiveLine(stream), read: () => String(stream.read() ?? '') };
}

test('each text stands in the place of the one before, and clearing leaves nothing', () => {
  const { line, read } = screen(true, 20);
  line.show('one');
  line.show('two');
  line.clear();
  line.clear();
  assert.equal(read(), '\rone\x1b[K\rtwo\x1b[K\r\x1b[K');
});

test('a text that is too long is cut off before the last column', () => {
  const { line, read } = screen(true, 8);
  line.show('1234567');
  line.show('12345678');
  assert.equal(read(), '\r1234567\x1b[K\r123456…\x1b[K');
});

test('control characters do not reach the terminal', () => {
  const { line, read } = screen(true);
  line.show('a\x1b[2Jb');
  assert.equal(read(), '\ra\\u001b[2Jb\x1b[K');
});

test('without a terminal nothing is written', () => {
  const { line, read } = screen(false);
  line.show('one');
  line.clear();
  assert.deepEqual([line.isOpen, read()], [false, '']);
});
