import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopicAliases } from './topic-aliases.ts';

test('topics get aliases as they come, until there are no more', () => {
  const aliases = new TopicAliases(2);
  assert.deepEqual(
    ['a', 'b', 'c', 'a', 'b'].map((topic) => aliases.aliasFor(topic)),
    [-1, -2, 0, 1, 2],
  );
  assert.equal(new TopicAliases(0).aliasFor('a'), 0);
});

test('an alias that the application set is passed over, and known', () => {
  const aliases = new TopicAliases(2);
  aliases.set(1, 'own');
  assert.deepEqual([aliases.aliasFor('a'), aliases.aliasFor('own'), aliases.topicOf(1)], [-2, 1, 'own']);
  aliases.set(2, 'own');
  assert.deepEqual([aliases.aliasFor('own'), aliases.aliasFor('a')], [2, 0]);
});

test('an alias whose packet was not sent stands for nothing', () => {
  const aliases = new TopicAliases(2);
  aliases.aliasFor('a');
  aliases.forget(1);
  assert.equal(aliases.topicOf(1), undefined);
  assert.equal(aliases.aliasFor('a'), -2);
});
