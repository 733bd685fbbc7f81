/** MQTT 5.0, sections 4.3 to 4.5: the QoS 1 and QoS 2 flows, delivery retry and message receipt. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { each } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

/** A kept session with one subscription, and a publisher. */
async function subscribed(
  scene: Scene,
  qos: number,
): Promise<{ clientId: string; topic: string; client: RawClient; publisher: RawClient }> {
  const clientId = scene.name();
  const topic = scene.name();
  const client = await scene.connect(5, { clientId, properties: KEPT });
  await client.subscribe([topic, qos]);
  return { clientId, topic, client, publisher: await scene.connect(5) };
}

const resume = (scene: Scene, clientId: string): Promise<RawClient> =>
  scene.connect(5, { clientId, clean: false, properties: KEPT });

section('MQTT 5.0, 4.3 QoS flows, server as sender', () => {
  conformance(
    ['MQTT-4.3.2-1', 'MQTT-4.3.3-1', 'MQTT-4.3.2-2', 'MQTT-4.3.3-2'],
    'gives open messages different identifiers and DUP 0',
    async (scene) => {
      const { topic, client, publisher } = await subscribed(scene, 2);
      const ids = new Set<number>();
      for (let i = 0; i < 10; i++) await publisher.deliver({ topic, qos: 1 + (i % 2), payload: `${i}` });
      for (let i = 0; i < 10; i++)
        ids.add((await client.expect('publish', { payload: `${i}`, dup: false, qos: 1 + (i % 2) })).id);
      assert.equal(ids.size, 10);
    },
  );

  conformance(['MQTT-4.3.2-3', 'MQTT-4.4.0-1'], 'sends a QoS 1 message again until PUBACK', async (scene) => {
    const { clientId, topic, client, publisher } = await subscribed(scene, 1);
    await publisher.deliver({ topic, qos: 1, payload: 'x' });
    const { id } = await client.expect('publish', { payload: 'x', dup: false });
    client.cut();
    for (let i = 0; i < 2; i++) {
      const again = await resume(scene, clientId);
      await again.expect('publish', { payload: 'x', dup: true, id });
      await again.expectNothing();
      again.cut();
    }
    const last = await resume(scene, clientId);
    await last.receive({ payload: 'x', dup: true, id });
    await last.expectNothing();
    await last.disconnect();
    const done = await resume(scene, clientId);
    await done.expectNothing();
  });

  conformance(['MQTT-4.3.3-3', 'MQTT-4.4.0-1'], 'sends a QoS 2 message again until PUBREC', async (scene) => {
    const { clientId, topic, client, publisher } = await subscribed(scene, 2);
    await publisher.deliver({ topic, qos: 2, payload: 'x' });
    const { id } = await client.expect('publish', { payload: 'x', dup: false });
    client.cut();
    const again = await resume(scene, clientId);
    await again.receive({ payload: 'x', dup: true, id });
    await again.expectNothing();
  });

  conformance(['MQTT-4.3.3-4'], 'answers PUBREC below 0x80 with PUBREL', async (scene) => {
    const { topic, client, publisher } = await subscribed(scene, 2);
    for (const code of [undefined, 0x00, 0x10]) {
      await publisher.deliver({ topic, qos: 2 });
      const { id } = await client.expect('publish', { qos: 2 });
      client.send(wire.ack('pubrec', id, code));
      await client.expect('pubrel', { id, code: 0 });
      client.send(wire.ack('pubcomp', id));
    }
    await client.expectNothing();
  });

  conformance(['MQTT-4.3.3-4', 'MQTT-4.4.0-2'], 'ends the delivery at PUBREC of 0x80 or more', async (scene) => {
    const { clientId, topic, client, publisher } = await subscribed(scene, 2);
    await publisher.deliver({ topic, qos: 2, payload: 'refused' });
    const { id } = await client.expect('publish', { payload: 'refused' });
    client.send(wire.ack('pubrec', id, 0x80));
    await client.expectNothing();
    // The identifier is free: PUBREC for it is answered as unknown.
    client.send(wire.ack('pubrec', id));
    await client.expect('pubrel', { id, code: 0x92 });
    client.cut();
    const again = await resume(scene, clientId);
    await again.expectNothing();
  });

  conformance(['MQTT-4.4.0-2'], 'ends the delivery at PUBACK of 0x80 or more', async (scene) => {
    const { clientId, topic, client, publisher } = await subscribed(scene, 1);
    for (const code of [0x80, 0x83, 0x97]) {
      await publisher.deliver({ topic, qos: 1, payload: 'refused' });
      const { id } = await client.expect('publish', { payload: 'refused' });
      client.send(wire.ack('puback', id, code));
      await client.expectNothing();
    }
    client.cut();
    const again = await resume(scene, clientId);
    await again.expectNothing();
  });

  conformance(
    ['MQTT-4.3.3-5', 'MQTT-4.3.3-6', 'MQTT-4.4.0-1'],
    'sends PUBREL again, not PUBLISH, until PUBCOMP',
    async (scene) => {
      const { clientId, topic, client, publisher } = await subscribed(scene, 2);
      await publisher.deliver({ topic, qos: 2, payload: 'x' });
      const { id } = await client.expect('publish', { payload: 'x' });
      client.send(wire.ack('pubrec', id));
      await client.expect('pubrel', { id, code: 0 });
      client.cut();
      for (let i = 0; i < 2; i++) {
        const again = await resume(scene, clientId);
        await again.expect('pubrel', { id, code: 0 });
        await again.expectNothing();
        again.cut();
      }
      const last = await resume(scene, clientId);
      await last.expect('pubrel', { id });
      last.send(wire.ack('pubcomp', id));
      await last.expectNothing();
      await last.disconnect();
      const done = await resume(scene, clientId);
      await done.expectNothing();
    },
  );

  conformance(['MQTT-4.3.3-7'], 'finishes a QoS 2 delivery although the message expires', async (scene) => {
    const { clientId, topic, client, publisher } = await subscribed(scene, 2);
    await publisher.deliver({ topic, qos: 2, payload: 'x', properties: { messageExpiryInterval: 1 } });
    const { id } = await client.expect('publish', { payload: 'x' });
    client.cut();
    await scene.wait(2200);
    const again = await resume(scene, clientId);
    await again.receive({ payload: 'x', id, dup: true });
    await again.expectNothing();
  });

  conformance(['MQTT-4.4.0-1'], 'sends nothing again on a live connection', async (scene) => {
    const { topic, client, publisher } = await subscribed(scene, 2);
    await publisher.deliver({ topic, qos: 1 });
    await publisher.deliver({ topic, qos: 2 });
    await client.expect('publish', { qos: 1 });
    const two = await client.expect('publish', { qos: 2 });
    client.send(wire.ack('pubrec', two.id));
    await client.expect('pubrel', { id: two.id });
    await client.expectSilence(3000);
  });

  conformance(
    ['MQTT-4.4.0-1'],
    'sends open messages again first, in their order, then the queue (choice)',
    async (scene) => {
      const { clientId, topic, client, publisher } = await subscribed(scene, 2);
      for (let i = 0; i < 5; i++) await publisher.deliver({ topic, qos: 1 + (i % 2), payload: `${i}` });
      const ids: number[] = [];
      for (let i = 0; i < 5; i++) ids.push((await client.expect('publish', { payload: `${i}` })).id);
      await client.disconnect();
      for (let i = 5; i < 8; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
      const again = await resume(scene, clientId);
      for (let i = 0; i < 5; i++) await again.receive({ payload: `${i}`, id: ids[i], dup: true });
      for (let i = 5; i < 8; i++) await again.receive({ payload: `${i}`, dup: false });
      await again.expectNothing();
    },
  );
});

section('MQTT 5.0, 4.3 QoS flows, server as receiver', () => {
  conformance(
    ['MQTT-4.3.2-4', 'MQTT-4.3.2-5'],
    'takes a QoS 1 identifier after PUBACK as a new message',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic, 1);
      const client = await scene.connect(5);
      for (const dup of [false, true, true]) {
        client.sendPublish({ topic, qos: 1, id: 3, dup, payload: 'x' });
        await client.expect('puback', { id: 3, code: 0 });
        await watcher.receive({ payload: 'x', dup: false });
      }
      await watcher.expectNothing();
    },
  );

  conformance(
    ['MQTT-4.3.3-8', 'MQTT-4.3.3-10', 'MQTT-4.3.3-11'],
    'delivers a repeated QoS 2 message once',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic, 2);
      const client = await scene.connect(5);
      for (const dup of [false, true, true]) {
        client.sendPublish({ topic, qos: 2, id: 4, dup, payload: 'once' });
        assert.ok((await client.expect('pubrec', { id: 4 })).code < 0x80);
      }
      client.send(wire.ack('pubrel', 4));
      await client.expect('pubcomp', { id: 4, code: 0 });
      await watcher.receive({ payload: 'once' });
      await watcher.expectNothing();
    },
  );

  conformance(['MQTT-4.3.3-10'], 'delivers a QoS 2 message once across a resumed session', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const watcher = await scene.subscriber(5, topic, 2);
    const first = await scene.connect(5, { clientId, properties: KEPT });
    first.sendPublish({ topic, qos: 2, id: 4, payload: 'once' });
    await first.expect('pubrec', { id: 4 });
    first.cut();
    const second = await resume(scene, clientId);
    second.sendPublish({ topic, qos: 2, id: 4, dup: true, payload: 'once' });
    await second.expect('pubrec', { id: 4 });
    second.cut();
    const third = await resume(scene, clientId);
    third.send(wire.ack('pubrel', 4));
    await third.expect('pubcomp', { id: 4, code: 0 });
    await watcher.receive({ payload: 'once' });
    await watcher.expectNothing();
  });

  conformance(['MQTT-4.3.3-10'], 'takes an open identifier as new after the session has ended', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const watcher = await scene.subscriber(5, topic, 2);
    for (const payload of ['first', 'second']) {
      const client = await scene.connect(5, { clientId, clean: true });
      client.sendPublish({ topic, qos: 2, id: 4, payload });
      await client.expect('pubrec', { id: 4 });
      if (payload === 'second') client.send(wire.ack('pubrel', 4));
      if (payload === 'second') await client.expect('pubcomp', { id: 4, code: 0 });
      await client.disconnect();
    }
    await watcher.find('publish', { payload: 'second' });
  });

  conformance(['MQTT-4.3.3-11', 'MQTT-3.7.2-1'], 'answers every PUBREL with PUBCOMP', async (scene) => {
    const client = await scene.connect(5);
    client.sendPublish({ topic: scene.name(), qos: 2, id: 4 });
    await client.expect('pubrec', { id: 4 });
    client.send(wire.ack('pubrel', 4), wire.ack('pubrel', 4), wire.ack('pubrel', 4, 0x92));
    await client.expect('pubcomp', { id: 4, code: 0 });
    for (let i = 0; i < 2; i++) assert.ok([0x00, 0x92].includes((await client.expect('pubcomp', { id: 4 })).code));
    await client.expectNothing();
  });

  conformance(['MQTT-4.3.3-12'], 'takes a QoS 2 identifier after PUBCOMP as a new message', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic, 2);
    const client = await scene.connect(5);
    for (const payload of ['a', 'b']) {
      await client.deliver({ topic, qos: 2, id: 9, payload });
      await watcher.receive({ payload });
    }
    await watcher.expectNothing();
  });

  conformance(
    ['MQTT-4.3.3-9'],
    'takes an identifier after PUBREC of 0x80 or more as a new message',
    { settings: { policies: true } },
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic, 2);
      const client = await scene.connect(5);
      client.sendPublish({ topic: `forbidden/${topic}`, qos: 2, id: 6 });
      await client.expect('pubrec', { id: 6, code: 0x87 });
      assert.equal(await client.deliver({ topic, qos: 2, id: 6, payload: 'allowed' }), 0);
      await watcher.receive({ payload: 'allowed' });
    },
  );

  conformance(['MQTT-4.3.3-13'], 'finishes a QoS 2 exchange although the message expired', async (scene) => {
    const client = await scene.connect(5);
    client.sendPublish({ topic: scene.name(), qos: 2, id: 8, properties: { messageExpiryInterval: 1 } });
    await client.expect('pubrec', { id: 8 });
    await scene.wait(2200);
    client.send(wire.ack('pubrel', 8));
    await client.expect('pubcomp', { id: 8, code: 0 });
  });
});

section('MQTT 5.0, 4.5 Message receipt', () => {
  conformance(['MQTT-4.5.0-1'], 'adds a message to every session with a matching subscription', async (scene) => {
    const base = scene.name();
    const topic = `${base}/a/b`;
    const filters = [topic, `${base}/#`, `${base}/+/b`, `+/a/b`, `${base}/a/#`, `${base}/a/b/#`];
    const clients = await Promise.all(filters.map((filter) => scene.subscriber(5, filter, 1)));
    const shared = [
      await scene.subscriber(5, `$share/g/${topic}`, 1),
      await scene.subscriber(5, `$share/g/${topic}`, 1),
    ];
    const { clientId, client } = await subscribed(scene, 1);
    await client.subscribe([`${base}/+/+`, 2]);
    await client.disconnect();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'all' });
    await each(clients, (one) => one.find('publish', { topic, payload: 'all' }));
    const back = await resume(scene, clientId);
    await back.receive({ topic, payload: 'all' });
    await scene.wait(50);
    await each(shared, (one) => one.ping());
    const copies = shared.flatMap((one) => one.received.filter((packet) => packet.type === 'publish'));
    assert.equal(copies.length, 1);
  });

  conformance(['MQTT-4.5.0-1'], 'sends a client its own messages back', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(5, topic, 2);
    for (const qos of [0, 1, 2]) {
      await client.deliver({ topic, qos, payload: `${qos}` });
      await client.acknowledge(await client.find('publish', { payload: `${qos}`, qos }));
    }
  });
});
