/** MQTT 3.1.1: CleanSession, the will, keep alive, DISCONNECT, and how long state lasts (3.1.2, 3.14, 4.1). */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import { framing } from './transport.ts';
import { connect, disconnect, packet, pingreq, publish, u16 } from './wire.ts';

section('MQTT 3.1.1, 3.1.2 CleanSession and 4.1 session state', () => {
  conformance(
    ['MQTT311-3.1.2-4', 'MQTT311-3.1.2-5', 'MQTT311-4.1.0-1', 'MQTT311-4.5.0-1'],
    'keeps subscriptions and QoS 1 and 2 messages of a CleanSession 0 session',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.open(4);
      assert.equal((await first.connect({ clientId, clean: false })).sessionPresent, false);
      await first.subscribe([`${topic}/+`, 2]);
      await first.disconnect();
      const sender = await scene.connect(4);
      await sender.deliver({ topic: `${topic}/a`, payload: 'one', qos: 1 });
      await sender.deliver({ topic: `${topic}/b`, payload: 'two', qos: 2 });
      const second = await scene.open(4);
      assert.equal((await second.connect({ clientId, clean: false })).sessionPresent, true);
      await second.receive({ payload: 'one', qos: 1, dup: false });
      await second.receive({ payload: 'two', qos: 2, dup: false });
      await sender.deliver({ topic: `${topic}/c`, payload: 'live' });
      await second.receive({ payload: 'live', qos: 0 });
      await second.expectNothing();
    },
  );

  conformance(['MQTT311-3.1.2-5'], 'keeps messages for a session whose connection was cut', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(4, { clientId, clean: false });
    await first.subscribe([topic, 1]);
    first.cut();
    const sender = await scene.connect(4);
    for (let i = 0; i < 20; i++) await sender.deliver({ topic, payload: `${i}`, qos: 1 });
    const second = await scene.connect(4, { clientId, clean: false });
    for (let i = 0; i < 20; i++) await second.receive({ payload: `${i}`, qos: 1 });
    await second.expectNothing();
  });

  conformance(
    ['MQTT311-3.1.2-6', 'MQTT311-3.2.2-1', 'MQTT311-3.2.2-3'],
    'discards the old session on CleanSession 1 and does not reuse the new one',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const sender = await scene.connect(4);
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 1]);
      await first.disconnect();
      await sender.deliver({ topic, payload: 'old', qos: 1 });
      const second = await scene.open(4);
      assert.equal((await second.connect({ clientId, clean: true })).sessionPresent, false);
      await sender.deliver({ topic, payload: 'while clean', qos: 1 });
      await second.expectNothing();
      await second.subscribe([topic, 1]);
      await second.disconnect();
      await sender.deliver({ topic, payload: 'after clean', qos: 1 });
      const third = await scene.open(4);
      assert.equal((await third.connect({ clientId, clean: false })).sessionPresent, false);
      await third.expectNothing();
    },
  );

  conformance(['MQTT311-3.1.2-7'], 'keeps retained messages when the session ends', async (scene) => {
    const topic = scene.name();
    const sender = await scene.connect(4);
    await sender.deliver({ topic, payload: 'stays', retain: true, qos: 1 });
    await sender.disconnect();
    const late = await scene.subscriber(4, topic);
    await late.expect('publish', { payload: 'stays', retain: true });
  });

  conformance(
    ['MQTT311-4.1.0-1', 'MQTT311-4.1.0-2'],
    'keeps the session of either kind while the connection lasts',
    async (scene) => {
      const topic = scene.name();
      const clean = await scene.subscriber(4, topic, 1);
      const stored = await scene.connect(4, { clean: false });
      await stored.subscribe([topic, 1]);
      await scene.wait(1500);
      const sender = await scene.connect(4);
      await sender.deliver({ topic, payload: 'later', qos: 1 });
      await clean.receive({ payload: 'later' });
      await stored.receive({ payload: 'later' });
    },
  );

  conformance(['MQTT311-rule-10'], 'delivers QoS 1 messages to an absent client, QoS 0 or not', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(4, { clientId, clean: false });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    const sender = await scene.connect(4);
    await sender.deliver({ topic, payload: 'zero' });
    await sender.deliver({ topic, payload: 'one', qos: 1 });
    const second = await scene.connect(4, { clientId, clean: false });
    const got = await second.receive();
    if (got.payload.toString() === 'zero') await second.receive({ payload: 'one', qos: 1 });
    else assert.equal(got.payload.toString(), 'one');
    await second.expectNothing();
  });
});

section('MQTT 3.1.1, 3.1.2 will and keep alive, 3.14 DISCONNECT', () => {
  conformance(['MQTT311-3.1.2-8'], 'publishes the will when the connection is cut', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic, 2);
    for (const qos of [0, 1, 2]) {
      const client = await scene.connect(4, { will: { topic, payload: `will ${qos}`, qos } });
      client.cut();
      await watcher.receive({ topic, payload: `will ${qos}`, qos, retain: false });
    }
    await watcher.expectNothing();
  });

  conformance(['MQTT311-3.1.2-8'], 'publishes the will when the client closes without DISCONNECT', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    const client = await scene.connect(4, { will: { topic, payload: 'fin' } });
    client.socket.end();
    await watcher.expect('publish', { payload: 'fin' });
    await client.expectClose();
  });

  conformance(['MQTT311-3.1.2-8'], 'publishes the will after a protocol violation', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    const client = await scene.connect(4, { will: { topic, payload: 'violated' } });
    client.send(packet(0x36, Buffer.from('\0\x01a\0\x01')));
    await client.expectClose();
    await watcher.expect('publish', { payload: 'violated' });
  });

  conformance(
    ['MQTT311-3.1.2-8', 'MQTT311-3.1.4-2'],
    'publishes the will of a connection taken over',
    async (scene) => {
      const topic = scene.name();
      const clientId = scene.name();
      const watcher = await scene.subscriber(4, topic);
      for (const clean of [true, false]) {
        const old = await scene.connect(4, { clientId, clean, will: { topic, payload: `taken ${clean}` } });
        const young = await scene.connect(4, { clientId, clean });
        await old.expectClose();
        await watcher.expect('publish', { payload: `taken ${clean}` });
        await young.disconnect();
      }
      await watcher.expectNothing();
    },
  );

  const publishesWills = async (scene: Scene, payloads: readonly Buffer[]): Promise<void> => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    for (const payload of payloads) {
      const client = await scene.connect(4, { will: { topic, payload } });
      client.cut();
      await watcher.expect('publish', { topic, payload });
    }
  };

  conformance(['MQTT311-3.1.2-8'], 'publishes the will with any payload', (scene) =>
    publishesWills(scene, [Buffer.alloc(0), Buffer.from([0, 0xff, 0xc3, 0x28]), Buffer.alloc(60_000, 7)]),
  );

  const tooLarge = 'CONNECT in one message of WebSocket has 64 KiB at most (choice)';
  conformance(
    ['MQTT311-3.1.2-8'],
    'publishes the will with the largest payload',
    { except: framing === 'split' ? {} : { ws: tooLarge, wss: tooLarge } },
    (scene) => publishesWills(scene, [Buffer.alloc(65_535, 7)]),
  );

  conformance(
    ['MQTT311-3.1.2-8', 'MQTT311-3.1.2-10', 'MQTT311-3.14.4-3'],
    'publishes no will after DISCONNECT',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic);
      const client = await scene.connect(4, { will: { topic, payload: 'will' } });
      await client.disconnect();
      await watcher.expectNothing(200);
    },
  );

  conformance(['MQTT311-3.1.2-10', 'MQTT311-3.1.2-12'], 'publishes a will once only', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const watcher = await scene.subscriber(4, topic);
    const first = await scene.connect(4, { clientId, clean: false, will: { topic, payload: 'once' } });
    first.cut();
    await watcher.expect('publish', { payload: 'once' });
    const second = await scene.connect(4, { clientId, clean: false });
    second.cut();
    await watcher.expectNothing(200);
  });

  conformance(['MQTT311-3.1.2-12'], 'publishes nothing for a client without a will', async (scene) => {
    const clientId = scene.name();
    const watcher = await scene.subscriber(4, `+/${clientId}`);
    const client = await scene.connect(4, { clientId });
    client.cut();
    await watcher.expectNothing(200);
  });

  conformance(['MQTT311-3.1.2-16'], 'does not retain a will with Will Retain 0', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    const client = await scene.connect(4, { will: { topic, payload: 'will' } });
    client.cut();
    await watcher.expect('publish', { payload: 'will', retain: false });
    const late = await scene.subscriber(4, topic);
    await late.expectNothing();
  });

  conformance(['MQTT311-3.1.2-17'], 'retains a will with Will Retain 1', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    const client = await scene.connect(4, { will: { topic, payload: 'will', retain: true, qos: 1 } });
    client.cut();
    await watcher.expect('publish', { payload: 'will', retain: false });
    const late = await scene.subscriber(4, topic, 2);
    await late.receive({ payload: 'will', retain: true, qos: 1 });
  });

  conformance(
    ['MQTT311-3.1.2-24', 'MQTT311-3.1.2-8'],
    'closes after one and a half times the keep alive and publishes the will',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic);
      const client = await scene.connect(4, { keepAlive: 1, will: { topic, payload: 'timed out' } });
      await client.expectSilence(1100);
      await client.expectClose();
      await watcher.expect('publish', { payload: 'timed out' });
    },
  );

  conformance(
    ['MQTT311-3.1.2-24'],
    'counts only packets of the client, not its own, for the keep alive',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.connect(4, { keepAlive: 1 });
      await client.subscribe(topic);
      const sender = await scene.connect(4);
      const sending = setInterval(() => sender.sendPublish({ topic }), 200);
      try {
        for (let i = 0; i < 40 && !client.closed; i++) await scene.wait(150);
        assert.equal(client.closed, true, 'the connection was open after six seconds of silence');
      } finally {
        clearInterval(sending);
      }
    },
  );

  conformance(['MQTT311-3.1.2-24'], 'keeps a connection whose client sends packets in time', async (scene) => {
    const pinging = await scene.connect(4, { keepAlive: 1 });
    const publishing = await scene.connect(4, { keepAlive: 1 });
    for (let i = 0; i < 6; i++) {
      await scene.wait(500);
      await pinging.ping();
      publishing.sendPublish({ topic: 'a' });
    }
    await publishing.ping();
  });

  conformance(['MQTT311-3.1.2-24'], 'never closes on keep alive 0', async (scene) => {
    const client = await scene.connect(4, { keepAlive: 0 });
    await client.expectSilence(3000);
    await client.ping();
  });

  conformance(
    ['MQTT311-3.14.1-1', 'MQTT311-3.1.2-8'],
    'publishes the will after a DISCONNECT with reserved bits set',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic);
      const client = await scene.connect(4, { will: { topic, payload: 'will' } });
      client.send(Buffer.of(0xe1, 0));
      await client.expectClose();
      await watcher.expect('publish', { payload: 'will' });
    },
  );

  conformance(['MQTT311-rule-9'], 'closes after DISCONNECT when the client has not', async (scene) => {
    const client = await scene.connect(4);
    client.send(disconnect());
    await client.expectClose();
  });

  conformance(['MQTT311-3.14.4-2'], 'does not process what follows DISCONNECT', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(4, topic);
    const client = await scene.connect(4);
    client.send(
      publish(4, { topic, payload: 'before' }),
      disconnect(),
      publish(4, { topic, payload: 'late', retain: true }),
      pingreq(),
    );
    await client.expectClose();
    await watcher.expect('publish', { payload: 'before' });
    await watcher.expectNothing();
    const late = await scene.subscriber(4, topic);
    await late.expectNothing();
  });
});

section('MQTT 3.1.1, 4.8 errors and 7 conformance', () => {
  conformance(['MQTT311-4.8.0-1'], 'closes only the connection that broke the protocol', async (scene) => {
    const topic = scene.name();
    const other = await scene.subscriber(4, topic);
    const client = await scene.connect(4);
    client.send(packet(0x82, u16(1)));
    await client.expectClose();
    const sender = await scene.connect(4);
    await sender.deliver({ topic, payload: 'still here' });
    await other.expect('publish', { payload: 'still here' });
  });

  conformance(
    ['MQTT311-4.8.0-2'],
    'closes the connection of a packet over the limit',
    { settings: { maximumPacketSize: 1000 } },
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic);
      const client = await scene.connect(4);
      await client.deliver({ topic, payload: Buffer.alloc(900), qos: 1 });
      await watcher.expect('publish');
      client.sendPublish({ topic, payload: Buffer.alloc(1001) });
      await client.expectClose();
      await watcher.expectNothing();
    },
  );

  conformance(
    ['MQTT311-7.1.1-1', 'MQTT311-7.0.0-2'],
    'serves packets split byte by byte and joined in one segment alike',
    async (scene) => {
      const topic = scene.name();
      const client = await scene.open(4);
      for (const byte of connect({ clientId: scene.name() })) {
        client.send(Buffer.of(byte));
        await scene.wait(1);
      }
      await client.expect('connack', { code: 0 });
      await client.subscribe([topic, 1]);
      for (const byte of publish(4, { topic, payload: 'in pieces', qos: 1, id: 9 })) {
        client.send(Buffer.of(byte));
        await scene.wait(1);
      }
      await client.find('puback', { id: 9 });
      await client.receive({ payload: 'in pieces' });
      client.send(...[1, 2, 3, 4].map((id) => publish(4, { topic, payload: `${id}`, qos: 1, id })));
      for (const id of [1, 2, 3, 4]) await client.find('puback', { id });
      for (const id of [1, 2, 3, 4]) await client.receive({ payload: `${id}` });
    },
  );
});
