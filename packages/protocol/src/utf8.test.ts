import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { readUtf8, utf8Length, writeUtf8 } from './utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function malformed(action: () => unknown): void {
  assert.throws(action, (error) => error instanceof MqttError && error.reasonCode === 0x81);
}

function read(hex: string): string {
  const bytes = Buffer.from(`ff${hex}ff`, 'hex');
  return readUtf8(bytes, 1, bytes.length - 1);
}

test('refuses every byte sequence that is not UTF-8 [MQTT-1.5.4-1]', () => {
  for (const hex of ['80', 'bf', 'c0af', 'c1bf', 'c2', 'c241', 'e0', 'e080', 'e09fbf', 'e282', 'eda080', 'edbfbf']) {
    malformed(() => read(hex));
    malformed(() => read(`61${hex}62`));
  }
  for (const hex of ['f0', 'f09f92', 'f08fbfbf', 'f4908080', 'f5808080', 'f8888080', 'fe', 'ff']) {
    malformed(() => read(hex));
  }
});

test('refuses a character whose continuation lies behind the end [MQTT-1.5.4-1]', () => {
  malformed(() => readUtf8(Uint8Array.of(0x61, 0xc3, 0xa9), 0, 2));
});

test('agrees with the platform on random bytes [MQTT-1.5.4-1]', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const expected = bytes.includes(0) ? undefined : attempt(() => strict.decode(bytes));
      assert.equal(
        attempt(() => readUtf8(bytes, 0, bytes.length)),
        expected,
      );
    }),
    { numRuns: 3000 },
  );
});

test('refuses U+0000 [MQTT-1.5.4-2]', () => {
  malformed(() => read('00'));
  malformed(() => read('610062'));
  malformed(() => read(`${'61'.repeat(100)}00`));
});

test('keeps U+FEFF at the start, inside and alone [MQTT-1.5.4-3]', () => {
  assert.equal(read('efbbbf'), '\ufeff');
  assert.equal(read('efbbbf61efbbbf'), '\ufeffa\ufeff');
  assert.equal(read(`efbbbf${'61'.repeat(100)}`), `\ufeff${'a'.repeat(100)}`);
});

test('reads control characters and non-characters, which are others to refuse (1.5.4)', () => {
  for (const point of [0x01, 0x1f, 0x7f, 0x80, 0x9f, 0xfdd0, 0xfffe, 0x10ffff]) {
    const text = String.fromCodePoint(point);
    assert.equal(read(Buffer.from(text).toString('hex')), text);
  }
});

test('reads ASCII of every length around the border between its two ways of reading', () => {
  for (let length = 0; length < 140; length++) {
    const text = Array.from({ length }, (_, index) => String.fromCharCode(0x20 + (index % 95))).join('');
    const bytes = Buffer.from(`!${text}!`);
    assert.equal(readUtf8(bytes, 1, bytes.length - 1), text);
  }
});

test('writes what the platform writes and counts its bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      fc.pre(!text.includes('\0'));
      const expected = new TextEncoder().encode(text);
      assert.equal(utf8Length(text), expected.length);
      const bytes = new Uint8Array(expected.length + 8).fill(0xee);
      assert.equal(writeUtf8(bytes, 4, text), 4 + expected.length);
      assert.deepEqual(bytes.subarray(4, 4 + expected.length), expected);
      assert.deepEqual([...bytes.subarray(0, 4), ...bytes.subarray(4 + expected.length)], Array(8).fill(0xee));
      assert.equal(readUtf8(bytes, 4, 4 + expected.length), text);
    }),
  );
});

test('does not write lone surrogates [MQTT-1.5.4-1]', () => {
  for (const text of ['\ud800', '\udfff', 'a\ud83d', '\ud83da', '\ude00\ud83d']) {
    malformed(() => writeUtf8(new Uint8Array(20), 0, text));
    assert.ok(utf8Length(text) <= 20);
  }
});

test('does not write U+0000 [MQTT-1.5.4-2]', () => malformed(() => writeUtf8(new Uint8Array(8), 0, 'a\0')));

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
