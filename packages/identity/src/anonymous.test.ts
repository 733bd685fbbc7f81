import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anonymousMethod } from './anonymous.ts';
import { brief, testRequest } from './testing/request.ts';

test('who shows nothing is let in as anonymous, with the groups of the entry', async () => {
  const answer = await anonymousMethod({ name: 'guests', groups: ['guests'] }).authenticate(testRequest());
  assert(answer?.kind === 'accept');
  assert.equal(answer.principal.identity, 'anonymous');
  assert.equal(answer.principal.username, undefined);
  assert.deepEqual(answer.principal.groups, ['guests']);
  assert.equal(answer.principal.expiresAtMs, Infinity);
});

test('a password of zero length is none', async () => {
  const answer = await anonymousMethod({ name: 'guests' }).authenticate(testRequest({ password: '' }));
  assert.equal(brief(answer), 'accept anonymous');
});

test('who shows a user name, a password or an Authentication Method is left to another method', async () => {
  const guests = anonymousMethod({ name: 'guests' });
  for (const shown of [
    { username: 'ada' },
    { username: '' },
    { password: 'x' },
    { authenticationMethod: 'SCRAM-SHA-256' },
  ])
    assert.equal(brief(await guests.authenticate(testRequest(shown))), 'nothing');
});

test('a user name that is accepted without a password proves nothing and is forgotten', async () => {
  const guests = anonymousMethod({ name: 'guests', acceptsUsername: true });
  const answer = await guests.authenticate(testRequest({ username: 'admin', password: '' }));
  assert(answer?.kind === 'accept');
  assert.equal(answer.principal.username, undefined);
  assert.equal(brief(await guests.authenticate(testRequest({ username: 'admin', password: 'x' }))), 'nothing');
});
