/** MQTT 5.0, section 3.14: DISCONNECT from either side. */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import { each, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

section('MQTT 5.0, 3.14 DISCONNECT', () => {
  conformance(['MQTT-3.14.1-1'], 'refuses DISCONNECT with reserved bits', async (scene) => {
    for (const first of [0xe1, 0xe2, 0xe4, 0xe8]) await rejects(scene, wire.packet(first), [0x81]);
  });

  conformance(['MQTT-3.14.2-1'], 'refuses codes that a client may not send', async (scene) => {
    await each([0x01, 0x03, 0x10, 0x8b, 0x8e, 0xff], (code) => rejects(scene, wire.disconnect(code), [0x81, 0x82]));
  });

  conformance(['MQTT-3.14.2-1'], 'publishes the will after DISCONNECT with a code it refuses', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    const client = await scene.connect(5, { will: { topic, payload: 'gone' } });
    client.send(wire.disconnect(0x8b));
    await client.expectClose([0x81, 0x82]);
    await watcher.expect('publish', { payload: 'gone' });
  });

  conformance(
    ['MQTT-3.14.2-1', 'MQTT-3.14.2-2', 'MQTT-3.14.4-1', 'MQTT-3.14.4-2'],
    'sends only DISCONNECT of its own codes, without expiry, and closes',
    async (scene) => {
      // The parser checks codes and properties of every DISCONNECT and that nothing but the close follows.
      const wrong = [
        wire.packet(0x00),
        wire.publish(5, { topic: '' }),
        wire.publish(5, { topic: 'a/#' }),
        wire.publish(5, { topic: scene.name(), properties: { topicAlias: 0 } }),
        wire.subscribe(5, 1, []),
        wire.packet(0xe0, wire.bytes(0x03)),
      ];
      await each(wrong, async (packet) => {
        const client = await scene.connect(5, { properties: KEPT });
        client.send(packet, wire.pingreq(), wire.publish(5, { topic: 'x', qos: 1, id: 1 }));
        await client.expectClose([0x81, 0x82, 0x90, 0x94]);
        const last = client.received.at(-1);
        const said = client.received.filter((one) => one.type === 'disconnect');
        assert.ok(said.length <= 1);
        if (said.length === 1) assert.equal(last, said[0]);
      });
      const clientId = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await scene.connect(5, { clientId, properties: KEPT });
      await first.expectClose([0x8e]);
    },
  );

  conformance(['MQTT-3.14.4-1'], 'does not handle what follows DISCONNECT', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    const client = await scene.connect(5);
    client.send(wire.disconnect(), wire.publish(5, { topic, payload: 'late', retain: true }), wire.pingreq());
    await client.expectClose();
    assert.ok(client.received.every((packet) => packet.type === 'connack'));
    await watcher.expectNothing();
    const reader = await scene.subscriber(5, topic);
    await reader.expectNothing();
  });

  conformance(['MQTT-3.14.4-2'], 'closes when a client says DISCONNECT but leaves its side open', async (scene) => {
    for (const packet of [wire.disconnect(), wire.disconnect(0), wire.disconnect(0x04, {})]) {
      const client = await scene.connect(5);
      client.send(packet);
      await client.expectClose();
    }
  });

  conformance(['MQTT-3.14.2-1'], 'takes every code a client may send', async (scene) => {
    const codes = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];
    await each(codes, async (code) => {
      const client = await scene.connect(5);
      client.send(wire.disconnect(code, { reasonString: 'why', userProperties: [['k', 'v']] }));
      await client.expectClose();
    });
  });

  conformance(['MQTT-3.14.4-3'], 'keeps the session after DISCONNECT 0x00', async (scene) => {
    const clientId = scene.name();
    const client = await scene.connect(5, { clientId, properties: KEPT });
    client.send(wire.disconnect());
    await client.expectClose();
    const back = await scene.open(5);
    assert.equal((await back.connect({ clientId, clean: false })).sessionPresent, true);
  });

  conformance(
    ['MQTT-3.14.2-3', 'MQTT-3.14.2-4'],
    'leaves text out of DISCONNECT when it does not fit',
    async (scene) => {
      // Room for the limits in CONNACK, none for a sentence.
      const clientId = scene.name();
      const properties = { maximumPacketSize: 40, requestProblemInformation: 1 };
      const first = await scene.connect(5, { clientId, properties });
      await scene.connect(5, { clientId });
      await first.expectClose([0x8e]);
      for (const packet of first.received)
        assert.ok(packet.raw.length <= 40, `${packet.type} of ${packet.raw.length} bytes`);
    },
  );

  conformance(
    ['MQTT-3.14.2-1', 'MQTT-3.14.4-2'],
    'says 0x8B when it shuts down (choice)',
    { settings: { connectTimeoutMs: 9_876 } },
    async (scene) => {
      const client = await scene.connect(5);
      const old = await scene.connect(4);
      await scene.target.stop();
      assert.equal(await client.expectClose([0x8b]), 0x8b);
      await old.expectClose();
    },
  );
});
