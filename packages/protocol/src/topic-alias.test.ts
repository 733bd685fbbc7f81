import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { TopicAliasReceiver, TopicAliasSender } from './topic-alias.ts';

function invalid(call: () => void): void {
  assert.throws(
    call,
    (error) => error instanceof MqttError && error.code === 'topic-alias-invalid' && error.reasonCode === 0x94,
  );
}

test('keeps what an alias stands for until it is set anew', () => {
  const aliases = new TopicAliasReceiver<string>(65_535);
  assert.equal(aliases.get(1), undefined);
  aliases.set(1, 'a');
  aliases.set(65_535, 'z');
  assert.deepEqual([aliases.get(1), aliases.get(65_535), aliases.get(2)], ['a', 'z', undefined]);
  aliases.set(1, 'b');
  assert.equal(aliases.get(1), 'b');
});

test('refuses alias 0 and those above the maximum [MQTT-3.3.2-8] [MQTT-3.3.2-9] [MQTT-3.2.2-17]', () => {
  const aliases = new TopicAliasReceiver<string>(10);
  aliases.set(10, 'a');
  for (const alias of [0, 11, 65_535]) {
    invalid(() => aliases.set(alias, 'a'));
    invalid(() => aliases.get(alias));
  }
});

test('refuses every alias where the maximum is 0 [MQTT-3.2.2-18]', () => {
  const aliases = new TopicAliasReceiver<string>(0);
  for (const alias of [0, 1]) invalid(() => aliases.set(alias, 'a'));
});

test('gives aliases from 1 to the maximum, first come, and tells new ones by their sign [MQTT-3.3.2-9]', () => {
  const aliases = new TopicAliasSender(2);
  const topic = {};
  assert.equal(aliases.aliasFor(topic), -1);
  assert.equal(aliases.aliasFor(topic), 1);
  assert.equal(aliases.aliasFor('b'), -2);
  assert.equal(aliases.aliasFor('c'), 0);
  assert.equal(aliases.aliasFor('b'), 2);
  assert.equal(aliases.aliasFor('c'), 0);
});

test('gives none where the maximum is 0 [MQTT-3.2.2-18]', () => {
  assert.equal(new TopicAliasSender(0).aliasFor('a'), 0);
});

test('is understood by the receiver for any order of topics', () => {
  const topics = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
  fc.assert(
    fc.property(topics, fc.integer({ min: 0, max: 4 }), (sequence, maximum) => {
      const sender = new TopicAliasSender(maximum);
      const receiver = new TopicAliasReceiver<string>(maximum);
      for (const topic of sequence) {
        const alias = sender.aliasFor(topic);
        if (alias < 0) receiver.set(-alias, topic);
        if (alias > 0) assert.equal(receiver.get(alias), topic);
      }
    }),
  );
});
