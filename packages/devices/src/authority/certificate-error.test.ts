import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATE_ERRORS, CertificateError } from './certificate-error.ts';

test('every code says in a sentence what is wrong, and an error carries it', () => {
  for (const [code, sentence] of Object.entries(CERTIFICATE_ERRORS)) {
    assert.match(code, /^[a-z-]+$/);
    assert.match(sentence, /^[A-Z].*\.$/, code);
  }
  const error = new CertificateError('unknown', 'Cannot find it');
  assert.deepEqual([error.name, error.code, error.message], ['CertificateError', 'unknown', 'Cannot find it']);
});
