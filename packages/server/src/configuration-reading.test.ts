import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, type ConfigurationInput } from './configuration.ts';
import { checkInput } from './configuration-input.ts';
import { hint, Problems, printable, readConfiguration } from './configuration-reading.ts';

test('reads nothing as an empty configuration', () => {
  assert.deepEqual(readConfiguration({ kind: 'empty', shown: 'empty', report: assert.fail }, 'x'), {});
});

test('gathers problems up to a hundred', () => {
  const problems = new Problems();
  problems.throwIfAny();
  for (let problem = 1; problem < 100; problem++) problems.add('wrong');
  assert.throws(() => problems.throwIfAny(), ConfigurationError);
  assert.throws(() => problems.add('wrong'), {
    problems: [...Array(100).fill('wrong'), 'Stopped looking after 100 problems'],
  });
});

test('names a few names, and where many are to be found', () => {
  assert.equal(hint('prot', ['port', 'host'], 'see there'), 'did you mean port?');
  assert.equal(hint('zzz', ['port', 'host'], 'see there'), 'port, host are known here');
  assert.equal(
    hint(
      'zzz',
      Array.from({ length: 9 }, (_, index) => `name${index}`),
      'see there',
    ),
    'see there',
  );
});

test('shows hostile values escaped and shortened', () => {
  assert.equal(printable('a\u001b\u2028\u202e'), 'a\\u001b\\u2028\\u202e');
  assert.equal(printable('x'.repeat(500)).length, 101);
});

test('quotes nothing that stands where a secret belongs', () => {
  const wrong = [
    { method: 'http', url: 'https://example.org', headers: 'hush' },
    { method: 'http', url: 7777777, headers: { authorization: 7777777 } },
    { method: 'jwt', algorithms: ['HS256'], secret: 7777777, claims: 'hush' },
    { method: 'users', users: 'hush' },
    { method: 'users', users: ['ada:hush'] },
    'passwords',
  ];
  assert.throws(
    () => checkInput({ authentication: wrong } as unknown as ConfigurationInput),
    ({ message }: Error) => {
      assert.doesNotMatch(message, /hush|7777777/);
      assert.match(
        message,
        /authentication\[0\]\.headers is \(hidden\): a group whose keys are each a header is expected/,
      );
      assert.match(message, /authentication\[5\] is "passwords": one of/);
      return true;
    },
  );
});
