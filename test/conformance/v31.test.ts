/** MQTT 3.1 (`MQIsdp`, level 3) by our own list of statements, and the bridges of Mosquitto (levels 0x83, 0x84). */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import type { Publish } from './parser.ts';
import { ack, bytes, connect, field, hex, packet, pingreq, publish, subscribe, u16, unsubscribe } from './wire.ts';

section('MQTT 3.1: CONNECT and CONNACK', () => {
  conformance(['MQTT31-1', 'MQTT31-5'], 'serves MQIsdp with level 3 and answers 0x00 0x00', async (scene) => {
    const client = await scene.open(3);
    const connack = await client.connect({ clientId: scene.name() });
    assert.deepEqual([...connack.raw], [0x20, 2, 0, 0]);
    await client.expectNothing();
  });

  conformance(['MQTT31-1'], 'refuses MQIsdp with level 4, and MQTT with level 3', async (scene) => {
    for (const fields of [
      { protocolName: 'MQIsdp', level: 4 },
      { protocolName: 'MQTT', level: 3 },
    ]) {
      const client = await scene.open(3);
      client.sendConnect({ clientId: scene.name(), ...fields });
      await client.expectClose([0x01]);
    }
  });

  conformance(['MQTT31-2'], 'accepts client identifiers over 23 characters', async (scene) => {
    for (const length of [23, 24, 60, 200]) {
      const clientId = scene.name().padEnd(length, 'x');
      const client = await scene.connect(3, { clientId });
      await client.expectNothing();
    }
  });

  conformance(['MQTT31-3', 'MQTT31-24'], 'refuses an empty client identifier with 0x02', async (scene) => {
    for (const clean of [true, false]) {
      const client = await scene.open(3);
      client.sendConnect({ clientId: '', clean });
      await client.expectRefusal(0x02);
    }
  });

  conformance(
    ['MQTT31-4'],
    'ends the older connection of a client identifier and publishes its will',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const watcher = await scene.subscriber(3, topic);
      const old = await scene.connect(3, { clientId, will: { topic, payload: 'taken' } });
      const young = await scene.connect(3, { clientId });
      await old.expectClose();
      await watcher.expect('publish', { payload: 'taken' });
      await young.expectNothing();
    },
  );

  conformance(['MQTT31-5', 'MQTT31-18'], 'has no Session Present when it resumes a session', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const sender = await scene.connect(3);
    const first = await scene.connect(3, { clientId, clean: false });
    await first.subscribe([topic, 2]);
    await first.disconnect();
    await sender.deliver({ topic, payload: 'one', qos: 1 });
    await sender.deliver({ topic, payload: 'two', qos: 2 });
    const second = await scene.open(3);
    const connack = await second.connect({ clientId, clean: false });
    assert.deepEqual([...connack.raw], [0x20, 2, 0, 0]);
    await second.receive({ payload: 'one', qos: 1 });
    await second.receive({ payload: 'two', qos: 2 });
    await second.disconnect();
    const third = await scene.connect(3, { clientId, clean: true });
    await sender.deliver({ topic, payload: 'three', qos: 1 });
    await third.expectNothing();
  });

  conformance(['MQTT31-6'], 'tolerates a user name flag whose string is missing', async (scene) => {
    const client = await scene.open(3);
    await client.connect({ clientId: scene.name(), flags: 0x82 });
    await client.expectNothing();
  });

  conformance(['MQTT31-6'], 'tolerates a password flag whose string is missing', async (scene) => {
    const client = await scene.open(3);
    await client.connect({ clientId: scene.name(), username: 'user', flags: 0xc2 });
    await client.expectNothing();
    const both = await scene.open(3);
    await both.connect({ clientId: scene.name(), flags: 0xc2 });
    await both.expectNothing();
  });

  conformance(['MQTT31-6'], 'still closes on a user name that is cut short', async (scene) => {
    const client = await scene.open(3);
    const payload = Buffer.concat([field(scene.name()), u16(9), bytes(0x61)]);
    client.sendConnect({ flags: 0x82, payload });
    await client.expectClose();
  });

  conformance(['MQTT31-15'], 'takes any bytes as password and will message', async (scene) => {
    const topic = scene.name();
    const payload = hex('00 ff c3 28 ed a0 80');
    const watcher = await scene.subscriber(3, topic);
    const client = await scene.connect(3, {
      username: 'a user name of 30 characters..',
      password: payload,
      will: { topic, payload },
    });
    client.cut();
    await watcher.expect('publish', { payload });
  });

  conformance(['MQTT31-16'], 'serves packets sent right behind CONNECT', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(3);
    client.send(
      connect({ version: 3, clientId: scene.name() }),
      subscribe(3, 1, [[topic, 1]]),
      publish(3, { topic, payload: 'early', qos: 1, id: 2 }),
      pingreq(),
    );
    await client.expect('connack', { code: 0 });
    await client.find('suback', { id: 1, codes: [1] });
    await client.find('puback', { id: 2 });
    await client.find('publish', { payload: 'early', qos: 1 });
    await client.find('pingresp');
  });

  conformance(
    ['MQTT31-24'],
    'refuses bad credentials with 0x04 or 0x05',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.open(3);
      client.sendConnect({ clientId: scene.name(), username: 'bad', password: 'x' });
      await client.expectRefusal(0x04, 0x05);
    },
  );

  conformance(
    ['MQTT31-23'],
    'closes after one and a half times the keep alive and publishes the will',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(3, topic);
      const client = await scene.connect(3, { keepAlive: 1, will: { topic, payload: 'late' } });
      await client.expectSilence(1100);
      await client.expectClose();
      await watcher.expect('publish', { payload: 'late' });
    },
  );
});

section('MQTT 3.1: messages', () => {
  conformance(['MQTT31-21'], 'serves every QoS in both directions', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(3, topic, 2);
    for (const qos of [0, 1, 2]) {
      await client.deliver({ topic, payload: `${qos}`, qos });
      await client.receive({ topic, payload: `${qos}`, qos, dup: false });
    }
    await client.expectNothing();
  });

  conformance(['MQTT31-21'], 'exchanges messages with 3.1.1 and 5.0 clients', async (scene) => {
    const topic = scene.name();
    const clients = await Promise.all(([3, 4, 5] as const).map((version) => scene.subscriber(version, topic, 2)));
    for (const sender of clients) {
      await sender.deliver({ topic, payload: `from ${sender.version}`, qos: 2 });
      for (const receiver of clients) await receiver.receive({ topic, payload: `from ${sender.version}`, qos: 2 });
    }
  });

  conformance(
    ['MQTT31-7'],
    'grants a refused subscription in name and delivers nothing on it',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.connect(3);
      const suback = await client.subscribe(['forbidden/x', 1], [scene.name(), 2]);
      assert.ok(suback.codes[0] <= 2, `code ${suback.codes[0]}`);
      assert.equal(suback.codes[1], 2);
      await client.expectNothing();
    },
  );

  conformance(
    ['MQTT31-8'],
    'acknowledges a refused PUBLISH and does not deliver it',
    { settings: { policies: true } },
    async (scene) => {
      const name = scene.name();
      const watcher = await scene.subscriber(3, `+/${name}`, 2);
      const client = await scene.connect(3);
      for (const qos of [0, 1, 2]) await client.deliver({ topic: `forbidden/${name}`, qos });
      await client.expectNothing();
      await watcher.expectNothing();
    },
  );

  conformance(['MQTT31-9', 'MQTT31-12'], 'serves SUBSCRIBE and UNSUBSCRIBE with DUP and repeated', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(3);
    const body = Buffer.concat([u16(7), field(topic), bytes(1)]);
    for (const first of [0x82, 0x8a, 0x8a]) {
      client.send(packet(first, body));
      await client.expect('suback', { id: 7, codes: [1] });
    }
    await client.deliver({ topic, payload: 'one copy', qos: 1 });
    await client.receive({ payload: 'one copy' });
    for (const first of [0xa2, 0xaa]) {
      client.send(packet(first, u16(8), field(topic)));
      await client.expect('unsuback', { id: 8 });
    }
    await client.deliver({ topic, payload: 'none', qos: 1 });
    await client.expectNothing();
  });

  conformance(
    ['MQTT31-10', 'MQTT31-11', 'MQTT31-9'],
    'answers PUBLISH and PUBREL sent again on a live connection and delivers once',
    async (scene) => {
      const topic = scene.name();
      const receiver = await scene.subscriber(3, topic, 2);
      const client = await scene.connect(3);
      client.sendPublish({ topic, payload: 'once', qos: 2, id: 9 });
      await client.expect('pubrec', { id: 9 });
      client.sendPublish({ topic, payload: 'once', qos: 2, id: 9, dup: true });
      await client.expect('pubrec', { id: 9 });
      for (const first of [0x62, 0x6a]) {
        client.send(packet(first, u16(9)));
        await client.expect('pubcomp', { id: 9 });
      }
      await receiver.receive({ payload: 'once', qos: 2 });
      await receiver.expectNothing();
    },
  );

  conformance(['MQTT31-13'], 'ignores DUP on a PUBLISH of QoS 0', async (scene) => {
    const topic = scene.name();
    const client = await scene.subscriber(3, topic);
    client.sendPublish({ topic, payload: 'dup', dup: true });
    await client.expect('publish', { payload: 'dup', dup: false });
    await client.expectNothing();
  });

  conformance(['MQTT31-14'], 'serves a topic of 32767 bytes', async (scene) => {
    const topic = scene.name().padEnd(32_767, 'y');
    const client = await scene.subscriber(3, topic);
    await client.deliver({ topic, payload: 'long' });
    await client.expect('publish', { topic, payload: 'long' });
  });

  const zeros = [
    publish(3, { topic: 'a', qos: 1, id: 0 }),
    publish(3, { topic: 'a', qos: 2, id: 0 }),
    subscribe(3, 0, [['a', 0]]),
    unsubscribe(3, 0, ['a']),
  ];
  conformance(['MQTT31-17'], 'closes on packet identifier 0', async (scene) => {
    for (const raw of zeros) {
      const client = await scene.connect(3);
      client.send(raw);
      await client.expectClose();
    }
  });

  conformance(['MQTT31-22'], 'serves retained messages, wildcards and wills', async (scene) => {
    const base = scene.name();
    const sender = await scene.connect(3);
    await sender.deliver({ topic: `${base}/a`, payload: 'kept', qos: 1, retain: true });
    const wild = await scene.subscriber(3, `${base}/#`, 1);
    await wild.receive({ topic: `${base}/a`, payload: 'kept', retain: true, qos: 1 });
    await sender.deliver({ topic: base, payload: 'live', retain: true });
    await wild.receive({ topic: base, payload: 'live', retain: false });
    const client = await scene.connect(3, { will: { topic: `${base}/w`, payload: 'will', qos: 1, retain: true } });
    client.cut();
    await wild.receive({ topic: `${base}/w`, payload: 'will', qos: 1, retain: false });
    const late = await scene.subscriber(3, `${base}/+`);
    const topics = [(await late.receive({ retain: true })).topic, (await late.receive({ retain: true })).topic];
    assert.deepEqual(topics.sort(), [`${base}/a`, `${base}/w`]);
    await late.expectNothing();
  });

  conformance(['MQTT31-22'], 'does not match $ topics to a filter with a leading wildcard', async (scene) => {
    const name = scene.name();
    const client = await scene.subscriber(3, `+/${name}`);
    const sender = await scene.connect(3);
    await sender.deliver({ topic: `$x/${name}`, payload: 'dollar' });
    await sender.deliver({ topic: `x/${name}`, payload: 'plain' });
    await client.expect('publish', { topic: `x/${name}`, payload: 'plain' });
    await client.expectNothing();
  });
});

section('Bridges of Mosquitto', () => {
  for (const [version, level] of [
    [3, 0x83],
    [4, 0x84],
  ] as const) {
    conformance(
      ['MQTT31-19', 'MQTT31-20'],
      `serves level 0x${level.toString(16)}, sends no echo and keeps RETAIN as published`,
      async (scene) => {
        const base = scene.name();
        const bridge = await scene.connect(version, { level });
        await bridge.subscribe([`${base}/#`, 1]);
        const other = await scene.subscriber(4, `${base}/#`, 1);
        await bridge.deliver({ topic: `${base}/own`, payload: 'own', qos: 1 });
        await other.receive({ payload: 'own' });
        await bridge.expectNothing();
        for (const retain of [true, false, true]) {
          await other.deliver({ topic: `${base}/r`, payload: `${retain}`, qos: 1, retain });
          const got: Publish = await bridge.receive({ payload: `${retain}`, retain });
          assert.equal(got.qos, 1);
          await other.receive({ payload: `${retain}`, retain: false });
        }
        await bridge.expectNothing();
      },
    );
  }

  conformance(['MQTT31-19', 'MQTT31-20'], 'resumes the session of a bridge without an echo', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const first = await scene.connect(4, { clientId, clean: false, level: 0x84 });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    const second = await scene.connect(4, { clientId, clean: false, level: 0x84 });
    await second.deliver({ topic, payload: 'own', qos: 1 });
    await second.expectNothing();
    const other = await scene.connect(4);
    await other.deliver({ topic, payload: 'other', qos: 1, retain: true });
    const got = await second.expect('publish', { payload: 'other', retain: true });
    second.send(ack('puback', got.id));
    await second.expectNothing();
  });
});
