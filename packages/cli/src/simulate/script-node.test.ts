import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problems, parseScript, type ScriptNode } from './script-node.ts';

function problemsOf(text: string, tell: (root: ScriptNode) => void): string[] {
  const problems = new Problems('s.yaml');
  try {
    tell(parseScript(text, problems));
    problems.throwIfAny();
    return [];
  } catch (error) {
    const [head, ...lines] = (error as Error).message.split('\n');
    assert.equal(head, 'Cannot simulate: the script is wrong');
    return lines;
  }
}

test('a fault is told with its line, its path, what was found and what is expected', () => {
  const text = 'a: 1\nb:\n  - x: "no"\n  - y: [1]\nc:\nd: {}\n';
  const found = problemsOf(text, (root) => {
    const [[, a], [, b], [, c], [, d]] = root.entries();
    d.problem('a number');
    a.problem('a text');
    c.problem('a list');
    for (const item of b.items()) for (const [, value] of item.entries()) value.problem('a number');
  });
  assert.deepEqual(found, [
    's.yaml:1: a is 1: a text is expected',
    's.yaml:3: b[0].x is "no": a number is expected',
    's.yaml:4: b[1].y is a list: a number is expected',
    's.yaml:5: c is empty: a list is expected',
    's.yaml:6: d is a group: a number is expected',
  ]);
});

test('what is no YAML, what is too large and too many faults are told', () => {
  assert.match(problemsOf('a: [', () => {})[0], /^s\.yaml:1: this is not the YAML that is expected: /);
  assert.match(problemsOf('a: 1\na: 2', () => {})[0], /^s\.yaml:2: .*unique/);
  assert.match(problemsOf(' '.repeat(1024 * 1024 + 1), () => {})[0], /has 1048577 characters: at most 1048576/);
  const many = problemsOf('a: 1', (root) => {
    for (let count = 0; count < 1000; count++) root.problem('nothing');
  });
  assert.equal(many.length, 50);
});

test('an alias is no value, and numbers stay as they were written', () => {
  const problems = new Problems('s.yaml');
  const [[, a], [, b]] = parseScript('a: &x 5.0\nb: *x', problems).entries();
  assert.deepEqual([a.written, a.scalar, b.kind, b.scalar], ['5.0', 5, 'other', undefined]);
});

test('control characters of a script do not reach the terminal', () => {
  const [line] = problemsOf('a: "x\\e[2Jy"', (root) => root.entries()[0][1].problem('a number'));
  assert.equal(line, 's.yaml:1: a is "x\\u001b[2Jy": a number is expected');
});
