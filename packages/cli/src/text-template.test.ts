import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filled, placesOf } from './text-template.ts';

test('places are filled in, everything else stays', () => {
  assert.equal(filled('bench/{i}/{i}/{other}', { i: 7 }), 'bench/7/7/{other}');
  assert.equal(filled('{"a":{}}', { a: 1 }), '{"a":{}}');
  assert.equal(filled('{toString}', {}), '{toString}');
  assert.equal(filled('{i}', { i: '$&' }), '$&');
});

test('the places of a text are known by name, each once', () => {
  assert.deepEqual(placesOf('{fleet}-{i}-{fleet} {"a":1} {1}'), ['fleet', 'i']);
});
