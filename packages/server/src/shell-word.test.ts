import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { shellWord } from './shell-word.ts';

test('a shell reads the word back, and plain ones stay as they are', () => {
  assert.equal(shellWord('/srv/broker-1/tls/ca.pem'), '/srv/broker-1/tls/ca.pem');
  for (const text of ['a b', "it's", '$HOME', '`id`', '~', '', 'a\\b', '"', '*', 'a;b', 'ä'])
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' }), text);
});
