/** What a client of 3.1.1 sends again when its session goes on (section 4.4). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, PLAIN, Servers } from './scripted-server.ts';

test('PUBREL and PUBLISH go out again with DUP, in their order and with their identifiers [MQTT311-4.4.0-1, MQTT311-4.6.0-1, MQTT311-3.3.1-1]', async () => {
  const servers = new Servers(4, {});
  const options = {
    ...PLAIN,
    cleanStart: false,
    protocolVersion: 4,
    reconnect: { minMs: 1 },
    dial: servers.dial,
  } as const;
  const client = createClient('mqtt://test', options);
  const connecting = client.connect();
  const first = await servers.accept();
  await connecting;
  const publishing = ([1, 2, 2, 1] as const).map((qos, index) => client.publish('t', String(index), { qos }));
  for (const packetId of [1, 2, 3, 4]) assert.equal((await first.next('publish')).packetId, packetId);
  first.answer('pubrec', 2);
  await first.next('pubrel');
  first.cut();

  const second = await servers.accept(true);
  assert.equal((await second.next('pubrel')).packetId, 2);
  for (const packetId of [1, 3, 4]) {
    const { dup, ...packet } = await second.next('publish');
    assert.deepEqual(
      [packet.packetId, Buffer.from(packet.payload).toString(), dup],
      [packetId, String(packetId - 1), true],
    );
  }
  for (const packetId of [1, 4]) second.answer('puback', packetId);
  second.answer('pubrec', 3);
  await second.next('pubrel');
  for (const packetId of [2, 3]) second.answer('pubcomp', packetId);
  await Promise.all(publishing);
  await client.disconnect();
});
