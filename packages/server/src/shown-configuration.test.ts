import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { shownConfiguration } from './shown-configuration.ts';

const TEXT = `
listeners:
  - {transport: tls, tls: {certificate: a.pem, key: a.key}, versions: [3.1.1, 5.0]}
authentication:
  - {method: users, users: [{name: ada, password: $argon2id$hash-of-ada}]}
  - {method: jwt, algorithms: [HS256], secret: a-shared-secret}
  - {method: http, url: https://example.org, headers: {authorization: Bearer a-token}}
limits: {queueMessagesMax: 7}
`;

test('shows what is in force, defaults included, in a form that can be read again', () => {
  const configuration = completeConfiguration(parseConfiguration('limits: {queueMessagesMax: 7}', 'x'));
  const text = shownConfiguration(configuration);
  assert.match(text, /queueMessagesMax: 7/);
  assert.match(text, /connectTimeoutMs: 10000/);
  const again = completeConfiguration(parseConfiguration(text, 'shown'));
  assert.deepEqual(again.listeners, configuration.listeners);
  assert.equal(again.limits.queueMessagesMax, 7);
  assert.equal(shownConfiguration(again), text);
});

test('shows no hash, no shared secret and no header', () => {
  const text = shownConfiguration(completeConfiguration(parseConfiguration(TEXT, 'x')));
  assert.doesNotMatch(text, /hash-of-ada|a-shared-secret|a-token/);
  assert.equal(text.match(/\(hidden\)/g)?.length, 3);
  assert.match(text, /versions:\n +- 3\.1\.1\n +- "5\.0"/);
});
