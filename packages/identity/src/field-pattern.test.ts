import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIELD_CHARACTERS_MAX, knownValue, mayRunOver, parseFieldPattern } from './field-pattern.ts';

const isWhole = (pattern: string | readonly string[], text: string) =>
  parseFieldPattern(pattern).endsIn(text, 0).includes(text.length);

test('each class takes its own characters and no others', () => {
  const samples: [string, string[], string[]][] = [
    ['digits', ['0', '0129'], ['', 'a', '1a', '-1']],
    ['hex', ['0aF'], ['g', '0x1']],
    ['letters', ['aZ'], ['a1', 'é']],
    ['word', ['a_1'], ['a-1', 'a b']],
    ['no-dash', ['a b', 'é_1'], ['a-b']],
    ['any', ['a-b/c'], ['']],
    ['[A-Za-z0-9]+', ['aZ9'], ['a-b', '_']],
    ['[a-c_-]', ['a-b_c'], ['d', '+']],
    ['uuid', ['9F0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e'], ['9f0c5d3e0b6f4c519f530d1c2b3a4f5e', 'x']],
  ];
  for (const [pattern, fitting, others] of samples) {
    for (const text of fitting) assert.equal(isWhole(pattern, text), true, `${pattern} ${text}`);
    for (const text of others) assert.equal(isWhole(pattern, text), false, `${pattern} ${text}`);
  }
});

test('a count bounds the length, and without one there is a bound as well', () => {
  assert.deepEqual(parseFieldPattern('digits{2}').endsIn('12345', 1), [3]);
  assert.deepEqual(parseFieldPattern('digits{2,3}').endsIn('12345', 0), [2, 3]);
  assert.deepEqual(parseFieldPattern('digits+').endsIn('12a', 0), [1, 2]);
  assert.equal(parseFieldPattern('any').endsIn('x'.repeat(1000), 0).length, FIELD_CHARACTERS_MAX);
});

test('a list takes its values, also where one begins another', () => {
  assert.deepEqual(parseFieldPattern(['cam', 'camera', 'cam']).endsIn('camera', 0), [3, 6]);
  assert.deepEqual(parseFieldPattern('cam|camera').endsIn('camera', 0), [3, 6]);
  assert.equal(isWhole('[a|]+', 'a|a'), true);
  assert.throws(() => parseFieldPattern('cam|'), /none of them empty/);
  assert.deepEqual(knownValue('a-b').endsIn('xa-b-c', 1), [4]);
  assert.deepEqual(knownValue('a-b').endsIn('xa-b-c', 0), []);
});

test('what is no pattern is refused with what is expected', () => {
  for (const pattern of [
    '',
    'UUID',
    'constructor',
    'word*',
    'word{0}',
    'word{3,2}',
    'word{999}',
    '[z-a]',
    '[^a]',
    '(a+)+',
    '[é]',
  ])
    assert.throws(() => parseFieldPattern(pattern), /^Error: Cannot read the pattern .* is expected/, pattern);
  assert.throws(() => parseFieldPattern([]), /one value or more is expected/);
  assert.throws(() => parseFieldPattern(['']), /none of them empty/);
});

test('every UUID is a uuid', () => {
  fc.assert(fc.property(fc.uuid(), (uuid) => isWhole('uuid', uuid) && isWhole('uuid', uuid.toUpperCase())));
});

test('a field may run over a character that it may hold, unless it is always as long', () => {
  const over: [string | readonly string[], string | undefined][] = [
    ['no-dash', undefined],
    ['a|ab', undefined],
    ['any', '-'],
    ['no-dash', '.'],
    ['word', '_'],
    ['[a-z-]{2,3}', '-'],
    ['a|a-b', '-'],
    [['x', 'x-'], '-'],
  ];
  for (const [pattern, character] of over) assert.ok(mayRunOver(pattern, character), `${pattern}`);
  const not: [string | readonly string[], string | undefined][] = [
    ['uuid', undefined],
    ['a|b', undefined],
    ['no-dash', '-'],
    ['word', '-'],
    ['uuid', '-'],
    ['any{8}', '-'],
    ['[a-]{3,3}', '-'],
    ['fw|app', '-'],
    ['a-b|c-d', '-'],
  ];
  for (const [pattern, character] of not) assert.ok(!mayRunOver(pattern, character), `${pattern}`);
});
