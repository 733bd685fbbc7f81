import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMosquittoAcl } from './mosquitto-acl.ts';
import { ruleText } from './rule.ts';
import { compileRules } from './rule-authorizer.ts';
import type { RulesError } from './rule-input.ts';
import { principal } from './testing/principal.ts';

// What Mosquitto itself does with such a file: test/interop/mosquitto-acl.test.ts.
test('reads users, topics, patterns, comments and blanks as they stand', () => {
  const text = [
    '# for everybody without a name',
    'topic read news/#',
    '',
    'user  ada lovelace',
    'topic a/b/c/#',
    '  topic   write   with blanks/%u ',
    'topic deny a/secret\r',
    'topic read',
    'pattern readwrite own/%u/%c/#',
  ].join('\n');
  assert.deepEqual(
    readMosquittoAcl(text, 'acl').map((rule) => `${rule.place}: ${ruleText(rule)} ${rule.tier}`),
    [
      'acl:2: allow subscribe to "news/#" for anonymous clients 0',
      'acl:5: allow publish, subscribe, will to "a/b/c/#" for users ada lovelace 0',
      'acl:6: allow publish, will to "with blanks/%u" for users ada lovelace 0',
      'acl:7: deny publish, subscribe, will of "a/secret" for users ada lovelace 0',
      'acl:8: allow publish, subscribe, will to "read" for users ada lovelace 0',
      'acl:9: allow publish, subscribe, will to "own/%u/%c/#" 1',
    ],
  );
});

test('says what is wrong in which line, and takes nothing of such a file', () => {
  const text = [
    'topic',
    'user',
    'tpoic a',
    '\ttopic a',
    'topic my topic',
    'topic read a/#/b',
    'topic read\ta',
    'pattern a+%u',
  ];
  assert.throws(
    () => readMosquittoAcl(text.join('\n'), 'acl'),
    (error: RulesError) => {
      assert.deepEqual(error.problems, [
        'acl:1: topic is alone: a topic is expected behind it',
        'acl:2: user is alone: a name is expected behind it',
        'acl:3: "tpoic" is unknown: user, topic or pattern is expected, and a blank behind it',
        'acl:4: "\\ttopic" is unknown: user, topic or pattern is expected, and a blank behind it',
        'acl:5: access is "my": read, write, readwrite or deny is expected before a topic with blanks',
        'acl:6: Cannot subscribe to "a/#/b": "#" must be the last level [MQTT-4.7.1-1]',
        'acl:7: the topic is "read\\ta": a blank is expected behind the access, not a tab',
        'acl:8: Cannot subscribe to "a+x": "+" must fill a whole level [MQTT-4.7.1-2]',
      ]);
      return true;
    },
  );
  assert.throws(
    () => readMosquittoAcl('x\n'.repeat(500), 'acl'),
    (error: RulesError) => error.problems.length === 101,
  );
});

test('asks patterns only where no topic line speaks: a topic line of the user wins over a pattern that denies', () => {
  const rules = readMosquittoAcl(['user ada', 'topic write a', 'pattern deny a', 'pattern write #'].join('\n'), 'acl');
  const may = (username: string, topic: string) =>
    compileRules(rules).permissions('c', principal({ username }))?.mayPublish(topic, 0, false);
  assert.deepEqual([may('ada', 'a'), may('bob', 'a'), may('bob', 'b')], [0, 0x87, 0]);
});
