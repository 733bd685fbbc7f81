import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, shownText, TransportError } from './errors.ts';

test('a known code is put in words', () => {
  const error = new TransportError('Cannot connect to "a:1"', 'ECONNREFUSED');
  assert.equal(error.message, 'Cannot connect to "a:1": nothing listens there (ECONNREFUSED)');
  assert.deepEqual([error.name, error.code, error.cause], ['TransportError', 'ECONNREFUSED', undefined]);
});

test('below words that say it all there is no cause', () => {
  assert.equal('cause' in new TransportError('It', 'ECONNREFUSED', new AggregateError([new Error('a')])), false);
});

test('an unknown code is told by its cause', () => {
  const cause = new Error('the moon is full');
  const error = new TransportError('Cannot listen at "a:1"', 'EMOON', cause);
  assert.equal(error.message, 'Cannot listen at "a:1": the moon is full (EMOON)');
  assert.equal(error.cause, cause);
  assert.equal(new TransportError('It', 'EMOON').message, 'It: failed (EMOON)');
});

test('the codes of TLS for certificates are told in words', () => {
  for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'CERT_REVOKED', 'INVALID_CA'])
    assert.doesNotMatch(new TransportError('It', code).message, /failed/, code);
  assert.match(
    new TransportError('It', 'DEPTH_ZERO_SELF_SIGNED_CERT').message,
    /^It: the certificate is signed by itself/,
  );
});

test('what somebody sent is shown short, in quotes and without what a terminal would obey', () => {
  assert.equal(shownText(`a"\x1b\x9b\u202e${'x'.repeat(200)}`), `"a\\"\\u001b\\u{9b}\\u{202e}${'x'.repeat(95)}…"`);
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
