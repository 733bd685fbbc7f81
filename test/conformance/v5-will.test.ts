/** MQTT 5.0, sections 3.1.2.5, 3.1.3.2 and 3.14.4: the Will Message, its delay, and what becomes of it. */

import assert from 'node:assert/strict';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { each, refuses } from './v5-rejection.ts';
import * as wire from './wire.ts';

const KEPT = { sessionExpiryInterval: 60 };

/** A client with a will, and a subscriber to the will's topic. */
interface Pair {
  clientId: string;
  topic: string;
  client: RawClient;
  watcher: RawClient;
}

async function armed(scene: Scene, delay: number, expiry: number, will: Partial<wire.WillFields> = {}): Promise<Pair> {
  const clientId = scene.name();
  const topic = scene.name();
  const watcher = await scene.subscriber(5, topic, 2);
  const client = await scene.connect(5, {
    clientId,
    clean: false,
    properties: { sessionExpiryInterval: expiry },
    will: { topic, payload: 'gone', properties: { willDelayInterval: delay }, ...will },
  });
  return { clientId, topic, client, watcher };
}

section('MQTT 5.0, 3.1.2.5 Will Message', () => {
  conformance(['MQTT-3.1.2-7', 'MQTT-3.1.2-8'], 'publishes the will when the connection is cut', async (scene) => {
    const { topic, client, watcher } = await armed(scene, 0, 60, { qos: 1, properties: { contentType: 'text' } });
    await watcher.expectNothing();
    client.cut();
    const will = await watcher.receive({ topic, payload: 'gone', qos: 1, retain: false, dup: false });
    assert.equal(will.properties.contentType, 'text');
    await watcher.expectNothing();
  });

  conformance(
    ['MQTT-3.1.2-8'],
    'publishes the will when the client ends the connection without DISCONNECT',
    async (scene) => {
      const { client, watcher } = await armed(scene, 0, 0);
      client.socket.end();
      await watcher.expect('publish', { payload: 'gone' });
    },
  );

  conformance(['MQTT-3.1.2-8', 'MQTT-4.13.1-1'], 'publishes the will after an error of the client', async (scene) => {
    for (const packet of [wire.packet(0x00), wire.publish(5, { topic: '' }), wire.bytes(0xe1, 0)]) {
      const { client, watcher } = await armed(scene, 0, 0);
      client.send(packet);
      await client.expectClose([0x81, 0x82]);
      await watcher.expect('publish', { payload: 'gone' });
    }
  });

  conformance(['MQTT-3.1.2-8'], 'publishes the will after DISCONNECT 0x04', async (scene) => {
    const { client, watcher } = await armed(scene, 0, 60);
    client.send(wire.disconnect(0x04));
    await watcher.expect('publish', { payload: 'gone' });
    await client.expectClose();
    await watcher.expectNothing();
  });

  conformance(
    ['MQTT-3.1.2-8'],
    'publishes the will after DISCONNECT with every code but 0x00 (choice)',
    async (scene) => {
      await each([0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99], async (code) => {
        const { client, watcher } = await armed(scene, 0, 60);
        client.send(wire.disconnect(code));
        await watcher.expect('publish', { payload: 'gone' });
      });
    },
  );

  conformance(
    ['MQTT-3.14.4-3', 'MQTT-3.1.2-8', 'MQTT-3.1.2-10'],
    'discards the will at DISCONNECT 0x00',
    async (scene) => {
      await each([wire.disconnect(), wire.disconnect(0), wire.disconnect(0, {})], async (packet) => {
        const { client, watcher } = await armed(scene, 0, 0);
        client.send(packet);
        await client.expectClose();
        await watcher.expectNothing();
        const delayed = await armed(scene, 1, 60);
        delayed.client.send(packet);
        await delayed.client.expectClose();
        await scene.wait(2200);
        await delayed.watcher.expectNothing();
      });
    },
  );

  conformance(['MQTT-3.1.2-10'], 'publishes a will once', async (scene) => {
    const { clientId, client, watcher } = await armed(scene, 0, 60);
    client.cut();
    await watcher.expect('publish', { payload: 'gone' });
    const again = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    again.cut();
    const third = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await third.expectNothing();
    await watcher.expectNothing();
  });

  conformance(['MQTT-3.1.2-10'], 'replaces the will with that of the next connection', async (scene) => {
    const { clientId, topic, client, watcher } = await armed(scene, 60, 60);
    client.cut();
    const properties = { willDelayInterval: 0 };
    const again = await scene.connect(5, {
      clientId,
      clean: false,
      properties: KEPT,
      will: { topic, payload: 'second', properties },
    });
    again.cut();
    await watcher.expect('publish', { payload: 'second' });
    await watcher.expectNothing();
  });

  conformance(['MQTT-3.1.2-12', 'MQTT-3.1.2-7'], 'publishes the will at its QoS', async (scene) => {
    for (const qos of [0, 1, 2]) {
      const { client, watcher } = await armed(scene, 0, 0, { qos });
      client.cut();
      await watcher.receive({ payload: 'gone', qos });
    }
  });

  conformance(['MQTT-3.1.2-14'], 'does not retain a will with Will Retain 0', async (scene) => {
    const { topic, client, watcher } = await armed(scene, 0, 0, { retain: false, qos: 1 });
    client.cut();
    await watcher.receive({ payload: 'gone', retain: false });
    const reader = await scene.subscriber(5, topic, 1);
    await reader.expectNothing();
  });

  conformance(['MQTT-3.1.2-15'], 'retains a will with Will Retain 1', async (scene) => {
    const { topic, client, watcher } = await armed(scene, 0, 0, { retain: true, qos: 1 });
    client.cut();
    await watcher.receive({ payload: 'gone', retain: false });
    const reader = await scene.subscriber(5, topic, 1);
    await reader.receive({ payload: 'gone', retain: true, qos: 1 });
    await reader.deliver({ topic, qos: 1, retain: true });
  });

  conformance(
    ['MQTT-3.1.2-15', 'MQTT-3.3.1-6'],
    'clears a retained message with an empty retained will',
    async (scene) => {
      const topic = scene.name();
      const publisher = await scene.connect(5);
      await publisher.deliver({ topic, qos: 1, retain: true, payload: 'old' });
      const watcher = await scene.subscriber(5, topic);
      await watcher.expect('publish', { payload: 'old' });
      const client = await scene.connect(5, { will: { topic, payload: '', retain: true } });
      client.cut();
      await watcher.expect('publish', { payload: '' });
      const reader = await scene.subscriber(5, topic);
      await reader.expectNothing();
    },
  );

  conformance(
    ['MQTT-3.1.3-10', 'MQTT-3.3.2-4', 'MQTT-3.3.2-15', 'MQTT-3.3.2-16', 'MQTT-3.3.2-18', 'MQTT-3.3.2-20'],
    'publishes the will with its properties, User Properties in order',
    async (scene) => {
      const userProperties: [string, string][] = [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
        ['', ''],
      ];
      const properties = {
        willDelayInterval: 0,
        payloadFormatIndicator: 1,
        messageExpiryInterval: 100,
        contentType: 'text/plain',
        responseTopic: 'answers',
        correlationData: wire.hex('00 FF'),
        userProperties,
      };
      const { client, watcher } = await armed(scene, 0, 0, { properties });
      client.cut();
      const will = await watcher.expect('publish', { payload: 'gone' });
      assert.equal(will.properties.payloadFormatIndicator, 1);
      assert.equal(will.properties.contentType, 'text/plain');
      assert.equal(will.properties.responseTopic, 'answers');
      assert.deepEqual(will.properties.correlationData, wire.hex('00 FF'));
      assert.deepEqual(will.properties.userProperties, userProperties);
      const left = will.properties.messageExpiryInterval ?? 0;
      assert.ok(left >= 90 && left <= 100, `expiry ${left}`);
    },
  );

  conformance(['MQTT-3.1.2-7', 'MQTT-4.5.0-1'], 'delivers the will to absent sessions', async (scene) => {
    const clientId = scene.name();
    const { topic, client } = await armed(scene, 0, 0, { qos: 2 });
    const absent = await scene.connect(5, { clientId, properties: KEPT });
    await absent.subscribe([topic, 1]);
    await absent.disconnect();
    client.cut();
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await back.receive({ payload: 'gone', qos: 1 });
  });

  conformance(
    ['MQTT-rule-11'],
    'does not check the payload of a will against its format indicator (choice)',
    async (scene) => {
      const payload = wire.hex('C3 28');
      const { client, watcher } = await armed(scene, 0, 0, { payload, properties: { payloadFormatIndicator: 1 } });
      client.cut();
      await watcher.expect('publish', { payload });
    },
  );

  conformance(
    ['MQTT-rule-12', 'MQTT-3.3.2-2', 'MQTT-4.7.0-1'],
    'refuses a Will Topic with a wildcard',
    async (scene) => {
      for (const topic of ['a/+', 'a/#', '#', '+', 'a+', 'b#c'])
        await refuses(scene, { will: { topic } }, [0x90, 0x81]);
    },
  );

  conformance(['MQTT-4.7.3-1', 'MQTT-rule-12'], 'refuses an empty Will Topic', async (scene) => {
    await refuses(scene, { will: { topic: '' } }, [0x90, 0x81, 0x82]);
  });

  conformance(
    [],
    'refuses CONNECT whose will is not authorized with 0x87 (choice)',
    { settings: { policies: true } },
    async (scene) => {
      const client = await scene.open(5);
      client.sendConnect({ clientId: scene.name(), will: { topic: `forbidden/${scene.name()}` } });
      await client.expectRefusal(0x87);
    },
  );
});

section('MQTT 5.0, 3.1.3.2.2 Will Delay Interval and takeover', () => {
  const watchLoss = async (scene: Scene, delay: number, expiry: number, atLeastMs: number): Promise<void> => {
    const { client, watcher } = await armed(scene, delay, expiry);
    const cut = performance.now();
    client.cut();
    await watcher.expect('publish', { payload: 'gone' });
    assert.ok(performance.now() - cut >= atLeastMs, 'the will was published too early');
    await watcher.expectNothing();
  };

  conformance(['MQTT-3.1.2-8'], 'publishes a delayed will after the delay', (scene) => watchLoss(scene, 2, 60, 1950));

  conformance(['MQTT-rule-39', 'MQTT-3.1.2-8'], 'publishes a delayed will when the session ends first', (scene) =>
    watchLoss(scene, 60, 2, 1950),
  );

  conformance(['MQTT-rule-39'], 'publishes a delayed will at once when the session ends with the connection', (scene) =>
    watchLoss(scene, 60, 0, 0),
  );

  conformance(['MQTT-3.1.2-8'], 'delays the will after DISCONNECT 0x04 too', async (scene) => {
    const { client, watcher } = await armed(scene, 2, 60);
    const sent = performance.now();
    client.send(wire.disconnect(0x04));
    await watcher.expect('publish', { payload: 'gone' });
    assert.ok(performance.now() - sent >= 1950, 'the will was published too early');
  });

  conformance(['MQTT-3.1.3-9'], 'sends no will when the session is resumed within the delay', async (scene) => {
    const { clientId, client, watcher } = await armed(scene, 2, 60);
    client.cut();
    await scene.wait(500);
    const back = await scene.connect(5, { clientId, clean: false, properties: KEPT });
    await scene.wait(3000);
    await watcher.expectNothing();
    await back.ping();
  });

  conformance(
    ['MQTT-3.1.2-8'],
    'sends the will when Clean Start 1 ends the session within the delay',
    async (scene) => {
      const { clientId, client, watcher } = await armed(scene, 60, 60);
      client.cut();
      await scene.wait(200);
      await scene.connect(5, { clientId, clean: true, properties: KEPT });
      await watcher.expect('publish', { payload: 'gone' });
    },
  );

  conformance(
    ['MQTT-3.1.2-8', 'MQTT-3.1.4-3'],
    'takeover of a session with expiry 0 sends the will at once (choice)',
    async (scene) => {
      const cases = [0, 60].flatMap((delay) => [false, true].map((clean) => ({ delay, clean })));
      await each(cases, async ({ delay, clean }) => {
        const { clientId, client, watcher } = await armed(scene, delay, 0);
        await scene.connect(5, { clientId, clean });
        await client.expectClose([0x8e]);
        await watcher.expect('publish', { payload: 'gone' });
        await watcher.expectNothing();
      });
    },
  );

  conformance(
    ['MQTT-3.1.2-8', 'MQTT-3.1.4-3'],
    'takeover of a session that may live on sends a will without delay at once (choice)',
    async (scene) => {
      await each([false, true], async (clean) => {
        const { clientId, client, watcher } = await armed(scene, 0, 60);
        await scene.connect(5, { clientId, clean, properties: KEPT });
        await client.expectClose([0x8e]);
        await watcher.expect('publish', { payload: 'gone' });
        await watcher.expectNothing();
      });
    },
  );

  conformance(
    ['MQTT-3.1.2-8', 'MQTT-3.1.4-3'],
    'takeover from 3.1.1 sends the will at once (choice)',
    async (scene) => {
      const cases = [false, true].flatMap((old) => [false, true].map((clean) => ({ old, clean })));
      await each(cases, async ({ old, clean }) => {
        const clientId = scene.name();
        const topic = scene.name();
        const watcher = await scene.subscriber(5, topic);
        const client = await scene.connect(4, { clientId, clean: old, will: { topic, payload: 'gone' } });
        await scene.connect(5, { clientId, clean });
        await client.expectClose();
        await watcher.expect('publish', { payload: 'gone' });
        await watcher.expectNothing();
      });
    },
  );

  conformance(
    ['MQTT-3.1.3-9', 'MQTT-3.1.4-3'],
    'takeover that resumes the session sends no delayed will (choice)',
    async (scene) => {
      const { clientId, client, watcher } = await armed(scene, 1, 60);
      const next = await scene.connect(5, { clientId, clean: false, properties: KEPT });
      await client.expectClose([0x8e]);
      await scene.wait(2200);
      await watcher.expectNothing();
      await next.ping();
    },
  );

  conformance(
    ['MQTT-3.1.2-8', 'MQTT-3.1.4-4'],
    'takeover with Clean Start 1 sends a delayed will at once (choice)',
    async (scene) => {
      const { clientId, client, watcher } = await armed(scene, 60, 60);
      await scene.connect(5, { clientId, clean: true, properties: KEPT });
      await client.expectClose([0x8e]);
      await watcher.expect('publish', { payload: 'gone' });
      await watcher.expectNothing();
    },
  );

  conformance(['MQTT-rule-28', 'MQTT-3.1.2-8'], 'keeps the will armed after an invalid DISCONNECT', async (scene) => {
    const { client, watcher } = await armed(scene, 0, 0);
    client.send(wire.disconnect(0, KEPT));
    await client.expectClose([0x82]);
    await watcher.expect('publish', { payload: 'gone' });
  });

  conformance(
    ['MQTT-3.14.1-1', 'MQTT-3.1.2-8'],
    'publishes the will after DISCONNECT with reserved bits',
    async (scene) => {
      const { client, watcher } = await armed(scene, 0, 0);
      client.send(wire.bytes(0xe1, 0x00));
      await client.expectClose([0x81]);
      await watcher.expect('publish', { payload: 'gone' });
    },
  );
});
