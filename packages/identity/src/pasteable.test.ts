import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertTopicFilter, topicMatches } from '@dunlin/protocol';
import fc from 'fast-check';
import { isPasteable, isWithinLevel } from './pasteable.ts';

test('names of people, devices and mail addresses may be pasted', () => {
  for (const name of ['ada', 'cam-7', 'a.b@example.org', '9f0c5d3e-0b6f-4c51-9f53-0d1c2b3a4f5e', 'Zoë', '👩‍🔧', ' '])
    assert.equal(isPasteable(name), true, name);
});

test('what would become a wildcard, another level or a special topic may not be pasted', () => {
  for (const name of [
    '',
    '+',
    '#',
    'a+',
    'a/b',
    '/',
    '$SYS',
    '$share',
    '$',
    'a\0',
    'a\nb',
    'a\u007f',
    'a\u009f',
    '\ud800',
  ])
    assert.equal(isPasteable(name), false, JSON.stringify(name));
});

test('a text that begins with "$" is one level, and may not be pasted at the front', () => {
  for (const name of ['$SYS', '$share', '$']) assert.deepEqual([isWithinLevel(name), isPasteable(name)], [true, false]);
  for (const name of ['', '$a/b', '+', 'a\u0085', '\ud800']) assert.equal(isWithinLevel(name), false);
});

test('a pasted text is one level that matches only itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (pasted, other) => {
      fc.pre(isPasteable(pasted) && isPasteable(other));
      const filter = `devices/${pasted}/#`;
      assertTopicFilter(filter);
      assert.equal(topicMatches(filter, `devices/${other}/state`), pasted === other);
    }),
  );
});
