import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomSource } from './random-source.ts';

const COUNT = 20_000;
const numbers = (random: RandomSource, next: (source: RandomSource) => number): number[] =>
  Array.from({ length: COUNT }, () => next(random));
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test('the same seed gives the same numbers for ever, and another one others', () => {
  const random = new RandomSource('1');
  assert.deepEqual(
    [random.next(), random.next(), new RandomSource('2').next()].map((value) => value.toFixed(6)),
    ['0.729585', '0.816455', '0.169077'],
  );
});

test('a fork does not depend on what was drawn before', () => {
  const random = new RandomSource('a');
  const before = random.fork('x').next();
  random.next();
  assert.equal(random.fork('x').next(), before);
  assert.notEqual(random.fork('y').next(), before);
});

test('numbers are spread as they should be', () => {
  const even = numbers(new RandomSource('e'), (source) => source.next());
  assert.ok(Math.min(...even) >= 0 && Math.max(...even) < 1);
  const tenths = Array.from({ length: 10 }, (_, at) => even.filter((value) => Math.floor(value * 10) === at).length);
  for (const count of tenths) assert.ok(Math.abs(count - COUNT / 10) < COUNT / 100, String(tenths));
  const normal = numbers(new RandomSource('n'), (source) => source.normal());
  assert.ok(Math.abs(mean(normal)) < 0.03);
  assert.ok(Math.abs(mean(normal.map((value) => value ** 2)) - 1) < 0.05);
  const waits = numbers(new RandomSource('w'), (source) => source.exponential(10));
  assert.ok(Math.min(...waits) >= 0 && Math.abs(mean(waits) - 10) < 0.5);
});

test('UUIDs are of version 4, and all different', () => {
  const random = new RandomSource('u');
  const all = Array.from({ length: 1000 }, () => random.uuid());
  for (const uuid of all) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(all).size, 1000);
});
