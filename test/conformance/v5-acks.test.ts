/** MQTT 5.0, sections 3.3.4 and 3.4 to 3.7: PUBACK, PUBREC, PUBREL and PUBCOMP, their codes and sizes. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

const PUBLISH_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/** A client with the smallest Maximum Packet Size that lets its CONNACK through, and that size. */
async function tight(scene: Scene): Promise<[client: RawClient, size: number]> {
  const probe = await scene.open(5);
  const size = (await probe.connect({ clientId: scene.name() })).raw.length;
  const properties = { maximumPacketSize: size, requestProblemInformation: 1 };
  return [await scene.connect(5, { properties }), size];
}

section('MQTT 5.0, 3.4 to 3.7: acknowledgements', () => {
  conformance(['MQTT-3.3.4-1'], 'answers PUBLISH by its QoS', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    client.sendPublish({ topic, qos: 0 });
    await client.expectNothing();
    client.sendPublish({ topic, qos: 1, id: 10 });
    await client.expect('puback', { id: 10 });
    await client.expectNothing();
    client.sendPublish({ topic, qos: 2, id: 11 });
    await client.expect('pubrec', { id: 11 });
    await client.expectNothing();
    client.send(wire.ack('pubrel', 11));
    await client.expect('pubcomp', { id: 11, code: 0 });
    await client.expectNothing();
  });

  conformance(['MQTT-3.4.2-1', 'MQTT-3.5.2-1'], 'answers with 0x00 or 0x10 what it accepts', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    assert.ok([0x00, 0x10].includes(await client.deliver({ topic, qos: 1 })));
    assert.ok([0x00, 0x10].includes(await client.deliver({ topic, qos: 2 })));
    await client.subscribe(topic);
    assert.equal(await client.deliver({ topic, qos: 1 }), 0x00);
    assert.equal(await client.deliver({ topic, qos: 2 }), 0x00);
  });

  conformance(['MQTT-3.4.2-1', 'MQTT-3.5.2-1'], 'says 0x10 when nobody is subscribed (choice)', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5);
    assert.equal(await client.deliver({ topic, qos: 1 }), 0x10);
    assert.equal(await client.deliver({ topic, qos: 2 }), 0x10);
    await client.subscribe(topic);
    assert.equal(await client.deliver({ topic, qos: 1 }), 0x00);
  });

  conformance(
    ['MQTT-3.4.2-1', 'MQTT-3.5.2-1'],
    'answers a PUBLISH that is not authorized with 0x87 and stays connected (choice)',
    { settings: { policies: true } },
    async (scene) => {
      const topic = `forbidden/${scene.name()}`;
      const client = await scene.connect(5);
      client.sendPublish({ topic, qos: 0, retain: true });
      assert.equal(await client.deliver({ topic, qos: 1 }), 0x87);
      assert.equal(await client.deliver({ topic, qos: 2 }), 0x87);
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT-3.4.2-2', 'MQTT-3.4.2-3', 'MQTT-3.5.2-2', 'MQTT-3.5.2-3'],
    'keeps PUBACK and PUBREC of a refusal within the size the client takes',
    { settings: { policies: true } },
    async (scene) => {
      const topic = `forbidden/${scene.name()}`;
      const [client, size] = await tight(scene);
      for (const [qos, answer] of [
        [1, 'puback'],
        [2, 'pubrec'],
      ] as const) {
        client.sendPublish({ topic, qos, id: qos });
        const got = await client.expect(answer, { code: 0x87, id: qos });
        assert.ok(got.raw.length <= size, `${got.raw.length} bytes`);
      }
    },
  );

  conformance(
    ['MQTT-3.4.2-2', 'MQTT-3.4.2-3', 'MQTT-3.5.2-2', 'MQTT-3.5.2-3'],
    'keeps PUBACK and PUBREC within the size the client takes',
    async (scene) => {
      const [client, size] = await tight(scene);
      const topic = scene.name();
      client.sendPublish({ topic, qos: 1, id: 1 });
      client.sendPublish({ topic, qos: 2, id: 2 });
      const answers = [await client.find('puback', { id: 1 }), await client.find('pubrec', { id: 2 })];
      for (const answer of answers) {
        assert.ok(PUBLISH_CODES.includes(answer.code));
        assert.ok(answer.raw.length <= size, `${answer.raw.length} bytes`);
      }
    },
  );

  conformance(
    [],
    'gives a short Reason String with a refusal when asked (choice)',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.connect(5);
      client.sendPublish({ topic: `forbidden/${scene.name()}`, qos: 1, id: 1 });
      const got = await client.expect('puback', { code: 0x87 });
      assert.ok((got.properties.reasonString ?? '').length > 0);
      assert.ok((got.properties.reasonString ?? '').length < 300);
    },
  );

  conformance(['MQTT-3.6.1-1'], 'refuses PUBREL with other flags', async (scene) => {
    for (const first of [0x60, 0x61, 0x63, 0x6a]) await rejects(scene, wire.packet(first, wire.u16(1)), [0x81]);
  });

  conformance(
    ['MQTT-3.6.2-1', 'MQTT-rule-22'],
    'answers PUBREC for an unknown identifier with PUBREL 0x92',
    async (scene) => {
      const client = await scene.connect(5);
      client.send(wire.ack('pubrec', 77));
      await client.expect('pubrel', { id: 77, code: 0x92 });
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT-3.7.2-1', 'MQTT-rule-23'],
    'answers PUBREL for an unknown identifier with PUBCOMP 0x92',
    async (scene) => {
      const client = await scene.connect(5);
      client.send(wire.ack('pubrel', 78));
      await client.expect('pubcomp', { id: 78, code: 0x92 });
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT-3.6.2-2', 'MQTT-3.6.2-3', 'MQTT-3.7.2-2', 'MQTT-3.7.2-3'],
    'keeps PUBREL and PUBCOMP within the size the client takes',
    async (scene) => {
      const [client, size] = await tight(scene);
      client.send(wire.ack('pubrec', 80), wire.ack('pubrel', 81));
      const pubrel = await client.find('pubrel', { id: 80 });
      const pubcomp = await client.find('pubcomp', { id: 81 });
      for (const packet of [pubrel, pubcomp]) {
        assert.ok(packet.raw.length <= size, `${packet.raw.length} bytes`);
      }
    },
  );

  conformance(
    ['MQTT-3.7.2-1', 'MQTT-3.6.2-1'],
    'says 0x00 in a normal QoS 2 flow in both directions',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(5, topic, 2);
      client.sendPublish({ topic, qos: 2, id: 500 });
      await client.find('pubrec', { id: 500, code: 0 });
      client.send(wire.ack('pubrel', 500));
      await client.find('pubcomp', { id: 500, code: 0 });
      const got = await client.find('publish', { qos: 2 });
      client.send(wire.ack('pubrec', got.id));
      await client.find('pubrel', { id: got.id, code: 0 });
      client.send(wire.ack('pubcomp', got.id));
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT-3.4.2-1'],
    'ignores PUBACK and PUBCOMP for an unknown identifier, or closes with 0x82',
    async (scene) => {
      for (const name of ['puback', 'pubcomp'] as const) {
        const client = await scene.connect(5);
        client.send(wire.ack(name, 99), wire.pingreq());
        const ignored = await client.find('pingresp').then(
          () => true,
          () => false,
        );
        if (!ignored) await client.expectClose([0x82]);
      }
    },
  );

  conformance(
    ['MQTT-3.4.2-1', 'MQTT-3.5.2-1', 'MQTT-3.6.2-1', 'MQTT-3.7.2-1'],
    'refuses acknowledgements with unknown codes',
    async (scene) => {
      const topic = scene.name();
      for (const [qos, name, code] of [
        [1, 'puback', 0x01],
        [1, 'puback', 0x92],
        [2, 'pubrec', 0x18],
        [2, 'pubrec', 0x8f],
      ] as const) {
        const client = await scene.subscriber(5, topic, qos);
        await client.deliver({ topic, qos });
        const got = await client.find('publish');
        client.send(wire.ack(name, got.id, code));
        await client.expectClose([0x81, 0x82]);
      }
      const client = await scene.connect(5);
      client.sendPublish({ topic, qos: 2, id: 1 });
      await client.expect('pubrec');
      client.send(wire.ack('pubrel', 1, 0x80));
      await client.expectClose([0x81, 0x82]);
    },
  );
});
