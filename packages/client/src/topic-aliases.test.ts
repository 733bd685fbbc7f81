import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopicAliases } from './topic-aliases.ts';

/** Gives the topics aliases where there are any, as whoever sends them does. */
function give(aliases: TopicAliases, topics: readonly string[]): (number | undefined)[] {
  return topics.map((topic) => {
    const known = aliases.aliasOf(topic);
    const alias = known ?? aliases.free();
    if (alias !== undefined && known === undefined) aliases.set(alias, topic);
    return alias;
  });
}

test('topics get aliases as they come, until there are no more', () => {
  assert.deepEqual(give(new TopicAliases(2), ['a', 'b', 'c', 'a', 'b']), [1, 2, undefined, 1, 2]);
  assert.deepEqual(give(new TopicAliases(0), ['a']), [undefined]);
});

test('an alias that the application set is passed over, and known', () => {
  const aliases = new TopicAliases(2);
  aliases.set(1, 'own');
  assert.deepEqual([...give(aliases, ['a', 'own']), aliases.topicOf(1)], [2, 1, 'own']);
  aliases.set(2, 'own');
  assert.deepEqual(give(aliases, ['own', 'a']), [2, undefined]);
});

test('an alias that is not set is free again', () => {
  const aliases = new TopicAliases(2);
  assert.deepEqual([aliases.free(), aliases.free(), aliases.topicOf(1)], [1, 1, undefined]);
});
