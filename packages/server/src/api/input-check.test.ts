import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { CLOSED } from './api-route.ts';
import { checkOf } from './input-check.ts';
import type { ApiProblem } from './problems.ts';

const INNER = Type.Object({ name: Type.Optional(Type.String()) }, CLOSED);
const SCHEMA = Type.Object({ count: Type.Optional(Type.Integer()), inner: Type.Optional(INNER) }, CLOSED);

function faultsOf(given: unknown, httpPart = 'body'): readonly string[] {
  const { error } = checkOf(SCHEMA, httpPart)(given) as { readonly error: ApiProblem };
  return error.errors.map(({ at, problem }) => `${at} ${problem}`);
}

test('a field that nobody knows is said to be unknown, where it stands, and once', () => {
  const unknown = 'is unknown: no field of this name is taken here';
  assert.deepEqual(faultsOf({ cuont: 1 }), [`/cuont ${unknown}`]);
  assert.deepEqual(faultsOf({ inner: { nmae: '' } }), [`/inner/nmae ${unknown}`]);
  assert.deepEqual(faultsOf({ cuont: '1' }, 'querystring'), [`querystring:/cuont ${unknown}`]);
});

test('of other faults it is said what is expected, and of many the first ones', () => {
  assert.deepEqual(faultsOf({ count: 'x' }), ['/count must be integer']);
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`f${at}`, at]));
  assert.ok(faultsOf(many).length <= 20);
});

test('texts of a query become numbers, those of a body do not', () => {
  assert.deepEqual(checkOf(SCHEMA, 'querystring')({ count: '7' }), { value: { count: 7 } });
  assert.deepEqual(faultsOf({ count: '7' }), ['/count must be integer']);
});
