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

test('what TLS finds wrong is told in words, not in those of OpenSSL', () => {
  const cause = Object.assign(new Error('0A0000C7:SSL routines'), {
    code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
  });
  assert.equal(
    new TransportError('Cannot finish the TLS handshake', codeOf(cause), cause).message,
    'Cannot finish the TLS handshake: the client sent no certificate (ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE)',
  );
});
