import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRules, readRules } from '@dunlin/identity';
import { completeConfiguration, type PartialConfiguration } from './configuration.ts';
import { visitorAt } from './tryout-visitor.ts';

function visitor(authentication: PartialConfiguration['authentication'], rules?: Parameters<typeof readRules>[0]) {
  const configuration = completeConfiguration({ authentication });
  const authorizer = compileRules(rules === undefined ? undefined : readRules(rules));
  return visitorAt(configuration, configuration.listeners[0], authorizer);
}

test('who comes in is somebody whom the rules let subscribe and publish', () => {
  const passwords = { method: 'passwordFile', file: 'passwords', groups: ['staff'] } as const;
  const { flags, principal } = visitor([passwords]) ?? {};
  assert.deepEqual([flags, principal?.username, principal?.groups], [' -u USER -P PASSWORD', 'USER', ['staff']]);
  const only = (users: string, more: object = {}) => ({
    rules: [{ allow: 'all', topics: 'greetings/#', for: { users }, ...more }],
  });
  assert.equal(visitor([passwords], only('ada'))?.principal.username, 'ada');
  assert.equal(visitor([passwords], only('ada', { topics: 'other/#' })), undefined);
  assert.equal(visitor([passwords], only('ada', { allow: 'publish' })), undefined);
});
