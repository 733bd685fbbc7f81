import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonTextReader } from './json-texts.ts';

function read(...pieces: string[]) {
  const reader = new JsonTextReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

const inPieces = (text: string, length: number) =>
  Array.from({ length: Math.ceil(text.length / length) }, (_, n) => text.slice(n * length, (n + 1) * length));

test('finds every value of a list, in pieces of any length', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()),
      fc.constantFrom(0, 2),
      fc.integer({ min: 1, max: 9 }),
      (values, indent, length) => {
        const texts = read(...inPieces(` ${JSON.stringify(values, null, indent)}\n`, length));
        assert.deepEqual(
          texts.map((found) => found.problem ?? JSON.stringify(JSON.parse(found.text))),
          values.map((value) => JSON.stringify(value)),
        );
      },
    ),
  );
});

test('finds the value of each line, in pieces of any length', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
      fc.integer({ min: 1, max: 9 }),
      (values, length) => {
        const text = values.map((value) => JSON.stringify(value)).join('\r\n');
        assert.deepEqual(
          read(...inPieces(text, length)).map((found) => found.problem ?? found.text),
          values.map((value) => JSON.stringify(value)),
        );
      },
    ),
  );
});

test('counts lines', () => {
  assert.deepEqual(read('[\n{"a":"]\\n,"},\n\n  {"b":\n[1]}\n]'), [
    { line: 2, text: '{"a":"]\\n,"}' },
    { line: 4, text: '{"b":\n[1]}' },
  ]);
  assert.deepEqual(read('{"a":1}\n\n{"b":2}'), [
    { line: 1, text: '{"a":1}' },
    { line: 3, text: '{"b":2}' },
  ]);
});

test('names what is wrong with a list', () => {
  const problems = (text: string) => read(text).map(({ line, problem = 'none' }) => `${line} ${problem}`);
  assert.deepEqual(problems('[1,,2]'), ['1 none', '1 a value is expected before it', '1 none']);
  assert.deepEqual(problems('[1,]'), ['1 none', '1 a value is expected before it']);
  assert.deepEqual(problems('[1\n'), ['2 the list ends without "]"']);
  assert.deepEqual(problems('[1]\n[2]'), ['1 none', '2 nothing is expected behind the list']);
  assert.deepEqual(problems('[]'), []);
  assert.deepEqual(problems(' \n'), []);
});

test('bounds a value, and goes on behind it', () => {
  const long = `{"a":"${'x'.repeat(300_000)}"}`;
  for (const text of [`[${long},{}]`, `${long}\n{}`]) {
    const [first, second] = read(text);
    assert.match(first.problem ?? '', /more than 262144 characters/);
    assert.equal(second.problem ?? second.text, '{}');
  }
});
