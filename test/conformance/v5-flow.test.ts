/** MQTT 5.0, sections 4.9, 3.3.4 and 3.1.2.11: Receive Maximum and Maximum Packet Size in both directions. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

/** A subscriber with this Receive Maximum and `count` messages published to it. */
async function flooded(
  scene: Scene,
  receiveMaximum: number | undefined,
  qos: number,
  count: number,
): Promise<{ topic: string; client: RawClient; publisher: RawClient }> {
  const topic = scene.name();
  const client = await scene.connect(5, { properties: { receiveMaximum } });
  await client.subscribe([topic, qos]);
  const publisher = await scene.connect(5);
  for (let i = 0; i < count; i++) await publisher.deliver({ topic, qos, payload: `${i}` });
  return { topic, client, publisher };
}

section('MQTT 5.0, 4.9 Flow control', () => {
  conformance(
    ['MQTT-3.3.4-9', 'MQTT-4.9.0-1', 'MQTT-4.9.0-2'],
    'keeps QoS 1 deliveries within the Receive Maximum',
    async (scene) => {
      const { client } = await flooded(scene, 2, 1, 10);
      const open: number[] = [];
      for (let i = 0; i < 2; i++) open.push((await client.expect('publish', { payload: `${i}` })).id);
      await client.expectNothing();
      for (let i = 2; i < 10; i++) {
        client.send(wire.ack('puback', open.shift() ?? 0));
        open.push((await client.expect('publish', { payload: `${i}` })).id);
        await client.expectNothing(5);
      }
    },
  );

  conformance(['MQTT-3.3.4-9', 'MQTT-4.9.0-2'], 'counts a QoS 2 delivery as open until PUBCOMP', async (scene) => {
    const { client } = await flooded(scene, 1, 2, 3);
    for (let i = 0; i < 3; i++) {
      const { id } = await client.expect('publish', { payload: `${i}` });
      await client.expectNothing(20);
      client.send(wire.ack('pubrec', id));
      await client.expect('pubrel', { id });
      await client.expectNothing(20);
      client.send(wire.ack('pubcomp', id));
    }
    await client.expectNothing();
  });

  conformance(['MQTT-3.3.4-9', 'MQTT-4.9.0-2'], 'frees a place at PUBREC of 0x80 or more', async (scene) => {
    const { client } = await flooded(scene, 1, 2, 3);
    for (let i = 0; i < 3; i++) {
      const { id } = await client.expect('publish', { payload: `${i}` });
      client.send(wire.ack('pubrec', id, 0x80));
    }
    await client.expectNothing();
  });

  conformance(['MQTT-4.9.0-1'], 'opens at most as many as a client without Receive Maximum takes', async (scene) => {
    const { client } = await flooded(scene, undefined, 1, 40);
    const open = [await client.expect('publish', { payload: '0' })];
    for (let i = 1; i < 40; i++) {
      const next = await client.find('publish', { payload: `${i}` }, 300).catch(() => undefined);
      if (next === undefined) break;
      open.push(next);
    }
    assert.ok(open.length >= 20, `${open.length} open`);
  });

  conformance(['MQTT-4.9.0-1'], 'keeps at least 32 open for a client that allows them (choice)', async (scene) => {
    const { client } = await flooded(scene, undefined, 1, 40);
    for (let i = 0; i < 32; i++) await client.expect('publish', { payload: `${i}` });
  });

  conformance(['MQTT-3.3.4-10', 'MQTT-4.9.0-3'], 'answers other packets while its quota is 0', async (scene) => {
    const { topic, client } = await flooded(scene, 1, 1, 3);
    await client.expect('publish', { payload: '0' });
    client.send(wire.subscribe(5, 100, [[scene.name(), 0]]));
    await client.expect('suback', { id: 100 });
    client.send(wire.unsubscribe(5, 101, [scene.name()]));
    await client.expect('unsuback', { id: 101 });
    client.send(wire.pingreq());
    await client.expect('pingresp');
    client.sendPublish({ topic: scene.name(), qos: 1, id: 102 });
    await client.expect('puback', { id: 102 });
    client.sendPublish({ topic: `${topic}/x`, qos: 2, id: 103 });
    await client.expect('pubrec', { id: 103 });
    client.send(wire.ack('pubrel', 103));
    await client.expect('pubcomp', { id: 103 });
  });

  conformance([], 'sends QoS 0 messages while its quota is 0 (choice)', async (scene) => {
    const { topic, client, publisher } = await flooded(scene, 1, 1, 3);
    await client.expect('publish', { payload: '0' });
    publisher.sendPublish({ topic, qos: 0, payload: 'zero' });
    await client.expect('publish', { payload: 'zero', qos: 0 });
  });

  conformance(
    ['MQTT-3.3.4-7', 'MQTT-4.9.0-1'],
    'closes with 0x93 when a client has more open than its Receive Maximum',
    { settings: { receiveMaximum: 2 } },
    async (scene) => {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.receiveMaximum, 2);
      const topic = scene.name();
      for (const id of [1, 2]) client.sendPublish({ topic, qos: 2, id });
      for (const id of [1, 2]) await client.expect('pubrec', { id });
      client.sendPublish({ topic, qos: 2, id: 2, dup: true });
      await client.expect('pubrec', { id: 2 });
      client.sendPublish({ topic, qos: 2, id: 3 });
      await client.expectClose([0x93]);
    },
  );

  conformance(
    ['MQTT-3.3.4-7', 'MQTT-4.9.0-2'],
    'frees a place of the client at PUBACK and PUBCOMP',
    { settings: { receiveMaximum: 2 } },
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5);
      for (let i = 0; i < 5; i++) {
        await client.deliver({ topic, qos: 1 });
        await client.deliver({ topic, qos: 2 });
      }
      client.sendPublish({ topic, qos: 2, id: 100 });
      await client.expect('pubrec', { id: 100 });
      client.sendPublish({ topic, qos: 1, id: 101 });
      await client.expect('puback', { id: 101 });
      await client.expectNothing();
    },
  );

  conformance(['MQTT-3.3.4-7'], 'closes with 0x93 by default too (choice)', async (scene) => {
    const client = await scene.open(5);
    const connack = await client.connect({ clientId: scene.name() });
    const most = connack.properties.receiveMaximum ?? 65_535;
    const topic = scene.name();
    const packets = Array.from({ length: most + 1 }, (_, i) => wire.publish(5, { topic, qos: 2, id: i + 1 }));
    if (most === 65_535) return scene.context.skip('65,535 are allowed, all there are');
    client.send(...packets.slice(0, most));
    for (let i = 0; i < most; i++) await client.expect('pubrec');
    client.send(packets[most]);
    await client.expectClose([0x93]);
  });

  conformance(['MQTT-3.3.4-7'], 'starts a resumed session with the whole window of the client', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    for (const id of [1, 2, 3]) first.sendPublish({ topic, qos: 2, id });
    for (const id of [1, 2, 3]) await first.expect('pubrec', { id });
    first.cut();
    const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    for (const id of [1, 2, 3]) second.send(wire.ack('pubrel', id));
    for (const id of [1, 2, 3]) await second.expect('pubcomp', { id, code: 0 });
    await second.expectNothing();
  });
});

section('MQTT 5.0, 3.1.2.11.4 Maximum Packet Size of the client', () => {
  conformance(['MQTT-3.1.2-24', 'MQTT-3.1.2-25'], 'drops a message that is too large for a client', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const properties = { ...KEPT, maximumPacketSize: 100, receiveMaximum: 2 };
    const client = await scene.connect(5, { clientId, properties });
    await client.subscribe([topic, 2]);
    const other = await scene.subscriber(5, topic, 2);
    const publisher = await scene.connect(5);
    for (const qos of [0, 1, 2, 1, 2]) {
      await publisher.deliver({ topic, qos, payload: Buffer.alloc(200) });
      await other.receive({ topic, qos });
    }
    for (const qos of [1, 2, 1]) await publisher.deliver({ topic, qos, payload: `small ${qos}` });
    for (const qos of [1, 2, 1]) await client.receive({ payload: `small ${qos}`, qos });
    await client.expectNothing();
    await client.disconnect();
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await back.expectNothing();
  });

  conformance(['MQTT-3.1.2-24'], 'counts every byte of the packet', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { maximumPacketSize: 100 } });
    await client.subscribe([topic, 1]);
    const overhead = 2 + 2 + topic.length + 2 + 1;
    await client.deliver({ topic, qos: 1, payload: Buffer.alloc(100 - overhead + 1) });
    await client.deliver({ topic, qos: 1, payload: Buffer.alloc(100 - overhead) });
    const got = await client.find('publish');
    assert.equal(got.raw.length, 100);
    await client.acknowledge(got);
    await client.expectNothing();
  });

  conformance(
    ['MQTT-3.1.2-25'],
    'drops a queued message that is too large for the client that comes back',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await first.subscribe([topic, 1]);
      await first.disconnect();
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, payload: Buffer.alloc(200) });
      await publisher.deliver({ topic, qos: 1, payload: 'small' });
      const properties = { ...KEPT, maximumPacketSize: 100, receiveMaximum: 1 };
      const second = await scene.connect(5, { clientId, clean: false, properties });
      await second.receive({ payload: 'small' });
      await second.expectNothing();
    },
  );

  conformance(['MQTT-3.1.2-24', 'MQTT-3.3.1-9'], 'skips a retained message that is too large', async (scene) => {
    const base = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic: `${base}/a`, qos: 1, retain: true, payload: Buffer.alloc(200, 1) });
    await publisher.deliver({ topic: `${base}/b`, qos: 1, retain: true, payload: 'small' });
    const client = await scene.connect(5, { properties: { maximumPacketSize: 100 } });
    await client.subscribe([`${base}/+`, 1]);
    await client.receive({ topic: `${base}/b`, payload: 'small' });
    await client.expectNothing();
    for (const name of ['a', 'b']) await publisher.deliver({ topic: `${base}/${name}`, qos: 1, retain: true });
  });

  conformance(
    ['MQTT-3.1.2-24', 'MQTT-3.14.2-3', 'MQTT-3.14.2-4'],
    'keeps DISCONNECT within the size the client takes',
    async (scene) => {
      for (const packet of [wire.packet(0x00), wire.publish(5, { topic: '' }), wire.subscribe(5, 1, [['a', 0x40]])]) {
        const client = await scene.connect(5, { properties: { maximumPacketSize: 40, requestProblemInformation: 1 } });
        client.send(packet);
        await client.expectClose([0x81, 0x82]);
        for (const one of client.received) assert.ok(one.raw.length <= 40, `${one.type} of ${one.raw.length} bytes`);
      }
    },
  );

  conformance(['MQTT-3.1.2-24'], 'keeps a SUBACK of many codes within the size, or closes', async (scene) => {
    const base = scene.name();
    const client = await scene.connect(5, { properties: { maximumPacketSize: 60 } });
    const filters = Array.from({ length: 100 }, (_, i): [string, number] => [`${base}/${i}`, 0]);
    client.send(wire.subscribe(5, 1, filters), wire.pingreq());
    await client.find('pingresp').catch(() => undefined);
    for (const packet of client.received)
      assert.ok(packet.raw.length <= 60, `${packet.type} of ${packet.raw.length} bytes`);
  });
});
