import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError, malformedPacket, protocolError } from './errors.ts';

test('an MqttError carries a stable code, the Reason Code and the text', () => {
  const error = new MqttError('topic-alias-invalid', 0x94, 'Cannot use Topic Alias 0');
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.reasonCode, error.message],
    ['MqttError', 'topic-alias-invalid', 0x94, 'Cannot use Topic Alias 0'],
  );
});

test('malformedPacket and protocolError pair their codes with 0x81 and 0x82', () => {
  assert.deepEqual([malformedPacket('a').code, malformedPacket('a').reasonCode], ['malformed-packet', 0x81]);
  assert.deepEqual([protocolError('b').code, protocolError('b').reasonCode], ['protocol-error', 0x82]);
});
