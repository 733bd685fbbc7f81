/** MQTT 5.0, sections 3.10 and 3.11: UNSUBSCRIBE and UNSUBACK. */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import { rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

section('MQTT 5.0, 3.10 UNSUBSCRIBE', () => {
  conformance(['MQTT-3.10.1-1'], 'refuses UNSUBSCRIBE with other flags', async (scene) => {
    const body = Buffer.concat([wire.u16(1), wire.bytes(0), wire.field('a')]);
    for (const first of [0xa0, 0xa1, 0xa3, 0xa6, 0xaa]) await rejects(scene, wire.packet(first, body), [0x81]);
  });

  conformance(['MQTT-3.10.3-1'], 'refuses a filter that is no UTF-8', async (scene) => {
    await rejects(scene, wire.unsubscribe(5, 1, [wire.hex('C3 28')]), [0x81]);
    await rejects(scene, wire.unsubscribe(5, 1, ['a', wire.hex('61 00')]), [0x81]);
  });

  conformance(['MQTT-3.10.3-2'], 'refuses UNSUBSCRIBE without a filter', async (scene) => {
    await rejects(scene, wire.unsubscribe(5, 1, []), [0x82]);
  });

  conformance(
    ['MQTT-3.10.4-1', 'MQTT-3.10.4-2', 'MQTT-3.10.4-4'],
    'deletes only the exactly equal filter',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(5);
      await client.subscribe([`${base}/+`, 0]);
      for (const other of [`${base}/b`, `${base}/#`, `${base}/+/`, `${base.toUpperCase()}/+`, `$share/g/${base}/+`]) {
        assert.deepEqual((await client.unsubscribe(other)).codes, [0x11], other);
      }
      client.sendPublish({ topic: `${base}/b`, payload: 'still' });
      await client.expect('publish', { payload: 'still' });
      assert.deepEqual((await client.unsubscribe(`${base}/+`)).codes, [0x00]);
      client.sendPublish({ topic: `${base}/b`, payload: 'no more' });
      await client.expectNothing();
    },
  );

  conformance(['MQTT-3.10.4-2'], 'leaves other subscriptions that match', async (scene) => {
    const base = scene.name();
    const client = await scene.connect(5);
    await client.subscribe([`${base}/+`, 0], [`${base}/#`, 0]);
    await client.unsubscribe(`${base}/+`);
    client.sendPublish({ topic: `${base}/b` });
    await client.expect('publish', { topic: `${base}/b` });
    await client.expectNothing();
  });

  conformance(['MQTT-3.10.4-3'], 'finishes deliveries that have begun', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 2);
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'one' });
    await publisher.deliver({ topic, qos: 2, payload: 'two' });
    const one = await client.expect('publish', { payload: 'one' });
    const two = await client.expect('publish', { payload: 'two' });
    assert.deepEqual((await client.unsubscribe(topic)).codes, [0]);
    client.send(wire.ack('puback', one.id), wire.ack('pubrec', two.id));
    await client.expect('pubrel', { id: two.id, code: 0 });
    client.send(wire.ack('pubcomp', two.id));
    await client.expectNothing();
  });

  conformance(['MQTT-3.10.4-3'], 'finishes deliveries that have begun across a resumed session', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const client = await scene.connect(5, { clientId, properties: KEPT });
    await client.subscribe([topic, 2]);
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'one' });
    await publisher.deliver({ topic, qos: 2, payload: 'two' });
    const one = await client.expect('publish', { payload: 'one' });
    const two = await client.expect('publish', { payload: 'two' });
    await client.unsubscribe(topic);
    await client.disconnect();
    await publisher.deliver({ topic, qos: 1, payload: 'not subscribed' });
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await back.receive({ payload: 'one', id: one.id, dup: true });
    await back.receive({ payload: 'two', id: two.id, dup: true });
    await back.expectNothing();
  });

  conformance([], 'delivers what was queued before UNSUBSCRIBE (choice)', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { receiveMaximum: 1 } });
    await client.subscribe([topic, 1]);
    const publisher = await scene.connect(5);
    for (const payload of ['a', 'b', 'c']) await publisher.deliver({ topic, qos: 1, payload });
    await client.unsubscribe(topic);
    for (const payload of ['a', 'b', 'c']) await client.receive({ payload });
    await client.expectNothing();
  });

  conformance(
    ['MQTT-3.10.4-4', 'MQTT-3.10.4-5', 'MQTT-3.11.3-2'],
    'answers UNSUBSCRIBE of an unknown filter with 0x11',
    async (scene) => {
      const client = await scene.connect(5);
      for (const id of [1, 0x0100, 65535]) {
        client.send(wire.unsubscribe(5, id, [scene.name()]));
        await client.expect('unsuback', { id, codes: [0x11] });
      }
    },
  );

  conformance(
    ['MQTT-3.10.4-6', 'MQTT-3.11.3-1', 'MQTT-3.11.3-2'],
    'answers many filters with one UNSUBACK in their order',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(5);
      await client.subscribe([`${base}/a`, 0], [`${base}/c`, 0]);
      const filters = ['a', 'b', 'c', 'a'].map((level) => `${base}/${level}`);
      assert.deepEqual((await client.unsubscribe(...filters)).codes, [0x00, 0x11, 0x00, 0x11]);
      for (const topic of filters) client.sendPublish({ topic });
      await client.expectNothing();
    },
  );

  conformance(['MQTT-3.10.4-2'], 'removes a subscription from the stored session', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const client = await scene.connect(5, { clientId, properties: KEPT });
    await client.subscribe([topic, 1]);
    await client.unsubscribe(topic);
    await client.disconnect();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1 });
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await publisher.deliver({ topic, qos: 1 });
    await back.expectNothing();
  });

  conformance(['MQTT-3.11.2-1', 'MQTT-3.11.2-2'], 'keeps UNSUBACK within the size the client takes', async (scene) => {
    const client = await scene.connect(5, { properties: { maximumPacketSize: 40, requestProblemInformation: 1 } });
    const unsuback = await client.unsubscribe(`${scene.name()}/${'x'.repeat(100)}`);
    assert.deepEqual(unsuback.codes, [0x11]);
    assert.ok(unsuback.raw.length <= 40, `${unsuback.raw.length} bytes`);
    assert.equal(unsuback.properties.reasonString, undefined);
    assert.equal(unsuback.properties.userProperties, undefined);
  });
});
