import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODE_ALPHABET, CODE_CHARACTERS, newCode, readCode } from './claim-code.ts';

test('a code has six characters of the alphabet, and every one of them comes up', () => {
  const codes = Array.from({ length: 1_000 }, newCode);
  for (const code of codes) assert.equal(readCode(code), code);
  assert.equal(new Set(codes.join('')).size, CODE_ALPHABET.length);
});

test('no two characters of the alphabet look alike', () => {
  for (const alike of ['0O', '1IL', '2Z', '5S', '6G', '8B', 'UV'])
    assert.ok([...alike].filter((one) => CODE_ALPHABET.includes(one)).length <= 1, alike);
  assert.equal(new Set(CODE_ALPHABET).size, CODE_ALPHABET.length);
});

test('what people type is read with small letters, spaces and hyphens', () => {
  assert.equal(readCode(' abc-d3 4 '), 'ABCD34');
  for (const typed of ['', 'ABCD3', 'ABCD345', 'ABCD3O', 'ABCD3\0', 'ＡBCD34', `ABCD34${' '.repeat(100)}`, '../../'])
    assert.equal(readCode(typed), undefined, typed);
  assert.equal(CODE_CHARACTERS, 6);
});
