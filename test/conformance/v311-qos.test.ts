/** MQTT 3.1.1, chapter 4: the QoS flows in both directions, sending again, receipt and order. */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import { ack, publish } from './wire.ts';

section('MQTT 3.1.1, 4.3 QoS flows: the server as receiver', () => {
  conformance(['MQTT311-4.3.2-2'], 'takes a reused QoS 1 identifier for a new message after PUBACK', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic);
    const sender = await scene.connect(4);
    for (const dup of [false, true, false]) {
      sender.sendPublish({ topic, qos: 1, id: 5, dup, payload: `${dup}` });
      await sender.expect('puback', { id: 5 });
      await receiver.expect('publish', { payload: `${dup}` });
    }
    await receiver.expectNothing();
  });

  conformance(
    ['MQTT311-4.3.3-2', 'MQTT311-2.3.1-6'],
    'delivers a QoS 2 PUBLISH once however often it is repeated before PUBREL',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(4, topic, 2);
      const sender = await scene.connect(4);
      for (const dup of [false, true, true]) {
        sender.sendPublish({ topic, qos: 2, id: 9, dup, payload: 'once' });
        await sender.expect('pubrec', { id: 9 });
      }
      for (let i = 0; i < 2; i++) {
        sender.send(ack('pubrel', 9));
        await sender.expect('pubcomp', { id: 9 });
      }
      await receiver.receive({ payload: 'once', qos: 2 });
      await receiver.expectNothing();
      sender.sendPublish({ topic, qos: 2, id: 9, payload: 'new' });
      await sender.expect('pubrec', { id: 9 });
      sender.send(ack('pubrel', 9));
      await sender.expect('pubcomp', { id: 9 });
      await receiver.receive({ payload: 'new' });
      await receiver.expectNothing();
    },
  );

  conformance(
    ['MQTT311-4.3.3-2', 'MQTT311-4.4.0-1', 'MQTT311-4.1.0-1'],
    'remembers an open QoS 2 identifier of a sender across a resume',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const receiver = await scene.subscriber(4, topic);
      const first = await scene.connect(4, { clientId, clean: false });
      first.sendPublish({ topic, qos: 2, id: 77, payload: 'once' });
      await first.expect('pubrec', { id: 77 });
      first.cut();
      const second = await scene.connect(4, { clientId, clean: false });
      second.sendPublish({ topic, qos: 2, id: 77, dup: true, payload: 'once' });
      await second.expect('pubrec', { id: 77 });
      second.cut();
      const third = await scene.connect(4, { clientId, clean: false });
      third.send(ack('pubrel', 77));
      await third.expect('pubcomp', { id: 77 });
      await receiver.expect('publish', { payload: 'once' });
      await receiver.expectNothing();
    },
  );

  conformance(['MQTT311-4.3.3-2'], 'answers PUBREL of an unknown identifier with PUBCOMP', async (scene) => {
    const client = await scene.connect(4);
    client.send(ack('pubrel', 321));
    await client.expect('pubcomp', { id: 321 });
  });

  conformance(['MQTT311-4.3.2-2', 'MQTT311-4.3.3-2'], 'keeps identifiers of both directions apart', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(4, topic, 2);
    for (const qos of [1, 2]) {
      const other = await scene.connect(4);
      await other.deliver({ topic, payload: 'in', qos });
      const got = await client.expect('publish', { payload: 'in', qos });
      client.sendPublish({ topic: scene.name(), qos, id: got.id });
      if (qos === 1) await client.expect('puback', { id: got.id });
      else await client.expect('pubrec', { id: got.id });
      await client.acknowledge(got);
      if (qos === 2) {
        client.send(ack('pubrel', got.id));
        await client.expect('pubcomp', { id: got.id });
      }
    }
  });

  conformance(
    ['MQTT311-4.8.0-1', 'MQTT311-2.3.1-6'],
    'is not upset by acknowledgements of unknown identifiers',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(4, topic, 2);
      for (const name of ['puback', 'pubcomp'] as const) client.send(ack(name, 4711));
      await scene.wait(50);
      // Both a close and carrying on are within the standard; a wrong delivery afterwards is not.
      if (client.closed) return client.expectClose().then(() => undefined);
      await client.deliver({ topic, payload: 'x', qos: 2 });
      await client.receive({ payload: 'x', qos: 2 });
    },
  );
});

section('MQTT 3.1.1, 4.3 QoS flows and 4.4: the server as sender', () => {
  conformance(
    ['MQTT311-4.3.2-1', 'MQTT311-4.3.3-1', 'MQTT311-4.3.1-1'],
    'sends new messages with DUP 0',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(4, topic, 2);
      const sender = await scene.connect(4);
      for (const qos of [0, 1, 2]) {
        await sender.deliver({ topic, qos });
        const got = await receiver.receive({ qos });
        assert.equal(got.raw[0], 0x30 | (qos << 1));
      }
    },
  );

  conformance(
    ['MQTT311-4.3.2-1', 'MQTT311-4.4.0-1'],
    'keeps a QoS 1 message open until PUBACK and not longer',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const sender = await scene.connect(4);
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 1]);
      await sender.deliver({ topic, payload: 'answered', qos: 1 });
      await first.receive({ payload: 'answered' });
      await sender.deliver({ topic, payload: 'open', qos: 1 });
      const open = await first.expect('publish', { payload: 'open', dup: false });
      await first.ping();
      first.cut();
      const second = await scene.connect(4, { clientId, clean: false });
      await second.expect('publish', { payload: 'open', dup: true, id: open.id });
      await second.expectNothing();
      second.cut();
      const third = await scene.connect(4, { clientId, clean: false });
      await third.receive({ payload: 'open', dup: true, id: open.id });
      await third.ping();
      third.cut();
      const fourth = await scene.connect(4, { clientId, clean: false });
      await fourth.expectNothing();
    },
  );

  conformance(
    ['MQTT311-4.3.3-1', 'MQTT311-4.4.0-1'],
    'sends PUBREL, and not PUBLISH, again after PUBREC',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const sender = await scene.connect(4);
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 2]);
      await sender.deliver({ topic, payload: 'x', qos: 2 });
      const sent = await first.expect('publish', { qos: 2 });
      first.send(ack('pubrec', sent.id));
      await first.expect('pubrel', { id: sent.id });
      first.cut();
      const second = await scene.connect(4, { clientId, clean: false });
      await second.expect('pubrel', { id: sent.id });
      await second.expectNothing();
      second.cut();
      const third = await scene.connect(4, { clientId, clean: false });
      await third.expect('pubrel', { id: sent.id });
      third.send(ack('pubcomp', sent.id));
      await third.expectNothing();
      third.cut();
      const fourth = await scene.connect(4, { clientId, clean: false });
      await fourth.expectNothing();
    },
  );

  conformance(['MQTT311-4.3.3-1'], 'answers a repeated PUBREC with PUBREL again', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic, 2);
    const sender = await scene.connect(4);
    await sender.deliver({ topic, qos: 2 });
    const sent = await receiver.expect('publish', { qos: 2 });
    for (let i = 0; i < 2; i++) {
      receiver.send(ack('pubrec', sent.id));
      await receiver.expect('pubrel', { id: sent.id });
    }
    receiver.send(ack('pubcomp', sent.id));
    await receiver.expectNothing();
  });

  conformance(['MQTT311-4.4.0-1'], 'does not send open messages again for CleanSession 1', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const sender = await scene.connect(4);
    const first = await scene.connect(4, { clientId, clean: false });
    await first.subscribe([topic, 1]);
    await sender.deliver({ topic, payload: 'open', qos: 1 });
    await first.expect('publish', { payload: 'open' });
    first.cut();
    const second = await scene.connect(4, { clientId, clean: true });
    await second.expectNothing();
  });
});

section('MQTT 3.1.1, 4.5 receipt and 4.6 order', () => {
  conformance(['MQTT311-4.5.0-1'], 'adds a message to every session with a matching subscription', async (scene) => {
    const base = scene.name();
    const topic = `${base}/x`;
    const absentId = scene.name();
    const absent = await scene.connect(4, { clientId: absentId, clean: false });
    await absent.subscribe([`${base}/#`, 1]);
    await absent.disconnect();
    const exact = await scene.subscriber(4, topic, 1);
    const wild = await scene.subscriber(4, `${base}/+`, 2);
    const other = await scene.subscriber(4, `${base}/y`, 2);
    const sender = await scene.subscriber(4, topic, 0);
    await sender.deliver({ topic, payload: 'all', qos: 1 });
    await sender.receive({ payload: 'all', qos: 0 });
    await exact.receive({ payload: 'all', qos: 1 });
    await wild.receive({ payload: 'all', qos: 1 });
    await other.expectNothing();
    const back = await scene.connect(4, { clientId: absentId, clean: false });
    await back.receive({ payload: 'all', qos: 1 });
  });

  conformance(['MQTT311-4.6.0-5', 'MQTT311-4.6.0-6'], 'keeps the order of a thousand QoS 0 messages', async (scene) => {
    const topic = scene.name();
    const receiver = await scene.subscriber(4, topic);
    const sender = await scene.connect(4);
    for (let i = 0; i < 1000; i++) {
      sender.sendPublish({ topic, payload: `${i}` });
      if (i % 100 === 99) await sender.ping();
    }
    for (let i = 0; i < 1000; i++) await receiver.expect('publish', { payload: `${i}` });
  });

  conformance(
    ['MQTT311-4.6.0-5', 'MQTT311-4.6.0-6', 'MQTT311-4.6.0-2'],
    'keeps the order of QoS 1 messages and of their PUBACKs',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(4, topic, 1);
      const sender = await scene.connect(4);
      for (let batch = 0; batch < 300; batch += 10) {
        for (let i = batch; i < batch + 10; i++) sender.sendPublish({ topic, payload: `${i}`, qos: 1, id: 1000 + i });
        for (let i = batch; i < batch + 10; i++) await sender.expect('puback', { id: 1000 + i });
        for (let i = batch; i < batch + 10; i++) await receiver.receive({ payload: `${i}` });
      }
    },
  );

  conformance(
    ['MQTT311-4.6.0-5', 'MQTT311-4.6.0-6', 'MQTT311-4.6.0-3'],
    'keeps the order of QoS 2 messages and of their PUBRECs',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(4, topic, 2);
      const sender = await scene.connect(4);
      for (let batch = 0; batch < 100; batch += 10) {
        const ids = Array.from({ length: 10 }, (_, i) => 5000 - batch - i);
        for (const id of ids) sender.sendPublish({ topic, payload: `${id}`, qos: 2, id });
        for (const id of ids) await sender.expect('pubrec', { id });
        for (const id of ids) sender.send(ack('pubrel', id));
        for (const id of ids) await sender.expect('pubcomp', { id });
        for (const id of ids) await receiver.receive({ payload: `${id}` });
      }
    },
  );

  conformance(
    ['MQTT311-4.6.0-6', 'MQTT311-4.6.0-4'],
    'sends PUBREL in the order in which PUBREC came',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(4, topic, 2);
      const sender = await scene.connect(4);
      const ids: number[] = [];
      for (let i = 0; i < 5; i++) {
        await sender.deliver({ topic, qos: 2 });
        ids.push((await receiver.expect('publish', { qos: 2 })).id);
      }
      const shuffled = [3, 0, 4, 1, 2].map((at) => ids[at]);
      receiver.send(...shuffled.map((id) => ack('pubrec', id)));
      for (const id of shuffled) await receiver.expect('pubrel', { id });
      receiver.send(...shuffled.map((id) => ack('pubcomp', id)));
      await receiver.expectNothing();
    },
  );

  conformance(
    ['MQTT311-4.6.0-6', 'MQTT311-4.6.0-1', 'MQTT311-4.4.0-1'],
    'sends open messages again in their original order, before what was queued',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const sender = await scene.connect(4);
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 2]);
      const ids: number[] = [];
      for (let i = 0; i < 5; i++) {
        await sender.deliver({ topic, qos: 1 + (i % 2), payload: `${i}` });
        ids.push((await first.expect('publish', { payload: `${i}` })).id);
      }
      await first.disconnect();
      for (let i = 5; i < 8; i++) await sender.deliver({ topic, qos: 1, payload: `${i}` });
      const second = await scene.connect(4, { clientId, clean: false });
      for (let i = 0; i < 8; i++) {
        const got = await second.find('publish');
        assert.equal(got.payload.toString(), `${i}`);
        assert.equal(got.dup, i < 5);
        if (i < 5) assert.equal(got.id, ids[i]);
        await second.acknowledge(got);
      }
    },
  );

  conformance(['MQTT311-4.6.0-6'], 'keeps the order when a session is cut and resumed in the middle', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const sender = await scene.connect(4);
    const connect = () => scene.connect(4, { clientId, clean: false });
    let receiver = await connect();
    await receiver.subscribe([topic, 1]);
    const sending = (async () => {
      for (let i = 0; i < 200; i++) await sender.deliver({ topic, payload: `${i}`, qos: 1 });
    })();
    let next = 0;
    for (let taken = 0; next < 200; taken++) {
      const got = await receiver.expect('publish');
      const at = Number(got.payload);
      assert.ok(at <= next && (at === next || got.dup), `message ${at} came when ${next} was due`);
      next = Math.max(next, at + 1);
      if (taken % 37 === 36) {
        receiver.cut();
        receiver = await connect();
      } else {
        receiver.send(ack('puback', got.id));
      }
    }
    await sending;
  });

  conformance(
    ['MQTT311-4.6.0-6'],
    'keeps pipelined messages of different QoS on one topic, each QoS in order',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(4, topic, 2);
      const sender = await scene.connect(4);
      const parts = Array.from({ length: 15 }, (_, i) =>
        publish(4, { topic, payload: `${i}`, qos: i % 3, id: 100 + i }),
      );
      // A server may deliver a QoS 2 message as late as its PUBREL.
      sender.send(...parts, ...[2, 5, 8, 11, 14].map((i) => ack('pubrel', 100 + i)));
      const last = [-1, -1, -1];
      for (let i = 0; i < 15; i++) {
        const got = await receiver.find('publish');
        const at = Number(got.payload);
        assert.ok(at > last[got.qos], `QoS ${got.qos}: ${at} after ${last[got.qos]}`);
        last[got.qos] = at;
        await receiver.acknowledge(got);
      }
    },
  );
});
