import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUTHENTICATION, AUTHORIZATION, RULE } from './identity-table.ts';
import type { Shape, VariantsShape } from './shape.ts';

function* texts(shape: Shape, path: string): Iterable<[path: string, isSecret: boolean]> {
  if (shape.kind === 'text') yield [path, shape.isSecret === true];
  if (shape.kind === 'list') yield* texts(shape.items, `${path}[]`);
  if (shape.kind === 'map') yield* texts(shape.values, `${path}.*`);
  if (shape.kind === 'variants')
    for (const [name, variant] of Object.entries(shape.variants)) yield* texts(variant, `${path}(${name})`);
  if (shape.kind === 'group')
    for (const [name, entry] of Object.entries(shape.entries)) yield* texts(entry, `${path}.${name}`);
}

test('marks as secret what must not be shown: hashes, shared secrets, headers', () => {
  const secrets = [...texts(AUTHENTICATION, 'authentication')].filter(([, isSecret]) => isSecret);
  assert.deepEqual(
    secrets.map(([path]) => path),
    ['authentication[](users).users[].password', 'authentication[](jwt).secret', 'authentication[](http).headers.*'],
  );
});

test('gives every form of a method a name', () => {
  const { variants } = AUTHENTICATION.items as VariantsShape;
  for (const [name, variant] of Object.entries(variants)) assert.ok('name' in variant.entries, name);
});

test('has one form of rules, wherever they stand', () => {
  const { rules } = AUTHORIZATION.entries;
  assert.equal(rules.kind === 'list' && rules.items, RULE);
});
