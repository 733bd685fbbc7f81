import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Moment } from './generators.ts';
import { valueRead } from './payload-spec.ts';
import { RandomSource } from './random-source.ts';
import { Problems, parseScript } from './script-node.ts';

/** So many values of a generator. */
function values(yaml: string, count: number, moment: Partial<Moment> = {}): unknown[] {
  const problems = new Problems('s');
  const [[, node]] = parseScript(`v: ${yaml}`, problems).entries();
  const spec = valueRead(new Set(['i']))(node);
  problems.throwIfAny();
  assert.ok(spec !== undefined);
  const generator = spec(new RandomSource('seed'));
  return Array.from({ length: count }, () => generator({ wallClockMs: 0, variables: {}, ...moment }));
}

const numbers = (yaml: string, count: number): number[] => values(yaml, count) as number[];

test('a counter goes up, and begins anew', () => {
  assert.deepEqual(values('{$counter: {}}', 3), [0, 1, 2]);
  assert.deepEqual(values('{$counter: {from: 5, step: 2, to: 8}}', 4), [5, 7, 5, 7]);
});

test('a walk takes small steps within its bounds', () => {
  const walk = numbers('{$walk: {from: 10, to: 12, step: 0.5, decimals: 6}}', 1000);
  for (const [at, value] of walk.entries()) {
    assert.ok(value >= 10 && value <= 12);
    if (at > 0) assert.ok(Math.abs(value - walk[at - 1]) <= 0.500001);
  }
  assert.ok(new Set(walk).size > 100);
  assert.equal(numbers('{$walk: {from: 0, to: 100, step: 1, start: 50}}', 1)[0], 50);
});

test('uniform and normal numbers are spread as they say, rounded as they say', () => {
  const dice = numbers('{$uniform: {from: 1, to: 6, decimals: 0}}', 6000);
  for (const side of [1, 2, 3, 4, 5, 6]) {
    const count = dice.filter((value) => value === side).length;
    assert.ok(Math.abs(count - 1000) < 150, `${side}: ${count}`);
  }
  for (const value of numbers('{$uniform: {from: 0, to: 1, decimals: 1}}', 100))
    assert.equal(value, Number(value.toFixed(1)));
  const heights = numbers('{$normal: {mean: 20, deviation: 5, from: 15, to: 25}}', 2000);
  assert.ok(Math.min(...heights) === 15 && Math.max(...heights) === 25);
});

test('a sine follows the time of day', () => {
  const at = (time: string): unknown =>
    values("{$sine: {from: 0, to: 10, highest: '14:00'}}", 1, { wallClockMs: Date.parse(`2026-03-01T${time}Z`) })[0];
  assert.deepEqual([at('14:00'), at('02:00'), at('08:00')], [10, 0, 5]);
});

test('one of several, by weight', () => {
  const found = values('{$enum: {of: [a, {$constant: {x: 1}}, never], weights: [9, 1, 0]}}', 1000);
  const letters = found.filter((value) => value === 'a').length;
  assert.ok(letters > 850 && letters < 950);
  assert.ok(!found.includes('never'));
  assert.deepEqual(new Set(values('{$enum: [1, 2]}', 100)), new Set([1, 2]));
});

test('identifiers and times', () => {
  assert.match(String(values('{$uuid: true}', 1)[0]), /^[0-9a-f-]{36}$/);
  const wallClockMs = 1_700_000_000_123;
  assert.deepEqual(
    ['iso', 's', 'ms'].map((form) => values(`{$timestamp: ${form}}`, 1, { wallClockMs })[0]),
    ['2023-11-14T22:13:20.123Z', 1_700_000_000, wallClockMs],
  );
});

test('an answer takes values of the request, null where there is none', () => {
  const request = { id: 'x', body: { deviceId: 7 } };
  assert.deepEqual(
    ['id', 'body.deviceId', 'body.none', 'toString', 'id.length'].map(
      (path) => values(`{$request: ${path}}`, 1, { request })[0],
    ),
    ['x', 7, null, null, null],
  );
});

test('the same seed gives the same values', () => {
  const yaml = '{a: {$uuid: true}, b: {$uniform: {from: 0, to: 1}}}';
  assert.deepEqual(values(yaml, 5), values(yaml, 5));
});

test('faults are told', () => {
  const cases: [string, RegExp][] = [
    ['{$wlak: 1}', /\$wlak is unknown: \$constant, \$counter/],
    ['{$walk: {from: 1, to: 2}}', /step is missing: a number is expected/],
    ['{$uniform: {from: 2, to: 1}}', /from is 2: at most 1/],
    ['{$uniform: {from: 1, to: 2, digits: 3}}', /digits is unknown: from, to, decimals/],
    ['{$sine: {from: 1, to: 2, highest: noon}}', /"noon": a time of day such as "14:30"/],
    ['{$enum: []}', /has 0 values and 0 weights/],
    ['{$enum: {of: [1, 2], weights: [1]}}', /has 2 values and 1 weights/],
    ['{$timestamp: unix}', /one of iso, s, ms/],
    ['{$uuid: 5}', /is 5: true is expected/],
    ['{$uuid: true, $counter: {}}', /is a generator beside others/],
  ];
  for (const [yaml, expected] of cases) assert.throws(() => values(yaml, 1), expected, yaml);
});
