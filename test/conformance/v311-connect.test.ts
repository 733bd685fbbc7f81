/** MQTT 3.1.1, sections 3.1 and 3.2: the fields of CONNECT, refusals, client identifiers, CONNACK. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import { bytes, type ConnectFields, connect, disconnect, field, packet, pingreq, publish, subscribe } from './wire.ts';

/** A test that sends this CONNECT, which must be closed without CONNACK. */
const refusesSilently = (fields: ConnectFields) => async (scene: Scene) => {
  const client = await scene.open(4);
  client.sendConnect({ clientId: scene.name(), ...fields });
  await client.expectClose();
};

section('MQTT 3.1.1, 3.1 CONNECT: header and flags', () => {
  const others: Record<string, Buffer> = {
    PINGREQ: pingreq(),
    PUBLISH: publish(4, { topic: 'a' }),
    SUBSCRIBE: subscribe(4, 1, [['a', 0]]),
    DISCONNECT: disconnect(),
    'another protocol': Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${'x'.repeat(100)}\r\n\r\n`),
  };
  for (const [what, raw] of Object.entries(others)) {
    conformance(['MQTT311-3.1.0-1'], `closes when the first packet is ${what}`, async (scene) => {
      const client = await scene.open(4);
      client.send(raw);
      await client.expectClose();
    });
  }

  conformance(
    ['MQTT311-3.1.0-2', 'MQTT311-3.1.2-8'],
    'closes on a second CONNECT and publishes the will',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic);
      const clientId = scene.name();
      const client = await scene.connect(4, { clientId, will: { topic, payload: 'gone' } });
      client.sendConnect({ clientId });
      await client.expectClose();
      await watcher.expect('publish', { payload: 'gone' });
    },
  );

  for (const protocolName of ['mqtt', 'MQTX', 'MQTTT', '', 'MQIsdp']) {
    conformance(['MQTT311-3.1.2-1'], `refuses protocol name "${protocolName}" with level 4`, async (scene) => {
      const client = await scene.open(4);
      client.sendConnect({ clientId: scene.name(), protocolName });
      await client.expectClose([0x01]);
    });
  }

  for (const level of [0, 2]) {
    conformance(['MQTT311-3.1.2-2', 'MQTT311-3.2.2-5'], `answers level ${level} with CONNACK 0x01`, async (scene) => {
      const client = await scene.open(4);
      client.sendConnect({ clientId: scene.name(), level });
      await client.expectRefusal(0x01);
    });
  }
  for (const level of [6, 9, 0x7f, 0xff]) {
    // A server that serves 5.0 as well may answer a later level in the form of 5.0, with 0x84.
    conformance(
      ['MQTT311-3.1.2-2', 'MQTT311-3.2.2-5'],
      `answers level ${level} with CONNACK 0x01 or 0x84`,
      async (scene) => {
        const client = await scene.open(5);
        client.send(connect({ version: 4, clientId: scene.name(), level }));
        await client.expectRefusal(0x01, 0x84);
      },
    );
  }

  conformance(
    ['MQTT311-3.1.2-2', 'MQTT311-3.1.4-1'],
    'refuses an unknown level as such whatever follows the level',
    async (scene) => {
      const client = await scene.open(5);
      client.send(packet(0x10, field('MQTT'), bytes(6, 0xff, 0xff, 0xff, 0xff)));
      await client.expectRefusal(0x01, 0x84);
    },
  );

  conformance(
    ['MQTT311-3.1.2-3', 'MQTT311-3.2.2-6'],
    'closes without CONNACK on connect flags bit 0',
    refusesSilently({ flags: 0x03 }),
  );
  conformance(
    ['MQTT311-3.1.2-11', 'MQTT311-3.1.2-13'],
    'closes on Will QoS 1 with Will Flag 0',
    refusesSilently({ flags: 0x0a }),
  );
  conformance(
    ['MQTT311-3.1.2-11', 'MQTT311-3.1.2-13'],
    'closes on Will QoS 2 with Will Flag 0',
    refusesSilently({ flags: 0x12 }),
  );
  conformance(
    ['MQTT311-3.1.2-11', 'MQTT311-3.1.2-15'],
    'closes on Will Retain with Will Flag 0',
    refusesSilently({ flags: 0x22 }),
  );
  conformance(['MQTT311-3.1.2-14'], 'closes on Will QoS 3', refusesSilently({ flags: 0x1e, will: { topic: 'a' } }));
  conformance(
    ['MQTT311-3.1.2-22'],
    'closes on a password without User Name Flag',
    refusesSilently({ flags: 0x42, password: 'a' }),
  );

  conformance(
    ['MQTT311-3.1.2-9', 'MQTT311-3.1.4-1'],
    'closes on Will Flag without will fields',
    refusesSilently({ flags: 0x06 }),
  );
  conformance(
    ['MQTT311-3.1.2-19', 'MQTT311-3.1.4-1'],
    'closes on User Name Flag without a user name',
    refusesSilently({ flags: 0x82 }),
  );
  conformance(
    ['MQTT311-3.1.2-21', 'MQTT311-3.1.4-1'],
    'closes on Password Flag without a password',
    refusesSilently({ flags: 0xc2, username: 'a' }),
  );
  conformance(
    ['MQTT311-3.1.3-3', 'MQTT311-3.1.4-1'],
    'closes on an empty payload',
    refusesSilently({ payload: bytes() }),
  );
  conformance(
    ['MQTT311-3.1.4-1'],
    'closes on a client identifier that runs past the packet',
    refusesSilently({ payload: bytes(0, 9, 0x61) }),
  );
  conformance(
    ['MQTT311-3.1.4-1', 'MQTT311-3.2.2-6'],
    'closes on bytes behind the last field',
    refusesSilently({ payload: Buffer.concat([field('tail'), bytes(0)]) }),
  );
  conformance(
    ['MQTT311-3.1.2-18', 'MQTT311-3.1.4-1'],
    'closes on a user name with User Name Flag 0',
    refusesSilently({ payload: Buffer.concat([field('a'), field('user')]) }),
  );
  conformance(
    ['MQTT311-3.1.2-20', 'MQTT311-3.1.4-1'],
    'closes on a password with Password Flag 0',
    refusesSilently({ flags: 0x82, payload: Buffer.concat(['a', 'user', 'pw'].map(field)) }),
  );

  conformance(
    ['MQTT311-3.1.4-1', 'MQTT311-3.2.2-6'],
    'closes without CONNACK on a CONNECT whose body is cut at any byte',
    async (scene) => {
      const whole = connect({ clientId: 'abc', username: 'u', password: 'p', will: { topic: 't', payload: 'm' } });
      const body = whole.subarray(2);
      const attempts: Promise<void>[] = [];
      for (let length = 0; length < body.length; length++) {
        // The level is complete after seven bytes; a name cut before it is a format error as well.
        attempts.push(
          scene.open(4).then(async (client) => {
            client.send(packet(0x10, body.subarray(0, length)));
            await client.expectClose();
          }),
        );
      }
      await Promise.all(attempts);
    },
  );

  conformance(
    ['MQTT311-rule-3'],
    'closes a connection that sends no CONNECT',
    { settings: { connectTimeoutMs: 500 } },
    async (scene) => {
      const silent = await scene.open(4);
      const slow = await scene.open(4);
      slow.send(connect({ clientId: scene.name() }).subarray(0, 5));
      await Promise.all([silent.expectClose(), slow.expectClose()]);
    },
  );

  conformance(['MQTT311-rule-4'], 'serves packets sent right behind CONNECT', async (scene) => {
    const topic = scene.name();
    const client = await scene.open(4);
    client.send(
      connect({ clientId: scene.name() }),
      subscribe(4, 1, [[topic, 0]]),
      publish(4, { topic, payload: 'early' }),
      pingreq(),
    );
    await client.expect('connack', { code: 0 });
    await client.expect('suback', { id: 1, codes: [0] });
    await client.find('publish', { payload: 'early' });
    await client.find('pingresp');
  });

  conformance(
    ['MQTT311-rule-4', 'MQTT311-3.14.4-3'],
    'has published for a program that connects, publishes and disconnects in one write',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic);
      const client = await scene.open(4);
      client.send(
        connect({ clientId: scene.name(), will: { topic, payload: 'will' } }),
        publish(4, { topic, payload: 'first' }),
        publish(4, { topic, payload: 'second' }),
        disconnect(),
      );
      client.socket.end();
      await watcher.expect('publish', { payload: 'first' });
      await watcher.expect('publish', { payload: 'second' });
      await watcher.expectNothing();
    },
  );
});

section('MQTT 3.1.1, 3.1.3 payload and client identifier', () => {
  conformance(['MQTT311-3.1.3-1'], 'reads the payload fields in their order', async (scene) => {
    const topic = scene.name();
    const clientId = scene.name();
    const watcher = await scene.subscriber(4, topic, 2);
    const fields = { clientId, username: 'some user', password: 'some password' };
    const first = await scene.connect(4, { ...fields, will: { topic, payload: 'the will', qos: 1 } });
    const second = await scene.connect(4, fields);
    await first.expectClose();
    await watcher.receive({ topic, payload: 'the will', qos: 1, retain: false });
    await second.expectNothing();
  });

  conformance(
    ['MQTT311-3.1.3-1', 'MQTT311-3.2.2-5'],
    'passes user name and password to the authentication and refuses with 0x04 or 0x05',
    { settings: { policies: true } },
    async (scene) => {
      await scene.connect(4, { username: 'good', password: 'x' });
      const client = await scene.open(4);
      client.sendConnect({ clientId: scene.name(), username: 'bad', password: 'x' });
      await client.expectRefusal(0x04, 0x05);
    },
  );

  conformance(['MQTT311-3.1.3-2'], 'holds state by client identifier, byte by byte', async (scene) => {
    const clientId = `${scene.name()}aa`;
    await (await scene.connect(4, { clientId, clean: false })).disconnect();
    for (const other of [clientId.replace(/aa$/, 'aA'), `${clientId}a`, clientId.slice(0, -1)]) {
      const client = await scene.open(4);
      const connack = await client.connect({ clientId: other, clean: false });
      assert.equal(connack.sessionPresent, false, `"${other}" got the session of "${clientId}"`);
    }
    const client = await scene.open(4);
    assert.equal((await client.connect({ clientId, clean: false })).sessionPresent, true);
  });

  const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  conformance(['MQTT311-3.1.3-5'], 'accepts client identifiers of 1 to 23 letters and digits', async (scene) => {
    for (let at = 0; at < all.length; at += 20) {
      await scene.connect(4, { clientId: all.slice(at, at + 23).padEnd(23, '0') });
    }
    for (const letter of ['0', 'z', 'Q']) await scene.connect(4, { clientId: letter });
  });

  conformance(['MQTT311-3.1.3-6'], 'gives each empty client identifier a session of its own', async (scene) => {
    const topic = scene.name();
    const one = await scene.connect(4, { clientId: '' });
    const two = await scene.connect(4, { clientId: '' });
    await one.subscribe(topic);
    await two.expectNothing();
    await one.deliver({ topic, payload: 'x' });
    await one.expect('publish', { payload: 'x' });
    await two.expectNothing();
  });

  conformance(
    ['MQTT311-3.1.3-8', 'MQTT311-3.2.2-5'],
    'refuses an empty client identifier with CleanSession 0 by CONNACK 0x02',
    async (scene) => {
      const client = await scene.open(4);
      client.sendConnect({ clientId: '', clean: false });
      await client.expectRefusal(0x02);
    },
  );

  conformance(
    ['MQTT311-3.1.3-9', 'MQTT311-3.2.2-5'],
    'refuses a client identifier over its limit by CONNACK 0x02',
    { settings: { clientIdBytesMax: 64 } },
    async (scene) => {
      await scene.connect(4, { clientId: 'i'.repeat(64) });
      const client = await scene.open(4);
      client.sendConnect({ clientId: 'i'.repeat(65) });
      await client.expectRefusal(0x02);
    },
  );
});

section('MQTT 3.1.1, 3.1.4 response', () => {
  conformance(['MQTT311-3.1.4-2'], 'ends the older connection of a client identifier', async (scene) => {
    const clientId = scene.name();
    const old = await scene.connect(4, { clientId });
    const young = await scene.connect(4, { clientId });
    await old.expectClose();
    await young.expectNothing();
  });

  conformance(
    ['MQTT311-3.1.4-3', 'MQTT311-3.2.2-1', 'MQTT311-3.2.2-2'],
    'applies CleanSession when a connection is taken over',
    async (scene) => {
      const clientId = scene.name();
      const topic = scene.name();
      const first = await scene.connect(4, { clientId, clean: false });
      await first.subscribe([topic, 1]);
      const second = await scene.open(4);
      assert.equal((await second.connect({ clientId, clean: false })).sessionPresent, true);
      await first.expectClose();
      await second.deliver({ topic, payload: 'kept', qos: 1 });
      await second.receive({ payload: 'kept' });
      const third = await scene.open(4);
      assert.equal((await third.connect({ clientId, clean: true })).sessionPresent, false);
      await second.expectClose();
      await third.deliver({ topic, payload: 'dropped', qos: 1 });
      await third.expectNothing();
    },
  );

  conformance(['MQTT311-3.1.4-4', 'MQTT311-rule-6'], 'answers a good CONNECT with CONNACK 0x00', async (scene) => {
    const client = await scene.open(4);
    const connack = await client.connect({ clientId: scene.name() });
    assert.deepEqual([...connack.raw], [0x20, 2, 0, 0]);
  });

  conformance(
    ['MQTT311-3.1.4-5'],
    'processes nothing behind a CONNECT it refused',
    { settings: { policies: true } },
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic, 1);
      const refused = await scene.open(4);
      refused.send(
        connect({ clientId: scene.name(), username: 'bad', password: 'x', will: { topic, payload: 'will' } }),
        publish(4, { topic, payload: 'sneaked', retain: true }),
        subscribe(4, 1, [[topic, 0]]),
      );
      await refused.expectRefusal(0x04, 0x05);
      await watcher.expectNothing();
      const late = await scene.subscriber(4, topic);
      await late.expectNothing();
    },
  );

  conformance(
    ['MQTT311-3.1.4-5', 'MQTT311-3.1.2-2'],
    'processes nothing behind a CONNECT of an unknown level',
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(4, topic, 1);
      const refused = await scene.open(4);
      refused.send(connect({ clientId: scene.name(), level: 2 }), publish(4, { topic, payload: 'x', retain: true }));
      await refused.expectRefusal(0x01);
      await watcher.expectNothing();
    },
  );
});

section('MQTT 3.1.1, 3.2 CONNACK', () => {
  conformance(['MQTT311-3.2.0-1'], 'sends CONNACK before queued messages', async (scene) => {
    const clientId = scene.name();
    const topic = scene.name();
    const first = await scene.connect(4, { clientId, clean: false });
    await first.subscribe([topic, 1]);
    await first.disconnect();
    const sender = await scene.connect(4);
    for (let i = 0; i < 5; i++) await sender.deliver({ topic, payload: `${i}`, qos: 1 });
    const second = await scene.open(4);
    second.send(connect({ clientId, clean: false }), pingreq());
    await second.expect('connack', { code: 0, sessionPresent: true });
    for (let i = 0; i < 5; i++) {
      const got = await second.find('publish', { payload: `${i}` });
      await second.acknowledge(got);
    }
  });

  conformance(
    ['MQTT311-3.2.2-1', 'MQTT311-3.2.2-2', 'MQTT311-3.2.2-3'],
    'tells Session Present only for CleanSession 0 with stored state',
    async (scene) => {
      const clientId = scene.name();
      const expected: [clean: boolean, present: boolean][] = [
        [true, false],
        [false, false],
        [false, true],
        [true, false],
        [false, false],
      ];
      for (const [clean, present] of expected) {
        const client = await scene.open(4);
        assert.equal((await client.connect({ clientId, clean })).sessionPresent, present);
        await client.disconnect();
      }
    },
  );

  conformance(
    ['MQTT311-3.2.2-4', 'MQTT311-3.2.2-5'],
    'says Session Present 0 when it refuses a client that has a session',
    { settings: { policies: true } },
    async (scene) => {
      const clientId = scene.name();
      await (await scene.connect(4, { clientId, clean: false })).disconnect();
      const refused = await scene.open(4);
      refused.sendConnect({ clientId, clean: false, username: 'bad', password: 'x' });
      const connack = await refused.expectRefusal(0x04, 0x05);
      assert.equal(connack.sessionPresent, false);
    },
  );
});
