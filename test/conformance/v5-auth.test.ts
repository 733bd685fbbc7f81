/** MQTT 5.0, sections 3.15 and 4.12: AUTH and enhanced authentication. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { refuses, rejects } from './v5-rejection.ts';
import * as wire from './wire.ts';

const POLICIES = { settings: { policies: true } };

const data = (text: string, authenticationMethod = 'TEST'): wire.Properties => ({
  authenticationMethod,
  authenticationData: Buffer.from(text),
});

/** A connection that has sent CONNECT with the method TEST and was asked for `one`. */
async function asked(scene: Scene, options: wire.ConnectFields = {}): Promise<RawClient> {
  const client = await scene.open(5);
  client.sendConnect({ clientId: scene.name(), ...options, properties: { ...options.properties, ...data('hello') } });
  const auth = await client.expect('auth', { code: 0x18 });
  assert.equal(auth.properties.authenticationMethod, 'TEST');
  assert.equal(auth.properties.authenticationData?.toString(), 'one');
  return client;
}

/** A connection that passed the method TEST. */
async function authenticated(scene: Scene, options: wire.ConnectFields = {}): Promise<RawClient> {
  const client = await asked(scene, options);
  client.send(wire.auth(0x18, data('1')));
  await client.expect('auth', { code: 0x18 });
  client.send(wire.auth(0x18, data('2')));
  await client.expect('connack', { code: 0 });
  return client;
}

section('MQTT 5.0, 4.12 Enhanced authentication', () => {
  conformance(['MQTT-4.12.0-1'], 'closes on an Authentication Method it does not know', async (scene) => {
    await refuses(scene, { properties: data('x', `unknown-${scene.name()}`) }, [0x8c, 0x87]);
    await refuses(scene, { properties: { authenticationMethod: 'unknown' } }, [0x8c, 0x87]);
  });

  conformance(['MQTT-4.12.0-1'], 'says 0x8C to an unknown Authentication Method (choice)', async (scene) => {
    const client = await scene.open(5);
    client.sendConnect({ clientId: scene.name(), properties: data('x', 'UNKNOWN') });
    await client.expectRefusal(0x8c);
  });

  conformance(
    ['MQTT-4.12.0-2', 'MQTT-4.12.0-5', 'MQTT-3.2.0-1', 'MQTT-3.15.2-1'],
    'asks with AUTH 0x18 and repeats the method in all packets',
    POLICIES,
    async (scene) => {
      const client = await asked(scene);
      client.send(wire.auth(0x18, data('1')));
      const second = await client.expect('auth', { code: 0x18 });
      assert.equal(second.properties.authenticationMethod, 'TEST');
      assert.equal(second.properties.authenticationData?.toString(), 'two');
      client.send(wire.auth(0x18, data('2')));
      const connack = await client.expect('connack', { code: 0 });
      assert.equal(connack.properties.authenticationMethod, 'TEST');
      assert.equal(connack.properties.authenticationData?.toString(), 'done');
      await client.expectNothing();
    },
  );

  conformance(['MQTT-4.12.0-3'], 'closes when the answer has another code than 0x18', POLICIES, async (scene) => {
    for (const code of [0x19, 0x00]) {
      const client = await asked(scene);
      client.send(wire.auth(code, data('1')));
      await client.expectClose([0x82, 0x81]);
    }
  });

  conformance(['MQTT-4.12.0-4', 'MQTT-3.14.0-1'], 'refuses a wrong proof at each step', POLICIES, async (scene) => {
    await refuses(scene, { properties: data('wrong') }, [0x86, 0x87, 0x80]);
    const first = await asked(scene);
    first.send(wire.auth(0x18, data('wrong')));
    await first.expectClose([0x86, 0x87, 0x80]);
    const second = await asked(scene);
    second.send(wire.auth(0x18, data('1')));
    await second.expect('auth', { code: 0x18 });
    second.send(wire.auth(0x18, data('wrong')));
    await second.expectClose([0x86, 0x87, 0x80]);
  });

  conformance(
    ['MQTT-4.12.0-5', 'MQTT-rule-30', 'MQTT-rule-31'],
    'closes on AUTH with another method or none',
    POLICIES,
    async (scene) => {
      const other = await asked(scene);
      other.send(wire.auth(0x18, data('1', 'OTHER')));
      await other.expectClose([0x8c, 0x82]);
      for (const packet of [wire.auth(0x18, { authenticationData: Buffer.from('1') }), wire.packet(0xf0)]) {
        const none = await asked(scene);
        none.send(packet);
        await none.expectClose([0x82]);
      }
    },
  );

  conformance(
    ['MQTT-4.12.0-6', 'MQTT-3.2.0-2'],
    'sends neither AUTH nor a method to a plain client',
    POLICIES,
    async (scene) => {
      const client = await scene.open(5);
      const connack = await client.connect({ clientId: scene.name(), username: 'good', password: 'x' });
      assert.equal(connack.properties.authenticationMethod, undefined);
      assert.equal(connack.properties.authenticationData, undefined);
      await client.expectNothing();
      assert.ok(client.received.every((packet) => packet.type !== 'auth'));
    },
  );

  conformance(['MQTT-4.12.0-6'], 'sends no method in CONNACK to a plain client', async (scene) => {
    const client = await scene.open(5);
    const connack = await client.connect({ clientId: scene.name() });
    assert.equal(connack.properties.authenticationMethod, undefined);
    await client.expectNothing();
  });

  conformance(['MQTT-4.12.0-7', 'MQTT-rule-31'], 'closes on AUTH from a client without a method', async (scene) => {
    await rejects(scene, wire.auth(0x18, data('x')), [0x82]);
    await rejects(scene, wire.auth(0x19, data('x')), [0x82]);
  });

  conformance(['MQTT-rule-30'], 'closes on AUTH without a method', async (scene) => {
    await rejects(scene, wire.auth(0x19, {}), [0x82]);
    await rejects(scene, wire.packet(0xf0), [0x82]);
  });

  conformance(['MQTT-3.1.2-30', 'MQTT-3.2.0-1'], 'serves nothing but AUTH before CONNACK', POLICIES, async (scene) => {
    const topic = scene.name();
    const watcher = await scene.subscriber(5, topic);
    const client = await asked(scene);
    client.send(wire.publish(5, { topic, payload: 'early' }), wire.subscribe(5, 1, [[topic, 0]]));
    await client.expectClose([0x82]);
    await watcher.expectNothing();
  });

  conformance(['MQTT-3.15.1-1'], 'refuses AUTH with other flags', POLICIES, async (scene) => {
    for (const first of [0xf1, 0xf2, 0xf8]) {
      const client = await asked(scene);
      client.send(wire.packet(first, wire.auth(0x18, data('1')).subarray(2)));
      await client.expectClose([0x81]);
    }
  });

  conformance(['MQTT-3.15.1-1'], 'refuses AUTH with other flags from a plain client', async (scene) => {
    await rejects(scene, wire.packet(0xf1, wire.bytes(0x18, 0)), [0x81]);
  });

  conformance(['MQTT-3.15.2-1'], 'refuses codes a client may not send', POLICIES, async (scene) => {
    for (const code of [0x00, 0x01, 0x7f, 0x80]) {
      const client = await authenticated(scene);
      client.send(wire.auth(code, data('hello')));
      await client.expectClose([0x81, 0x82]);
    }
  });

  conformance(
    ['MQTT-3.15.2-2', 'MQTT-3.15.2-3'],
    'keeps AUTH within the size the client takes',
    POLICIES,
    async (scene) => {
      const client = await asked(scene, { properties: { maximumPacketSize: 60, requestProblemInformation: 1 } });
      client.send(wire.auth(0x18, data('1')));
      await client.expect('auth', { code: 0x18 });
      for (const packet of client.received) assert.ok(packet.raw.length <= 60, `${packet.raw.length} bytes`);
    },
  );

  conformance(
    ['MQTT-4.12.1-1', 'MQTT-4.12.0-5', 'MQTT-3.15.2-1', 'MQTT-3.2.0-2'],
    'authenticates a connected client again',
    POLICIES,
    async (scene) => {
      const topic = scene.name();
      const client = await authenticated(scene);
      await client.subscribe(topic);
      for (let round = 0; round < 2; round++) {
        client.send(wire.auth(0x19, data('hello')));
        const first = await client.expect('auth', { code: 0x18 });
        assert.equal(first.properties.authenticationMethod, 'TEST');
        client.send(wire.auth(0x18, data('1')));
        await client.expect('auth', { code: 0x18 });
        // Other packets go on during the exchange.
        client.sendPublish({ topic, payload: 'meanwhile' });
        await client.expect('publish', { payload: 'meanwhile' });
        client.send(wire.auth(0x18, data('2')));
        const done = await client.expect('auth', { code: 0x00 });
        assert.equal(done.properties.authenticationMethod, 'TEST');
      }
      await client.expectNothing();
      assert.equal(client.received.filter((packet) => packet.type === 'connack').length, 1);
    },
  );

  conformance(['MQTT-4.12.1-1'], 'closes on re-authentication with another method', POLICIES, async (scene) => {
    const client = await authenticated(scene);
    client.send(wire.auth(0x19, data('hello', 'OTHER')));
    await client.expectClose([0x8c, 0x82, 0x87]);
  });

  conformance(['MQTT-4.12.1-1'], 'closes on AUTH 0x18 that nobody asked for', POLICIES, async (scene) => {
    const client = await authenticated(scene);
    client.send(wire.auth(0x18, data('1')));
    await client.expectClose([0x82]);
  });

  conformance(
    ['MQTT-4.12.1-2'],
    'closes when re-authentication fails, and publishes the will',
    POLICIES,
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic);
      const client = await authenticated(scene, { will: { topic, payload: 'gone' } });
      client.send(wire.auth(0x19, data('hello')));
      await client.expect('auth', { code: 0x18 });
      client.sendPublish({ topic, payload: 'still served' });
      await watcher.expect('publish', { payload: 'still served' });
      client.send(wire.auth(0x18, data('wrong')));
      await client.expectClose([0x87, 0x86]);
      await watcher.expect('publish', { payload: 'gone' });
    },
  );

  conformance(
    ['MQTT-3.1.4-6', 'MQTT-4.12.0-4'],
    'handles nothing behind a failed exchange',
    POLICIES,
    async (scene) => {
      const topic = scene.name();
      const watcher = await scene.subscriber(5, topic);
      const client = await asked(scene);
      client.send(wire.auth(0x18, data('wrong')), wire.publish(5, { topic, retain: true, payload: 'no' }));
      await client.expectClose([0x86, 0x87, 0x80]);
      await watcher.expectNothing();
      const reader = await scene.subscriber(5, topic);
      await reader.expectNothing();
    },
  );
});
