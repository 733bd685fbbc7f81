/** What simulation, fuzzing and a reading with them in mind have found, each in the smallest form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker } from '@dunlin/broker';
import { decodePacket, encodePacket, FrameReader, type Packet, type UserProperty } from '@dunlin/protocol';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { DelayedStore } from './delayed-store.ts';
import { Link, type LinkWatcher } from './network.ts';

const NOBODY: LinkWatcher = { received: () => {}, handled: () => {}, written: () => {} };

/** A broker in virtual time, and 5.0 clients that only write down what they get. */
class SmallWorld {
  readonly time = new VirtualTime(new SeededRandom(1));
  readonly broker: Broker;
  #links = 0;

  constructor(commitMs = 0) {
    const options = {
      delayMs: commitMs,
      isLying: false,
      isForgetful: false,
      committed: () => {},
      misused: assert.fail,
    };
    const store = new DelayedStore(this.time, new SeededRandom(2), options);
    this.broker = new Broker({ clock: this.time, random: { identifier: () => 'x' }, store });
  }

  pass(durationMs: number): Promise<void> {
    return this.time.pass(durationMs, () => false);
  }

  dial(clientId: string, properties = {}) {
    this.#links += 1;
    const options = { latencyMs: 0, capacityBytes: 100_000_000, isSplit: false };
    const link = new Link(this.#links, this.time, new SeededRandom(this.#links), options, NOBODY);
    const got: Packet[] = [];
    const reader = new FrameReader(268_435_460);
    link.client.open({
      received: (chunk) => {
        reader.push(Buffer.from(chunk));
        while (reader.next())
          got.push(decodePacket(5, 'client', reader.bytes, reader.start, reader.bodyStart, reader.end));
      },
      ended: () => link.client.close(),
      drained: () => {},
      closed: () => {},
    });
    this.broker.attach(link.server, { name: 'memory' });
    const send = (packet: Packet) => link.client.write(Buffer.from(encodePacket(packet, 5)));
    send({ type: 'connect', protocolVersion: 5, bridge: false, clientId, cleanStart: true, keepAlive: 0, properties });
    return { link, got, send };
  }
}

function subscribe(filter: string): Packet {
  const subscriptions = [{ filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }] as const;
  return { type: 'subscribe', packetId: 1, properties: {}, subscriptions };
}

function publish(topic: string, fields: Partial<Extract<Packet, { type: 'publish' }>>): Packet {
  const payload = Buffer.from('said');
  return { type: 'publish', dup: false, qos: 0, retain: false, topic, packetId: 0, properties: {}, payload, ...fields };
}

test('a replay of messages larger than what it leaves unsent goes on although nothing ever drains', async () => {
  const world = new SmallWorld();
  await world.broker.start();
  const publisher = world.dial('publisher');
  const userProperties = new Array<UserProperty>(6).fill(['k', 'v'.repeat(60_000)]);
  for (let number = 1; number <= 5; number++)
    publisher.send(publish(`kept/${number}`, { retain: true, properties: { userProperties } }));
  await world.pass(1000);
  const subscriber = world.dial('subscriber');
  subscriber.send(subscribe('kept/#'));
  await world.pass(1000);
  assert.equal(subscriber.got.filter(({ type }) => type === 'publish').length, 5);
});

test('the remaining expiry counts up to the moment of sending, also behind a commit [MQTT-3.3.2-6]', async () => {
  const world = new SmallWorld(50);
  await world.broker.start();
  const client = world.dial('client', { sessionExpiryInterval: 100 });
  client.send(subscribe('t'));
  await world.pass(1000);
  client.send(publish('t', { qos: 2, packetId: 2, properties: { messageExpiryInterval: 10 } }));
  await world.pass(1000);
  const message = client.got.find(({ type }) => type === 'publish');
  assert.ok(message?.type === 'publish');
  assert.equal(message.properties.messageExpiryInterval, 9);
});

test('SUBACK leaves before what the subscription brings, also behind an answer that waits [MQTT-3.8.4-1]', async () => {
  const world = new SmallWorld();
  await world.broker.start();
  const stored = world.dial('stored', { sessionExpiryInterval: 100 });
  stored.send(subscribe('t'));
  await world.pass(100);
  stored.link.cut();
  await world.pass(100);
  const client = world.dial('client');
  await world.pass(100);
  client.got.length = 0;
  const packets = [publish('t', { qos: 1, packetId: 9 }), subscribe('u'), publish('u', {})];
  client.link.client.write(Buffer.concat(packets.map((packet) => encodePacket(packet, 5))));
  await world.pass(100);
  assert.deepEqual(
    client.got.map(({ type }) => type),
    ['puback', 'suback', 'publish'],
  );
});
