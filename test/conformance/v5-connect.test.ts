/** MQTT 5.0, section 3.1: CONNECT, its flags, keep alive, payload and what the server does with it. */

import assert from 'node:assert/strict';
import { conformance, section } from './harness.ts';
import { each, refuses, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

section('MQTT 5.0, 3.1 CONNECT: first packet, protocol name and level', () => {
  conformance(['MQTT-3.1.0-1'], 'closes when the first packet is no CONNECT', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    const firsts = [
      wire.pingreq(),
      wire.publish(5, { topic, payload: 'early', retain: true }),
      wire.publish(5, { topic, qos: 1, id: 1 }),
      wire.subscribe(5, 1, [[topic, 0]]),
      wire.auth(0x18, { authenticationMethod: 'TEST' }),
      wire.disconnect(),
    ];
    await each(firsts, async (packet) => {
      await refuses(scene, packet, [0x82]);
    });
    await watcher.expectNothing();
  });

  conformance(['MQTT-3.1.0-1'], 'closes when the first bytes are no MQTT', async (scene) => {
    const request = `GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${'x'.repeat(200)}\r\n\r\n`;
    await refuses(scene, Buffer.from(request), [0x81, 0x82]);
    await refuses(scene, Buffer.alloc(64, 0xff), [0x81, 0x82]);
    await refuses(scene, Buffer.alloc(64), [0x81, 0x82]);
  });

  conformance(['MQTT-3.1.0-2', 'MQTT-3.2.0-2'], 'closes on a second CONNECT and publishes the will', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    const clientId = scene.name();
    for (const second of [clientId, scene.name()]) {
      const client = await scene.connect(5, { clientId, will: { topic, payload: second } });
      client.sendConnect({ clientId: second });
      await client.expectClose([0x82]);
      assert.equal(client.received.filter((packet) => packet.type === 'connack').length, 1);
      await watcher.expect('publish', { topic, payload: second });
    }
  });

  conformance(['MQTT-3.1.2-1'], 'closes when the protocol name is another one', async (scene) => {
    for (const protocolName of ['mqtt', 'MQTX', 'MQTTT', 'MQT', '']) await refuses(scene, { protocolName }, [0x84]);
    await refuses(scene, { protocolName: 'MQIsdp' }, [0x84, 0x01]);
  });

  conformance(['MQTT-3.1.2-2'], 'closes when it does not serve the protocol level', async (scene) => {
    for (const level of [0, 1, 2]) await refuses(scene, { level }, [0x84, 0x01]);
    for (const level of [6, 7, 0x7f, 0xff]) await refuses(scene, { level }, [0x84]);
  });

  conformance(['MQTT-3.1.2-2'], 'checks name and level before the rest of the packet', async (scene) => {
    await refuses(scene, wire.packet(0x10, wire.field('MQTT'), wire.bytes(9, 0xff), Buffer.alloc(20, 0xff)), [0x84]);
  });
});

section('MQTT 5.0, 3.1.2 CONNECT: flags and properties', () => {
  conformance(['MQTT-3.1.2-3'], 'refuses the reserved connect flag', async (scene) => {
    await refuses(scene, { flags: 0x03 }, [0x81]);
    await refuses(scene, { flags: 0x01 }, [0x81]);
  });

  conformance(['MQTT-3.1.2-9'], 'refuses a Will Flag without will fields', async (scene) => {
    await refuses(scene, { flags: 0x06 }, [0x81]);
    const id = wire.field(scene.name());
    await refuses(scene, { flags: 0x06, payload: Buffer.concat([id, wire.bytes(0)]) }, [0x81]);
    await refuses(scene, { flags: 0x06, payload: Buffer.concat([id, wire.bytes(0), wire.field('topic')]) }, [0x81]);
  });

  conformance(
    ['MQTT-3.1.2-11', 'MQTT-3.1.2-13'],
    'refuses Will QoS and Will Retain without Will Flag',
    async (scene) => {
      for (const flags of [0x0a, 0x12, 0x1a, 0x22, 0x2a]) await refuses(scene, { flags }, [0x81, 0x82]);
    },
  );

  conformance(['MQTT-3.1.2-12'], 'refuses Will QoS 3', async (scene) => {
    await refuses(scene, { will: { topic: scene.name(), qos: 3 } }, [0x81]);
  });

  conformance(['MQTT-3.1.2-16', 'MQTT-3.1.2-18'], 'refuses fields whose flag is 0', async (scene) => {
    const payload = Buffer.concat([wire.field(scene.name()), wire.field('user')]);
    await refuses(scene, { flags: 0x02, payload }, [0x81]);
    await refuses(scene, { flags: 0x82, payload: Buffer.concat([payload, wire.field('password')]) }, [0x81]);
  });

  conformance(['MQTT-3.1.2-17', 'MQTT-3.1.2-19'], 'refuses a missing field whose flag is 1', async (scene) => {
    const payload = wire.field(scene.name());
    await refuses(scene, { flags: 0x82, payload }, [0x81]);
    await refuses(scene, { flags: 0x42, payload }, [0x81]);
    await refuses(scene, { flags: 0xc2, payload: Buffer.concat([payload, wire.field('user')]) }, [0x81]);
  });

  conformance(['MQTT-3.1.2-19'], 'reads a Password without User Name', async (scene) => {
    const client = await scene.open(5);
    client.sendConnect({ clientId: scene.name(), password: 'secret' });
    const { code } = await client.expect('connack');
    assert.ok([0x00, 0x86, 0x87].includes(code), `code ${code}`);
  });

  conformance(['MQTT-rule-8'], 'refuses Receive Maximum 0 and Maximum Packet Size 0', async (scene) => {
    await refuses(scene, { properties: { receiveMaximum: 0 } }, [0x82]);
    await refuses(scene, { properties: { maximumPacketSize: 0 } }, [0x82]);
  });

  conformance(['MQTT-rule-9'], 'refuses request flags other than 0 and 1', async (scene) => {
    await refuses(scene, { properties: { requestProblemInformation: 2 } }, [0x82]);
    await refuses(scene, { properties: { requestResponseInformation: 2 } }, [0x82]);
    await refuses(scene, { properties: { requestProblemInformation: 255 } }, [0x82]);
  });

  conformance(['MQTT-rule-10'], 'refuses Authentication Data without Authentication Method', async (scene) => {
    await refuses(scene, { properties: { authenticationData: Buffer.from('x') } }, [0x82]);
  });

  conformance(['MQTT-3.1.2-28'], 'sends no Response Information unless asked', async (scene) => {
    for (const properties of [{}, { requestResponseInformation: 0 }]) {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name(), properties });
      assert.equal(connack.properties.responseInformation, undefined);
    }
  });

  conformance(
    ['MQTT-3.1.2-28'],
    'sends the Response Information it is configured with when asked, and only then',
    { settings: { responseInformation: 'responses/' } },
    async (scene) => {
      for (const [requestResponseInformation, wanted] of [
        [undefined, undefined],
        [0, undefined],
        [1, 'responses/'],
      ] as const) {
        const client = await scene.open(5);
        const connack = await client.connect({ clientId: scene.name(), properties: { requestResponseInformation } });
        assert.equal(connack.properties.responseInformation, wanted);
      }
    },
  );

  conformance(['MQTT-3.1.2-29'], 'sends no Reason String or User Property when told so', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { properties: { requestProblemInformation: 0 } });
    await client.subscribe([`${topic}#`, 0], [topic, 0]).catch(() => undefined);
    const other = await scene.connect(5, { properties: { requestProblemInformation: 0 } });
    await other.unsubscribe(topic);
    await other.deliver({ topic, qos: 1 });
    other.send(wire.ack('pubrel', 77), wire.ack('pubrec', 78));
    await other.find('pubcomp', { id: 77 });
    await other.find('pubrel', { id: 78 });
    for (const packet of [...client.received, ...other.received]) {
      if (!('properties' in packet) || ['publish', 'connack', 'disconnect'].includes(packet.type)) continue;
      assert.equal(packet.properties.reasonString, undefined);
      assert.equal(packet.properties.userProperties, undefined);
    }
  });

  conformance(
    ['MQTT-3.1.2-29', 'MQTT-3.4.2-1', 'MQTT-3.5.2-1', 'MQTT-3.8.4-7'],
    'refuses without Reason String when told so',
    { settings: { policies: true } },
    async (scene) => {
      const topic = `forbidden/${scene.name()}`;
      const client = await scene.connect(5, { properties: { requestProblemInformation: 0 } });
      const suback = await client.subscribe(topic);
      assert.deepEqual(suback.codes, [0x87]);
      assert.equal(await client.deliver({ topic, qos: 1 }), 0x87);
      assert.equal(await client.deliver({ topic, qos: 2 }), 0x87);
      for (const packet of client.received) {
        if (!('properties' in packet) || packet.type === 'connack') continue;
        assert.equal(packet.properties.reasonString, undefined);
        assert.equal(packet.properties.userProperties, undefined);
      }
    },
  );
});

section('MQTT 5.0, 3.1.2.10 Keep Alive', () => {
  conformance(
    ['MQTT-3.1.2-22', 'MQTT-3.2.2-22'],
    'closes a silent client after one and a half times',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic);
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name(), keepAlive: 2, will: { topic, payload: 'late' } });
      assert.equal(connack.properties.serverKeepAlive, undefined);
      client.send(wire.pingreq());
      const sent = performance.now();
      await client.expect('pingresp');
      await client.expectClose([0x8d]);
      assert.ok(performance.now() - sent >= 2950, 'closed before one and a half times the Keep Alive');
      await watcher.expect('publish', { topic, payload: 'late' });
    },
  );

  conformance(['MQTT-3.1.2-22'], 'counts only what the client sends', async (scene) => {
    const topic = scene.name();
    const client = await scene.connect(5, { keepAlive: 1 });
    await client.subscribe(topic);
    const publisher = await scene.connect(5);
    const timer = setInterval(() => publisher.sendPublish({ topic }), 200);
    try {
      for (let i = 0; i < 40 && !client.closed; i++) await scene.wait(200);
    } finally {
      clearInterval(timer);
    }
    assert.ok(client.closed, 'still open after eight times the Keep Alive');
    const last = client.drain().at(-1);
    if (last?.type === 'disconnect') assert.equal(last.code, 0x8d);
  });

  conformance(['MQTT-3.1.2-22'], 'keeps a client that sends any packet in time', async (scene) => {
    const client = await scene.connect(5, { keepAlive: 1 });
    for (let i = 0; i < 6; i++) {
      await scene.wait(500);
      client.sendPublish({ topic: scene.name() });
    }
    await client.ping();
  });

  conformance(['MQTT-3.1.2-22'], 'has no time limit with Keep Alive 0', async (scene) => {
    const client = await scene.connect(5, { keepAlive: 0 });
    await client.expectSilence(3500);
    await client.ping();
  });

  conformance(['MQTT-3.1.2-22'], 'says with DISCONNECT 0x8D that the time is over (choice)', async (scene) => {
    const client = await scene.connect(5, { keepAlive: 1 });
    assert.equal(await client.expectClose([0x8d]), 0x8d);
  });

  conformance(
    ['MQTT-3.1.2-22', 'MQTT-3.2.2-22'],
    'caps Keep Alive with Server Keep Alive and holds the client to it',
    { settings: { keepAliveMax: 1 } },
    async (scene) => {
      for (const keepAlive of [0, 60]) {
        const client = await scene.open(5);
        const connack = await client.connect({ clientId: scene.name(), keepAlive });
        assert.equal(connack.properties.serverKeepAlive, 1);
        await client.expectClose([0x8d]);
      }
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name(), keepAlive: 1 });
      assert.equal(connack.properties.serverKeepAlive, undefined);
    },
  );

  conformance(
    ['MQTT-rule-7'],
    'closes a connection on which no CONNECT comes in time',
    { settings: { connectTimeoutMs: 500 } },
    async (scene) => {
      const silent = await scene.open(5);
      const slow = await scene.open(5);
      slow.send(wire.connect({ version: 5, clientId: scene.name() }).subarray(0, 8));
      const connected = await scene.connect(5);
      await silent.expectClose();
      await slow.expectClose();
      await connected.expectNothing();
    },
  );
});

section('MQTT 5.0, 3.1.3 CONNECT payload', () => {
  conformance(['MQTT-3.1.3-1'], 'reads all payload fields in their order', async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic, 2);
    const clientId = scene.name();
    const options = {
      clientId,
      clean: false,
      username: 'user',
      password: 'password',
      will: { topic, payload: 'will', qos: 1, properties: { contentType: 'type' } },
      properties: { sessionExpiryInterval: 60 },
    };
    const client = await scene.connect(5, options);
    client.send(wire.disconnect(0x04));
    const will = await watcher.expect('publish', { topic, payload: 'will', qos: 1 });
    assert.equal(will.properties.contentType, 'type');
    const again = await scene.open(5);
    assert.equal((await again.connect({ clientId, clean: false })).sessionPresent, true);
  });

  conformance(
    ['MQTT-3.1.3-1', 'MQTT-3.1.4-2'],
    'takes the User Name from behind the will fields',
    { settings: { policies: true } },
    async (scene) => {
      const will = { topic: scene.name(), payload: 'bad' };
      await scene.connect(5, { username: 'good', password: 'bad', will });
      await refuses(scene, { username: 'bad', password: 'good', will }, [0x86, 0x87]);
    },
  );

  conformance(['MQTT-3.1.3-2'], 'finds the session by exactly the Client Identifier', async (scene) => {
    const clientId = `${scene.name()}a`;
    const properties = { sessionExpiryInterval: 60 };
    await (await scene.connect(5, { clientId, clean: false, properties })).disconnect();
    for (const [id, wanted] of [
      [clientId.toUpperCase(), false],
      [`${clientId}a`, false],
      [clientId.slice(0, -1), false],
      [`${clientId} `, false],
      [clientId, true],
    ] as const) {
      const client = await scene.open(5);
      assert.equal((await client.connect({ clientId: id, clean: false })).sessionPresent, wanted, id);
    }
  });

  conformance(['MQTT-3.1.3-3'], 'refuses CONNECT without Client Identifier', async (scene) => {
    await refuses(scene, { payload: wire.bytes() }, [0x81]);
    await refuses(scene, { payload: wire.bytes(0) }, [0x81]);
  });

  conformance(['MQTT-3.1.3-4', 'MQTT-3.1.3-11', 'MQTT-3.1.3-12'], 'refuses bad text in the payload', async (scene) => {
    for (const text of [wire.hex('C3 28'), wire.hex('61 00')]) {
      await refuses(scene, { clientId: text }, [0x81, 0x85]);
      await refuses(scene, { will: { topic: text } }, [0x81]);
      await refuses(scene, { username: text }, [0x81]);
    }
  });

  conformance(['MQTT-3.1.3-5'], 'accepts Client Identifiers of 1 to 23 letters and digits', async (scene) => {
    const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
    for (const clientId of [all.slice(0, 23), all.slice(23, 46), all.slice(39), 'V']) {
      const client = await scene.connect(5, { clientId });
      client.send(wire.disconnect());
    }
  });

  conformance(['MQTT-3.1.3-5'], 'accepts any valid Client Identifier, long ones too (choice)', async (scene) => {
    const long = scene.name() + 'x'.repeat(65_500);
    for (const clientId of [`${scene.name()} /+#$é漢𝄞`, long]) {
      const properties = { sessionExpiryInterval: 30 };
      await (await scene.connect(5, { clientId, clean: false, properties })).disconnect();
      const again = await scene.open(5);
      assert.equal((await again.connect({ clientId, clean: false })).sessionPresent, true);
    }
  });

  conformance(['MQTT-3.1.3-6', 'MQTT-3.2.2-16'], 'gives each client without identifier its own one', async (scene) => {
    const ids = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const client = await scene.open(5);
      const properties = { sessionExpiryInterval: 20 };
      const connack = await client.connect({ clientId: '', clean: i % 2 === 0, properties });
      const id = connack.properties.assignedClientIdentifier;
      assert.equal(typeof id, 'string');
      assert.equal(connack.sessionPresent, false);
      assert.ok(id !== undefined && id.length > 0 && !ids.has(id));
      ids.add(id);
      if (i % 3 === 0) await client.disconnect();
      else await client.expectNothing(1);
    }
    for (const client of scene.clients) if (!client.socket.destroyed) await client.ping();
  });

  conformance(['MQTT-3.1.3-7'], 'serves a client under the identifier it assigned', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(5);
    const properties = { sessionExpiryInterval: 60 };
    const connack = await client.connect({ clientId: '', properties });
    const clientId = connack.properties.assignedClientIdentifier;
    await client.subscribe([topic, 1]);
    await client.disconnect();
    const again = await scene.open(5);
    const resumed = await again.connect({ clientId, clean: false, properties });
    assert.equal(resumed.sessionPresent, true);
    assert.equal(resumed.properties.assignedClientIdentifier, undefined);
    await again.deliver({ topic, qos: 1 });
    await again.find('publish', { topic });
  });

  conformance(
    ['MQTT-3.1.3-8'],
    'refuses a Client Identifier beyond its limit',
    { settings: { clientIdBytesMax: 30 } },
    async (scene) => {
      await scene.connect(5, { clientId: 'x'.repeat(30) });
      await refuses(scene, { clientId: 'x'.repeat(31) }, [0x85]);
    },
  );
});

section('MQTT 5.0, 3.1.4 CONNECT actions', () => {
  conformance(
    ['MQTT-3.1.4-2', 'MQTT-3.2.2-7', 'MQTT-3.2.2-8'],
    'closes when a check after the format fails',
    { settings: { policies: true } },
    async (scene) => {
      await refuses(scene, { username: 'bad', password: 'x' }, [0x86, 0x87]);
      await refuses(scene, { clientId: 'forbidden-id' }, [0x85, 0x87, 0x8a]);
    },
  );

  conformance(
    ['MQTT-3.1.4-2'],
    'says in CONNACK why it refuses (choice)',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.open(5);
      client.sendConnect({ clientId: scene.name(), username: 'bad', password: 'x' });
      await client.expectRefusal(0x86, 0x87);
      const other = await scene.open(5);
      other.sendConnect({ clientId: 'forbidden-id' });
      await other.expectRefusal(0x85, 0x87, 0x8a);
    },
  );

  conformance(
    ['MQTT-3.1.4-2'],
    'serves as many connections as its limit allows, and not one more',
    { settings: { connectionsMax: 2 } },
    async (scene) => {
      const first = await scene.connect(5);
      const second = await scene.connect(5);
      const third = await scene.open(5);
      third.sendConnect({ clientId: scene.name() });
      // Accepting may pause instead: then nothing is answered until there is room.
      const refused = await third.expectClose([0x88, 0x89, 0x97, 0x9f], 500).then(
        () => true,
        () => false,
      );
      if (!refused) assert.equal(third.received.length, 0);
      await first.disconnect();
      await second.expectNothing();
      const next = refused ? await scene.connect(5) : third;
      if (!refused) await third.expect('connack', { code: 0 });
      await next.ping();
    },
  );

  conformance(['MQTT-3.1.4-3'], 'closes the old connection of the same Client Identifier with 0x8E', async (scene) => {
    const clientId = scene.name();
    const first = await scene.connect(5, { clientId });
    const second = await scene.connect(5, { clientId });
    await first.expectClose([0x8e]);
    await second.expectNothing();
  });

  conformance(['MQTT-3.1.4-3'], 'says 0x8E to the connection that is taken over (choice)', async (scene) => {
    const clientId = scene.name();
    const first = await scene.connect(5, { clientId });
    await scene.connect(5, { clientId });
    assert.equal(await first.expectClose([0x8e]), 0x8e);
  });

  conformance(['MQTT-3.1.4-3'], 'takes over from 3.1.1 and to 3.1.1', async (scene) => {
    const clientId = scene.name();
    const first = await scene.connect(4, { clientId });
    const second = await scene.connect(5, { clientId });
    await first.expectClose();
    const third = await scene.connect(4, { clientId });
    await second.expectClose([0x8e]);
    await third.expectNothing();
  });

  conformance(['MQTT-3.1.4-4', 'MQTT-3.1.2-4', 'MQTT-3.1.2-5'], 'applies Clean Start on taking over', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const properties = { sessionExpiryInterval: 60 };
    const first = await scene.connect(5, { clientId, properties });
    await first.subscribe(topic);
    const second = await scene.open(5);
    assert.equal((await second.connect({ clientId, clean: false, properties })).sessionPresent, true);
    await first.expectClose([0x8e]);
    second.sendPublish({ topic, payload: 'kept' });
    await second.expect('publish', { payload: 'kept' });
    const third = await scene.open(5);
    assert.equal((await third.connect({ clientId, clean: true, properties })).sessionPresent, false);
    await second.expectClose([0x8e]);
    third.sendPublish({ topic, payload: 'lost' });
    await third.expectNothing();
  });

  conformance(['MQTT-3.1.4-4'], 'ends a session with expiry 0 when it is taken over', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(5, { clientId });
    await first.subscribe(topic);
    const second = await scene.open(5);
    assert.equal((await second.connect({ clientId, clean: false })).sessionPresent, false);
    second.sendPublish({ topic });
    await second.expectNothing();
  });

  conformance(['MQTT-3.1.4-3'], 'loses no message while a session is taken over (choice)', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const properties = { sessionExpiryInterval: 60 };
    const publisher = await scene.connect(5);
    let current = await scene.connect(5, { clientId, properties });
    await current.subscribe([topic, 1]);
    const got = new Set<string>();
    const clients = [current];
    for (let i = 0; i < 60; i++) {
      await publisher.deliver({ topic, qos: 1, payload: `${i}` });
      if (i % 10 !== 9) continue;
      current = await scene.open(5);
      clients.push(current);
      current.sendConnect({ clientId, clean: false, properties });
      if (i % 20 === 19) await current.expect('connack', { sessionPresent: true });
    }
    await scene.wait(100);
    for (const client of clients)
      for (const one of client.received) if (one.type === 'publish') got.add(`${one.payload}`);
    // Nothing was acknowledged, so all that was in flight comes again to the last connection.
    const last = await scene.connect(5, {
      clientId,
      clean: false,
      properties: { ...properties, receiveMaximum: 1000 },
    });
    while (got.size < 60) got.add(`${(await last.receive({ topic })).payload}`);
  });

  conformance(['MQTT-3.1.4-5'], 'answers CONNECT with CONNACK 0x00', async (scene) => {
    const client = await scene.open(5);
    const connack = await client.connect({ clientId: scene.name() });
    assert.equal(connack.code, 0);
    await client.expectNothing();
  });

  conformance(
    ['MQTT-3.1.4-6'],
    'handles nothing behind a CONNECT it refuses',
    { settings: { policies: true } },
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic);
      const client = await scene.open(5);
      client.send(
        wire.connect({ version: 5, clientId: scene.name(), username: 'bad', password: 'x' }),
        wire.publish(5, { topic, payload: 'no', retain: true }),
        wire.subscribe(5, 1, [[topic, 0]]),
      );
      await client.expectClose([0x86, 0x87]);
      await watcher.expectNothing();
      const reader = await scene.subscriber(5, topic);
      await reader.expectNothing();
    },
  );

  conformance(['MQTT-3.1.4-6'], 'handles nothing behind a malformed CONNECT', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(5);
    client.send(
      wire.connect({ version: 5, clientId: scene.name(), flags: 0x03 }),
      wire.publish(5, { topic, payload: 'no', retain: true }),
    );
    await client.expectClose([0x81]);
    const reader = await scene.subscriber(5, topic);
    await reader.expectNothing();
  });

  conformance(
    ['MQTT-3.1.4-5'],
    'serves packets pipelined behind CONNECT, even with the end behind them (choice)',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic, 2);
      const client = await scene.open(5);
      client.send(
        wire.connect({ version: 5, clientId: scene.name() }),
        wire.publish(5, { topic, payload: 'one' }),
        wire.publish(5, { topic, payload: 'two', qos: 1, id: 1 }),
        wire.disconnect(),
      );
      client.socket.end();
      await watcher.receive({ payload: 'one' });
      await watcher.receive({ payload: 'two' });
    },
  );

  conformance(['MQTT-3.1.2-30'], 'takes no AUTH from a client without Authentication Method', async (scene) => {
    await rejects(scene, wire.auth(0x18, { authenticationMethod: 'TEST' }), [0x82]);
  });
});
