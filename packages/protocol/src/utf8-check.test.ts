import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { readUtf8 } from './utf8.ts';
import { checkTopicName, checkUtf8 } from './utf8-check.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function malformed(action: () => unknown): void {
  assert.throws(action, (error) => error instanceof MqttError && error.reasonCode === 0x81);
}

test('agrees with the platform on which two-byte and three-byte sequences are UTF-8 [MQTT-1.5.4-1]', () => {
  const bytes = new Uint8Array(3);
  for (let first = 0x80; first < 0x100; first++) {
    for (let second = 0x70; second < 0xd0; second++) {
      for (const third of [0x41, 0x7f, 0x80, 0xbf, 0xc0]) {
        bytes.set([first, second, third]);
        assert.equal(
          accepts(() => checkUtf8(bytes, 0, 3, false)),
          accepts(() => strict.decode(bytes)),
        );
      }
    }
  }
});

test('refuses what reading refuses, and where it is strict control and non-characters too [MQTT-1.5.4-1]', () => {
  const text = fc.string({ unit: 'binary', maxLength: 8 }).map((value) => new TextEncoder().encode(value));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 12 }), text), fc.boolean(), (bytes, strictText) => {
      assert.equal(
        accepts(() => checkUtf8(bytes, 0, bytes.length, strictText)),
        accepts(() => {
          const text = readUtf8(bytes, 0, bytes.length);
          assert.ok(!strictText || !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text));
        }),
      );
    }),
    { numRuns: 3000 },
  );
});

test('refuses control characters and non-characters, unless told to admit them (1.5.4)', () => {
  const points = [0x01, 0x1f, 0x7f, 0x80, 0x9f, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x1fffe, 0x10ffff];
  for (const point of points) {
    const bytes = Buffer.from(String.fromCodePoint(point));
    malformed(() => checkUtf8(bytes, 0, bytes.length));
    checkUtf8(bytes, 0, bytes.length, false);
  }
  for (const point of [0x20, 0x7e, 0xa0, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0x1fffd, 0x10fffd]) {
    const bytes = Buffer.from(String.fromCodePoint(point));
    checkUtf8(bytes, 0, bytes.length);
  }
});

test('finds wildcards in a Topic Name wherever they stand [MQTT-3.3.2-2]', () => {
  for (const topic of ['+', '#', 'a/+', '+/a', 'a/#', 'a+', 'ä/+', '💧#', `${'a'.repeat(500)}+`]) {
    const bytes = Buffer.from(topic);
    assert.throws(
      () => checkTopicName(bytes, 0, bytes.length),
      (error) => error instanceof MqttError && error.code === 'topic-name-invalid' && error.reasonCode === 0x90,
    );
  }
});

test('accepts every other Topic Name, and the empty one, which a Topic Alias may replace', () => {
  for (const topic of ['', '/', 'a', 'a b/c', '$SYS/x', 'ä/💧', '*', ',', '"', '$', "'", '!']) {
    const bytes = Buffer.from(topic);
    checkTopicName(bytes, 0, bytes.length);
  }
});

test('refuses bad text in a Topic Name as in any text [MQTT-3.3.2-1]', () => {
  for (const hex of ['c328', '6100', '01', 'eda080']) {
    const bytes = Buffer.from(hex, 'hex');
    malformed(() => checkTopicName(bytes, 0, bytes.length));
  }
  checkTopicName(Uint8Array.of(1), 0, 1, false);
});

function accepts(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
