import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { checkPem } from './pem.ts';

const BODY = 'c2VjcmV0c2VjcmV0';
const KEY = `-----BEGIN PRIVATE KEY-----\n${BODY}\n${BODY}\n-----END PRIVATE KEY-----\n`;
const CERTIFICATE = KEY.replaceAll('PRIVATE KEY', 'CERTIFICATE');

function fault(pem: string | Uint8Array, kind: 'CERTIFICATE' | 'PRIVATE KEY' = 'PRIVATE KEY'): string {
  try {
    checkPem('tls.key', pem, kind);
  } catch (error) {
    assert.ok(error instanceof MqttError && error.code === 'invalid');
    assert.ok(!error.message.includes(BODY), 'the key is in the error');
    return error.message;
  }
  return '';
}

test('PEM with its lines passes, of one block or several, with either line break, as text or bytes', () => {
  assert.equal(fault(KEY), '');
  assert.equal(fault(KEY.replaceAll('\n', '\r\n')), '');
  assert.equal(fault(Buffer.from(`a comment\n${CERTIFICATE}${KEY}`)), '');
  assert.equal(fault(KEY.replaceAll('PRIVATE', 'RSA PRIVATE')), '');
  assert.equal(fault(CERTIFICATE + CERTIFICATE, 'CERTIFICATE'), '');
});

test('PEM whose line breaks were lost is named as such, with the option', () => {
  assert.match(fault(KEY.replaceAll('\n', ' ')), /^Cannot use tls\.key: its line breaks were lost: it is one line/);
  assert.match(fault(KEY.replaceAll('\n', '')), /its line breaks were lost/);
  assert.match(fault(KEY.replaceAll('\n', '\\n')), /its line breaks were lost: "\\n" stands in it as two characters/);
  assert.match(fault(KEY + KEY.replaceAll('\n', ' ')), /its line breaks were lost/);
});

test('what is no PEM, is cut off or is another thing is told apart', () => {
  assert.match(fault('/etc/dunlin/key.pem'), /PEM text is expected; tlsFiles\(\)/);
  assert.match(fault(Uint8Array.of(0x30, 0x82, 0xff)), /PEM text is expected/);
  assert.match(fault(KEY.slice(0, -20)), /it is cut off/);
  assert.match(fault(KEY + KEY.slice(0, -20)), /it is cut off/);
  assert.match(fault(CERTIFICATE), /it holds CERTIFICATE, PRIVATE KEY is expected/);
  assert.match(fault(KEY, 'CERTIFICATE'), /it holds PRIVATE KEY, CERTIFICATE is expected/);
});
