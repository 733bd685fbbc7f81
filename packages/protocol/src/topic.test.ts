import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { assertTopicFilter, assertTopicName, hasWildcard, isTopicFilter, topicLevels, topicMatches } from './topic.ts';

function nameFault(topic: string): MqttError {
  return fault(() => assertTopicName(topic), 'topic-name-invalid', 0x90);
}

function filterFault(filter: string): MqttError {
  assert.equal(isTopicFilter(filter), false, filter);
  return fault(() => assertTopicFilter(filter), 'topic-filter-invalid', 0x8f);
}

function fault(call: () => void, code: string, reasonCode: number): MqttError {
  let caught: MqttError | undefined;
  assert.throws(call, (error) => {
    assert.ok(error instanceof MqttError);
    assert.equal(error.code, code);
    assert.equal(error.reasonCode, reasonCode);
    caught = error;
    return true;
  });
  return caught as MqttError;
}

test('takes any text without wildcards as a Topic Name', () => {
  for (const topic of ['a', '/', '//', 'a//b', ' ', '$SYS/x', '$share/g/a', 'Ä/\u{1F986}', '\uFEFFa'])
    assertTopicName(topic);
});

test('refuses a wildcard in a Topic Name [MQTT-4.7.0-1] [MQTT-3.3.2-2]', () => {
  for (const topic of ['+', '#', 'a/+', 'a/#', 'a+b', '#a', 'a/+/b']) {
    assert.match(nameFault(topic).message, /^Cannot publish to ".*": .*\[MQTT-3\.3\.2-2\]$/);
  }
});

test('refuses an empty Topic Name or Topic Filter [MQTT-4.7.3-1]', () => {
  assert.match(nameFault('').message, /\[MQTT-4\.7\.3-1\]$/);
  assert.match(filterFault('').message, /\[MQTT-4\.7\.3-1\]$/);
});

test('refuses U+0000 in a Topic Name or Topic Filter and shows it escaped [MQTT-4.7.3-2]', () => {
  assert.equal(nameFault('a\0b').message, 'Cannot publish to "a\\u0000b": it holds U+0000 [MQTT-1.5.4-2]');
  assert.match(filterFault('a/\0/#').message, /\[MQTT-1\.5\.4-2\]$/);
});

test('refuses a lone surrogate in a Topic Name or Topic Filter [MQTT-1.5.4-1]', () => {
  assert.match(nameFault('a\ud800').message, /\[MQTT-1\.5\.4-1\]$/);
  assert.match(filterFault('\udfff/#').message, /\[MQTT-1\.5\.4-1\]$/);
});

test('takes 65535 bytes of UTF-8 and refuses 65536 [MQTT-4.7.3-3]', () => {
  const longest = `${'ä'.repeat(32_767)}a`;
  assertTopicName(longest);
  assertTopicFilter(longest);
  assertTopicName('a'.repeat(65_535));
  assert.match(nameFault('a'.repeat(65_536)).message, /65536.*\[MQTT-4\.7\.3-3\]$/);
  assert.match(filterFault(`${longest}a`).message, /65536.*\[MQTT-4\.7\.3-3\]$/);
});

test('shows at most 200 characters of what it refuses', () => {
  assert.ok(nameFault(`${'x'.repeat(5000)}#`).message.length < 200);
});

test('takes wildcards that fill a level, and "#" as the last [MQTT-4.7.1-1] [MQTT-4.7.1-2]', () => {
  for (const filter of ['#', '+', '/', '/#', '+/#', 'a/#', 'a/+', '+/a', 'a/+/c', '+/+', '/+', '+/', 'a//#', '$SYS/#'])
    assertTopicFilter(filter);
});

test('refuses "#" that is not the last level [MQTT-4.7.1-1]', () => {
  assert.equal(filterFault('a/#/b').message, 'Cannot subscribe to "a/#/b": "#" must be the last level [MQTT-4.7.1-1]');
  for (const filter of ['#/a', '#/', '#/#', 'a/#/', '##', 'a#', '#a', 'a/b#', 'a/#b', '+#', '#+'])
    assert.match(filterFault(filter).message, /\[MQTT-4\.7\.1-1\]$/, filter);
});

test('refuses "+" that does not fill a level [MQTT-4.7.1-2]', () => {
  for (const filter of ['a+', '+a', 'a/+b', '+a/b', '++', 'a/b+/c', '+a/#'])
    assert.match(filterFault(filter).message, /\[MQTT-4\.7\.1-2\]$/, filter);
});

test('agrees on filters with the rule told level by level [MQTT-4.7.1-1] [MQTT-4.7.1-2]', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '/', '+', '#'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(text, (filter) => {
      const levels = filter.split('/');
      const isValid = levels.every((level, index) => {
        if (level === '#') return index === levels.length - 1;
        return level === '+' || !/[+#]/.test(level);
      });
      assert.equal(isTopicFilter(filter), isValid);
    }),
  );
});

test('knows wildcards and counts levels', () => {
  assert.deepEqual(['a/b', 'a/+', '#', ''].map(hasWildcard), [false, true, true, false]);
  assert.deepEqual(['a', 'a/b', '/', '//', 'a/'].map(topicLevels), [1, 2, 2, 3, 2]);
});

const MATCHING: readonly (readonly [filter: string, topic: string])[] = [
  ['a', 'a'],
  ['/a', '/a'],
  ['a//b', 'a//b'],
  ['#', 'a'],
  ['#', '/'],
  ['#', 'a/b/c'],
  ['a/#', 'a'],
  ['a/#', 'a/'],
  ['a/#', 'a/b/c'],
  ['+', 'a'],
  ['+/+', '/finance'],
  ['/+', '/finance'],
  ['a/+', 'a/'],
  ['a/+/c', 'a//c'],
  ['+/b/#', 'a/b'],
  ['+/#', 'a'],
  ['$SYS/#', '$SYS'],
  ['$SYS/+', '$SYS/load'],
  ['a/#', 'a/$x'],
  ['a/+', 'a/$x'],
];
const NOT_MATCHING: readonly (readonly [filter: string, topic: string])[] = [
  ['a', 'A'],
  ['a', '/a'],
  ['a', 'a/'],
  ['a/b', 'a//b'],
  ['\u00e9', 'e\u0301'],
  ['\uFEFFa', 'a'],
  ['a/#', 'ab'],
  ['a/#', '/a'],
  ['+', 'a/b'],
  ['+', '/a'],
  ['a/+', 'a'],
  ['a/+', 'a/b/c'],
  ['+/+', 'a'],
  ['a/+/#', 'a'],
  ['#', '$SYS/load'],
  ['+/load', '$SYS/load'],
  ['+/#', '$SYS'],
  ['+', '$SYS'],
  ['$SYS', '$SYS/load'],
];

test('matches level by level, "#" for the parent too, without normalisation [MQTT-4.7.1-1] [MQTT-4.7.3-4]', () => {
  for (const [filter, topic] of MATCHING) assert.equal(topicMatches(filter, topic), true, `${filter} ${topic}`);
});

test('keeps apart what differs in a byte, and "$" topics from leading wildcards [MQTT-4.7.2-1] [MQTT-4.7.3-4]', () => {
  for (const [filter, topic] of NOT_MATCHING) assert.equal(topicMatches(filter, topic), false, `${filter} ${topic}`);
});
