/** MQTT 5.0, section 3.3: PUBLISH, its flags, topic, properties and Topic Aliases. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { each, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

section('MQTT 5.0, 3.3.1 PUBLISH flags', () => {
  conformance(
    ['MQTT-3.3.1-1', 'MQTT-4.3.2-3', 'MQTT-4.3.3-3', 'MQTT-4.4.0-1'],
    'sends again with DUP 1 on resuming',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await first.subscribe([topic, 2]);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, payload: 'one' });
      await publisher.deliver({ topic, qos: 2, payload: 'two' });
      const one = await first.expect('publish', { payload: 'one', dup: false });
      const two = await first.expect('publish', { payload: 'two', dup: false });
      first.cut();
      const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
      await second.receive({ payload: 'one', dup: true, id: one.id, qos: 1 });
      await second.receive({ payload: 'two', dup: true, id: two.id, qos: 2 });
      await second.expectNothing();
    },
  );

  conformance(['MQTT-3.3.1-2', 'MQTT-4.3.1-1'], 'sends QoS 0 with DUP 0', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 0);
    await client.deliver({ topic, qos: 0 });
    await client.deliver({ topic, qos: 1 });
    for (let i = 0; i < 2; i++) assert.equal((await client.find('publish')).raw[0], 0x30);
  });

  conformance(['MQTT-3.3.1-2'], 'refuses QoS 0 with DUP 1', async (scene) => {
    const topic = scene.name();
    await rejects(scene, wire.publish(5, { topic, dup: true }), [0x81, 0x82]);
    await rejects(scene, wire.publish(5, { topic, dup: true, retain: true }), [0x81, 0x82]);
  });

  conformance(
    ['MQTT-3.3.1-3', 'MQTT-4.3.2-2', 'MQTT-4.3.3-2'],
    'does not pass on the DUP of the publisher',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(5, topic, 2);
      const publisher = await scene.connect(5);
      for (const qos of [1, 2]) {
        await publisher.deliver({ topic, qos, dup: true, payload: `${qos}` });
        await client.receive({ payload: `${qos}`, dup: false, qos });
      }
    },
  );

  conformance(['MQTT-3.3.1-4'], 'refuses QoS 3', async (scene) => {
    const body = Buffer.concat([wire.field(scene.name()), wire.u16(1), wire.bytes(0)]);
    for (const first of [0x36, 0x37, 0x3e, 0x3f]) await rejects(scene, wire.packet(first, body), [0x81]);
  });
});

section('MQTT 5.0, 3.3.2 PUBLISH topic and properties', () => {
  conformance(['MQTT-3.3.2-1'], 'refuses a topic that is cut off or no UTF-8', async (scene) => {
    await rejects(scene, wire.packet(0x30, wire.u16(50), Buffer.from('abc')), [0x81]);
    await rejects(scene, wire.packet(0x30, wire.bytes(0)), [0x81]);
    await rejects(scene, wire.publish(5, { topic: wire.hex('C3 28') }), [0x81]);
  });

  conformance(['MQTT-3.3.2-2', 'MQTT-4.7.0-1'], 'refuses wildcards in a topic and delivers nothing', async (scene) => {
    const base = scene.name();
    const watcher = await scene.subscriber(5, `${base}/#`, 2);
    const topics = [`${base}/+`, `${base}/#`, `${base}/a+`, `${base}/#/b`, '#', '+'];
    const packets = topics.flatMap((topic) => [0, 1, 2].map((qos) => wire.publish(5, { topic, qos, id: 1 })));
    await each(packets, (packet) => rejects(scene, packet, [0x90, 0x81, 0x82]));
    await watcher.expectNothing();
  });

  conformance(['MQTT-rule-14', 'MQTT-4.7.3-1'], 'refuses an empty topic without alias', async (scene) => {
    for (const qos of [0, 1, 2]) await rejects(scene, wire.publish(5, { topic: '', qos, id: 1 }), [0x82]);
  });

  const propertiesOf = (): wire.Properties => ({
    payloadFormatIndicator: 1,
    contentType: 'application/json',
    responseTopic: 'responses/é',
    correlationData: Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    userProperties: Array.from({ length: 10 }, (_, i): [string, string] => [
      ['b', 'a', 'b', '', 'é'][i % 5],
      i === 6 ? '' : `${i % 4}`,
    ]),
  });

  conformance(
    ['MQTT-3.3.2-4', 'MQTT-3.3.2-15', 'MQTT-3.3.2-16', 'MQTT-3.3.2-17', 'MQTT-3.3.2-18', 'MQTT-3.3.2-20'],
    'passes every property on unchanged, live, retained and queued',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const absent = await scene.connect(5, { clientId, properties: KEPT });
      await absent.subscribe([topic, 1]);
      await absent.disconnect();
      const live = await scene.subscriber(5, topic, 1);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, retain: true, payload: '{}', properties: propertiesOf() });
      const late = await scene.subscriber(5, topic, 1);
      const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
      for (const client of [live, late, back]) {
        const got = await client.receive({ topic, payload: '{}' });
        assert.deepEqual({ ...got.properties }, propertiesOf());
      }
      await publisher.deliver({ topic, qos: 1, retain: true });
    },
  );

  conformance([], 'passes topic and payload on to 3.1.1 and from 3.1.1, without properties (choice)', async (scene) => {
    const topic = scene.name();
    const old = await scene.subscriber(4, topic, 2);
    const five = await scene.subscriber(5, topic, 2);
    for (const qos of [0, 1, 2]) {
      await five.deliver({ topic, qos, payload: 'from 5.0', properties: propertiesOf() });
      await old.receive({ topic, qos, payload: 'from 5.0' });
      await five.acknowledge(await five.find('publish', { payload: 'from 5.0' }));
      await old.deliver({ topic, qos, payload: 'from 3.1.1' });
      const got = await five.receive({ topic, qos, payload: 'from 3.1.1' });
      assert.deepEqual({ ...got.properties }, {});
      await old.acknowledge(await old.find('publish', { payload: 'from 3.1.1' }));
    }
  });

  conformance(['MQTT-3.3.2-4', 'MQTT-3.3.2-16'], 'adds no property to a message that has none', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 1);
    await client.deliver({ topic, qos: 1 });
    const plain = await client.find('publish', { topic });
    assert.deepEqual({ ...plain.properties }, {});
    await client.deliver({ topic, properties: { payloadFormatIndicator: 0, correlationData: Buffer.alloc(0) } });
    const got = await client.find('publish', { qos: 0 });
    assert.equal(got.properties.payloadFormatIndicator ?? 0, 0);
    assert.deepEqual(got.properties.correlationData, Buffer.alloc(0));
  });

  conformance(
    ['MQTT-3.3.2-13', 'MQTT-3.3.2-19'],
    'refuses Response Topic and Content Type that are no UTF-8',
    async (scene) => {
      const topic = scene.name();
      await rejects(scene, wire.publish(5, { topic, properties: wire.hex('08 00 02 C3 28') }), [0x81]);
      await rejects(scene, wire.publish(5, { topic, properties: wire.hex('03 00 02 C3 28') }), [0x81]);
    },
  );

  conformance(['MQTT-3.3.2-14'], 'refuses a Response Topic with a wildcard and forwards nothing', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    for (const responseTopic of ['a/+', '#', 'a/#', 'a+']) {
      await rejects(scene, wire.publish(5, { topic, properties: { responseTopic } }), [0x81, 0x82, 0x90]);
    }
    await watcher.expectNothing();
  });

  conformance([], 'refuses a Payload Format Indicator other than 0 and 1 (choice)', async (scene) => {
    const topic = scene.name();
    await rejects(scene, wire.publish(5, { topic, properties: { payloadFormatIndicator: 2 } }), [0x81, 0x82]);
  });

  conformance(
    ['MQTT-rule-19'],
    'answers a payload that is not the UTF-8 it claims with 0x99, or takes it',
    async (scene) => {
      const properties = { payloadFormatIndicator: 1 };
      const client = await scene.connect(5);
      client.sendPublish({ topic: scene.name(), qos: 1, id: 1, payload: wire.hex('C3 28'), properties });
      const answer = await client.expect('puback', { id: 1 }).catch(() => undefined);
      if (answer === undefined) await client.expectClose([0x99]);
      else assert.ok([0x00, 0x10, 0x99].includes(answer.code), `code ${answer.code}`);
    },
  );

  conformance(
    ['MQTT-rule-19', 'MQTT-3.3.2-4'],
    'does not check payloads against the format indicator (choice)',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(5, topic);
      const payload = wire.hex('C3 28');
      client.sendPublish({ topic, payload, properties: { payloadFormatIndicator: 1 } });
      const got = await client.expect('publish', { topic, payload });
      assert.equal(got.properties.payloadFormatIndicator, 1);
    },
  );

  conformance(['MQTT-3.3.4-6'], 'refuses a Subscription Identifier from a client', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    const packet = wire.publish(5, { topic, properties: { subscriptionIdentifiers: [5] } });
    await rejects(scene, packet, [0x82]);
    await watcher.expectNothing();
  });
});

section('MQTT 5.0, 3.3.2.3.3 Message Expiry Interval', () => {
  conformance(['MQTT-3.3.2-5'], 'drops a queued message that is due', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 2]);
    await first.disconnect();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'due', properties: { messageExpiryInterval: 1 } });
    await publisher.deliver({ topic, qos: 2, payload: 'due', properties: { messageExpiryInterval: 1 } });
    await publisher.deliver({ topic, qos: 1, payload: 'kept', properties: { messageExpiryInterval: 60 } });
    await publisher.deliver({ topic, qos: 1, payload: 'plain' });
    await scene.wait(2200);
    const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await second.receive({ payload: 'kept' });
    await second.receive({ payload: 'plain' });
    await second.expectNothing();
  });

  conformance(['MQTT-3.3.2-5'], 'drops a message that falls due behind a full window', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { receiveMaximum: 1 } });
    await client.subscribe([topic, 1]);
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'first' });
    await publisher.deliver({ topic, qos: 1, payload: 'due', properties: { messageExpiryInterval: 1 } });
    const first = await client.expect('publish', { payload: 'first' });
    await scene.wait(2200);
    await publisher.deliver({ topic, qos: 1, payload: 'last' });
    client.send(wire.ack('puback', first.id));
    await client.receive({ payload: 'last' });
    await client.expectNothing();
  });

  conformance(['MQTT-3.3.2-6'], 'sends the interval that is left', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 1]);
    const publisher = await scene.connect(5);
    const properties = { messageExpiryInterval: 100 };
    await publisher.deliver({ topic, qos: 1, payload: 'live', properties });
    const live = await first.receive({ payload: 'live' });
    assert.ok([99, 100].includes(live.properties.messageExpiryInterval ?? 0));
    await first.disconnect();
    await publisher.deliver({ topic, qos: 1, payload: 'queued', properties });
    await scene.wait(2200);
    const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    const left = (await second.receive({ payload: 'queued' })).properties.messageExpiryInterval ?? 0;
    assert.ok(left >= 80 && left <= 98, `expiry ${left}`);
  });

  conformance(['MQTT-3.3.2-6'], 'sends an interval of at least 1, rounded down (choice)', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 0);
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'x', properties: { messageExpiryInterval: 1 } });
    const got = await client.expect('publish', { payload: 'x' });
    assert.equal(got.properties.messageExpiryInterval, 1);
  });

  conformance(
    ['MQTT-3.3.2-5', 'MQTT-4.3.3-7'],
    'does not apply the expiry once the first send has begun',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await first.subscribe([topic, 2]);
      const publisher = await scene.connect(5);
      const properties = { messageExpiryInterval: 1 };
      await publisher.deliver({ topic, qos: 1, payload: 'one', properties });
      await publisher.deliver({ topic, qos: 2, payload: 'two', properties });
      const one = await first.expect('publish', { payload: 'one' });
      const two = await first.expect('publish', { payload: 'two' });
      first.cut();
      await scene.wait(2200);
      const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
      await second.receive({ payload: 'one', id: one.id, dup: true });
      await second.receive({ payload: 'two', id: two.id, dup: true });
    },
  );
});

section('MQTT 5.0, 3.3.2.3.4 Topic Alias', () => {
  /** A connected client and the largest alias the server takes; undefined when it takes none. */
  const aliasing = async (scene: Scene): Promise<[client: RawClient, maximum: number]> => {
    const client = await scene.open(5);
    const connack = await client.connect({ clientId: scene.name(), properties: KEPT });
    return [client, connack.properties.topicAliasMaximum ?? 0];
  };

  conformance(['MQTT-3.3.2-12'], 'accepts every alias up to its maximum, empty topics and remapping', async (scene) => {
    const [client, maximum] = await aliasing(scene);
    const base = scene.name();
    const watcher = await scene.subscriber(5, `${base}/#`);
    for (const topicAlias of new Set([1, maximum].filter((alias) => alias >= 1))) {
      client.sendPublish({ topic: `${base}/${topicAlias}/a`, payload: '1', properties: { topicAlias } });
      client.sendPublish({ topic: '', payload: '2', properties: { topicAlias } });
      client.sendPublish({ topic: `${base}/${topicAlias}/b`, payload: '3', properties: { topicAlias } });
      client.sendPublish({ topic: '', payload: '4', properties: { topicAlias } });
      await watcher.expect('publish', { topic: `${base}/${topicAlias}/a`, payload: '1', properties: {} });
      await watcher.expect('publish', { topic: `${base}/${topicAlias}/a`, payload: '2', properties: {} });
      await watcher.expect('publish', { topic: `${base}/${topicAlias}/b`, payload: '3', properties: {} });
      await watcher.expect('publish', { topic: `${base}/${topicAlias}/b`, payload: '4', properties: {} });
    }
  });

  conformance(['MQTT-3.3.2-12'], 'takes aliases at QoS 1 and 2', async (scene) => {
    const [client, maximum] = await aliasing(scene);
    if (maximum === 0) return scene.context.skip('the server takes no aliases');
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic, 2);
    for (const [name, qos] of [
      [topic, 1],
      ['', 1],
      ['', 2],
    ] as const) {
      await client.deliver({ topic: name, qos, payload: `${qos}`, properties: { topicAlias: 1 } });
      await watcher.receive({ topic, qos, payload: `${qos}` });
    }
  });

  conformance(['MQTT-3.3.2-8', 'MQTT-rule-16'], 'refuses alias 0', async (scene) => {
    const topic = scene.name();
    await rejects(scene, wire.publish(5, { topic, properties: { topicAlias: 0 } }), [0x94]);
    await rejects(scene, wire.publish(5, { topic: '', properties: { topicAlias: 0 } }), [0x94]);
  });

  conformance(
    ['MQTT-3.2.2-17', 'MQTT-3.3.2-9', 'MQTT-rule-16'],
    'refuses an alias above its maximum',
    async (scene) => {
      const [client, maximum] = await aliasing(scene);
      const topic = scene.name();
      if (maximum === 65535) return scene.context.skip('every alias is allowed');
      client.sendPublish({ topic, properties: { topicAlias: maximum + 1 } });
      await client.expectClose([0x94]);
      await rejects(scene, wire.publish(5, { topic, properties: { topicAlias: 65535 } }), [0x94]);
    },
  );

  conformance(
    ['MQTT-3.2.2-18', 'MQTT-3.2.2-17', 'MQTT-rule-16'],
    'refuses every alias when its maximum is 0',
    { settings: { topicAliasMaximum: 0 } },
    async (scene) => {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.topicAliasMaximum ?? 0, 0);
      client.sendPublish({ topic: scene.name(), properties: { topicAlias: 1 } });
      await client.expectClose([0x94]);
    },
  );

  conformance(['MQTT-rule-15'], 'refuses an empty topic with an alias that has no mapping', async (scene) => {
    await rejects(scene, wire.publish(5, { topic: '', properties: { topicAlias: 1 } }), [0x82]);
  });

  conformance(['MQTT-3.3.2-7'], 'forgets the aliases with the connection', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    first.sendPublish({ topic, properties: { topicAlias: 1 } });
    await first.disconnect();
    const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    second.sendPublish({ topic: '', properties: { topicAlias: 1 } });
    await second.expectClose([0x82]);
  });

  conformance(['MQTT-3.3.2-7'], 'does not share aliases between connections', async (scene) => {
    const topic = scene.name();
    const other = await scene.connect(5);
    other.sendPublish({ topic, properties: { topicAlias: 1 } });
    await other.ping();
    await rejects(scene, wire.publish(5, { topic: '', properties: { topicAlias: 1 } }), [0x82]);
  });

  conformance(
    ['MQTT-3.3.2-12'],
    'learns an alias even from a PUBLISH that is not authorized (choice)',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.connect(5);
      const topic = `forbidden/${scene.name()}`;
      const properties = { topicAlias: 1 };
      assert.equal(await client.deliver({ topic, qos: 1, properties }), 0x87);
      assert.equal(await client.deliver({ topic: '', qos: 1, properties }), 0x87);
    },
  );

  conformance([], 'takes at least ten aliases and says so in CONNACK (choice)', async (scene) => {
    const [, maximum] = await aliasing(scene);
    assert.ok(maximum >= 10, `Topic Alias Maximum ${maximum}`);
  });

  conformance(
    ['MQTT-3.1.2-26', 'MQTT-3.3.2-11', 'MQTT-3.3.2-8'],
    'keeps its aliases within the maximum of the client',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(5, { properties: { topicAliasMaximum: 2 } });
      await client.subscribe([`${base}/+`, 1]);
      const publisher = await scene.connect(5);
      const known = new Map<number, string>();
      for (let i = 0; i < 40; i++) {
        const topic = `${base}/${i % 10}`;
        await publisher.deliver({ topic, qos: i % 2, payload: topic });
        const got = await client.receive({ payload: topic });
        const alias = got.properties.topicAlias;
        if (alias === undefined) assert.equal(got.topic, topic);
        if (alias === undefined) continue;
        assert.ok(alias === 1 || alias === 2, `alias ${alias}`);
        if (got.topic !== '') known.set(alias, got.topic);
        assert.equal(known.get(alias), topic);
      }
    },
  );

  conformance(['MQTT-3.3.2-11'], 'uses aliases once a client offers them (choice)', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { topicAliasMaximum: 5 } });
    await client.subscribe(topic);
    for (let i = 0; i < 3; i++) client.sendPublish({ topic });
    const first = await client.expect('publish', { topic });
    assert.equal(typeof first.properties.topicAlias, 'number');
    for (let i = 0; i < 2; i++) {
      const next = await client.expect('publish', { topic: '' });
      assert.equal(next.properties.topicAlias, first.properties.topicAlias);
    }
  });

  conformance(
    ['MQTT-3.3.2-7', 'MQTT-3.3.2-11'],
    'sends the full topic when it sends again on resuming',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const properties = { ...KEPT, topicAliasMaximum: 5 };
      const first = await scene.connect(5, { clientId, properties });
      await first.subscribe([topic, 1]);
      const publisher = await scene.connect(5);
      for (let i = 0; i < 3; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
      for (let i = 0; i < 3; i++) await first.expect('publish', { payload: `${i}` });
      first.cut();
      const second = await scene.connect(5, { clientId, clean: false, properties });
      const known = new Map<number, string>();
      for (let i = 0; i < 3; i++) {
        const got = await second.receive({ payload: `${i}`, dup: true });
        const alias = got.properties.topicAlias ?? 0;
        if (got.topic !== '') known.set(alias, got.topic);
        assert.equal(known.get(alias), topic);
      }
    },
  );

  conformance(['MQTT-3.1.2-27', 'MQTT-3.2.2-18'], 'sends no alias to a client that offers none', async (scene) => {
    const topic = scene.name();
    for (const properties of [{}, { topicAliasMaximum: 0 }]) {
      const client = await scene.connect(5, { properties });
      await client.subscribe(topic);
      for (let i = 0; i < 5; i++) client.sendPublish({ topic });
      for (let i = 0; i < 5; i++) {
        const got = await client.expect('publish', { topic });
        assert.equal(got.properties.topicAlias, undefined);
      }
      await client.unsubscribe(topic);
    }
  });
});
