import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import { altered, probed, without } from '../contract/probed-server.ts';
import { LIMIT_CHECKS } from './limit-checks.ts';

const find = probed.bind(undefined, LIMIT_CHECKS);
const disconnect = (reasonCode: number): Packet => ({ type: 'disconnect', reasonCode, properties: {} });

describe('checks of limits', { concurrency: 4 }, () => {
  test('what Dunlin takes', async () => {
    assert.deepEqual(await find('payload'), {
      tried: 10_000,
      note: 'bytes at least: no more was tried (--payload-max)',
    });
    assert.deepEqual(await find('topic-length'), { tried: 65_535, note: 'all that a topic can have' });
    assert.deepEqual(await find('topic-levels'), { tried: 200 });
    assert.deepEqual(await find('receive-maximum'), { tried: 100, note: 'at least; no more was tried' });
    assert.equal((await find('client-receive-maximum')).tried, true);
  });

  test('the largest payload is found whether more is closed, refused or lost', async () => {
    const isLarge = (packet: Packet): boolean => packet.type === 'publish' && packet.payload.length > 1234;
    const ways = {
      closed: altered('publish', (packet) => (isLarge(packet) ? 'end' : packet)),
      told: altered('publish', (packet, answer) => {
        if (!isLarge(packet)) return packet;
        answer(disconnect(0x95));
        return undefined;
      }),
      lost: altered('publish', (packet, answer) => {
        if (!isLarge(packet)) return packet;
        answer({ type: 'puback', packetId: packet.packetId, reasonCode: 0, properties: {} });
        return undefined;
      }),
    };
    for (const [way, toServer] of Object.entries(ways))
      assert.deepEqual(await find('payload', { toServer }), { tried: 1234, note: 'bytes; more is not delivered' }, way);
  });

  test('no more is sent than the packet size that the server states', async () => {
    const seen: number[] = [];
    const toServer = altered('publish', (packet) => {
      seen.push(packet.payload.length);
      return packet;
    });
    const toClient = altered('connack', (packet) => ({ ...packet, properties: { maximumPacketSize: 2000 } }));
    const { tried, note } = await find('payload', { toServer, toClient });
    assert.equal(note, 'bytes at least: all that the stated packet size leaves');
    assert.ok(Number(tried) < 2000 && Number(tried) > 1900, String(tried));
    assert.equal(Math.max(...seen), tried);
  });

  test('a search that does not come to its end says what works', async () => {
    let sent = 0;
    const toServer = altered('publish', (packet) => {
      if (packet.payload.length > 5000) return 'end';
      sent += 1;
      return sent > 4 ? undefined : packet;
    });
    const { tried, note } = await find('payload', { toServer }, { timeoutMs: 1000 });
    assert.equal(note, 'bytes at least; the time was over');
    assert.ok(Number(tried) >= 5, String(tried));
  });

  test('who may not publish learns nothing', async () => {
    const toServer = altered('publish', ({ packetId }, answer) => {
      answer({ type: 'puback', packetId, reasonCode: 0x87, properties: {} });
      return undefined;
    });
    for (const id of ['payload', 'topic-length', 'topic-levels'])
      assert.deepEqual(await find(id, { toServer }), { tried: undefined, note: 'PUBLISH: Not authorized (0x87)' }, id);
  });

  test("a client's Receive Maximum that is not heeded", async () => {
    const toServer = without('connect', 'receiveMaximum');
    const { tried, note } = await find('client-receive-maximum', { toServer });
    assert.deepEqual([tried, note], [false, 'asked for 2, 5 came at once']);
  });

  test('a Receive Maximum that is less than stated', async () => {
    let open = 0;
    const toServer = altered('publish', (packet, answer) => {
      open += 1;
      if (open <= 10) return packet;
      answer(disconnect(0x93));
      return undefined;
    });
    const { tried, note } = await find('receive-maximum', { toServer });
    assert.deepEqual([tried, note], [10, 'then PUBLISH: DISCONNECT: Receive Maximum exceeded (0x93)']);
  });
});
