/** MQTT 5.0, sections 3.3.1.3 and 3.8.3.1: retained messages and the subscription options about them. */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import * as wire from './wire.ts';

const HANDLING_1 = 0x10;
const HANDLING_2 = 0x20;
const AS_PUBLISHED = 0x08;

section('MQTT 5.0, 3.3.1.3 RETAIN', () => {
  conformance(
    ['MQTT-3.3.1-5'],
    'stores the last retained message of a topic with QoS and properties',
    async (scene) => {
      const topic = scene.name();
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, retain: true, payload: 'first' });
      const properties = {
        payloadFormatIndicator: 1,
        contentType: 'text',
        responseTopic: 'r',
        correlationData: wire.hex('01'),
        userProperties: [
          ['k', '2'],
          ['k', '1'],
        ] as [string, string][],
      };
      await publisher.deliver({ topic, qos: 2, retain: true, payload: 'second', properties });
      const reader = await scene.subscriber(5, topic, 2);
      const got = await reader.receive({ topic, qos: 2, retain: true, payload: 'second', dup: false });
      assert.deepEqual(
        { ...got.properties, correlationData: undefined },
        { ...properties, correlationData: undefined },
      );
      assert.deepEqual(got.properties.correlationData, properties.correlationData);
      await reader.expectNothing();
      await publisher.deliver({ topic, qos: 1, retain: true });
    },
  );

  conformance(['MQTT-3.3.1-5'], 'stores a retained message at each QoS', async (scene) => {
    const publisher = await scene.connect(5);
    for (const qos of [0, 1, 2]) {
      const topic = scene.name();
      await publisher.deliver({ topic, qos, retain: true, payload: `${qos}` });
      await publisher.ping();
      const reader = await scene.subscriber(5, topic, 2);
      await reader.receive({ qos, retain: true, payload: `${qos}` });
      await publisher.deliver({ topic, qos: 1, retain: true });
    }
  });

  conformance(['MQTT-3.3.1-6'], 'delivers an empty retained message and clears the stored one', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'stored' });
    const live = await scene.subscriber(5, topic, 1);
    await live.receive({ payload: 'stored', retain: true });
    await publisher.deliver({ topic, qos: 1, retain: true, payload: '' });
    await live.receive({ payload: '', retain: false });
    const reader = await scene.subscriber(5, topic, 1);
    await reader.expectNothing();
  });

  conformance(['MQTT-3.3.1-7'], 'never stores an empty retained message', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: '' });
    const reader = await scene.subscriber(5, topic, 1);
    await reader.expectNothing();
  });

  conformance(['MQTT-3.3.1-8'], 'neither stores nor changes anything with RETAIN 0', async (scene) => {
    const topic = scene.name();
    const other = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'A' });
    await publisher.deliver({ topic, qos: 1, payload: 'B' });
    await publisher.deliver({ topic, qos: 1, payload: '' });
    await publisher.deliver({ topic: other, qos: 1, payload: 'C' });
    const reader = await scene.connect(5);
    await reader.subscribe([topic, 1], [other, 1]);
    await reader.receive({ topic, payload: 'A', retain: true });
    await reader.expectNothing();
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(
    ['MQTT-3.3.1-9'],
    'sends all matching messages on every SUBSCRIBE with Retain Handling 0',
    async (scene) => {
      const base = scene.name();
      const publisher = await scene.connect(5);
      const topics = ['a', 'b', 'b/c', 'd/e/f'].map((level) => `${base}/${level}`);
      for (const topic of topics) await publisher.deliver({ topic, qos: 1, retain: true, payload: topic });
      const reader = await scene.connect(5);
      for (let round = 0; round < 2; round++) {
        await reader.subscribe([`${base}/#`, 1]);
        const got: string[] = [];
        for (let i = 0; i < 4; i++) got.push((await reader.receive({ retain: true })).topic);
        assert.deepEqual(got.sort(), topics);
        await reader.expectNothing();
      }
      await reader.subscribe([`${base}/+`, 1]);
      const two = [await reader.receive({ retain: true }), await reader.receive({ retain: true })];
      assert.deepEqual(two.map((one) => one.topic).sort(), topics.slice(0, 2));
      await reader.expectNothing();
      for (const topic of topics) await publisher.deliver({ topic, qos: 1, retain: true });
    },
  );

  conformance(['MQTT-3.3.1-10'], 'sends them only for a new subscription with Retain Handling 1', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const properties = { sessionExpiryInterval: 60 };
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'kept' });
    const reader = await scene.connect(5, { clientId, properties });
    await reader.subscribe([topic, 1 | HANDLING_1]);
    await reader.receive({ payload: 'kept', retain: true });
    await reader.subscribe([topic, 1 | HANDLING_1]);
    await reader.expectNothing();
    await reader.unsubscribe(topic);
    await reader.subscribe([topic, 1 | HANDLING_1]);
    await reader.receive({ payload: 'kept', retain: true });
    await reader.disconnect();
    const back = await scene.connect(5, { clientId, clean: false, properties });
    await back.subscribe([topic, HANDLING_1]);
    await back.expectNothing();
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(['MQTT-3.3.1-11'], 'sends none with Retain Handling 2', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'kept' });
    const reader = await scene.subscriber(5, topic, 1 | HANDLING_2);
    await reader.expectNothing();
    await publisher.deliver({ topic, qos: 1, payload: 'live' });
    await reader.receive({ payload: 'live' });
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(
    ['MQTT-3.3.1-9', 'MQTT-3.3.1-11'],
    'heeds the Retain Handling of each filter in one packet',
    async (scene) => {
      const base = scene.name();
      const publisher = await scene.connect(5);
      for (const name of ['a', 'b'])
        await publisher.deliver({ topic: `${base}/${name}`, qos: 1, retain: true, payload: name });
      const reader = await scene.connect(5);
      await reader.subscribe([`${base}/a`, HANDLING_2], [`${base}/b`, 0]);
      await reader.expect('publish', { topic: `${base}/b`, retain: true });
      await reader.expectNothing();
      for (const name of ['a', 'b']) await publisher.deliver({ topic: `${base}/${name}`, qos: 1, retain: true });
    },
  );

  conformance(['MQTT-3.3.1-12'], 'forwards with RETAIN 0 without Retain As Published', async (scene) => {
    const topic = scene.name();
    const live = await scene.subscriber(5, topic, 1);
    await live.deliver({ topic, qos: 1, retain: true, payload: 'x' });
    await live.find('publish', { payload: 'x', retain: false });
    await live.deliver({ topic, qos: 1, retain: true });
  });

  conformance(
    ['MQTT-3.3.1-13'],
    'forwards with the RETAIN of the publisher with Retain As Published',
    async (scene) => {
      const topic = scene.name();
      const live = await scene.subscriber(5, topic, 1 | AS_PUBLISHED);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, retain: true, payload: 'one' });
      await live.receive({ payload: 'one', retain: true });
      await publisher.deliver({ topic, qos: 1, retain: false, payload: 'two' });
      await live.receive({ payload: 'two', retain: false });
      await publisher.deliver({ topic, qos: 0, retain: true });
      await live.receive({ payload: '', retain: true, qos: 0 });
    },
  );

  conformance(
    ['MQTT-3.3.1-12', 'MQTT-3.3.1-13'],
    'keeps the RETAIN wanted for messages of an absent client',
    async (scene) => {
      const topic = scene.name();
      const publisher = await scene.connect(5);
      for (const [options, retain] of [
        [1, false],
        [1 | AS_PUBLISHED, true],
      ] as const) {
        const clientId = scene.name();
        const properties = { sessionExpiryInterval: 60 };
        const first = await scene.connect(5, { clientId, properties });
        await first.subscribe([topic, options | HANDLING_2]);
        await first.disconnect();
        await publisher.deliver({ topic, qos: 1, retain: true, payload: 'absent' });
        const back = await scene.connect(5, { clientId, clean: false, properties });
        await back.receive({ payload: 'absent', retain });
        await back.disconnect();
      }
      await publisher.deliver({ topic, qos: 1, retain: true });
    },
  );

  conformance(['MQTT-3.3.2-5'], 'does not send a retained message after its expiry', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'x', properties: { messageExpiryInterval: 1 } });
    const early = await scene.subscriber(5, topic, 1);
    await early.find('publish', { payload: 'x', retain: true });
    await scene.wait(2200);
    const late = await scene.subscriber(5, topic, 1);
    await late.expectNothing();
  });

  conformance(['MQTT-3.3.2-6'], 'sends a retained message with the expiry that is left', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'x', properties: { messageExpiryInterval: 100 } });
    await scene.wait(2200);
    const reader = await scene.subscriber(5, topic, 1);
    const got = await reader.receive({ payload: 'x', retain: true });
    const left = got.properties.messageExpiryInterval ?? 0;
    assert.ok(left <= 98 && left >= 80, `expiry ${left}`);
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(['MQTT-3.8.4-8'], 'sends retained messages at the lower of both QoS', async (scene) => {
    const publisher = await scene.connect(5);
    for (const published of [0, 1, 2]) {
      const topic = scene.name();
      await publisher.deliver({ topic, qos: published, retain: true, payload: 'x' });
      await publisher.ping();
      for (const granted of [0, 1, 2]) {
        const reader = await scene.subscriber(5, topic, granted);
        await reader.receive({ payload: 'x', qos: Math.min(published, granted), retain: true });
      }
      await publisher.deliver({ topic, qos: 1, retain: true });
    }
  });

  conformance(
    ['MQTT-3.3.4-4'],
    'sends a retained message with the identifier of the new subscription',
    async (scene) => {
      const topic = scene.name();
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, retain: true, payload: 'x' });
      const reader = await scene.connect(5);
      await reader.subscribeWith({ subscriptionIdentifiers: [7] }, [topic, 1]);
      const got = await reader.receive({ payload: 'x', retain: true });
      assert.deepEqual(got.properties.subscriptionIdentifiers, [7]);
      await publisher.deliver({ topic, qos: 1, retain: true });
    },
  );

  conformance([], 'sends a retained message after SUBACK (choice)', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'x' });
    const reader = await scene.connect(5);
    reader.send(wire.subscribe(5, 1, [[topic, 1]]));
    await reader.expect('suback', { id: 1 });
    await reader.receive({ payload: 'x' });
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(['MQTT-3.3.1-9', 'MQTT-4.7.2-1'], 'sends many retained messages, more than a window', async (scene) => {
    const base = scene.name();
    const publisher = await scene.connect(5);
    const total = 300;
    for (let i = 0; i < total; i++) publisher.sendPublish({ topic: `${base}/${i}`, retain: true, payload: `${i}` });
    await publisher.ping();
    const reader = await scene.connect(5, { properties: { receiveMaximum: 5 } });
    await reader.subscribe([`${base}/+`, 1]);
    const got = new Set<string>();
    while (got.size < total) got.add((await reader.receive({ retain: true })).topic);
    await reader.expectNothing();
    for (let i = 0; i < total; i++) publisher.sendPublish({ topic: `${base}/${i}`, retain: true });
    await publisher.ping();
  });
});
