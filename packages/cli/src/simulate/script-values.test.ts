import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problems, parseScript } from './script-node.ts';
import { choiceOf, flag, Group, listOf, numberIn, type Read, templateOf, timeIn, wholeIn } from './script-values.ts';

/** The value, or what is told in its place. */
function reading<Value>(read: Read<Value>, yaml: string): Value | string | undefined {
  const problems = new Problems('s');
  const [[, node]] = parseScript(`v: ${yaml}`, problems).entries();
  try {
    const value = read(node);
    problems.throwIfAny();
    return value;
  } catch (error) {
    return (error as Error).message.split('\n')[1];
  }
}

test('values are read by their kind and range', () => {
  assert.equal(reading(numberIn(0, 2), '1.5'), 1.5);
  assert.equal(reading(wholeIn(0, 2), '2'), 2);
  assert.equal(reading(flag, 'true'), true);
  assert.equal(reading(choiceOf(['5.0', '3.1.1']), '5.0'), '5.0');
  assert.equal(reading(templateOf(new Set(['i'])), 'a/{i}'), 'a/{i}');
  assert.equal(reading(templateOf(new Set()), '12'), '12');
  assert.deepEqual(reading(listOf(wholeIn(0, 9)), '[1, 2]'), [1, 2]);
});

test('what is wrong is told with what is expected', () => {
  const cases: [Read<unknown>, string, RegExp][] = [
    [numberIn(0, 2), '3', /^s:1: v is 3: a number from 0 to 2 is expected$/],
    [wholeIn(0, 2), '1.5', /a whole number from 0 to 2/],
    [numberIn(0, 2), '"1"', /v is "1": a number/],
    [flag, 'yes', /v is "yes": true or false/],
    [choiceOf(['a', 'b']), 'c', /one of a, b/],
    [templateOf(new Set(['i'])), '{j: 1}', /a group: a text/],
    [templateOf(new Set(['i'])), "'{j}'", /v has \{j\}, which is unknown: i are known here/],
    [listOf(flag), '1', /a list/],
  ];
  for (const [read, yaml, expected] of cases) assert.match(String(reading(read, yaml)), expected, yaml);
});

test('times have a unit and a range', () => {
  const read = timeIn(1, 86_400_000);
  assert.deepEqual(
    ['1ms', '2s', '1.5min', '1h', '1d'].map((text) => reading(read, text)),
    [1, 2000, 90_000, 3_600_000, 86_400_000],
  );
  for (const text of ['10', '0s', '2d', '-1s', '1 week', '1e3s']) {
    assert.match(String(reading(read, text)), /a time from 1ms to 1d, such as 10s is expected$/, text);
  }
});

test('a group tells of names that it does not know, and of those that are missing', () => {
  const read: Read<unknown> = (node) => {
    const group = new Group(node, ['a', 'b']);
    return [group.get('a', flag), group.need('b', flag, 'a switch')];
  };
  assert.deepEqual(reading(read, '{b: true}'), [undefined, true]);
  assert.equal(reading(read, '{a: true}'), 's:1: v.b is missing: a switch is expected');
  assert.equal(reading(read, '{b: true, c: 1}'), 's:1: v.c is unknown: a, b are known here');
  assert.equal(reading(read, '[]'), 's:1: v is a list: a group of a, b is expected');
});
