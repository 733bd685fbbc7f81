import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import { connected } from './contract/scripted-server.ts';

test('packets that only a client sends end the connection as faults', async () => {
  const packets: Packet[] = [
    { type: 'pingreq' },
    { type: 'unsubscribe', packetId: 1, properties: {}, filters: ['a'] },
    { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} },
  ];
  for (const packet of packets) {
    const { server, client } = await connected();
    server.send(packet);
    const { by, error } = await client.closed;
    assert.deepEqual([by, error?.reasonCode], ['network', 0x82], packet.type);
  }
});

test('a local handler hears what subscriptions and resumed sessions bring', async () => {
  const { server, client } = await connected();
  const seen: string[] = [];
  const remove = client.handle('a/+', (message) => void seen.push(message.topic));
  server.publish({ topic: 'a/b' });
  server.publish({ topic: 'b' });
  server.publish({ topic: 'a/c', qos: 1, packetId: 1 });
  await server.next('puback');
  remove();
  server.publish({ topic: 'a/d', qos: 1, packetId: 2 });
  await server.next('puback');
  assert.deepEqual(seen, ['a/b', 'a/c']);
  assert.throws(() => client.handle('a/#/b', () => {}), { code: 'topic-filter-invalid' });
});
