/** MQTT.js with Dunlin, and in conversation with Dunlin's own client. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect } from '@dunlin/client';
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { eventually, LocalBroker } from './local-broker.ts';

const LEVELS = [3, 4, 5] as const;

describe('MQTT.js with Dunlin', () => {
  const started = LocalBroker.start();

  async function open(level: 3 | 4 | 5, options: IClientOptions = {}): Promise<MqttClient> {
    const protocolId = level === 3 ? 'MQIsdp' : 'MQTT';
    const { port } = await started;
    const base: IClientOptions = { protocolVersion: level, protocolId, reconnectPeriod: 0 };
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { ...base, ...options });
    after(() => client.end(true));
    return client;
  }

  /** What a client receives from now on. */
  function heard(client: MqttClient): IPublishPacket[] {
    const packets: IPublishPacket[] = [];
    // The packet itself has no topic where an alias stood for it.
    client.on('message', (topic, _payload, packet) => packets.push({ ...packet, topic }));
    return packets;
  }

  for (const level of LEVELS) {
    test(`level ${level} receives from every level at every QoS`, async () => {
      const subscriber = await open(level);
      const packets = heard(subscriber);
      await subscriber.subscribeAsync(`js/${level}/#`, { qos: 2 });
      const expected: string[] = [];
      for (const from of LEVELS) {
        const publisher = await open(from);
        for (const qos of [0, 1, 2] as const) {
          await publisher.publishAsync(`js/${level}/${from}/${qos}`, 'x', { qos });
          expected.push(`${qos} js/${level}/${from}/${qos} x`);
        }
        await publisher.endAsync();
      }
      await eventually(() => packets.length >= expected.length, 'nine messages');
      assert.deepEqual(packets.map(({ qos, topic, payload }) => `${qos} ${topic} ${payload}`).sort(), expected.sort());
    });

    test(`level ${level} and Dunlin's client talk in both directions at every QoS`, async () => {
      const { port } = await started;
      const theirs = await open(level);
      const packets = heard(theirs);
      await theirs.subscribeAsync(`both/${level}/ours/#`, { qos: 2 });
      await using ours = await connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: level });
      const seen: string[] = [];
      await ours.subscribe(`both/${level}/theirs/#`, { qos: 2 }, ({ qos, topic }) => void seen.push(`${qos} ${topic}`));
      for (const qos of [0, 1, 2] as const) {
        await ours.publish(`both/${level}/ours/${qos}`, { qos }, { qos });
        await theirs.publishAsync(`both/${level}/theirs/${qos}`, 'x', { qos });
      }
      await eventually(() => packets.length === 3 && seen.length === 3, 'three messages each way');
      assert.deepEqual(
        packets.map(({ topic, payload }) => `${topic} ${payload}`),
        [0, 1, 2].map((qos) => `both/${level}/ours/${qos} {"qos":${qos}}`),
      );
      assert.deepEqual(
        seen,
        [0, 1, 2].map((qos) => `${qos} both/${level}/theirs/${qos}`),
      );
    });

    test(`level ${level}: retained messages, wills, and a session that keeps messages`, async () => {
      const options: IClientOptions = { clientId: `keeper-${level}`, clean: false };
      if (level === 5) options.properties = { sessionExpiryInterval: 60 };
      const first = await open(level, options);
      await first.subscribeAsync(`keep/${level}/#`, { qos: 2 });
      await first.endAsync();
      const dying = await open(level, {
        will: { topic: `keep/${level}/will`, payload: Buffer.from('gone'), qos: 1, retain: true },
      });
      await dying.publishAsync(`keep/${level}/a`, 'queued', { qos: 2 });
      dying.stream.destroy();
      const { events } = await started;
      await eventually(
        () => events.some((event) => event.name === 'willPublished' && event.topic === `keep/${level}/will`),
        'the will',
      );

      const packets: IPublishPacket[] = [];
      const { port } = await started;
      const again = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
        ...options,
        protocolVersion: level,
        protocolId: level === 3 ? 'MQIsdp' : 'MQTT',
        reconnectPeriod: 0,
      });
      after(() => again.end(true));
      again.on('message', (_topic, _payload, packet) => packets.push(packet));
      await eventually(() => packets.length >= 2, 'what was kept');
      const kept = packets.map(({ qos, topic, payload }) => `${qos} ${topic} ${payload}`);
      assert.deepEqual(kept.sort(), [`1 keep/${level}/will gone`, `2 keep/${level}/a queued`]);
      const late = await open(level);
      const retained = heard(late);
      await late.subscribeAsync(`keep/${level}/#`);
      await eventually(() => retained.length === 1, 'the retained will');
      assert.deepEqual([retained[0].retain, String(retained[0].payload)], [true, 'gone']);
    });
  }

  test('level 5: properties, subscription identifiers and topic aliases both ways', async () => {
    const client = await open(5, { autoAssignTopicAlias: true, properties: { topicAliasMaximum: 10 } });
    const packets = heard(client);
    await client.subscribeAsync('v5/#', { qos: 1, properties: { subscriptionIdentifier: 9 } });
    const properties = { contentType: 'text/plain', responseTopic: 'reply', userProperties: { a: 'b' } };
    for (let count = 0; count < 5; count++)
      await client.publishAsync('v5/a', String(count), { qos: 1, properties: { ...properties } });
    await eventually(() => packets.length === 5, 'five messages');
    for (const [index, packet] of packets.entries()) {
      assert.deepEqual([packet.topic, String(packet.payload)], ['v5/a', String(index)]);
      assert.equal(packet.properties?.contentType, 'text/plain');
      assert.equal(packet.properties?.responseTopic, 'reply');
      assert.deepEqual({ ...packet.properties?.userProperties }, { a: 'b' });
      assert.equal(packet.properties?.subscriptionIdentifier, 9);
    }
  });
});
