/** What the client sends when it publishes, and when each publish settles (sections 3.3 to 3.7, 4.3, 4.9). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProtocolVersion } from '@dunlin/protocol';
import { MqttError } from '../index.ts';
import { connected, settled } from './scripted-server.ts';

const withCode = (code: string, reasonCode?: number) => (error: unknown) => {
  assert.ok(error instanceof MqttError, String(error));
  assert.deepEqual([error.code, error.reasonCode], [code, reasonCode]);
  return true;
};

/** 'pending', or how a promise came out. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  await settled();
  return Promise.race([
    promise.then(
      () => 'resolved',
      () => 'rejected',
    ),
    Promise.resolve('pending'),
  ]);
}

for (const version of [3, 4, 5] as ProtocolVersion[]) {
  describe(`publishing, level ${version}`, () => {
    test('QoS 0 has neither identifier nor DUP and settles when the bytes have left [MQTT-2.2.1-2, MQTT-3.3.1-2, MQTT-4.3.1-1, MQTT311-2.3.1-5, MQTT311-3.3.1-2, MQTT311-4.3.1-1]', async () => {
      const { server, client } = await connected({}, { version });
      const from = server.bytes.length;
      assert.equal((await client.publish('t', 'x')).reasonCode, 0);
      await server.next('publish');
      assert.equal(
        server.bytes.toString('hex', from),
        version === 5 ? '300500017400 78'.replace(' ', '') : '300400017478',
      );
    });

    test('QoS 1 settles with PUBACK of its identifier [MQTT-2.2.1-5, MQTT-4.3.2-1, MQTT-4.3.2-2, MQTT311-2.3.1-1, MQTT311-2.3.1-6, MQTT311-4.3.2-1]', async () => {
      const { server, client } = await connected({}, { version });
      const publishing = client.publish('t', 'x', { qos: 1 });
      const packet = await server.next('publish');
      assert.deepEqual([packet.qos, packet.dup, packet.packetId > 0], [1, false, true]);
      server.answer('puback', packet.packetId + 1);
      assert.equal(await stateOf(publishing), 'pending');
      server.answer('puback', packet.packetId);
      await publishing;
      assert.equal(client.stats.acknowledged, 1);
    });

    test('QoS 2 answers PUBREC with PUBREL and settles with PUBCOMP [MQTT-4.3.3-1, MQTT-4.3.3-2, MQTT-4.3.3-4, MQTT-3.6.1-1, MQTT311-3.6.1-1, MQTT311-4.3.3-1]', async () => {
      const { server, client } = await connected({}, { version });
      const publishing = client.publish('t', 'x', { qos: 2 });
      const { packetId, dup } = await server.next('publish');
      assert.equal(dup, false);
      server.answer('pubrec', packetId);
      assert.equal((await server.next('pubrel')).packetId, packetId);
      assert.equal(await stateOf(publishing), 'pending');
      server.answer('pubcomp', packetId);
      await publishing;
    });

    test('nothing is repeated on a live connection [MQTT-4.4.0-1, MQTT-4.3.2-3, MQTT-4.3.3-3]', async () => {
      const { server, client } = await connected({}, { version });
      for (const qos of [1, 2] as const) {
        client.publish('t', 'x', { qos }).catch(() => {});
        await server.next('publish');
      }
      await server.expectNothing();
    });

    test('a bad topic is refused here [MQTT-3.3.2-1, MQTT-3.3.2-2, MQTT-4.7.0-1, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3, MQTT311-3.3.2-1, MQTT311-3.3.2-2, MQTT311-4.7.1-1, MQTT311-4.7.3-1, MQTT311-4.7.3-2, MQTT311-4.7.3-3]', async () => {
      const { server, client } = await connected({}, { version });
      for (const topic of ['', 'a/+', 'a/#', 'a\0', 'a\ud800', 'a'.repeat(65_536)]) {
        await assert.rejects(client.publish(topic, 'x'), MqttError);
      }
      await client.publish('a'.repeat(65_535), 'x');
      assert.equal((await server.next('publish')).topic.length, 65_535);
    });

    test('U+FEFF in a topic is kept [MQTT-1.5.4-3, MQTT311-1.5.3-3]', async () => {
      const { server, client } = await connected({}, { version });
      await client.publish('\ufeffa\ufeff', 'x');
      assert.equal((await server.next('publish')).topic, '\ufeffa\ufeff');
    });
  });
}

describe('publishing, payloads and properties', () => {
  test('text, bytes and JSON become bytes', async () => {
    const { server, client } = await connected();
    const payloads = ['å', Uint8Array.of(0, 255), { a: [1] }, 5, true, null] as const;
    const expected = ['c3a5', '00ff', '7b2261223a5b315d7d', '35', '74727565', '6e756c6c'];
    for (const [index, payload] of payloads.entries()) {
      await client.publish('t', payload);
      assert.equal(Buffer.from((await server.next('publish')).payload).toString('hex'), expected[index]);
    }
    await assert.rejects(client.publish('t', 1n as never), withCode('invalid'));
    await assert.rejects(client.publish('t', (() => {}) as never), withCode('invalid'));
  });

  test('every property of PUBLISH is sent', async () => {
    const { server, client } = await connected({}, { properties: { topicAliasMaximum: 5 } });
    const properties = {
      payloadFormatIndicator: 1 as const,
      messageExpiryInterval: 60,
      contentType: 'text/plain',
      responseTopic: 'reply',
      correlationData: Uint8Array.of(1, 2),
      topicAlias: 5,
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ] as const,
    };
    await client.publish('t', 'x', { properties });
    const { properties: found } = await server.next('publish');
    assert.deepEqual({ ...found, correlationData: Uint8Array.from(found.correlationData ?? []) }, properties);
  });

  test('properties that no text can hold are refused here [MQTT-1.5.7-1, MQTT-3.3.2-13, MQTT-3.3.2-14, MQTT-3.3.2-19]', async () => {
    const { server, client } = await connected();
    const faults = [
      { responseTopic: 'a/#' },
      { responseTopic: 'a\0' },
      { contentType: 'a\ud800' },
      { userProperties: [['a\0', 'b']] as const },
      { userProperties: [['a', '\udc00']] as const },
    ];
    for (const properties of faults) await assert.rejects(client.publish('t', 'x', { properties }), MqttError);
    await server.expectNothing();
  });

  test('a Subscription Identifier is refused here [MQTT-3.3.4-6]', async () => {
    const { client } = await connected();
    await assert.rejects(
      client.publish('t', 'x', { properties: { subscriptionIdentifiers: [1] } }),
      withCode('invalid'),
    );
  });

  test('Topic Aliases are kept within what the server takes [MQTT-3.2.2-17, MQTT-3.3.2-8, MQTT-3.3.2-9]', async () => {
    const { server, client } = await connected({}, { properties: { topicAliasMaximum: 2 } });
    for (const topicAlias of [0, 3]) {
      await assert.rejects(client.publish('t', 'x', { properties: { topicAlias } }), withCode('not-supported', 0x94));
    }
    await client.publish('t', 'x', { properties: { topicAlias: 2 } });
    assert.equal((await server.next('publish')).topic, 't');
    await client.publish('', 'x', { properties: { topicAlias: 2 } });
    assert.equal((await server.next('publish')).topic, '');
  });

  test('no Topic Alias is sent to a server that takes none [MQTT-3.2.2-18]', async () => {
    const { client } = await connected();
    await assert.rejects(client.publish('t', 'x', { properties: { topicAlias: 1 } }), withCode('not-supported', 0x94));
  });

  test('an alias of an earlier connection stands for nothing [MQTT-3.3.2-7]', async () => {
    const first = await connected({}, { properties: { topicAliasMaximum: 2 } });
    await first.client.publish('t', 'x', { properties: { topicAlias: 1 } });
    const { client } = await connected({}, { properties: { topicAliasMaximum: 2 } });
    await assert.rejects(client.publish('', 'x', { properties: { topicAlias: 1 } }), withCode('invalid'));
  });
});

describe('publishing, what the server refuses', () => {
  test('PUBACK and PUBREC of 0x80 and above reject, and the identifier is free [MQTT-4.3.3-4, MQTT-4.4.0-2, MQTT-3.4.2-1, MQTT-3.5.2-1]', async () => {
    const { server, client } = await connected({}, { properties: { receiveMaximum: 1 } });
    for (const [qos, type] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
        const publishing = client.publish('t', 'x', { qos });
        const { packetId } = await server.next('publish');
        server.answer(type, packetId, reasonCode, { reasonString: 'because' });
        await assert.rejects(publishing, (error: MqttError) => {
          assert.match(error.message, /^Cannot publish to "t": .*, because$/);
          return withCode('refused', reasonCode)(error);
        });
      }
    }
    await server.expectNothing();
  });

  test('0x10 is no failure and is told', async () => {
    const { server, client } = await connected();
    const first = client.publish('t', 'x', { qos: 1 });
    server.answer('puback', (await server.next('publish')).packetId, 0x10);
    assert.equal((await first).reasonCode, 0x10);
    const second = client.publish('t', 'x', { qos: 2 });
    const { packetId } = await server.next('publish');
    server.answer('pubrec', packetId, 0x10);
    await server.next('pubrel');
    server.answer('pubcomp', packetId);
    assert.equal((await second).reasonCode, 0x10);
  });

  test('a code that has no place in the answer ends the connection [MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.7.2-1]', async () => {
    for (const bytes of ['4003 0001 01', '5003 0001 92', '7003 0001 80']) {
      const { server } = await connected();
      server.sendBytes(bytes);
      await server.expectEnd(0x82);
    }
  });

  test('above the Maximum QoS nothing is sent [MQTT-3.2.2-11]', async () => {
    const { server, client } = await connected({}, { properties: { maximumQoS: 0 } });
    await assert.rejects(client.publish('t', 'x', { qos: 1 }), withCode('not-supported', 0x9b));
    await server.expectNothing();
  });

  test('RETAIN is not sent to a server that does not retain [MQTT-3.2.2-14]', async () => {
    const { server, client } = await connected({}, { properties: { retainAvailable: 0 } });
    await assert.rejects(client.publish('t', 'x', { retain: true }), withCode('not-supported', 0x9a));
    await server.expectNothing();
  });

  test('no packet is larger than the server takes [MQTT-3.2.2-15]', async () => {
    const { server, client } = await connected({}, { properties: { maximumPacketSize: 20 } });
    await assert.rejects(client.publish('t', 'x'.repeat(15)), withCode('not-supported', 0x95));
    await assert.rejects(client.publish('t', 'x'.repeat(13), { qos: 1 }), withCode('not-supported', 0x95));
    await assert.rejects(client.subscribe('a'.repeat(20)), withCode('not-supported', 0x95));
    await assert.rejects(client.unsubscribe('a'.repeat(20)), withCode('not-supported', 0x95));
    await client.publish('t', 'x'.repeat(14));
    assert.equal((await server.next('publish')).payload.length, 14);
    await server.expectNothing();
  });
});

describe('publishing, windows and identifiers', () => {
  test('at most Receive Maximum publishes are open; the rest waits in order [MQTT-3.3.4-7, MQTT-4.9.0-1, MQTT-4.9.0-2, MQTT-4.6.0-1]', async () => {
    const { server, client } = await connected({}, { properties: { receiveMaximum: 2 } });
    const publishing = [0, 1, 2, 3, 4].map((n) => client.publish(`t/${n}`, 'x', { qos: n % 2 === 0 ? 1 : 2 }));
    const outcomes = Promise.allSettled(publishing);
    const first = await server.next('publish');
    const second = await server.next('publish');
    await server.expectNothing();
    server.answer('puback', first.packetId);
    const third = await server.next('publish');
    await server.expectNothing();
    // PUBREC alone opens no window.
    server.answer('pubrec', second.packetId);
    await server.next('pubrel');
    await server.expectNothing();
    server.answer('pubcomp', second.packetId);
    const fourth = await server.next('publish');
    // A refusal does.
    server.answer('pubrec', fourth.packetId, 0x97);
    const fifth = await server.next('publish');
    assert.deepEqual(
      [first, second, third, fourth, fifth].map(({ topic }) => topic),
      ['t/0', 't/1', 't/2', 't/3', 't/4'],
    );
    server.answer('puback', third.packetId);
    server.answer('puback', fifth.packetId);
    const results = await outcomes;
    assert.deepEqual(
      results.map(({ status }) => status === 'fulfilled'),
      [true, true, true, false, true],
    );
  });

  test('a closed window holds back nothing but QoS 1 and 2 publishes [MQTT-3.3.4-8, MQTT-4.9.0-3]', async () => {
    const { server, client } = await connected({ keepAlive: 1 }, { properties: { receiveMaximum: 1 } });
    const waiting = [1, 2].map(() => client.publish('t', 'x', { qos: 1 }));
    const { packetId } = await server.next('publish');
    await client.publish('t/0', 'x');
    assert.equal((await server.next('publish')).qos, 0);
    client.subscribe('s', { qos: 1 }, () => {}).catch(() => {});
    await server.next('subscribe');
    client.unsubscribe('s').catch(() => {});
    await server.next('unsubscribe');
    server.publish({ topic: 'in', qos: 1, packetId: 9 });
    await server.next('puback');
    await server.next('pingreq');
    server.answer('puback', packetId);
    server.answer('puback', (await server.next('publish')).packetId);
    await Promise.all(waiting);
    await client.disconnect();
  });

  test('open requests of every kind have different identifiers, none 0 [MQTT-2.2.1-3, MQTT-4.3.2-1, MQTT-4.3.3-1, MQTT311-2.3.1-1, MQTT311-2.3.1-2]', async () => {
    const { server, client } = await connected();
    const seen = new Set<number>();
    for (let round = 0; round < 20; round++) {
      for (const qos of [1, 2] as const) client.publish('t', 'x', { qos }).catch(() => {});
      client.subscribe('a', {}, () => {}).catch(() => {});
      client.unsubscribe('a').catch(() => {});
      for (const type of ['publish', 'publish', 'subscribe', 'unsubscribe'] as const) {
        const { packetId } = await server.next(type);
        assert.ok(packetId > 0 && !seen.has(packetId));
        seen.add(packetId);
      }
    }
  });

  test('identifiers wrap past 65535 without 0 and pass over those in use [MQTT-2.2.1-3, MQTT311-2.3.1-3]', async () => {
    const { server, client } = await connected();
    client.publish('held', 'x', { qos: 1 }).catch(() => {});
    const held = (await server.next('publish')).packetId;
    let wrapped = 0;
    for (let sent = 0, before = held; sent < 65_600; sent++) {
      const publishing = client.publish('t', '', { qos: 1 });
      const { packetId } = await server.next('publish');
      assert.ok(packetId > 0 && packetId <= 65_535 && packetId !== held);
      if (packetId < before) wrapped += 1;
      before = packetId;
      server.answer('puback', packetId);
      await publishing;
    }
    assert.equal(wrapped, 1);
  });

  test('PUBREL goes out in the order of PUBREC [MQTT-4.6.0-4, MQTT311-4.6.0-4]', async () => {
    const { server, client } = await connected();
    const identifiers: number[] = [];
    for (let count = 0; count < 5; count++) {
      client.publish('t', 'x', { qos: 2 }).catch(() => {});
      identifiers.push((await server.next('publish')).packetId);
    }
    const shuffled = [3, 0, 4, 1, 2].map((index) => identifiers[index]);
    for (const packetId of shuffled) server.answer('pubrec', packetId);
    for (const packetId of shuffled) assert.equal((await server.next('pubrel')).packetId, packetId);
  });

  test('after PUBREL only PUBREL may follow, PUBREC again is answered again [MQTT-4.3.3-5, MQTT-4.3.3-6]', async () => {
    const { server, client } = await connected();
    const publishing = client.publish('t', 'x', { qos: 2 });
    const { packetId } = await server.next('publish');
    server.answer('pubrec', packetId);
    await server.next('pubrel');
    server.answer('pubrec', packetId);
    await server.next('pubrel');
    server.answer('pubcomp', packetId);
    await publishing;
    await server.expectNothing();
  });

  test('PUBREC for an unknown identifier is answered with 0x92, stray PUBACK and PUBCOMP with nothing [MQTT-3.6.2-1]', async () => {
    const { server } = await connected();
    server.answer('pubrec', 77);
    const { packetId, reasonCode } = await server.next('pubrel');
    assert.deepEqual([packetId, reasonCode], [77, 0x92]);
    server.answer('puback', 77);
    server.answer('pubcomp', 77);
    server.answer('pubrec', 78, 0x80);
    await server.expectNothing();
  });

  test('too many waiting publishes are refused here', async () => {
    const { client } = await connected({ outbox: { messagesMax: 2 } }, { properties: { receiveMaximum: 1 } });
    const waiting = [1, 2].map(() => client.publish('t', 'x', { qos: 1 }));
    await assert.rejects(client.publish('t', 'x', { qos: 1 }), withCode('queue-full'));
    const outcomes = Promise.allSettled(waiting);
    await client.disconnect();
    for (const outcome of await outcomes)
      assert.ok(outcome.status === 'rejected' && withCode('closed')(outcome.reason));
  });
});

describe('bounds of a publish', () => {
  test('an abort rejects; what was not sent is never sent, what was sent goes on', async () => {
    const { server, client } = await connected({}, { properties: { receiveMaximum: 1 } });
    const controllers = [0, 1].map(() => new AbortController());
    const publishing = controllers.map(({ signal }, n) => client.publish(`t/${n}`, 'x', { qos: 1, signal }));
    const third = client.publish('t/2', 'x', { qos: 1 });
    const { packetId } = await server.next('publish');
    for (const controller of controllers) controller.abort();
    for (const promise of publishing) await assert.rejects(promise, withCode('aborted'));
    server.answer('puback', packetId);
    const next = await server.next('publish');
    assert.equal(next.topic, 't/2');
    server.answer('puback', next.packetId);
    await third;
    const before = client.publish('t', 'x', { signal: AbortSignal.abort() });
    await assert.rejects(before, withCode('aborted'));
    await server.expectNothing();
  });

  test('a time-out rejects, given with the call or for the client', async () => {
    const { client } = await connected({ operationTimeoutMs: 10 });
    await assert.rejects(client.publish('t', 'x', { qos: 1 }), withCode('timed-out'));
    await assert.rejects(client.publish('t', 'x', { qos: 2, timeoutMs: 5 }), withCode('timed-out'));
    await assert.rejects(client.subscribe('t'), withCode('timed-out'));
    await assert.rejects(client.unsubscribe('t'), withCode('timed-out'));
  });

  test('a bound that is not reached leaves nothing behind', async () => {
    const controller = new AbortController();
    const { server, client } = await connected();
    const publishing = client.publish('t', 'x', { qos: 1, signal: controller.signal, timeoutMs: 60_000 });
    server.answer('puback', (await server.next('publish')).packetId);
    await publishing;
    controller.abort();
    await settled();
    assert.equal(client.state, 'connected');
  });
});
