/** SUBSCRIBE and UNSUBSCRIBE of the client, and the streams of messages behind them (sections 3.8 to 3.11, 4.7, 4.8). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProtocolVersion } from '@dunlin/protocol';
import { MqttError, type ReceivedMessage } from '../index.ts';
import {
  connected,
  createClient,
  PLAIN,
  type ScriptedServer,
  Servers,
  settled,
  subscribed,
} from './scripted-server.ts';

const withCode = (code: string, reasonCode?: number) => (error: unknown) => {
  assert.ok(error instanceof MqttError, String(error));
  assert.deepEqual([error.code, error.reasonCode], [code, reasonCode]);
  return true;
};

/** Answers the next SUBSCRIBE. */
async function grant(server: ScriptedServer, ...reasonCodes: number[]) {
  const packet = await server.next('subscribe');
  server.send({ type: 'suback', packetId: packet.packetId, properties: {}, reasonCodes });
  return packet;
}

/** Answers the next UNSUBSCRIBE. */
async function release(server: ScriptedServer, ...reasonCodes: number[]) {
  const packet = await server.next('unsubscribe');
  server.send({ type: 'unsuback', packetId: packet.packetId, properties: {}, reasonCodes });
  return packet;
}

for (const version of [3, 4, 5] as ProtocolVersion[]) {
  describe(`subscribing, level ${version}`, () => {
    test('SUBSCRIBE and UNSUBSCRIBE have their reserved bits [MQTT-3.8.1-1, MQTT-3.10.1-1, MQTT311-3.8.1-1, MQTT311-3.10.1-1]', async () => {
      const { server, client } = await connected({}, { version });
      const from = server.bytes.length;
      client.subscribe('a').catch(() => {});
      await server.next('subscribe');
      assert.equal(server.bytes[from], 0x82);
      const next = server.bytes.length;
      client.unsubscribe('a').catch(() => {});
      await server.next('unsubscribe');
      assert.equal(server.bytes[next], 0xa2);
    });

    test('several filters go in one packet, each with its QoS, and settle with the answer to each', async () => {
      const { server, client } = await connected({}, { version });
      const subscribing = client.subscribe(['a', { filter: 'b', qos: 2 }, 'c'], { qos: 1 }, () => {});
      const { subscriptions } = await grant(server, 1, 0x80, 0);
      assert.deepEqual(
        subscriptions.map(({ filter, qos }) => [filter, qos]),
        [
          ['a', 1],
          ['b', 2],
          ['c', 1],
        ],
      );
      const { results } = await subscribing;
      assert.deepEqual(
        results.map(({ filter, reasonCode }) => [filter, reasonCode]),
        [
          ['a', 1],
          ['b', 0x80],
          ['c', 0],
        ],
      );
    });

    test('a refusal of all filters rejects', async () => {
      const { server, client } = await connected({}, { version });
      const subscribing = client.subscribe('a');
      await grant(server, 0x80);
      await assert.rejects(subscribing, withCode('refused', 0x80));
    });

    test('bad filters are refused here [MQTT-3.8.3-1, MQTT-3.10.3-1, MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3, MQTT-4.8.2-1, MQTT-4.8.2-2, MQTT311-3.8.3-1, MQTT311-3.10.3-1, MQTT311-4.7.1-2, MQTT311-4.7.1-3, MQTT311-4.7.3-1, MQTT311-4.7.3-2, MQTT311-4.7.3-3]', async () => {
      const { server, client } = await connected({}, { version });
      const plain = ['', 'a#', 'a/#/b', '#/a', 'a/b#', 'a+', 'a/+b', '+a/b', 'a\0', 'a\ud800', 'a'.repeat(65_536)];
      const shared = [
        '$share',
        '$share/',
        '$share//a',
        '$share/g',
        '$share/g/',
        '$share/g+/a',
        '$share/#/a',
        '$share/g/a#',
      ];
      for (const filter of [...plain, ...shared]) {
        await assert.rejects(async () => client.subscribe(filter), MqttError, filter);
        await assert.rejects(client.unsubscribe(filter), MqttError, filter);
      }
      await server.expectNothing();
    });

    test('good filters are sent as they are [MQTT-4.7.1-1, MQTT-4.7.1-2]', async () => {
      const { server, client } = await connected({}, { version });
      for (const filter of ['#', 'a/#', '+', '+/a', 'a/+/c', '+/+', '/', 'a//b', '$SYS/#', '$share/g/a/#']) {
        const subscribing = client.subscribe(filter, () => {});
        assert.equal((await grant(server, 0)).subscriptions[0].filter, filter);
        await subscribing;
      }
    });

    test('no filter at all is refused here [MQTT-3.8.3-2, MQTT-3.10.3-2, MQTT311-3.8.3-3, MQTT311-3.10.3-2]', async () => {
      const { server, client } = await connected({}, { version });
      await assert.rejects(async () => client.subscribe([]), MqttError);
      await assert.rejects(client.unsubscribe([]), MqttError);
      await server.expectNothing();
    });

    test('unsubscribing settles with the answer and ends what was subscribed', async () => {
      const { server, client, subscription, messages } = await subscribed({}, { version });
      const unsubscribing = client.unsubscribe('#');
      await release(server, ...(version === 5 ? [0x00] : [0]));
      assert.deepEqual((await unsubscribing).results, [{ filter: '#', reasonCode: 0 }]);
      assert.equal(subscription.isActive, false);
      server.publish({ topic: 'late', qos: 1, packetId: 1 });
      await server.next('puback');
      assert.deepEqual(messages, []);
    });

    test('an answer to no question ends the connection', async () => {
      for (const bytes of ['9003 0001 00', version === 5 ? 'b004 0001 00 00' : 'b002 0001']) {
        const { server } = await connected({}, { version });
        server.sendBytes(version === 5 && bytes.startsWith('9') ? '9004 0001 00 00' : bytes);
        await server.expectEnd(0x82);
      }
    });

    test('an answer with a number of codes that is not the number of filters ends the connection', async () => {
      const { server, client } = await connected({}, { version });
      const subscribing = client.subscribe(['a', 'b']);
      const outcome = assert.rejects(async () => subscribing, MqttError);
      await grant(server, 0);
      await server.expectEnd(0x82);
      await outcome;
    });
  });
}

describe('subscribing, MQTT 5.0', () => {
  test('every Subscription Option and property is sent', async () => {
    const { server, client } = await connected();
    const properties = { subscriptionIdentifiers: [7], userProperties: [['a', 'b']] as const };
    const options = { qos: 1 as const, noLocal: true, retainAsPublished: true, retainHandling: 2 as const, properties };
    const subscribing = client.subscribe(['a', { filter: 'b', noLocal: false, retainHandling: 1 }], options, () => {});
    const packet = await grant(server, 0, 0);
    assert.deepEqual(packet.properties, properties);
    assert.deepEqual(packet.subscriptions, [
      { filter: 'a', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
      { filter: 'b', qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 1 },
    ]);
    await subscribing;
  });

  test('No Local on a Shared Subscription is refused here [MQTT-3.8.3-4]', async () => {
    const { server, client } = await connected();
    await assert.rejects(async () => client.subscribe('$share/g/a', { noLocal: true }), MqttError);
    await server.expectNothing();
  });

  test('what the server does not offer is refused here', async () => {
    const properties = {
      wildcardSubscriptionAvailable: 0 as const,
      sharedSubscriptionAvailable: 0 as const,
      subscriptionIdentifierAvailable: 0 as const,
    };
    const { server, client } = await connected({}, { properties });
    await assert.rejects(async () => client.subscribe('a/#'), withCode('not-supported', 0xa2));
    await assert.rejects(async () => client.subscribe('$share/g/a'), withCode('not-supported', 0x9e));
    const options = { properties: { subscriptionIdentifiers: [1] } };
    await assert.rejects(async () => client.subscribe('a', options), withCode('not-supported', 0xa1));
    await server.expectNothing();
  });

  test('options of 5.0 are refused before', async () => {
    const { client } = await connected({}, { version: 4 });
    await assert.rejects(async () => client.subscribe('a', { noLocal: true }), withCode('not-supported'));
    await assert.rejects(
      client.unsubscribe('a', { properties: { userProperties: [['a', 'b']] } }),
      withCode('not-supported'),
    );
  });

  test('unsubscribing rejects when the server refuses, and the subscription goes on', async () => {
    const { server, client, subscription } = await subscribed();
    const unsubscribing = client.unsubscribe('#');
    await release(server, 0x87);
    await assert.rejects(unsubscribing, withCode('refused', 0x87));
    assert.equal(subscription.isActive, true);
  });

  test('UNSUBACK 0x11 is no failure', async () => {
    const { server, client } = await connected();
    const unsubscribing = client.unsubscribe(['a', 'b']);
    await release(server, 0x11, 0);
    assert.deepEqual(
      (await unsubscribing).results.map(({ reasonCode }) => reasonCode),
      [0x11, 0],
    );
  });

  test('a shared filter takes messages by the filter behind its name', async () => {
    const { server, messages } = await subscribed({}, {}, '$share/g/a/+');
    server.publish({ topic: 'a/b' });
    server.publish({ topic: 'b' });
    await settled();
    assert.deepEqual(
      messages.map(({ topic }) => topic),
      ['a/b'],
    );
  });
});

describe('handlers and iterators', () => {
  test('each subscription gets its messages, one each although filters overlap', async () => {
    const { server, client } = await connected();
    const seen: string[] = [];
    for (const filters of [['a/#', 'a/+'], ['a/b'], ['c']]) {
      const subscribing = client.subscribe(filters, ({ topic }) => void seen.push(`${filters[0]}:${topic}`));
      await grant(server, ...filters.map(() => 0));
      await subscribing;
    }
    server.publish({ topic: 'a/b' });
    server.publish({ topic: 'a' });
    await settled();
    assert.deepEqual(seen.sort(), ['a/#:a', 'a/#:a/b', 'a/b:a/b']);
  });

  test('a loop gets what came from the call of subscribe on, also before SUBACK and in one chunk with it [MQTT311-rule-8]', async () => {
    const { server, client } = await connected();
    const subscription = client.subscribe('a', { qos: 1 });
    const { packetId } = await server.next('subscribe');
    server.publish({ topic: 'a', qos: 1, packetId: 1 });
    server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [1] });
    for (let n = 2; n <= 3; n++) server.publish({ topic: 'a', qos: 1, packetId: n });
    const accepted = await subscription;
    const seen: number[] = [];
    for await (const message of accepted) {
      seen.push(message.packetId);
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, [1, 2, 3]);
    for (let n = 1; n <= 3; n++) await server.next('puback');
    // Leaving the loop unsubscribes.
    assert.deepEqual((await server.next('unsubscribe')).filters, ['a']);
  });

  test('a loop over a refused subscription throws the refusal', async () => {
    const { server, client } = await connected();
    const iterator = client.subscribe('a')[Symbol.asyncIterator]();
    const next = iterator.next();
    const outcome = assert.rejects(next, withCode('refused', 0x87));
    await grant(server, 0x87);
    await outcome;
  });

  test('a loop ends with unsubscribe and disconnect, and throws when the connection is lost', async () => {
    const endings = {
      unsubscribe: (_client: unknown, server: ScriptedServer) => void release(server, 0),
      disconnect: () => {},
      lost: (_client: unknown, server: ScriptedServer) => server.cut(),
    };
    for (const [name, end] of Object.entries(endings)) {
      const { server, client } = await connected();
      const pending = client.subscribe('a');
      const iterator = pending[Symbol.asyncIterator]();
      await grant(server, 0);
      const subscription = await pending;
      const next = iterator.next();
      if (name === 'unsubscribe') subscription.unsubscribe().catch(() => {});
      if (name === 'disconnect') client.disconnect().catch(() => {});
      end(client, server);
      if (name === 'lost') await assert.rejects(next, withCode('connection-lost'));
      else assert.deepEqual(await next, { done: true, value: undefined });
    }
  });

  test('a full iterator holds acknowledgements back until there is room [MQTT-4.6.0-2]', async () => {
    const { server, client } = await connected({ iteratorMessagesMax: 2 });
    const pending = client.subscribe('a', { qos: 1 });
    const iterator = pending[Symbol.asyncIterator]();
    await grant(server, 1);
    for (let packetId = 1; packetId <= 4; packetId++) server.publish({ topic: 'a', qos: 1, packetId });
    server.publish({ topic: 'a' });
    for (const packetId of [1, 2]) assert.equal((await server.next('puback')).packetId, packetId);
    await server.expectNothing();
    assert.equal(client.stats.dropped, 1);
    for (const packetId of [1, 2, 3, 4]) assert.equal((await iterator.next()).value?.packetId, packetId);
    for (const packetId of [3, 4]) assert.equal((await server.next('puback')).packetId, packetId);
  });

  test('a held message does not keep other subscriptions from theirs, and leaving the loop lets go', async () => {
    const { server, client } = await connected({ iteratorMessagesMax: 1 });
    const pending = client.subscribe('a', { qos: 1 });
    const iterator = pending[Symbol.asyncIterator]();
    await grant(server, 1);
    const seen: string[] = [];
    const other = client.subscribe('b', ({ topic }) => void seen.push(topic));
    await grant(server, 1);
    await other;
    for (const [index, topic] of ['a', 'a', 'b'].entries()) server.publish({ topic, qos: 1, packetId: index + 1 });
    assert.equal((await server.next('puback')).packetId, 1);
    await server.expectNothing();
    assert.deepEqual(seen, ['b']);
    await iterator.return?.();
    await server.next('unsubscribe');
    const later = [await server.next('puback'), await server.next('puback')].map(({ packetId }) => packetId);
    assert.deepEqual(later, [2, 3]);
  });

  test('a subscription nobody iterates over keeps nothing for long and acknowledges all', async () => {
    const { server, client } = await connected({ iteratorMessagesMax: 2 });
    const heard: ReceivedMessage[] = [];
    client.on('message', (message) => heard.push(message));
    const pending = client.subscribe('a', { qos: 1 });
    await grant(server, 1);
    await pending;
    for (let packetId = 1; packetId <= 5; packetId++) {
      server.publish({ topic: 'a', qos: 1, packetId });
      await server.next('puback');
    }
    assert.equal(heard.length, 5);
    assert.equal(client.stats.dropped, 0);
  });

  test('one of two subscriptions to a filter goes without the server hearing of it', async () => {
    const { server, client, subscription, messages } = await subscribed();
    const second = client.subscribe('#', () => {});
    await grant(server, 0);
    await (await second).unsubscribe();
    await server.expectNothing();
    server.publish({ topic: 'a' });
    await settled();
    assert.equal(messages.length, 1);
    const last = subscription.unsubscribe();
    await release(server, 0);
    await last;
    assert.equal(subscription.isActive, false);
  });
});

test('who subscribes while UNSUBACK is on its way keeps its subscription', async () => {
  const { server, client, subscription } = await subscribed({}, {}, 'a');
  const unsubscribing = client.unsubscribe('a');
  const subscribing = client.subscribe('a', () => {});
  const { packetId } = await server.next('unsubscribe');
  const { packetId: second } = await server.next('subscribe');
  server.send({ type: 'unsuback', packetId, properties: {}, reasonCodes: [0] });
  server.send({ type: 'suback', packetId: second, properties: {}, reasonCodes: [0] });
  await unsubscribing;
  assert.deepEqual([subscription.isActive, (await subscribing).isActive], [false, true]);
});

test('unsubscribing from one of the filters of a subscription leaves it the others, and is not undone', async () => {
  const servers = new Servers(5, {});
  const client = createClient('mqtt://one', { ...PLAIN, reconnect: { minMs: 1, maxMs: 2 }, dial: servers.dial });
  const connecting = client.connect();
  const server = await servers.accept();
  await connecting;
  const subscribing = client.subscribe(['x', 'y'], () => {});
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0, 0] });
  const subscription = await subscribing;
  const unsubscribing = client.unsubscribe('x');
  server.send({
    type: 'unsuback',
    packetId: (await server.next('unsubscribe')).packetId,
    properties: {},
    reasonCodes: [0],
  });
  await unsubscribing;
  assert.ok(subscription.isActive);
  server.cut();
  const next = await servers.accept();
  const { subscriptions } = await next.next('subscribe');
  assert.deepEqual(
    subscriptions.map(({ filter }) => filter),
    ['y'],
  );
  await client.disconnect();
});

test('a loop that is left is forgotten also where UNSUBSCRIBE has no answer', async () => {
  const servers = new Servers(5, {});
  const client = createClient('mqtt://one', {
    ...PLAIN,
    operationTimeoutMs: 20,
    reconnect: { minMs: 1, maxMs: 2 },
    dial: servers.dial,
  });
  const connecting = client.connect();
  const server = await servers.accept();
  await connecting;
  const subscribing = client.subscribe('a', { timeoutMs: 5000 });
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
  await (await subscribing)[Symbol.asyncIterator]().return?.();
  await server.next('unsubscribe');
  // Drained means that the request was given up.
  await client.drain({ timeoutMs: 5000 });
  server.cut();
  const next = await servers.accept();
  await next.expectNothing();
  await client.disconnect();
});
