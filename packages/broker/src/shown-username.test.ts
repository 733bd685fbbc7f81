import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUsername } from './shown-username.ts';

test('shows a user name, and nothing that may be a token', () => {
  const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
  const payload = Buffer.from('{"sub":"a"}').toString('base64url');
  for (const name of ['ada', '', 'edge.example.com', 'cam-17@site.example.org', 'x'.repeat(128), 'dt_room1', 'db_17'])
    assert.equal(shownUsername(name), name);
  for (const name of [undefined, 'x'.repeat(129), `${header}.${payload}.c2lnbmF0dXJl`, `${header}.${payload}.`])
    assert.equal(shownUsername(name), undefined);
  // Tokens of devices and keys of the API.
  const secret = 'A-_z'.repeat(8);
  for (const name of [`dt_${secret}`, `dk_0123456789abcdef_${secret}`]) assert.equal(shownUsername(name), undefined);
});
