import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUsername, withoutSecrets } from './shown-username.ts';

test('shows a user name, and nothing that may be a token', () => {
  const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
  const payload = Buffer.from('{"sub":"a"}').toString('base64url');
  for (const name of ['ada', '', 'edge.example.com', 'cam-17@site.example.org', 'x'.repeat(128), 'dt_room1', 'db_17'])
    assert.equal(shownUsername(name), name);
  for (const name of [undefined, 'x'.repeat(129), `${header}.${payload}.c2lnbmF0dXJl`, `${header}.${payload}.`])
    assert.equal(shownUsername(name), undefined);
  // Tokens of devices and keys of the API.
  const secret = 'A-_z'.repeat(8);
  for (const name of [`dt_${secret}`, `dk_0123456789abcdef_${secret}`, `cs_${secret}`, `Bearer dr_${secret}`])
    assert.equal(shownUsername(name), undefined);
});

test('leaves of a secret in a text its kind alone', () => {
  const secret = 'A-_z'.repeat(8);
  assert.equal(withoutSecrets(`dk_0123456789abcdef_${secret}`), 'dk_…');
  assert.equal(withoutSecrets(`a/cs_${secret}, dt_${secret}`), 'a/cs_…, dt_…');
  for (const text of ['', 'camera-17', 'dt_room1', `words_${secret}`]) assert.equal(withoutSecrets(text), text);
});
