/** MQTT 5.0, section 3.2: CONNACK and the limits it tells. */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import { refuses } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

section('MQTT 5.0, 3.2 CONNACK', () => {
  conformance(['MQTT-3.2.0-1'], 'sends CONNACK before queued messages and pipelined answers', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    const publisher = await scene.connect(5);
    for (let i = 0; i < 50; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
    const second = await scene.open(5);
    second.send(
      wire.connect({ version: 5, clientId, clean: false, properties: KEPT }),
      wire.subscribe(5, 1, [[scene.name(), 0]]),
      wire.pingreq(),
    );
    await second.expect('connack', { code: 0, sessionPresent: true });
    await second.find('suback', { id: 1 });
    await second.find('pingresp');
    await second.find('publish', { payload: '0' });
  });

  conformance(['MQTT-3.2.0-2'], 'sends one CONNACK on a connection', async (scene) => {
    const client = await scene.connect(5);
    for (let i = 0; i < 5; i++) {
      await client.subscribe(scene.name());
      await client.ping();
    }
    await client.disconnect();
    assert.equal(client.received.filter((packet) => packet.type === 'connack').length, 1);
  });

  conformance(['MQTT-3.2.2-1'], 'sets no reserved acknowledge flag', async (scene) => {
    const clientId = scene.name();
    for (const clean of [true, false]) {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId, clean, properties: KEPT });
      assert.equal(connack.raw[connack.raw.length < 130 ? 2 : 3] & 0xfe, 0);
      await client.disconnect();
    }
  });

  conformance(
    ['MQTT-3.2.2-6', 'MQTT-3.2.2-7'],
    'answers a refused CONNECT of a stored session with Session Present 0 and closes',
    { settings: { policies: true } },
    async (scene) => {
      const clientId = scene.name();
      await (await scene.connect(5, { clientId, properties: KEPT })).disconnect();
      const refused = await scene.open(5);
      refused.sendConnect({ clientId, clean: false, username: 'bad', password: 'x', properties: KEPT });
      const connack = await refused.expectRefusal(0x86, 0x87);
      assert.equal(connack.sessionPresent, false);
      const again = await scene.open(5);
      assert.equal((await again.connect({ clientId, clean: false })).sessionPresent, true);
    },
  );

  conformance(['MQTT-3.2.2-6', 'MQTT-3.2.2-7'], 'closes after any CONNACK that refuses', async (scene) => {
    const clientId = scene.name();
    await (await scene.connect(5, { clientId, properties: KEPT })).disconnect();
    for (const options of [
      { clientId, clean: false, properties: { receiveMaximum: 0 } },
      { clientId, clean: false, will: { topic: 'a/#' } },
      { clientId, flags: 0x01 },
    ]) {
      const client = await scene.open(5);
      client.sendConnect(options);
      await client.expectClose([0x81, 0x82, 0x90]);
      for (const packet of client.received) if (packet.type === 'connack') assert.equal(packet.sessionPresent, false);
    }
  });

  conformance(
    ['MQTT-3.2.2-9', 'MQTT-3.2.2-11', 'MQTT-rule-17'],
    'says Maximum QoS 0 and closes on a PUBLISH above it',
    { settings: { maximumQoS: 0 } },
    async (scene) => {
      const topic = scene.name();
      for (const qos of [1, 2]) {
        const client = await scene.open(5);
        const connack = await client.connect({ clientId: scene.name() });
        assert.equal(connack.properties.maximumQoS, 0);
        await client.subscribe([topic, 0]);
        client.sendPublish({ topic, payload: 'zero' });
        await client.expect('publish', { payload: 'zero', qos: 0 });
        await client.unsubscribe(topic);
        client.sendPublish({ topic, qos, id: 1 });
        await client.expectClose([0x9b]);
      }
    },
  );

  conformance(
    ['MQTT-3.2.2-9', 'MQTT-3.2.2-11', 'MQTT-rule-17'],
    'says Maximum QoS 1 and closes on a PUBLISH above it',
    { settings: { maximumQoS: 1 } },
    async (scene) => {
      const topic = scene.name();
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.maximumQoS, 1);
      await client.subscribe([topic, 1]);
      await client.deliver({ topic, qos: 1, payload: 'one' });
      await client.find('publish', { payload: 'one', qos: 1 });
      client.sendPublish({ topic, qos: 2, id: 2 });
      await client.expectClose([0x9b]);
    },
  );

  conformance(
    ['MQTT-3.2.2-10', 'MQTT-3.8.4-7'],
    'grants every SUBSCRIBE at Maximum QoS 0, at most at it',
    { settings: { maximumQoS: 0 } },
    async (scene) => {
      const client = await scene.connect(5);
      for (const qos of [0, 1, 2]) assert.deepEqual((await client.subscribe([scene.name(), qos])).codes, [0]);
    },
  );

  conformance(
    ['MQTT-3.2.2-10', 'MQTT-3.8.4-7'],
    'grants every SUBSCRIBE at Maximum QoS 1, at most at it',
    { settings: { maximumQoS: 1 } },
    async (scene) => {
      const client = await scene.connect(5);
      const filters = [0, 1, 2].map((qos): [string, number] => [scene.name(), qos]);
      assert.deepEqual((await client.subscribe(...filters)).codes, [0, 1, 1]);
    },
  );

  conformance(
    ['MQTT-3.2.2-12'],
    'refuses a will above Maximum QoS 0',
    { settings: { maximumQoS: 0 } },
    async (scene) => {
      for (const qos of [1, 2]) await refuses(scene, { will: { topic: scene.name(), qos } }, [0x9b]);
      await scene.connect(5, { will: { topic: scene.name(), qos: 0 } });
    },
  );

  conformance(
    ['MQTT-3.2.2-12'],
    'refuses a will above Maximum QoS 1',
    { settings: { maximumQoS: 1 } },
    async (scene) => {
      await refuses(scene, { will: { topic: scene.name(), qos: 2 } }, [0x9b]);
      await scene.connect(5, { will: { topic: scene.name(), qos: 1 } });
    },
  );

  conformance(['MQTT-3.2.2-9'], 'says no Maximum QoS when it serves QoS 2 (choice)', async (scene) => {
    const client = await scene.open(5);
    assert.equal((await client.connect({ clientId: scene.name() })).properties.maximumQoS, undefined);
  });

  conformance(
    ['MQTT-3.2.2-13', 'MQTT-3.2.2-14', 'MQTT-rule-18'],
    'refuses RETAIN where retained messages are not offered',
    { settings: { retainAvailable: false } },
    async (scene) => {
      const topic = scene.name();
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.retainAvailable, 0);
      await client.deliver({ topic, qos: 1 });
      client.sendPublish({ topic, retain: true });
      await client.expectClose([0x9a]);
      await refuses(scene, { will: { topic, retain: true } }, [0x9a]);
      await scene.connect(5, { will: { topic } });
    },
  );

  conformance(
    ['MQTT-3.2.2-15', 'MQTT-rule-6'],
    'refuses a packet of one byte more than its Maximum Packet Size',
    { settings: { maximumPacketSize: 300 } },
    async (scene) => {
      const topic = scene.name();
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name() });
      assert.equal(connack.properties.maximumPacketSize, 300);
      await client.subscribe(topic);
      const payload = Buffer.alloc(300 - 3 - 2 - topic.length - 1);
      client.sendPublish({ topic, payload });
      await client.expect('publish', { topic, payload });
      client.sendPublish({ topic, payload: Buffer.alloc(payload.length + 1) });
      await client.expectClose([0x95]);
      // What fixed header, identifier, property length, filter length and options leave of SUBSCRIBE.
      const room = 300 - 3 - 2 - 1 - 2 - 1;
      const other = await scene.connect(5);
      other.send(wire.subscribe(5, 1, [['x'.repeat(room + 1), 0]]));
      await other.expectClose([0x95]);
      const fits = await scene.connect(5);
      fits.send(wire.subscribe(5, 1, [['x'.repeat(room), 0]]));
      await fits.expect('suback', { codes: [0] });
    },
  );

  conformance(
    ['MQTT-3.2.2-15', 'MQTT-rule-6'],
    'takes packets of 2,000,000 bytes and refuses more at the header (choice)',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.open(5);
      const largest = (await client.connect({ clientId: scene.name() })).properties.maximumPacketSize ?? 0;
      assert.ok(largest >= 2_000_000, `Maximum Packet Size ${largest}`);
      await client.subscribe(topic);
      const payload = Buffer.alloc(1_000_000, 0x61);
      client.sendPublish({ topic, payload });
      assert.equal((await client.expect('publish', { topic })).payload.length, payload.length);
      client.send(wire.bytes(0x30), wire.varint(largest), wire.field(topic));
      await client.expectClose([0x95]);
    },
  );

  conformance(['MQTT-rule-6'], 'refuses a CONNECT that claims 256 MB at the header (choice)', async (scene) => {
    await refuses(scene, Buffer.concat([wire.hex('10 FF FF FF 7F'), wire.field('MQTT'), wire.bytes(5)]), [0x95]);
  });

  conformance(
    ['MQTT-3.2.2-19', 'MQTT-3.2.2-20'],
    'keeps a CONNACK that refuses within the size the client takes',
    async (scene) => {
      const client = await scene.open(5);
      const properties = { maximumPacketSize: 20, requestProblemInformation: 1 };
      client.sendConnect({ clientId: scene.name(), properties, will: { topic: 'a/#' } });
      await client.expectClose([0x90, 0x81]);
      for (const packet of client.received) assert.ok(packet.raw.length <= 20, `${packet.raw.length} bytes`);
    },
  );

  conformance(
    ['MQTT-3.2.2-19', 'MQTT-3.2.2-20'],
    'keeps CONNACK for bad credentials within the size the client takes',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.open(5);
      const properties = { maximumPacketSize: 10, requestProblemInformation: 1 };
      client.sendConnect({ clientId: scene.name(), username: 'bad', password: 'x', properties });
      const connack = await client.expectRefusal(0x86, 0x87);
      assert.ok(connack.raw.length <= 10);
      assert.equal(connack.properties.reasonString, undefined);
    },
  );

  conformance(['MQTT-3.2.2-16', 'MQTT-3.1.3-6'], 'assigns no identifier a stored session has', async (scene) => {
    const ids = new Set<string | undefined>();
    for (let i = 0; i < 40; i++) {
      const client = await scene.open(5);
      const connack = await client.connect({ properties: { sessionExpiryInterval: 10 } });
      assert.equal(connack.sessionPresent, false);
      ids.add(connack.properties.assignedClientIdentifier);
      await client.disconnect();
    }
    assert.equal(ids.size, 40);
    assert.ok(!ids.has(undefined));
  });

  conformance(['MQTT-3.2.2-16'], 'assigns no identifier to a client that has one', async (scene) => {
    const client = await scene.open(5);
    const connack = await client.connect({ clientId: scene.name() });
    assert.equal(connack.properties.assignedClientIdentifier, undefined);
  });

  conformance([], 'says a Receive Maximum of at least 20 and offers all subscriptions (choice)', async (scene) => {
    const client = await scene.open(5);
    const { properties } = await client.connect({ clientId: scene.name(), keepAlive: 60 });
    assert.ok((properties.receiveMaximum ?? 65535) >= 20, `Receive Maximum ${properties.receiveMaximum}`);
    assert.equal(properties.retainAvailable ?? 1, 1);
    assert.equal(properties.wildcardSubscriptionAvailable ?? 1, 1);
    assert.equal(properties.subscriptionIdentifierAvailable ?? 1, 1);
    assert.equal(properties.sharedSubscriptionAvailable ?? 1, 1);
    assert.equal(properties.serverKeepAlive, undefined);
    assert.equal(properties.responseInformation, undefined);
    assert.equal(properties.serverReference, undefined);
    assert.equal(properties.authenticationMethod, undefined);
  });
});
