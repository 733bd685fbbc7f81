import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HANDSHAKE_TIMEOUT_MS, HANDSHAKES_MAX } from '../../transport/src/tls-entrance.ts';
import { listenerShape, PORTS, TRANSPORTS, VERSIONS } from './listener-table.ts';
import type { GroupShape } from './shape.ts';

test('has a port for every transport, that of plain MQTT and of TLS as registered with IANA', () => {
  assert.deepEqual(Object.keys(PORTS).sort(), [...TRANSPORTS].sort());
  assert.deepEqual([PORTS.tcp, PORTS.tls], [1883, 8883]);
});

test('has the defaults of TLS that are in force where nothing is said', () => {
  const { tls } = listenerShape({
    kind: 'amount',
    unit: '',
    minimum: 1,
    maximum: 1,
    default: 1,
    description: '',
  }).entries;
  const { handshakeTimeoutMs, handshakesMax } = (tls as GroupShape).entries;
  assert.deepEqual(
    [handshakeTimeoutMs, handshakesMax].map((shape) => shape.kind === 'amount' && shape.default),
    [HANDSHAKE_TIMEOUT_MS, HANDSHAKES_MAX],
  );
});

test('calls versions as the standards do', () => {
  assert.deepEqual(VERSIONS, { '3.1': 3, '3.1.1': 4, '5.0': 5 });
});
