import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, TransportError } from './errors.ts';

test('a known code is put in words', () => {
  const error = new TransportError('Cannot connect to "a:1"', 'ECONNREFUSED');
  assert.equal(error.message, 'Cannot connect to "a:1": nothing listens there (ECONNREFUSED)');
  assert.deepEqual([error.name, error.code, error.cause], ['TransportError', 'ECONNREFUSED', undefined]);
});

test('an unknown code is told by its cause', () => {
  const cause = new Error('the moon is full');
  const error = new TransportError('Cannot listen at "a:1"', 'EMOON', cause);
  assert.equal(error.message, 'Cannot listen at "a:1": the moon is full (EMOON)');
  assert.equal(error.cause, cause);
  assert.equal(new TransportError('It', 'EMOON').message, 'It: failed (EMOON)');
});

test('the code of several attempts is that of the first', () => {
  const refused = Object.assign(new Error(), { code: 'ECONNREFUSED' });
  assert.equal(codeOf(new AggregateError([refused, new Error()])), 'ECONNREFUSED');
  assert.equal(codeOf(refused), 'ECONNREFUSED');
  assert.equal(codeOf(new Error()), 'EUNKNOWN');
  assert.equal(codeOf(undefined), 'EUNKNOWN');
});

test("tells OpenSSL's reason without the place in its source", () => {
  const cause = Object.assign(new Error('0A0000C7:SSL routines:x:peer did not return a certificate:../t.c:3510:'), {
    reason: 'peer did not return a certificate',
  });
  const { message } = new TransportError('Cannot finish the TLS handshake', 'ERR_SSL_X', cause);
  assert.equal(message, 'Cannot finish the TLS handshake: peer did not return a certificate (ERR_SSL_X)');
});
