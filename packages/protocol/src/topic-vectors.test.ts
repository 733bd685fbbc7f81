/** The vectors that say which topics a Topic Filter matches, against every piece of code that compares the two. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { FilterTrie } from './filter-trie.ts';
import { parseSharedFilter } from './share.ts';
import { assertTopicFilter, assertTopicName, isTopicFilter, topicMatches } from './topic.ts';

interface FilterVector {
  readonly title: string;
  readonly packet: { readonly subscriptions: readonly [{ readonly filter: string }] };
  readonly matches?: readonly string[];
  readonly doesNotMatch?: readonly string[];
  readonly filterError?: { readonly code: string; readonly reasonCode: number };
}

const vectors: FilterVector[] = JSON.parse(readFileSync(new URL('../vectors/topics.json', import.meta.url), 'utf8'));

/** The filter as the client wrote it. */
function writtenIn(vector: FilterVector): string {
  return vector.packet.subscriptions[0].filter;
}

/** The filter that topics are compared with; throws where it is none. */
function comparedIn(vector: FilterVector): string {
  const written = writtenIn(vector);
  const filter = parseSharedFilter(written)?.filter ?? written;
  assertTopicFilter(filter);
  return filter;
}

for (const vector of vectors) {
  if (vector.filterError === undefined) test(`matches as told: ${vector.title}`, () => checkMatches(vector));
  else test(`refuses as told: ${vector.title}`, () => checkRefused(vector));
}

test('a trie of all vectors at once finds for each topic just the filters that match it [MQTT-3.3.2-3]', () => {
  const valid = vectors.filter((vector) => vector.filterError === undefined);
  const trie = new FilterTrie<FilterVector>();
  for (const vector of valid) trie.add(comparedIn(vector), vector);
  const topics = new Set(valid.flatMap(({ matches = [], doesNotMatch = [] }) => [...matches, ...doesNotMatch]));
  for (const topic of topics) {
    const found: FilterVector[] = [];
    trie.collect(topic, found);
    for (const vector of valid) {
      if (vector.matches?.includes(topic)) assert.ok(found.includes(vector), `${writtenIn(vector)} misses ${topic}`);
      if (vector.doesNotMatch?.includes(topic)) assert.ok(!found.includes(vector), `${writtenIn(vector)} has ${topic}`);
    }
    assert.equal(new Set(found).size, found.length, topic);
  }
});

function checkMatches(vector: FilterVector): void {
  const filter = comparedIn(vector);
  assert.equal(isTopicFilter(filter), true);
  const { matches = [], doesNotMatch = [] } = vector;
  assert.ok(matches.length > 0 && doesNotMatch.length > 0, 'a vector without topics shows nothing');
  const trie = new FilterTrie<string>();
  trie.add(filter, 'value');
  for (const topic of [...matches, ...doesNotMatch]) {
    assertTopicName(topic);
    const isMatch = matches.includes(topic);
    assert.equal(topicMatches(filter, topic), isMatch, topic);
    const found: string[] = [];
    trie.collect(topic, found);
    assert.deepEqual(found, isMatch ? ['value'] : [], topic);
  }
}

function checkRefused(vector: FilterVector): void {
  const statement = /\[MQTT-[\d.]+-\d+\]$/.exec(vector.title)?.[0] ?? 'no statement in the title';
  assert.throws(
    () => comparedIn(vector),
    (error) => {
      assert.ok(error instanceof MqttError);
      assert.deepEqual({ code: error.code, reasonCode: error.reasonCode }, vector.filterError);
      assert.ok(error.message.startsWith(`Cannot subscribe to ${JSON.stringify(writtenIn(vector))}: `), error.message);
      assert.ok(error.message.endsWith(statement), error.message);
      return true;
    },
  );
}
