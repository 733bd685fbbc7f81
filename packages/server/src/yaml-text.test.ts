import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYaml } from './yaml-text.ts';

test('names a key that stands twice, with both lines', () => {
  const { faults } = readYaml('a: 1\nb:\n  - c: 1\n    d: 2\n    c: 3\na: 2\n"\\e[2J": 1\n"\\e[2J": 2\n');
  assert.deepEqual(faults, [
    { line: 6, problem: 'the key "a" stands in line 1 too: it is expected once' },
    { line: 8, problem: 'the key "\\u001b[2J" stands in line 7 too: it is expected once' },
    { line: 5, problem: 'the key "c" stands in line 3 too: it is expected once' },
  ]);
});

test('tells what is no YAML, with its line', () => {
  const { faults } = readYaml('a: 1\nb: [\n');
  assert.equal(faults.length, 1);
  assert.match(faults[0].problem, /^this is not the YAML that is expected: /);
  assert.deepEqual(readYaml('a: 1\nb: {a: 2}\n').faults, []);
});
