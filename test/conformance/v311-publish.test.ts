/** MQTT 3.1.1, section 3.3: PUBLISH, retained messages, delivery. */

import { conformance, section } from './harness.ts';
import { bytes, field, packet, publish, u16 } from './wire.ts';

section('MQTT 3.1.1, 3.3.1 PUBLISH: flags', () => {
  conformance(
    ['MQTT311-3.3.1-1', 'MQTT311-4.3.3-1'],
    'sets DUP on a QoS 2 PUBLISH sent again when the session resumes',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 2]);
      const sender = await scene.connect(4);
      await sender.deliver({ topic, payload: 'x', qos: 2 });
      const sent = await first.expect('publish', { qos: 2, dup: false });
      first.cut();
      const second = await scene.connect(4, { clientId, clean: false });
      await second.receive({ qos: 2, dup: true, id: sent.id, payload: 'x' });
      await second.expectNothing();
    },
  );

  conformance(['MQTT311-3.3.1-2', 'MQTT311-4.3.1-1'], 'sends QoS 0 with DUP 0, whatever came in', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic);
    const sender = await scene.connect(4);
    await sender.deliver({ topic, payload: 'first', qos: 1, dup: true });
    await receiver.expect('publish', { qos: 0, dup: false, payload: 'first' });
    sender.send(packet(0x38, field(topic), Buffer.from('second')));
    // A server may take it or close; either way it has decided then.
    await sender.ping().catch((error) => {
      if (!sender.closed) throw error;
    });
    await scene.wait(100);
    for (const packet of receiver.drain()) if (packet.type === 'publish' && packet.dup) throw new Error('DUP 1');
  });

  conformance(['MQTT311-3.3.1-3'], 'does not pass DUP on', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic, 2);
    const sender = await scene.connect(4);
    for (const qos of [1, 2]) {
      await sender.deliver({ topic, qos, dup: true });
      await receiver.receive({ qos, dup: false });
    }
  });

  conformance(['MQTT311-3.3.1-4', 'MQTT311-4.8.0-1'], 'closes on QoS 3', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    for (const first of [0x36, 0x37, 0x3e]) {
      const client = await scene.connect(4);
      client.send(packet(first, field(topic), u16(1)));
      await client.expectClose();
    }
    await watcher.expectNothing();
  });
});

section('MQTT 3.1.1, 3.3.1.3 RETAIN', () => {
  for (const qos of [0, 1, 2]) {
    conformance(
      ['MQTT311-3.3.1-5', 'MQTT311-3.3.1-8', 'MQTT311-3.8.4-6'],
      `stores a retained message of QoS ${qos} with its QoS for later subscribers`,
      async (scene) => {
        const topic = scene.name();
        const sender = await scene.connect(4);
        await sender.deliver({ topic, payload: 'old', qos, retain: true });
        await sender.deliver({ topic, payload: 'kept', qos, retain: true });
        await sender.ping();
        const late = await scene.subscriber(4, topic, 2);
        await late.receive({ topic, payload: 'kept', qos, retain: true, dup: false });
        await late.expectNothing();
        const low = await scene.subscriber(4, topic, 0);
        await low.receive({ payload: 'kept', qos: 0, retain: true });
      },
    );
  }

  conformance(['MQTT311-3.3.1-6'], 'sends every matching retained message once on a wildcard', async (scene) => {
    const base = scene.name();
    const sender = await scene.connect(4);
    const topics = [base, `${base}/a`, `${base}/b`, `${base}/b/c`, `${base}/`];
    for (const topic of topics) await sender.deliver({ topic, payload: topic, qos: 1, retain: true });
    const all = await scene.subscriber(4, `${base}/#`, 1);
    for (const _ of topics) {
      const got = await all.receive({ retain: true, qos: 1 });
      if (!topics.includes(got.topic)) throw new Error(`unexpected or repeated: ${got.topic}`);
      topics.splice(topics.indexOf(got.topic), 1, '');
    }
    await all.expectNothing();
    const some = await scene.connect(4);
    await some.subscribe(`${base}/+/c`);
    await some.receive({ topic: `${base}/b/c`, retain: true });
    await some.expectNothing();
  });

  conformance(['MQTT311-3.3.1-7'], 'replaces a retained message by a later one of QoS 0', async (scene) => {
    const topic = scene.name();
    const sender = await scene.connect(4);
    await sender.deliver({ topic, payload: 'A', qos: 1, retain: true });
    await sender.deliver({ topic, payload: 'B', qos: 0, retain: true });
    await sender.ping();
    const late = await scene.subscriber(4, topic, 1);
    await scene.wait(50);
    for (const packet of late.drain()) {
      if (packet.type === 'publish' && packet.payload.toString() !== 'B') throw new Error('the old message came');
    }
  });

  conformance(['MQTT311-3.3.1-9'], 'sends RETAIN 0 to an established subscription', async (scene) => {
    const topic = scene.name();
    const live = await scene.subscriber(4, topic, 2);
    const sender = await scene.connect(4);
    for (const qos of [0, 1, 2]) {
      await sender.deliver({ topic, qos, payload: `${qos}`, retain: true });
      await live.receive({ qos, payload: `${qos}`, retain: false });
    }
  });

  conformance(
    ['MQTT311-3.3.1-10', 'MQTT311-3.3.1-11', 'MQTT311-rule-7'],
    'delivers an empty retained message with RETAIN 0 and clears the stored one',
    async (scene) => {
      const topic = scene.name();
      const sender = await scene.connect(4);
      await sender.deliver({ topic, payload: 'stored', qos: 1, retain: true });
      const live = await scene.subscriber(4, topic);
      await live.expect('publish', { payload: 'stored', retain: true });
      await sender.deliver({ topic, payload: '', qos: 1, retain: true });
      await live.expect('publish', { payload: '', retain: false });
      const late = await scene.subscriber(4, topic);
      await late.expectNothing();
    },
  );

  conformance(['MQTT311-3.3.1-11'], 'does not store an empty retained message', async (scene) => {
    const topic = scene.name();
    const sender = await scene.connect(4);
    for (const qos of [0, 1, 2]) await sender.deliver({ topic, qos, retain: true });
    await sender.ping();
    const late = await scene.subscriber(4, topic);
    await late.expectNothing();
  });

  conformance(['MQTT311-3.3.1-12'], 'neither stores nor changes anything on RETAIN 0', async (scene) => {
    const topic = scene.name();
    const sender = await scene.connect(4);
    await sender.deliver({ topic, payload: 'plain', qos: 1 });
    const early = await scene.subscriber(4, topic);
    await early.expectNothing();
    await sender.deliver({ topic, payload: 'A', qos: 1, retain: true });
    await sender.deliver({ topic, payload: 'B', qos: 1 });
    await sender.deliver({ topic, payload: '', qos: 1 });
    const late = await scene.subscriber(4, topic);
    await late.expect('publish', { payload: 'A', retain: true });
    await late.expectNothing();
  });
});

section('MQTT 3.1.1, 3.3.2 to 3.3.5', () => {
  for (const wildcard of ['a/+', 'a/#', '#', '+', 'a/b+', 'a#/b']) {
    conformance(
      ['MQTT311-3.3.2-2', 'MQTT311-4.7.1-1', 'MQTT311-4.8.0-1'],
      `closes on a PUBLISH to "${wildcard}" and does not deliver it`,
      async (scene) => {
        const base = scene.name();
        const watcher = await scene.subscriber(4, `${base}/#`);
        const client = await scene.connect(4);
        client.sendPublish({ topic: `${base}/${wildcard}` });
        await client.expectClose();
        await watcher.expectNothing();
      },
    );
  }

  conformance(['MQTT311-4.7.3-1'], 'closes on an empty Topic Name', async (scene) => {
    const client = await scene.connect(4);
    client.sendPublish({ topic: '' });
    await client.expectClose();
  });

  conformance(['MQTT311-3.3.2-3'], 'delivers under the topic that was published', async (scene) => {
    const base = scene.name();
    const receiver = await scene.connect(4);
    await receiver.subscribe(`${base}/+/end`, `${base}/all/#`);
    const sender = await scene.connect(4);
    for (const topic of [`${base}/x/end`, `${base}/all`, `${base}/all/one/two`]) {
      await sender.deliver({ topic, payload: topic });
      await receiver.expect('publish', { topic, payload: topic });
    }
    for (const topic of [`${base}/x/y/end`, `${base}/x`, base]) await sender.deliver({ topic });
    await sender.ping();
    await receiver.expectNothing();
  });

  conformance(['MQTT311-3.3.4-1'], 'answers by QoS: nothing, PUBACK, PUBREC', async (scene) => {
    const client = await scene.connect(4);
    const topic = scene.name();
    client.sendPublish({ topic, qos: 0 });
    await client.expectNothing();
    client.sendPublish({ topic, qos: 1, id: 11 });
    await client.expect('puback', { id: 11 });
    client.sendPublish({ topic, qos: 2, id: 12 });
    await client.expect('pubrec', { id: 12 });
    await client.expectNothing();
  });

  conformance(['MQTT311-3.3.5-1'], 'delivers with the highest QoS of overlapping subscriptions', async (scene) => {
    const base = scene.name();
    const receiver = await scene.connect(4);
    await receiver.subscribe([`${base}/#`, 0], [`${base}/b`, 2], [`${base}/+`, 1]);
    const sender = await scene.connect(4);
    await sender.deliver({ topic: `${base}/b`, payload: 'x', qos: 2 });
    await receiver.acknowledge(await receiver.find('publish', { qos: 2, payload: 'x' }));
    await receiver.ping();
    let highest = 1;
    for (const packet of receiver.drain()) if (packet.type === 'publish' && packet.qos === 2) highest += 1;
    if (highest > 1) throw new Error('more than one copy at QoS 2');
  });

  conformance(
    ['MQTT311-3.3.5-2'],
    'never delivers a publish that is not allowed, and acknowledges it or closes',
    { settings: { policies: true } },
    async (scene) => {
      const name = scene.name();
      const watcher = await scene.subscriber(4, `+/${name}`);
      for (const qos of [0, 1, 2]) {
        const client = await scene.connect(4);
        client.sendPublish({ topic: `forbidden/${name}`, qos, id: 5, retain: true });
        await scene.wait(50);
        if (client.closed) continue;
        if (qos === 1) await client.expect('puback', { id: 5 });
        if (qos === 2) {
          await client.expect('pubrec', { id: 5 });
          client.send(bytes(0x62, 2, 0, 5));
          await client.expect('pubcomp', { id: 5 });
        }
        await client.expectNothing();
      }
      await watcher.expectNothing();
      const late = await scene.subscriber(4, `+/${name}`);
      await late.expectNothing();
    },
  );

  conformance(['MQTT311-3.3.4-1'], 'serves payloads from nothing to a megabyte unchanged', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(4, topic, 1);
    for (const size of [0, 1, 117, 118, 119, 16_370, 16_384, 65_536, 1_000_000]) {
      const payload = Buffer.alloc(size, size % 251);
      client.send(publish(4, { topic, payload, qos: 1, id: 1 }));
      await client.find('puback', { id: 1 });
      await client.receive({ payload, qos: 1 });
    }
  });
});
