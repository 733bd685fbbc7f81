import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PORTS, TRANSPORTS, VERSIONS } from './listener-table.ts';

test('has a port for every transport, that of plain MQTT and of TLS as registered with IANA', () => {
  assert.deepEqual(Object.keys(PORTS).sort(), [...TRANSPORTS].sort());
  assert.deepEqual([PORTS.tcp, PORTS.tls], [1883, 8883]);
});

test('calls versions as the standards do', () => {
  assert.deepEqual(VERSIONS, { '3.1': 3, '3.1.1': 4, '5.0': 5 });
});
