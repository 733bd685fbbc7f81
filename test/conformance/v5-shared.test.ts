/** MQTT 5.0, section 4.8: shared subscriptions. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { Packet, Publish } from './parser.ts';
import type { RawClient } from './raw-client.ts';
import { each } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

const publishes = (client: RawClient): Publish[] =>
  client.received.filter((packet: Packet): packet is Publish => packet.type === 'publish');

/** Members of `$share/group/topic`, one for each QoS given. */
async function group(scene: Scene, topic: string, qos: number[], name = 'g'): Promise<RawClient[]> {
  return Promise.all(qos.map((one) => scene.subscriber(5, `$share/${name}/${topic}`, one)));
}

/** Waits until all packets written so far have come, then counts the deliveries to each client. */
async function counts(scene: Scene, clients: RawClient[]): Promise<number[]> {
  await scene.wait(60);
  await each(clients, (client) => client.ping());
  return clients.map((client) => publishes(client).length);
}

section('MQTT 5.0, 4.8.2 Shared subscriptions', () => {
  conformance(['MQTT-4.8.2-1', 'MQTT-4.8.2-2'], 'refuses badly formed shared filters', async (scene) => {
    const name = scene.name();
    const filters = [
      '$share//a',
      '$share/',
      '$share',
      '$share/g',
      '$share/g/',
      '$share/g+/a',
      '$share/#/a',
      '$share/+/a',
    ];
    await each([...filters, `$share/g/${name}#`, `$share/g/${name}/#/b`], async (filter) => {
      const client = await scene.connect(5);
      client.send(wire.subscribe(5, 1, [[filter, 0]]));
      const suback = await client.expect('suback').catch(() => undefined);
      if (suback === undefined) await client.expectClose([0x81, 0x82, 0x8f]);
      else assert.deepEqual(suback.codes, [0x8f], `filter ${filter}`);
    });
  });

  conformance(
    ['MQTT-4.8.2-1', 'MQTT-4.8.2-2', 'MQTT-3.3.2-3'],
    'matches the filter behind the share name',
    async (scene) => {
      const base = scene.name();
      const client = await scene.connect(5);
      const filters = [`$share/a/${base}/+/x`, `$share/b/${base}/#`, `$share/c//${base}`, `$share/$d/${base}/exact`];
      assert.deepEqual((await client.subscribe(...filters)).codes, [0, 0, 0, 0]);
      const publisher = await scene.connect(5);
      for (const [topic, copies] of [
        [`${base}/1/x`, 2],
        [`${base}`, 1],
        [`/${base}`, 1],
        [`${base}/exact`, 2],
        [`${base}s`, 0],
        [`share/a/${base}`, 0],
      ] as const) {
        const payload = scene.name();
        await publisher.deliver({ topic, qos: 1, payload });
        await counts(scene, [client]);
        assert.equal(publishes(client).filter((one) => one.payload.toString() === payload).length, copies, topic);
      }
    },
  );

  conformance(['MQTT-4.5.0-1', 'MQTT-4.8.2-3'], 'delivers a message to one member of each group', async (scene) => {
    const topic = scene.name();
    const one = await group(scene, topic, [1, 1, 1], 'one');
    const two = await group(scene, topic, [1, 1], 'two');
    const plain = await scene.subscriber(5, topic, 1);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 12; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
    for (const members of [one, two]) {
      const got = await counts(scene, members);
      assert.equal(
        got.reduce((sum, count) => sum + count, 0),
        12,
      );
      const payloads = members.flatMap((member) => publishes(member).map((publish) => publish.payload.toString()));
      assert.equal(new Set(payloads).size, 12);
    }
    assert.deepEqual(await counts(scene, [plain]), [12]);
  });

  conformance(['MQTT-4.8.2-3'], 'takes turns among connected members (choice)', async (scene) => {
    const topic = scene.name();
    const members = await group(scene, topic, [0, 0, 0]);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 30; i++) publisher.sendPublish({ topic, payload: `${i}` });
    await publisher.ping();
    assert.deepEqual(await counts(scene, members), [10, 10, 10]);
  });

  conformance([], 'prefers connected members and falls back to stored sessions (choice)', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const clientId = scene.name();
    const away = await scene.connect(5, { clientId, properties: KEPT });
    await away.subscribe([filter, 1]);
    await away.disconnect();
    const here = await scene.subscriber(5, filter, 1);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 6; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
    for (let i = 0; i < 6; i++) await here.receive({ payload: `${i}` });
    await here.unsubscribe(filter);
    await publisher.deliver({ topic, qos: 1, payload: 'stored' });
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await back.receive({ payload: 'stored' });
    await back.expectNothing();
  });

  conformance([], 'prefers members whose window is open (choice)', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const full = await scene.connect(5, { properties: { receiveMaximum: 1 } });
    await full.subscribe([filter, 1]);
    const free = await scene.subscriber(5, filter, 1);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 10; i++) await publisher.deliver({ topic, qos: 1, payload: `${i}` });
    const [one, rest] = await counts(scene, [full, free]);
    assert.ok(one <= 1);
    assert.equal(one + rest, 10);
  });

  conformance(['MQTT-4.8.2-3'], 'delivers to each member at the lower of published and granted QoS', async (scene) => {
    const topic = scene.name();
    const members = await group(scene, topic, [0, 1, 2]);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 9; i++) await publisher.deliver({ topic, qos: 2, payload: `${i}` });
    await counts(scene, members);
    for (const [qos, member] of members.entries()) {
      for (const publish of publishes(member)) assert.equal(publish.qos, qos);
    }
    const all = members.flatMap((member) => publishes(member));
    assert.equal(all.length, 9);
  });

  conformance(['MQTT-4.8.2-4'], 'finishes a QoS 2 delivery with the member it chose', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    for (const answered of [false, true]) {
      const clientId = scene.name();
      const chosen = await scene.connect(5, { clientId, properties: KEPT });
      await chosen.subscribe([filter, 2]);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 2, payload: 'two' });
      const { id } = await chosen.expect('publish', { payload: 'two', qos: 2 });
      if (answered) chosen.send(wire.ack('pubrec', id));
      if (answered) await chosen.expect('pubrel', { id });
      const other = await scene.subscriber(5, filter, 2);
      await chosen.disconnect();
      await other.expectNothing();
      const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
      if (answered) await back.expect('pubrel', { id, code: 0 });
      if (answered) back.send(wire.ack('pubcomp', id));
      else await back.receive({ payload: 'two', id, dup: true });
      await back.expectNothing();
      await other.expectNothing();
      await other.unsubscribe(filter);
      await back.unsubscribe(filter);
    }
  });

  conformance(
    ['MQTT-4.8.2-5'],
    'sends a QoS 2 message to nobody else when the session of its member ends',
    async (scene) => {
      const topic = scene.name();
      const filter = `$share/g/${topic}`;
      const chosen = await scene.connect(5, { properties: { sessionExpiryInterval: 1 } });
      await chosen.subscribe([filter, 2]);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 2, payload: 'two' });
      await chosen.expect('publish', { payload: 'two' });
      const other = await scene.subscriber(5, filter, 2);
      chosen.cut();
      await scene.wait(2600);
      await other.expectNothing();
      await publisher.deliver({ topic, qos: 2, payload: 'next' });
      await other.receive({ payload: 'next' });
    },
  );

  conformance([], 'passes a QoS 1 message on when the session of its member ends (choice)', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const chosen = await scene.connect(5, { properties: { sessionExpiryInterval: 1 } });
    await chosen.subscribe([filter, 1]);
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'one' });
    await chosen.expect('publish', { payload: 'one' });
    const other = await scene.subscriber(5, filter, 1);
    chosen.cut();
    await other.expectNothing(300);
    await other.receive({ payload: 'one', qos: 1 });
  });

  conformance([], 'keeps a QoS 1 message for its member while the session lives (choice)', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const clientId = scene.name();
    const chosen = await scene.connect(5, { clientId, properties: KEPT });
    await chosen.subscribe([filter, 1]);
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, payload: 'one' });
    const { id } = await chosen.expect('publish', { payload: 'one' });
    const other = await scene.subscriber(5, filter, 1);
    await chosen.disconnect();
    await other.expectNothing();
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await back.receive({ payload: 'one', id, dup: true });
  });

  conformance(['MQTT-4.8.2-6'], 'discards a message its member refuses', async (scene) => {
    for (const [qos, name] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      const topic = scene.name();
      const members = await group(scene, topic, [qos, qos]);
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos, payload: 'refused' });
      await counts(scene, members);
      const chosen = members.find((member) => publishes(member).length === 1);
      assert.ok(chosen !== undefined);
      const { id } = await chosen.expect('publish', { payload: 'refused' });
      chosen.send(wire.ack(name, id, 0x80));
      await chosen.expectNothing();
      assert.deepEqual((await counts(scene, members)).sort(), [0, 1]);
      chosen.cut();
      await scene.wait(50);
      assert.deepEqual(
        (
          await counts(
            scene,
            members.filter((member) => member !== chosen),
          )
        ).sort(),
        [0],
      );
    }
  });

  conformance(['MQTT-rule-35'], 'sends no retained messages for a shared filter', async (scene) => {
    const topic = scene.name();
    const publisher = await scene.connect(5);
    await publisher.deliver({ topic, qos: 1, retain: true, payload: 'kept' });
    const client = await scene.connect(5);
    for (const handling of [0x00, 0x10, 0x20]) {
      await client.subscribe([`$share/g${handling}/${topic}`, 1 | handling]);
      await client.expectNothing();
    }
    await publisher.deliver({ topic, qos: 1, retain: true });
  });

  conformance(['MQTT-rule-36'], 'counts a repeated SUBSCRIBE once and leaves with one UNSUBSCRIBE', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const client = await scene.connect(5);
    const other = await scene.subscriber(5, filter, 0);
    for (let i = 0; i < 3; i++) await client.subscribe([filter, 0]);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 10; i++) publisher.sendPublish({ topic });
    await publisher.ping();
    const [mine, theirs] = await counts(scene, [client, other]);
    assert.equal(mine + theirs, 10);
    assert.deepEqual((await client.unsubscribe(filter)).codes, [0]);
    assert.deepEqual((await client.unsubscribe(filter)).codes, [0x11]);
    for (let i = 0; i < 10; i++) publisher.sendPublish({ topic });
    await publisher.ping();
    assert.deepEqual(await counts(scene, [client, other]), [mine, theirs + 10]);
  });

  conformance(
    ['MQTT-3.10.4-1', 'MQTT-rule-36'],
    'leaves the other groups and the ordinary subscription alone',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5);
      await client.subscribe([`$share/a/${topic}`, 0], [`$share/b/${topic}`, 0], [topic, 0]);
      await client.unsubscribe(`$share/a/${topic}`);
      client.sendPublish({ topic });
      assert.deepEqual(await counts(scene, [client]), [2]);
      await client.unsubscribe(topic);
      client.sendPublish({ topic });
      assert.deepEqual(await counts(scene, [client]), [3]);
    },
  );

  conformance(
    ['MQTT-3.3.4-3'],
    'delivers for a shared and an ordinary subscription of one client (choice)',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(5);
      await client.subscribeWith({ subscriptionIdentifiers: [1] }, [`$share/g/${topic}`, 1]);
      await client.subscribeWith({ subscriptionIdentifiers: [2] }, [topic, 1]);
      await client.deliver({ topic, qos: 1 });
      assert.deepEqual(await counts(scene, [client]), [2]);
      const ids = publishes(client).map((publish) => publish.properties.subscriptionIdentifiers);
      assert.deepEqual(ids.flat().sort(), [1, 2]);
    },
  );

  conformance([], 'serves shared filters of 3.1.1 clients in the same group (choice)', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const old = await scene.subscriber(4, filter, 0);
    const five = await scene.subscriber(5, filter, 0);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 10; i++) publisher.sendPublish({ topic });
    await publisher.ping();
    assert.deepEqual(await counts(scene, [old, five]), [5, 5]);
  });

  conformance([], 'gives a message too large for one member to another (choice)', async (scene) => {
    const topic = scene.name();
    const filter = `$share/g/${topic}`;
    const small = await scene.connect(5, { properties: { maximumPacketSize: 100 } });
    await small.subscribe([filter, 1]);
    const large = await scene.subscriber(5, filter, 1);
    const publisher = await scene.connect(5);
    for (let i = 0; i < 4; i++) await publisher.deliver({ topic, qos: 1, payload: Buffer.alloc(200, 0x30 + i) });
    assert.deepEqual(await counts(scene, [small, large]), [0, 4]);
  });
});
