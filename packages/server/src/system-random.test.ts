import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from './system-random.ts';

test('makes identifiers of letters and digits that do not repeat', () => {
  const identifiers = Array.from({ length: 1_000 }, () => systemRandom.identifier());
  for (const identifier of identifiers) assert.match(identifier, /^[0-9a-z]{32}$/);
  assert.equal(new Set(identifiers).size, identifiers.length);
});
