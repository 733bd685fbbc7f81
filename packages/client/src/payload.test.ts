import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { payloadBytes } from './payload.ts';

test('payloads become bytes; bytes are taken as they are', () => {
  const bytes = Uint8Array.of(1);
  assert.equal(payloadBytes(bytes), bytes);
  assert.equal(Buffer.from(payloadBytes('å')).toString('hex'), 'c3a5');
  assert.equal(Buffer.from(payloadBytes({ a: 1 })).toString(), '{"a":1}');
  const circular: { self?: object } = {};
  circular.self = circular;
  for (const payload of [undefined, Symbol('x'), circular, 1n]) {
    assert.throws(() => payloadBytes(payload as never), MqttError);
  }
});
