/** MQTT 5.0, sections 3.1.2.4, 3.1.2.11.2 and 4.1: Clean Start, Session Expiry Interval and Session State. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { ConnectOptions, RawClient } from './raw-client.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

/** Connects with Clean Start 0 and checks Session Present. */
async function resume(scene: Scene, present: boolean, options: ConnectOptions): Promise<RawClient> {
  const client = await scene.open(5);
  const connack = await client.connect({ clean: false, ...options });
  assert.equal(connack.sessionPresent, present);
  return client;
}

section('MQTT 5.0, 3.1.2.4 Clean Start', () => {
  conformance(
    ['MQTT-3.1.2-4', 'MQTT-3.2.2-2'],
    'drops subscriptions and messages with Clean Start 1',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await first.subscribe([topic, 1]);
      await first.disconnect();
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, payload: 'queued' });
      const second = await scene.open(5);
      assert.equal((await second.connect({ clientId, clean: true, properties: KEPT })).sessionPresent, false);
      await publisher.deliver({ topic, qos: 1, payload: 'live' });
      await second.expectNothing();
      await second.disconnect();
      const third = await resume(scene, true, { clientId, properties: KEPT });
      await third.expectNothing();
    },
  );

  conformance(['MQTT-3.1.2-4'], 'drops open deliveries with Clean Start 1', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 2]);
    await first.deliver({ topic, qos: 2, payload: 'open' });
    await first.find('publish', { payload: 'open' });
    first.sendPublish({ topic: scene.name(), qos: 2, id: 9 });
    await first.expect('pubrec', { id: 9 });
    first.cut();
    const second = await scene.connect(5, { clientId, clean: true, properties: KEPT });
    second.send(wire.ack('pubrel', 9));
    await second.expect('pubcomp', { id: 9, code: 0x92 });
    await second.expectNothing();
  });

  conformance(['MQTT-3.1.2-5', 'MQTT-3.2.2-3'], 'resumes a stored session with Clean Start 0', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 2]);
    await first.disconnect();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'one' });
    await publisher.deliver({ topic, qos: 2, payload: 'two' });
    const second = await resume(scene, true, { clientId, properties: KEPT });
    await second.receive({ topic, payload: 'one', qos: 1, dup: false });
    await second.receive({ topic, payload: 'two', qos: 2, dup: false });
    await publisher.deliver({ topic, qos: 1, payload: 'live' });
    await second.receive({ topic, payload: 'live' });
    await second.expectNothing();
  });

  conformance(['MQTT-3.1.2-5'], 'keeps the options and the identifier of a subscription', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    // No Local, Retain As Published, QoS 1.
    await first.subscribeWith({ subscriptionIdentifiers: [300] }, [topic, 0x0d]);
    await first.disconnect();
    const second = await resume(scene, true, { clientId, properties: KEPT });
    const publisher = await scene.connect(5);
    second.sendPublish({ topic, payload: 'own' });
    await publisher.deliver({ topic, qos: 2, retain: true, payload: 'other' });
    const got = await second.expect('publish', { payload: 'other', qos: 1, retain: true });
    assert.deepEqual(got.properties.subscriptionIdentifiers, [300]);
    await publisher.deliver({ topic, qos: 0, retain: true });
  });

  conformance(
    ['MQTT-3.1.2-6', 'MQTT-3.2.2-3'],
    'makes a session with Clean Start 0 when there is none',
    async (scene) => {
      await resume(scene, false, { clientId: scene.name() });
      await resume(scene, false, { clientId: scene.name(), properties: KEPT });
    },
  );

  conformance(['MQTT-3.2.2-2'], 'answers Clean Start 1 with Session Present 0', async (scene) => {
    const clientId = scene.name();
    for (let i = 0; i < 2; i++) {
      const client = await scene.open(5);
      assert.equal((await client.connect({ clientId, clean: true, properties: KEPT })).sessionPresent, false);
      await client.disconnect();
    }
  });
});

section('MQTT 5.0, 4.1 Session State', () => {
  conformance(['MQTT-3.1.2-23'], 'keeps the session for the Session Expiry Interval', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const properties = { sessionExpiryInterval: 3 };
    const first = await scene.connect(5, { clientId, properties });
    await first.subscribe([topic, 1]);
    first.cut();
    await scene.wait(1000);
    const second = await resume(scene, true, { clientId, properties });
    await second.deliver({ topic, qos: 1 });
    await second.find('publish', { topic });
  });

  conformance(
    ['MQTT-3.1.2-23'],
    'ends the session with the connection when the interval is 0 or absent',
    async (scene) => {
      for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
        const clientId = scene.name();
        const topic = scene.name();
        const first = await scene.connect(5, { clientId, clean: false, properties });
        await first.subscribe(topic);
        await first.disconnect();
        const second = await resume(scene, false, { clientId });
        second.sendPublish({ topic });
        await second.expectNothing();
      }
    },
  );

  conformance(['MQTT-4.1.0-2', 'MQTT-3.1.2-23'], 'drops the session once the interval has passed', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: { sessionExpiryInterval: 1 } });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    await (await scene.connect(5)).deliver({ topic, qos: 1 });
    await scene.wait(2600);
    const second = await resume(scene, false, { clientId, properties: KEPT });
    await second.deliver({ topic, qos: 1 });
    await second.expectNothing();
  });

  conformance(['MQTT-4.1.0-1'], 'counts the interval only while the client is away', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const properties = { sessionExpiryInterval: 1 };
    const first = await scene.connect(5, { clientId, properties });
    await first.subscribe([topic, 1]);
    await scene.wait(2600);
    await first.deliver({ topic, qos: 1 });
    await first.receive({ topic });
    first.send(wire.disconnect());
    await first.expectClose();
    const second = await resume(scene, true, { clientId, properties });
    await second.deliver({ topic, qos: 1 });
    await second.find('publish', { topic });
  });

  conformance(['MQTT-4.1.0-1'], 'takes the interval of the latest connection', async (scene) => {
    const clientId = scene.name();
    await (await scene.connect(5, { clientId, properties: KEPT })).disconnect();
    await (await resume(scene, true, { clientId })).disconnect();
    await resume(scene, false, { clientId });
  });

  conformance(['MQTT-4.1.0-2'], 'takes a lower or higher interval from DISCONNECT', async (scene) => {
    const lowered = scene.name();
    const raised = scene.name();
    const low = await scene.connect(5, { clientId: lowered, properties: KEPT });
    low.send(wire.disconnect(0, { sessionExpiryInterval: 0 }));
    await low.expectClose();
    await resume(scene, false, { clientId: lowered });
    const high = await scene.connect(5, { clientId: raised, properties: { sessionExpiryInterval: 1 } });
    high.send(wire.disconnect(0, KEPT));
    await high.expectClose();
    await scene.wait(2600);
    await resume(scene, true, { clientId: raised });
  });

  conformance(['MQTT-3.1.2-23'], 'keeps a session with interval 0xFFFFFFFF', async (scene) => {
    const clientId = scene.name();
    const properties = { sessionExpiryInterval: 0xffffffff };
    await (await scene.connect(5, { clientId, properties })).disconnect();
    await scene.wait(1500);
    await resume(scene, true, { clientId, properties: { sessionExpiryInterval: 0 } });
  });

  conformance(['MQTT-3.1.2-23'], 'takes any Session Expiry Interval without a cap (choice)', async (scene) => {
    for (const sessionExpiryInterval of [1, 86_400 * 365, 0xfffffffe, 0xffffffff]) {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name(), properties: { sessionExpiryInterval } });
      assert.equal(connack.properties.sessionExpiryInterval ?? sessionExpiryInterval, sessionExpiryInterval);
      client.send(wire.disconnect(0, { sessionExpiryInterval: 0 }));
    }
  });

  conformance(['MQTT-rule-28'], 'refuses to raise the interval from 0 in DISCONNECT', async (scene) => {
    for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
      const clientId = scene.name();
      const client = await scene.connect(5, { clientId, properties });
      client.send(wire.disconnect(0, KEPT));
      await client.expectClose([0x82]);
      await resume(scene, false, { clientId });
    }
  });

  conformance(['MQTT-rule-37'], 'keeps retained messages when the session of their publisher ends', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'stays' });
    await publisher.disconnect();
    const reader = await scene.subscriber(5, topic, 1);
    await reader.find('publish', { topic, payload: 'stays', retain: true });
    await reader.deliver({ topic, qos: 1, retain: true });
  });

  conformance(['MQTT-rule-38', 'MQTT-4.9.0-2'], 'starts a resumed session with a fresh send quota', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: { ...KEPT, receiveMaximum: 1 } });
    await first.subscribe([topic, 1]);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 6; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
    await first.expect('publish', { payload: '0' });
    await first.expectNothing();
    first.cut();
    const second = await resume(scene, true, { clientId, properties: { ...KEPT, receiveMaximum: 3 } });
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) ids.push((await second.expect('publish', { payload: `${i}` })).id);
    await second.expectNothing();
    second.send(...ids.map((id) => wire.ack('puback', id)));
    for (let i = 3; i < 6; i++) await second.receive({ payload: `${i}` });
    await second.expectNothing();
  });

  conformance([], 'queues no QoS 0 message for an absent client (choice)', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 2]);
    await first.disconnect();
    const publisher = await scene.connect(5);
    publisher.sendPublish({ topic, payload: 'zero' });
    await publisher.deliver({ topic, qos: 1, payload: 'one' });
    const second = await resume(scene, true, { clientId, properties: KEPT });
    await second.receive({ payload: 'one' });
    await second.expectNothing();
  });

  conformance(
    [],
    'drops the new message for a session whose queue is full, for it alone (choice)',
    { settings: { queueMessagesMax: 5 } },
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await first.subscribe([topic, 1]);
      await first.disconnect();
      const other = await scene.subscriber(5, topic, 1);
      const publisher = await scene.connect(5);
      for (let i = 0; i < 8; i++) {
        assert.equal(await publisher.deliver({ topic, qos: 1, payload: `${i}` }), 0);
        await other.receive({ payload: `${i}` });
      }
      const second = await resume(scene, true, { clientId, properties: KEPT });
      for (let i = 0; i < 5; i++) await second.receive({ payload: `${i}` });
      await second.expectNothing();
      await publisher.deliver({ topic, qos: 1, payload: 'live' });
      await second.receive({ payload: 'live' });
    },
  );

  conformance(
    [],
    'drops the oldest message of a full queue when told so (choice)',
    { settings: { queueMessagesMax: 5, queueFull: 'drop-oldest' } },
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.connect(5, { clientId, properties: KEPT });
      await first.subscribe([topic, 1]);
      await first.disconnect();
      const publisher = await scene.connect(5);
      for (let i = 0; i < 8; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
      const second = await resume(scene, true, { clientId, properties: KEPT });
      for (let i = 3; i < 8; i++) await second.receive({ payload: `${i}` });
      await second.expectNothing();
    },
  );

  conformance([], 'resumes a session with another version of the protocol (choice)', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(4, { clientId, clean: false });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'a', properties: { contentType: 'text' } });
    const second = await resume(scene, true, { clientId, properties: KEPT });
    const got = await second.receive({ payload: 'a' });
    assert.equal(got.properties.contentType, 'text');
    await second.disconnect();
    await publisher.deliver({ topic, qos: 1, payload: 'b', properties: { contentType: 'text' } });
    const third = await scene.open(4);
    assert.equal((await third.connect({ clientId, clean: false })).sessionPresent, true);
    await third.receive({ payload: 'b' });
    await third.disconnect();
    await scene.connect(4, { clientId, clean: true });
  });
});
