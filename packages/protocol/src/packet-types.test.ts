import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maySend, PACKET_TYPES, PacketType, packetTypeRow } from './packet-types.ts';

test('lists types 1 to 15 in order, as PacketType names them (2.1.2)', () => {
  assert.deepEqual(
    PACKET_TYPES.map((row) => [row.name, row.number]),
    Object.entries(PacketType),
  );
  assert.deepEqual(
    PACKET_TYPES.map((row) => row.number),
    Array.from({ length: 15 }, (_, index) => index + 1),
  );
  for (const row of PACKET_TYPES) assert.equal(row.title, row.name.toUpperCase());
});

test('gives PUBREL, SUBSCRIBE and UNSUBSCRIBE the flags 0010 and the others 0000 [MQTT-2.1.3-1]', () => {
  const two = PACKET_TYPES.filter((row) => row.flags === 2).map((row) => row.name);
  assert.deepEqual(two, ['pubrel', 'subscribe', 'unsubscribe']);
  const free = PACKET_TYPES.filter((row) => row.flags === undefined).map((row) => row.name);
  assert.deepEqual(free, ['publish']);
});

test('finds no row for type 0 and above 15', () => {
  assert.equal(packetTypeRow(0), undefined);
  assert.equal(packetTypeRow(16), undefined);
});

test('lets a server send DISCONNECT and anybody AUTH in 5.0 only', () => {
  const [disconnect, auth] = [packetTypeRow(14)!, packetTypeRow(15)!];
  assert.equal(maySend(disconnect, 'server', 5), true);
  assert.equal(maySend(disconnect, 'server', 4), false);
  assert.equal(maySend(disconnect, 'client', 3), true);
  assert.equal(maySend(auth, 'client', 5), true);
  assert.equal(maySend(auth, 'client', 4), false);
});
