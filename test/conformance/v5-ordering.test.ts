/** MQTT 5.0, section 4.6: messages of one publisher, topic and QoS arrive in the order they were published. */

import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

/** Publishes `count` numbered messages, 20 at a time, doing the QoS exchange for each. */
async function publishMany(
  publisher: RawClient,
  topic: string,
  qos: number,
  from: number,
  count: number,
): Promise<void> {
  for (let at = from; at < from + count; at += 20) {
    const size = Math.min(20, from + count - at);
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    publisher.send(...ids.map((id, i) => wire.publish(5, { topic, qos, id, payload: `${at + i}` })));
    if (qos === 0) await publisher.ping();
    if (qos === 1) for (const id of ids) await publisher.find('puback', { id });
    if (qos !== 2) continue;
    for (const id of ids) await publisher.find('pubrec', { id });
    publisher.send(...ids.map((id) => wire.ack('pubrel', id)));
    for (const id of ids) await publisher.find('pubcomp', { id });
  }
}

async function inOrder(scene: Scene, qos: number, count: number, options: wire.Properties): Promise<void> {
  const topic = scene.name();
  const client = await scene.connect(5, { properties: options });
  await client.subscribe([topic, qos]);
  const publisher = await scene.connect(5);
  const published = publishMany(publisher, topic, qos, 0, count);
  for (let i = 0; i < count; i++)
    await client.acknowledge(await client.find('publish', { qos, payload: `${i}`, dup: false }));
  await published;
  await client.expectNothing();
}

section('MQTT 5.0, 4.6 Message ordering', () => {
  conformance(['MQTT-4.6.0-5', 'MQTT-4.6.0-6'], 'keeps the order of 1,000 messages at QoS 0', (scene) =>
    inOrder(scene, 0, 1000, {}),
  );
  conformance(['MQTT-4.6.0-5', 'MQTT-4.6.0-6'], 'keeps the order of 1,000 messages at QoS 1', (scene) =>
    inOrder(scene, 1, 1000, {}),
  );
  conformance(['MQTT-4.6.0-5', 'MQTT-4.6.0-6'], 'keeps the order of 500 messages at QoS 2', (scene) =>
    inOrder(scene, 2, 500, {}),
  );
  conformance(['MQTT-4.6.0-5'], 'keeps the order behind a window of one', (scene) =>
    inOrder(scene, 1, 200, { receiveMaximum: 1 }),
  );
  conformance(['MQTT-4.6.0-5'], 'keeps the order at QoS 2 behind a window of three', (scene) =>
    inOrder(scene, 2, 200, { receiveMaximum: 3 }),
  );

  conformance(
    ['MQTT-4.6.0-5', 'MQTT-4.4.0-1'],
    'keeps the order across resumed sessions, open messages first',
    async (scene) => {
      for (const qos of [1, 2]) {
        const topic = scene.name();
        const clientId = scene.name();
        const properties = { ...KEPT, receiveMaximum: 10 };
        let client = await scene.connect(5, { clientId, properties });
        await client.subscribe([topic, qos]);
        const publisher = await scene.connect(5);
        await publishMany(publisher, topic, qos, 0, 20);
        for (const [from, to] of [
          [0, 5],
          [5, 25],
          [25, 60],
        ]) {
          for (let i = from; i < to; i++) {
            await client.acknowledge(
              await client.expect('publish', { payload: `${i}`, qos, dup: i === from && i > 0 ? true : undefined }),
            );
          }
          if (to === 60) break;
          // Leaves message `to` and those behind it open; more come while the client is away.
          await client.expect('publish', { payload: `${to}` });
          await client.disconnect();
          await publishMany(publisher, topic, qos, to === 5 ? 20 : 40, 20);
          client = await scene.connect(5, { clientId, clean: false, properties });
        }
        await client.expectNothing();
      }
    },
  );

  conformance(['MQTT-4.6.0-5'], 'queues messages of an absent client in their order', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    await publishMany(await scene.connect(5), topic, 1, 0, 300);
    const second = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    for (let i = 0; i < 300; i++) await second.receive({ payload: `${i}`, dup: false });
    await second.expectNothing();
  });

  conformance(['MQTT-4.6.0-5'], 'follows a queued backlog with live messages in order', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const first = await scene.connect(5, { clientId, properties: KEPT });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    const publisher = await scene.connect(5);
    await publishMany(publisher, topic, 1, 0, 100);
    const second = await scene.connect(5, { clientId, clean: false, properties: { ...KEPT, receiveMaximum: 7 } });
    const rest = publishMany(publisher, topic, 1, 100, 100);
    for (let i = 0; i < 200; i++) await second.receive({ payload: `${i}` });
    await rest;
  });
});
