import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import { altered, probed, without } from '../contract/probed-server.ts';
import { MESSAGE_CHECKS } from './message-checks.ts';

const find = probed.bind(undefined, MESSAGE_CHECKS);
const puback = (packetId: number): Packet => ({ type: 'puback', packetId, reasonCode: 0, properties: {} });

describe('checks of messages', { concurrency: 4 }, () => {
  test('on a good server every check says yes', async () => {
    for (const { id } of MESSAGE_CHECKS) assert.equal((await find(id)).tried, true, id);
  });

  test('a QoS that is not granted, and one that is granted and not kept', async () => {
    const lowered = altered('subscribe', (packet) => ({
      ...packet,
      subscriptions: packet.subscriptions.map((one) => ({ ...one, qos: 1 })),
    }));
    assert.deepEqual(await find('qos-2', { toServer: lowered }), { tried: false, note: 'QoS 1 was granted' });
    const lied = altered('suback', (packet) => ({ ...packet, reasonCodes: [2] }));
    assert.deepEqual(await find('qos-2', { toServer: lowered, toClient: lied }), {
      tried: false,
      note: 'it came with QoS 1',
    });
  });

  test('a server that says which QoS it has not is believed', async () => {
    const refused = altered('publish', (_, answer) => {
      answer({ type: 'disconnect', reasonCode: 0x9b, properties: {} });
      return undefined;
    });
    assert.deepEqual(await find('qos-2', { toServer: refused }), {
      tried: false,
      note: 'PUBLISH: DISCONNECT: QoS not supported (0x9B)',
    });
  });

  test('what may not be subscribed to here says nothing of the server', async () => {
    const refused = altered('subscribe', ({ packetId }, answer) => {
      answer({ type: 'suback', packetId, reasonCodes: [0x87], properties: { reasonString: 'go away' } });
      return undefined;
    });
    assert.deepEqual(await find('qos-1', { toServer: refused }), {
      tried: undefined,
      note: 'SUBSCRIBE: Not authorized (0x87): go away',
    });
  });

  test('a server that closes or stays silent', async () => {
    const closing = altered('publish', () => 'end');
    assert.deepEqual(await find('qos-1', { toServer: closing }), {
      tried: false,
      note: 'PUBLISH: the server closed the connection',
    });
    const silent = altered('publish', () => undefined);
    assert.deepEqual(await find('qos-1', { toServer: silent }, { timeoutMs: 300 }), {
      tried: undefined,
      note: 'PUBLISH: no answer within 0.3 s',
    });
  });

  test('retained messages that are not kept, come without RETAIN or cannot be cleared', async () => {
    const forgets = altered('publish', (packet) => ({ ...packet, retain: false }));
    assert.match(String((await find('retained', { toServer: forgets })).note), /did not come to a later subscription/);
    assert.match(String((await find('retained', { toClient: forgets })).note), /came without RETAIN/);
    const keeps = altered('publish', (packet, answer) => {
      if (packet.payload.length > 0) return packet;
      answer(puback(packet.packetId));
      return undefined;
    });
    const { tried, note } = await find('retained', { toServer: keeps });
    assert.deepEqual([tried, note], [false, 'an empty message did not clear it']);
  });

  test('Topic Aliases in either direction', async () => {
    const toServer = without('connect', 'topicAliasMaximum');
    assert.deepEqual(await find('topic-alias-from-server', { toServer }), {
      tried: false,
      note: 'it sends topics in full, which it may',
    });
    const elsewhere = altered('publish', (packet) => ({ ...packet, topic: 'probed/elsewhere', properties: {} }));
    const { tried } = await find('topic-alias-to-server', { toClient: elsewhere });
    assert.equal(tried, false);
  });

  test('a Message Expiry Interval that is not heeded, or not counted down', async () => {
    const { tried, note } = await find('message-expiry', { toServer: without('publish', 'messageExpiryInterval') });
    assert.deepEqual([tried, note], [false, 'a message of 1 s came 2.2 s later']);
    const untold = await find('message-expiry', { toClient: without('publish', 'messageExpiryInterval') });
    assert.deepEqual(untold, { tried: true, note: 'what is left is not told' });
  });
});
