/** MQTT 5.0, sections 3.8 and 3.9: SUBSCRIBE, its options, SUBACK, and overlapping subscriptions. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { each, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

const NO_LOCAL = 0x04;
const AS_PUBLISHED = 0x08;
const HANDLING_2 = 0x20;
const KEPT = { sessionExpiryInterval: 60 };
const SUBSCRIBE_CODES = [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];

/** All copies of the message with this payload that reach `client`, acknowledged; a QoS 0 marker ends the wait. */
async function copies(
  client: RawClient,
  publisher: RawClient,
  fields: wire.PublishFields,
): Promise<RawClient['received']> {
  const before = client.received.length;
  await publisher.deliver(fields);
  await publisher.ping();
  await client.ping();
  for (;;) {
    const next = await client.find('publish', {}, 60).catch(() => undefined);
    if (next === undefined) break;
    await client.acknowledge(next);
  }
  return client.received.slice(before).filter((packet) => packet.type === 'publish');
}

section('MQTT 5.0, 3.8 SUBSCRIBE', () => {
  conformance(['MQTT-3.8.1-1'], 'refuses SUBSCRIBE with other flags', async (scene) => {
    const body = Buffer.concat([wire.u16(1), wire.bytes(0), wire.field('a'), wire.bytes(0)]);
    for (const first of [0x80, 0x81, 0x83, 0x86, 0x8a]) await rejects(scene, wire.packet(first, body), [0x81]);
  });

  conformance(['MQTT-3.8.3-1'], 'refuses a filter that is no UTF-8', async (scene) => {
    await rejects(scene, wire.subscribe(5, 1, [[wire.hex('C3 28'), 0]]), [0x81]);
    await rejects(scene, wire.subscribe(5, 1, [[wire.hex('61 00'), 0]]), [0x81]);
  });

  conformance(['MQTT-3.8.3-2'], 'refuses SUBSCRIBE without a filter or without its options', async (scene) => {
    await rejects(scene, wire.subscribe(5, 1, []), [0x82]);
    await rejects(scene, wire.packet(0x82, wire.u16(1), wire.bytes(0), wire.field('a')), [0x81]);
    const two = [wire.field('a'), wire.bytes(0), wire.field('b')];
    await rejects(scene, wire.packet(0x82, wire.u16(1), wire.bytes(0), ...two), [0x81]);
  });

  conformance(['MQTT-3.8.3-3'], 'keeps own messages from a No Local subscription', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const client = await scene.connect(5, { clientId, properties: KEPT });
    await client.subscribe([topic, NO_LOCAL | 1]);
    const other = await scene.connect(5);
    await client.deliver({ topic, qos: 1, payload: 'own' });
    await other.deliver({ topic, qos: 1, payload: 'other' });
    await client.receive({ payload: 'other' });
    await client.expectNothing();
    await client.disconnect();
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await back.deliver({ topic, qos: 1, payload: 'own again' });
    await other.deliver({ topic, qos: 1, payload: 'other again' });
    await back.receive({ payload: 'other again' });
    await back.expectNothing();
  });

  conformance(['MQTT-3.8.3-4'], 'refuses No Local on a shared subscription', async (scene) => {
    await rejects(scene, wire.subscribe(5, 1, [[`$share/g/${scene.name()}`, NO_LOCAL]]), [0x82]);
    await rejects(scene, wire.subscribe(5, 1, [[`$share/g/${scene.name()}`, NO_LOCAL | 1]]), [0x82]);
  });

  conformance(['MQTT-3.8.3-5'], 'refuses reserved option bits', async (scene) => {
    for (const options of [0x40, 0x80, 0xc0, 0x41]) {
      await rejects(scene, wire.subscribe(5, 1, [[scene.name(), options]]), [0x81]);
    }
  });

  conformance(['MQTT-rule-25'], 'refuses Maximum QoS 3 and Retain Handling 3', async (scene) => {
    for (const options of [0x03, 0x30, 0x31]) {
      await rejects(scene, wire.subscribe(5, 1, [[scene.name(), options]]), [0x82]);
    }
  });

  conformance(['MQTT-rule-24'], 'refuses Subscription Identifier 0 or given twice', async (scene) => {
    const filters = [[scene.name(), 0]] as const;
    await rejects(scene, wire.subscribe(5, 1, filters, { subscriptionIdentifiers: [0] }), [0x82]);
    await rejects(scene, wire.subscribe(5, 1, filters, { subscriptionIdentifiers: [1, 2] }), [0x82]);
  });

  conformance(['MQTT-rule-24'], 'takes Subscription Identifiers from 1 to 268,435,455', async (scene) => {
    const client = await scene.connect(5);
    for (const id of [1, 127, 128, 16_384, 268_435_455]) {
      const topic = scene.name();
      await client.subscribeWith({ subscriptionIdentifiers: [id] }, [topic, 0]);
      client.sendPublish({ topic });
      const got = await client.expect('publish', { topic });
      assert.deepEqual(got.properties.subscriptionIdentifiers, [id]);
    }
  });

  conformance(['MQTT-3.8.4-1', 'MQTT-3.8.4-2'], 'answers every SUBSCRIBE with its identifier', async (scene) => {
    const client = await scene.connect(5);
    for (const id of [1, 0x0100, 65535]) {
      client.send(wire.subscribe(5, id, [[scene.name(), 2]]));
      await client.expect('suback', { id, codes: [2] });
    }
  });

  conformance(['MQTT-3.8.4-3'], 'replaces a subscription to the same filter', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    await client.subscribeWith({ subscriptionIdentifiers: [1] }, [topic, 1]);
    await client.subscribeWith({ subscriptionIdentifiers: [2] }, [topic, AS_PUBLISHED | HANDLING_2]);
    const publisher = await scene.connect(5);
    const got = await copies(client, publisher, { topic, qos: 1, retain: true, payload: 'x' });
    assert.equal(got.length, 1);
    const [publish] = got;
    assert.ok(publish.type === 'publish');
    assert.equal(publish.qos, 0);
    assert.equal(publish.retain, true);
    assert.deepEqual(publish.properties.subscriptionIdentifiers, [2]);
    await client.subscribe([topic, HANDLING_2]);
    const plain = await copies(client, publisher, { topic, qos: 1, retain: true, payload: 'y' });
    assert.ok(plain.length === 1 && plain[0].type === 'publish');
    assert.equal(plain[0].retain, false);
    assert.equal(plain[0].properties.subscriptionIdentifiers, undefined);
    assert.deepEqual((await client.unsubscribe(topic)).codes, [0]);
    assert.deepEqual((await client.unsubscribe(topic)).codes, [0x11]);
    assert.equal((await copies(client, publisher, { topic, qos: 1, retain: true })).length, 0);
  });

  conformance(['MQTT-3.8.4-3'], 'replaces No Local too', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    await client.subscribe([topic, NO_LOCAL]);
    client.sendPublish({ topic, payload: 'hidden' });
    await client.subscribe([topic, 0]);
    client.sendPublish({ topic, payload: 'seen' });
    await client.expect('publish', { payload: 'seen' });
    await client.expectNothing();
  });

  conformance(['MQTT-3.8.4-4'], 'sends retained messages again on replacing, and loses none', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { receiveMaximum: 1000 } });
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'kept' });
    await client.subscribe([topic, 1]);
    await client.receive({ payload: 'kept', retain: true });
    let stop = false;
    let sent = 0;
    const stream = (async () => {
      for (; !stop; sent += 1) await publisher.deliver({ topic, qos: 1, payload: `${sent}` });
    })();
    for (let i = 0; i < 10; i++) await client.subscribe([topic, 1]);
    stop = true;
    await stream;
    const seen = new Set<number>();
    let retained = 0;
    while (seen.size < sent || retained < 10) {
      const got = await client.find('publish');
      await client.acknowledge(got);
      if (got.retain) retained += 1;
      else seen.add(Number(got.payload.toString()));
    }
    await client.expectNothing();
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(
    ['MQTT-3.8.4-5', 'MQTT-3.8.4-6', 'MQTT-3.9.3-1'],
    'answers many filters with one SUBACK of as many codes',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(5);
      const filters = Array.from({ length: 10 }, (_, i): [string, number] => [`${base}/${i}`, [2, 0, 1][i % 3]]);
      const suback = await client.subscribe(...filters);
      assert.deepEqual(
        suback.codes,
        filters.map(([, qos]) => qos),
      );
      for (const [topic] of filters) client.sendPublish({ topic });
      for (const [topic] of filters) await client.expect('publish', { topic });
      await client.expectNothing();
    },
  );

  conformance(['MQTT-3.8.4-5'], 'lets the later entry win when a filter is there twice (choice)', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    assert.deepEqual((await client.subscribe([topic, 0], [topic, 2])).codes, [0, 2]);
    const got = await copies(client, await scene.connect(5), { topic, qos: 2 });
    assert.equal(got.length, 1);
    assert.ok(got[0].type === 'publish' && got[0].qos === 2);
  });

  conformance(
    ['MQTT-3.8.4-5', 'MQTT-3.8.4-7', 'MQTT-3.9.3-1', 'MQTT-3.9.3-2'],
    'refuses one filter among others in its place',
    { settings: { policies: true } },
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(5);
      const suback = await client.subscribe([`${base}/a`, 1], [`forbidden/${base}`, 1], [`${base}/b`, 2]);
      assert.deepEqual(suback.codes, [1, 0x87, 2]);
      await client.deliver({ topic: `${base}/b`, qos: 1 });
      await client.find('publish', { topic: `${base}/b` });
    },
  );

  conformance(['MQTT-3.8.4-7', 'MQTT-3.9.3-2'], 'grants the QoS that was asked (choice)', async (scene) => {
    const client = await scene.connect(5);
    for (const qos of [0, 1, 2]) {
      for (const filter of [scene.name(), `${scene.name()}/#`, `$share/g/${scene.name()}`]) {
        assert.deepEqual((await client.subscribe([filter, qos])).codes, [qos]);
      }
    }
  });

  conformance(['MQTT-3.8.4-7', 'MQTT-3.9.3-2'], 'answers an invalid filter with 0x8F, or closes', async (scene) => {
    await each(['a#', 'a/#/b', '+a', ''], async (filter) => {
      const client = await scene.connect(5);
      client.send(wire.subscribe(5, 1, [[filter, 0]]));
      const suback = await client.expect('suback').catch(() => undefined);
      if (suback === undefined) await client.expectClose([0x81, 0x82, 0x8f]);
      else assert.ok(SUBSCRIBE_CODES.includes(suback.codes[0]) && suback.codes[0] >= 0x80);
    });
  });

  conformance(['MQTT-3.8.4-8'], 'delivers at the lower of published and granted QoS', async (scene) => {
    const publisher = await scene.connect(5);
    for (const granted of [0, 1, 2]) {
      const topic = scene.name();
      const client = await scene.subscriber(5, topic, granted);
      for (const published of [0, 1, 2]) {
        await publisher.deliver({ topic, qos: published, payload: `${published}` });
        await client.receive({ payload: `${published}`, qos: Math.min(granted, published) });
      }
    }
  });

  conformance(['MQTT-3.9.2-1', 'MQTT-3.9.2-2'], 'keeps SUBACK within the size the client takes', async (scene) => {
    const client = await scene.connect(5, { properties: { maximumPacketSize: 40 } });
    client.send(wire.subscribe(5, 1, [[`${scene.name()}/${'x'.repeat(50)}`, 0]]));
    const suback = await client.expect('suback');
    assert.ok(suback.raw.length <= 40);
  });

  conformance(
    ['MQTT-3.9.2-1', 'MQTT-3.9.2-2'],
    'keeps SUBACK of a refusal within the size the client takes',
    { settings: { policies: true } },
    async (scene) => {
      const probe = await scene.open(5);
      const size = (await probe.connect({ clientId: scene.name() })).raw.length;
      const properties = { maximumPacketSize: size, requestProblemInformation: 1 };
      const client = await scene.connect(5, { properties });
      client.send(wire.subscribe(5, 1, [[`forbidden/${scene.name()}`, 0]]));
      const suback = await client.expect('suback', { codes: [0x87] });
      assert.ok(suback.raw.length <= size, `${suback.raw.length} bytes`);
    },
  );

  conformance(
    ['MQTT-rule-26'],
    'refuses wildcards where they are not offered',
    { settings: { wildcardSubscriptionAvailable: false } },
    async (scene) => {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.wildcardSubscriptionAvailable, 0);
      const base = scene.name();
      assert.deepEqual((await client.subscribe([base, 1])).codes, [1]);
      client.send(wire.subscribe(5, 9, [[`${base}/#`, 0]]));
      await client.expectClose([0xa2]);
      await rejects(scene, wire.subscribe(5, 9, [[`${base}/+`, 0]]), [0xa2]);
    },
  );

  conformance(
    ['MQTT-rule-26'],
    'refuses shared filters where they are not offered',
    { settings: { sharedSubscriptionAvailable: false } },
    async (scene) => {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.sharedSubscriptionAvailable, 0);
      client.send(wire.subscribe(5, 9, [[`$share/g/${scene.name()}`, 0]]));
      await client.expectClose([0x9e]);
    },
  );

  conformance(
    ['MQTT-rule-26'],
    'refuses Subscription Identifiers where they are not offered',
    { settings: { subscriptionIdentifierAvailable: false } },
    async (scene) => {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.subscriptionIdentifierAvailable, 0);
      client.send(wire.subscribe(5, 9, [[scene.name(), 0]], { subscriptionIdentifiers: [1] }));
      await client.expectClose([0xa1]);
    },
  );

  conformance(
    ['MQTT-rule-27'],
    'refuses one particular wildcard filter in SUBACK',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.connect(5);
      const { codes } = await client.subscribe([`forbidden/${scene.name()}/#`, 0], [`${scene.name()}/#`, 1]);
      assert.ok(codes[0] === 0x87 || codes[0] === 0xa2, `code ${codes[0]}`);
      assert.equal(codes[1], 1);
    },
  );
});

section('MQTT 5.0, 3.3.4 Overlapping subscriptions', () => {
  const overlap = async (scene: Scene): Promise<{ base: string; client: RawClient; publisher: RawClient }> => {
    const base = scene.name();
    const client = await scene.connect(5);
    return { base, client, publisher: await scene.connect(5) };
  };

  conformance(['MQTT-3.3.4-2'], 'delivers at the highest QoS among overlapping subscriptions', async (scene) => {
    const { base, client, publisher } = await overlap(scene);
    await client.subscribe([`${base}/#`, 0], [`${base}/b`, 2], [`${base}/+`, 1]);
    const got = await copies(client, publisher, { topic: `${base}/b`, qos: 2 });
    assert.ok(got.some((packet) => packet.type === 'publish' && packet.qos === 2));
  });

  conformance(
    ['MQTT-3.3.4-3', 'MQTT-3.3.4-4', 'MQTT-3.3.4-5'],
    'sends the identifiers of overlapping subscriptions',
    async (scene) => {
      const { base, client, publisher } = await overlap(scene);
      await client.subscribeWith({ subscriptionIdentifiers: [1] }, [`${base}/#`, 1]);
      await client.subscribeWith({ subscriptionIdentifiers: [2] }, [`${base}/b`, 1]);
      await client.subscribe([`${base}/+`, 1]);
      const got = await copies(client, publisher, { topic: `${base}/b`, qos: 1 });
      const ids = got.map((packet) =>
        packet.type === 'publish' ? (packet.properties.subscriptionIdentifiers ?? []) : [],
      );
      assert.deepEqual(ids.flat().sort(), [1, 2]);
      if (got.length > 1) assert.ok(ids.every((one) => one.length <= 1));
    },
  );

  conformance(['MQTT-3.3.4-4'], 'sends one copy with all identifiers (choice)', async (scene) => {
    const { base, client, publisher } = await overlap(scene);
    await client.subscribeWith({ subscriptionIdentifiers: [1] }, [`${base}/#`, 0]);
    await client.subscribeWith({ subscriptionIdentifiers: [2] }, [`${base}/b`, 2]);
    await client.subscribeWith({ subscriptionIdentifiers: [3] }, [`${base}/+`, 1]);
    const got = await copies(client, publisher, { topic: `${base}/b`, qos: 2 });
    assert.equal(got.length, 1);
    assert.ok(got[0].type === 'publish');
    assert.equal(got[0].qos, 2);
    assert.deepEqual(got[0].properties.subscriptionIdentifiers?.sort(), [1, 2, 3]);
  });

  conformance([], 'keeps RETAIN when any overlapping subscription asks for it (choice)', async (scene) => {
    const { base, client, publisher } = await overlap(scene);
    await client.subscribe([`${base}/#`, 0], [`${base}/b`, AS_PUBLISHED]);
    const got = await copies(client, publisher, { topic: `${base}/b`, qos: 1, retain: true, payload: 'x' });
    assert.ok(got.length === 1 && got[0].type === 'publish' && got[0].retain);
    await publisher.deliver({ topic: `${base}/b`, qos: 1, retain: true });
  });

  conformance(['MQTT-3.8.3-3'], 'removes with No Local only that subscription (choice)', async (scene) => {
    const { base, client } = await overlap(scene);
    await client.subscribeWith({ subscriptionIdentifiers: [1] }, [`${base}/#`, NO_LOCAL]);
    await client.subscribeWith({ subscriptionIdentifiers: [2] }, [`${base}/b`, 0]);
    client.sendPublish({ topic: `${base}/b` });
    const got = await client.expect('publish');
    assert.deepEqual(got.properties.subscriptionIdentifiers, [2]);
    await client.expectNothing();
  });
});
