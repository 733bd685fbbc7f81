import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Properties } from '@dunlin/protocol';
import { PERMIT_ALL } from './memory/permit-all.ts';
import type { TestClient } from './testing/client.ts';
import { HeldStore } from './testing/store.ts';
import { World } from './testing/world.ts';

function pair(world: World, filter = '#'): { publisher: TestClient; subscriber: TestClient } {
  const subscriber = world.connect('s');
  subscriber.subscribe(filter, { qos: 2 });
  return { publisher: world.connect('p'), subscriber };
}

test('names the rule that refuses a PUBLISH, and none where the topic itself is refused', () => {
  const world = new World({
    authorizer: {
      permissions: () => ({
        ...PERMIT_ALL,
        mayPublish: () => 0x87,
        explain: (action, name, qos, retain) => `line 3: ${action} ${name} ${qos} ${retain}`,
      }),
    },
  });
  const client = world.connect('a');
  client.publish('t', { qos: 1, retain: true });
  client.publish('$SYS/t', { qos: 1 });
  assert.deepEqual(
    world.told('publishRefused').map(({ clientId, topic, reasonCode, rule }) => [clientId, topic, reasonCode, rule]),
    [
      ['a', 't', 0x87, 'line 3: publish t 1 true'],
      ['a', '$SYS/t', 0x90, undefined],
    ],
  );
  assert.equal(world.broker.metrics.publishesRefused, 2);
});

function refusing(reasonCode: number): World {
  return new World({
    authorizer: {
      permissions: () => ({ ...PERMIT_ALL, mayPublish: (topic) => (topic === 'no' ? reasonCode : 0) }),
    },
  });
}

test('answers QoS 1 with PUBACK and QoS 2 with PUBREC and PUBCOMP, with the same identifier [MQTT-4.3.2-4, MQTT-4.3.3-8, MQTT-4.3.3-11]', () => {
  const { publisher, subscriber } = pair(new World());
  publisher.publish('t', { qos: 1, packetId: 7 });
  assert.deepEqual(publisher.take('puback'), { type: 'puback', packetId: 7, reasonCode: 0, properties: {} });
  publisher.publish('t', { qos: 2, packetId: 7 });
  assert.equal(publisher.take('pubrec').packetId, 7);
  publisher.acknowledge('pubrel', 7);
  assert.deepEqual(publisher.take('pubcomp'), { type: 'pubcomp', packetId: 7, reasonCode: 0, properties: {} });
  assert.equal(subscriber.takePayloads().length, 2);
});

test('delivers a QoS 2 message once however often its PUBLISH comes, until PUBREL [MQTT-4.3.3-10]', () => {
  const { publisher, subscriber } = pair(new World());
  for (const dup of [false, true, true]) publisher.publish('t', { qos: 2, packetId: 5, dup });
  assert.equal(subscriber.takePayloads().length, 1);
  assert.deepEqual(
    publisher.takeAll().map((packet) => packet.type),
    ['pubrec', 'pubrec', 'pubrec'],
  );
  publisher.acknowledge('pubrel', 5);
  publisher.publish('t', { qos: 2, packetId: 5 });
  assert.equal(subscriber.takePayloads().length, 1);
});

test('remembers a QoS 2 message across the resumption of a session [MQTT-4.1.0-1]', () => {
  const world = new World();
  const { subscriber } = pair(world);
  const options = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const first = world.connect('a', options);
  first.publish('t', { qos: 2, packetId: 5 });
  first.break();
  const second = world.connect('a', options);
  second.publish('t', { qos: 2, packetId: 5, dup: true });
  assert.equal(second.take('pubrec').reasonCode, 0);
  second.acknowledge('pubrel', 5);
  assert.equal(second.take('pubcomp').reasonCode, 0);
  assert.equal(subscriber.takePayloads().length, 1);
});

test('answers PUBREL for an unknown identifier with PUBCOMP: 0x92 for 5.0, as ever for 3.1.1', () => {
  const world = new World();
  const newer = world.connect('a');
  newer.acknowledge('pubrel', 9);
  assert.equal(newer.take('pubcomp').reasonCode, 0x92);
  const older = world.connect('b', { protocolVersion: 4 });
  older.acknowledge('pubrel', 9);
  assert.equal(older.take('pubcomp').packetId, 9);
});

test('passes DUP of the publisher on to nobody [MQTT-3.3.1-3]', () => {
  const { publisher, subscriber } = pair(new World());
  publisher.publish('t', { qos: 1, dup: true });
  publisher.publish('t', { qos: 2, dup: true });
  assert.deepEqual(
    subscriber.takeAll().map((packet) => packet.type === 'publish' && packet.dup),
    [false, false],
  );
});

test('sets RETAIN to 0 for a live subscription, and as published where the subscription asks [MQTT-3.3.1-12, MQTT-3.3.1-13]', () => {
  const world = new World();
  const plain = world.connect('plain');
  plain.subscribe('t', { qos: 1 });
  const asPublished = world.connect('as');
  asPublished.subscribe('t', { qos: 1, retainAsPublished: true });
  const publisher = world.connect('p');
  for (const qos of [0, 1] as const) for (const retain of [true, false]) publisher.publish('t', { qos, retain });
  const flags = (client: TestClient) => client.takeAll().map((packet) => packet.type === 'publish' && packet.retain);
  assert.deepEqual(flags(plain), [false, false, false, false]);
  assert.deepEqual(flags(asPublished), [true, false, true, false]);
});

test('forwards the properties of a message unchanged and in order, but for the expiry [MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20]', () => {
  const { publisher, subscriber } = pair(new World());
  const properties: Properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 60,
    contentType: 'application/json',
    responseTopic: 'answers/1',
    correlationData: Uint8Array.of(0, 1, 255),
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', ''],
    ],
  };
  for (const qos of [0, 1, 2] as const) {
    publisher.publish('t', { qos, properties });
    const got = subscriber.take('publish').properties;
    assert.deepEqual(
      { ...got, correlationData: [...(got.correlationData ?? [])] },
      { ...properties, correlationData: [0, 1, 255] },
    );
  }
});

for (const [from, to] of [
  [3, 5],
  [4, 5],
  [5, 4],
  [5, 3],
] as const) {
  test(`forwards from version ${from} to version ${to} at every QoS, payload and topic intact`, () => {
    const world = new World();
    const subscriber = world.connect('s', { protocolVersion: to });
    subscriber.subscribe('t/+', { qos: 2 });
    const publisher = world.connect('p', { protocolVersion: from });
    const properties: Properties = from === 5 ? { contentType: 'text/plain', userProperties: [['k', 'v']] } : {};
    for (const qos of [0, 1, 2] as const) {
      publisher.publish('t/1', { qos, payload: `at ${qos}`, properties });
      const { topic, payload, qos: got, properties: seen } = subscriber.take('publish');
      assert.deepEqual([topic, Buffer.from(payload).toString(), got, seen], ['t/1', `at ${qos}`, qos, {}]);
    }
  });
}

test('resolves a Topic Alias, replaces it, and knows it only on its connection [MQTT-3.3.2-12, MQTT-3.3.2-10]', () => {
  const world = new World();
  const { publisher, subscriber } = pair(world);
  publisher.publish('first', { properties: { topicAlias: 1 } });
  publisher.publish('', { properties: { topicAlias: 1 } });
  publisher.publish('second', { properties: { topicAlias: 1 } });
  publisher.publish('', { qos: 1, properties: { topicAlias: 1 } });
  assert.deepEqual(
    subscriber.takeAll().map((packet) => packet.type === 'publish' && packet.topic),
    ['first', 'first', 'second', 'second'],
  );
  const other = world.connect('other');
  other.publish('', { properties: { topicAlias: 1 } });
  assert.deepEqual([other.take('disconnect').reasonCode, other.isClosed], [0x82, true]);
});

test('learns a Topic Alias even from a PUBLISH that is refused', () => {
  const world = new World({ limits: { retainedMessagesMax: 0 } });
  const { publisher, subscriber } = pair(world);
  publisher.publish('t', { qos: 1, retain: true, properties: { topicAlias: 1 } });
  assert.equal(publisher.take('puback').reasonCode, 0x97);
  publisher.publish('', { qos: 1, properties: { topicAlias: 1 } });
  assert.equal(publisher.take('puback').reasonCode, 0);
  assert.equal(subscriber.take('publish').topic, 't');
});

test('authorizes the topic that an alias stands for', () => {
  const world = refusing(0x87);
  const publisher = world.connect('p');
  publisher.publish('no', { qos: 1, properties: { topicAlias: 3 } });
  publisher.publish('', { qos: 1, properties: { topicAlias: 3 } });
  assert.deepEqual([publisher.take('puback').reasonCode, publisher.take('puback').reasonCode], [0x87, 0x87]);
});

for (const [what, alias] of [
  ['0', 0],
  ['above the maximum', 101],
] as const) {
  test(`disconnects with 0x94 for a Topic Alias ${what} [MQTT-3.3.2-8, MQTT-3.3.2-9]`, () => {
    const publisher = new World().connect('p');
    // Written by hand: the encoder would refuse it.
    publisher.send(Buffer.from([0x30, 8, 0, 1, 0x74, 3, 0x23, 0, alias, 0x61]));
    assert.deepEqual([publisher.take('disconnect').reasonCode, publisher.isClosed], [0x94, true]);
  });
}

test('disconnects with 0x94 for any Topic Alias where none was offered', () => {
  const publisher = new World({ limits: { topicAliasMaximum: 0 } }).connect('p');
  publisher.publish('t', { properties: { topicAlias: 1 } });
  assert.equal(publisher.take('disconnect').reasonCode, 0x94);
});

test('uses Topic Aliases towards a client that takes them, at QoS 0 and 1, never more than it takes [MQTT-3.1.2-26, MQTT-3.1.2-27]', () => {
  const world = new World();
  const subscriber = world.connect('s', { properties: { topicAliasMaximum: 2 } });
  subscriber.subscribe('#', { qos: 2 });
  const publisher = world.connect('p');
  for (const topic of ['a', 'b', 'c']) for (const qos of [0, 1, 2] as const) publisher.publish(topic, { qos });
  const came = subscriber
    .takeAll()
    .map((packet) => packet.type === 'publish' && [packet.topic, packet.qos, packet.properties.topicAlias]);
  assert.deepEqual(came, [
    ['a', 0, 1],
    ['', 1, 1],
    ['a', 2, undefined],
    ['b', 0, 2],
    ['', 1, 2],
    ['b', 2, undefined],
    ['c', 0, undefined],
    ['c', 1, undefined],
    ['c', 2, undefined],
  ]);
  assert.equal(world.broker.metrics.topicAliasesExhausted, 2);
});

test('sends what is sent again with its full topic', () => {
  const world = new World();
  const options = { cleanStart: false, properties: { sessionExpiryInterval: 100, topicAliasMaximum: 5 } };
  const first = world.connect('s', options);
  first.subscribe('t', { qos: 1 });
  const publisher = world.connect('p');
  for (let i = 0; i < 2; i++) publisher.publish('t', { qos: 1 });
  assert.equal(first.packets.length, 2);
  first.break();
  const second = world.connect('s', options);
  assert.deepEqual(
    second
      .takeAll()
      .map((packet) => packet.type === 'publish' && [packet.dup, packet.topic, packet.properties.topicAlias]),
    [
      [true, 't', undefined],
      [true, 't', undefined],
    ],
  );
});

test('does not lose a message that fits the client only without a Topic Alias', () => {
  const world = new World();
  // Header 2, topic 3, properties 1, payload: 40 in all, 43 with an alias.
  const subscriber = world.connect('s', { properties: { topicAliasMaximum: 5, maximumPacketSize: 40 } });
  subscriber.subscribe('t');
  world.connect('p').publish('t', { payload: 'x'.repeat(34) });
  assert.equal(subscriber.takePayloads()[0]?.length, 34);
  world.connect('q').publish('t', { payload: 'x'.repeat(35) });
  assert.deepEqual(subscriber.takePayloads(), []);
});

test('disconnects with 0x93 for one more unfinished message than Receive Maximum [MQTT-3.3.4-7]', () => {
  const world = new World({ limits: { receiveMaximum: 3 } });
  const publisher = world.connect('p');
  for (let packetId = 1; packetId <= 3; packetId++) publisher.publish('t', { qos: 2, packetId });
  publisher.publish('t', { qos: 2, packetId: 2, dup: true });
  publisher.publish('t', { qos: 0 });
  assert.equal(publisher.isClosed, false);
  publisher.takeAll();
  publisher.publish('t', { qos: 1, packetId: 4 });
  assert.deepEqual([publisher.take('disconnect').reasonCode, publisher.isClosed], [0x93, true]);
  assert.equal(world.broker.metrics.receiveMaximumExceeded, 1);
});

test('gives room for the next message with PUBACK, a failed PUBREC and PUBCOMP', () => {
  const world = new World({ limits: { receiveMaximum: 1, retainedMessagesMax: 0 } });
  const publisher = world.connect('p');
  for (let i = 0; i < 3; i++) publisher.publish('t', { qos: 1 });
  for (let i = 0; i < 3; i++) publisher.publish('t', { qos: 2, retain: true });
  for (let i = 0; i < 3; i++) publisher.acknowledge('pubrel', publisher.publish('t', { qos: 2 }));
  assert.equal(publisher.isClosed, false);
  publisher.publish('t', { qos: 2 });
  publisher.publish('t', { qos: 2 });
  assert.equal(publisher.isClosed, true);
});

test('counts for Receive Maximum only what came on this connection [MQTT-4.9.0-1]', () => {
  const world = new World({ limits: { receiveMaximum: 2 } });
  const stored = { properties: { sessionExpiryInterval: 100 } };
  const first = world.connect('p', stored);
  for (let packetId = 1; packetId <= 2; packetId++) first.publish('t', { qos: 2, packetId });
  first.break();
  const second = world.connect('p', { ...stored, cleanStart: false });
  for (let packetId = 3; packetId <= 4; packetId++) second.publish('t', { qos: 2, packetId });
  assert.equal(second.isClosed, false);
  second.publish('t', { qos: 2, packetId: 5 });
  assert.equal(second.isClosed, true);
});

test('holds 3.1.1 clients to no Receive Maximum, since they know none', () => {
  const world = new World({ limits: { receiveMaximum: 2 } });
  const publisher = world.connect('p', { protocolVersion: 4 });
  for (let packetId = 1; packetId <= 50; packetId++) publisher.publish('t', { qos: 2, packetId });
  assert.deepEqual([publisher.takeAll().length, publisher.isClosed], [50, false]);
});

test('refuses what the Authorizer forbids: the code in PUBACK or PUBREC, and the connection stays [MQTT311-3.3.5-2]', () => {
  const world = refusing(0x87);
  const { publisher, subscriber } = pair(world);
  publisher.publish('no', { qos: 0, retain: true });
  publisher.publish('no', { qos: 1, retain: true });
  assert.equal(publisher.take('puback').reasonCode, 0x87);
  publisher.publish('no', { qos: 2, packetId: 9, retain: true });
  assert.equal(publisher.take('pubrec').reasonCode, 0x87);
  // The identifier is free again [MQTT-4.3.3-9].
  publisher.publish('yes', { qos: 2, packetId: 9 });
  assert.equal(publisher.take('pubrec').reasonCode, 0);
  assert.equal(subscriber.take('publish').topic, 'yes');
  const older = world.connect('older', { protocolVersion: 4 });
  older.publish('no', { qos: 1, retain: true });
  assert.equal(older.take('puback').reasonCode, 0);
  assert.deepEqual([subscriber.takeAll(), world.broker.retained.count], [[], 0]);
  assert.equal(world.broker.metrics.publishesRefused, 4);
  assert.deepEqual(
    [...new Set(world.told('publishRefused').map((event) => `${event.topic} 0x${event.reasonCode.toString(16)}`))],
    ['no 0x87'],
  );
});

test('lets a 3.1.1 client finish a QoS 2 exchange that was refused', () => {
  const world = refusing(0x87);
  const publisher = world.connect('p', { protocolVersion: 4 });
  publisher.publish('no', { qos: 2, packetId: 3 });
  assert.equal(publisher.take('pubrec').packetId, 3);
  publisher.acknowledge('pubrel', 3);
  assert.equal(publisher.take('pubcomp').packetId, 3);
});

test('answers 0x10 where nobody subscribes, at QoS 1 and 2, and 0x00 to 3.1.1', () => {
  const world = new World();
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 1 });
  assert.equal(publisher.take('puback').reasonCode, 0x10);
  publisher.publish('t', { qos: 2 });
  assert.equal(publisher.take('pubrec').reasonCode, 0x10);
  const older = world.connect('older', { protocolVersion: 4 });
  older.publish('t', { qos: 1 });
  assert.equal(older.take('puback').reasonCode, 0);
  assert.equal(world.broker.metrics.messagesUnmatched, 3);
});

test('refuses reserved topics with 0x90 and keeps the connection', () => {
  const world = new World();
  const publisher = world.connect('p');
  for (const topic of ['$SYS/broker/version', '$share/g/t', '$CONTROL/x', '$queue/t']) {
    publisher.publish(topic, { qos: 1 });
    assert.equal(publisher.take('puback').reasonCode, 0x90);
  }
  publisher.publish('$other/t', { qos: 1 });
  assert.equal(publisher.take('puback').reasonCode, 0x10);
  assert.equal(world.broker.metrics.topicsRefused, 4);
});

test('refuses a topic of 65,535 bytes with 30,000 levels with 0x90, without harm', () => {
  const world = new World();
  const { publisher, subscriber } = pair(world);
  const topic = `${'/'.repeat(30_000)}${'x'.repeat(35_535)}`;
  publisher.publish(topic, { qos: 1 });
  assert.equal(publisher.take('puback').reasonCode, 0x90);
  publisher.publish(topic, { qos: 0 });
  assert.equal(publisher.isClosed, false);
  assert.deepEqual(subscriber.takeAll(), []);
  assert.equal(world.broker.metrics.topicsRefused, 2);
});

for (const [what, hex, code] of [
  ['a wildcard in the topic [MQTT-3.3.2-2]', '30060001230061', 0x90],
  ['bad UTF-8 in the topic [MQTT-3.3.2-1]', '30050001ff0061', 0x81],
  ['U+0000 in the topic [MQTT-1.5.4-2]', '3005000100' + '0061', 0x81],
  ['a control character in the topic', '3005000101' + '0061', 0x81],
  ['no topic and no alias', '300400000061', 0x82],
  ['QoS 3 [MQTT-3.3.1-4]', '3607000174000100' + '61', 0x81],
  ['DUP with QoS 0 [MQTT-3.3.1-2]', '380500017400' + '61', 0x81],
  ['identifier 0 [MQTT-2.2.1-3]', '32070001740000' + '0061', 0x82],
  ['a Subscription Identifier [MQTT-3.3.4-6]', '3007000174020b01' + '61', 0x82],
  ['a Response Topic with a wildcard [MQTT-3.3.2-14]', '300a0001740408000123' + '6161', 0x82],
] as const) {
  test(`disconnects for ${what}`, () => {
    const world = new World();
    const publisher = world.connect('p');
    const bytes = Buffer.from(hex, 'hex');
    bytes[1] = bytes.length - 2;
    publisher.send(bytes);
    const { reasonCode } = publisher.take('disconnect');
    assert.ok(publisher.isClosed);
    assert.ok(
      reasonCode === code || (code === 0x82 && (reasonCode === 0x90 || reasonCode === 0x81)),
      `0x${reasonCode.toString(16)}`,
    );
    assert.deepEqual(world.told('internalError'), []);
  });
}

test('disconnects for a QoS above Maximum QoS with 0x9B and for RETAIN where there is none with 0x9A [MQTT-3.2.2-11, MQTT-3.2.2-14]', () => {
  const world = new World({ settings: { maximumQoS: 1, retainAvailable: false } });
  const first = world.connect('a');
  first.publish('t', { qos: 2 });
  assert.deepEqual([first.take('disconnect').reasonCode, first.isClosed], [0x9b, true]);
  const second = world.connect('b');
  second.publish('t', { retain: true });
  assert.deepEqual([second.take('disconnect').reasonCode, second.isClosed], [0x9a, true]);
});

test('refuses a new retained message above the limits with 0x97 and still replaces the others', () => {
  const world = new World({ limits: { retainedMessagesMax: 1 } });
  const publisher = world.connect('p');
  publisher.publish('a', { qos: 1, retain: true });
  publisher.publish('b', { qos: 1, retain: true });
  publisher.publish('a', { qos: 1, retain: true, payload: 'newer' });
  assert.deepEqual(
    publisher.takeAll().map((packet) => packet.type === 'puback' && packet.reasonCode),
    [0x10, 0x97, 0x10],
  );
  assert.equal(world.broker.retained.get('a')?.payload.toString(), 'newer');
  assert.equal(world.broker.metrics.retainedRefused, 1);
});

test('deletes the retained message with an empty payload and keeps none of that [MQTT-3.3.1-6, MQTT-3.3.1-7]', () => {
  const world = new World();
  const { publisher, subscriber } = pair(world);
  publisher.publish('t', { retain: true });
  publisher.publish('t', { retain: true, payload: '' });
  assert.equal(world.broker.retained.count, 0);
  assert.deepEqual(subscriber.takePayloads(), ['payload', '']);
});

test('acknowledges that nothing is retained only when it is so in the store, whoever deleted it', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const settled = () => store.letAllThrough(world);
  const publisher = await world.admit('p', {}, settled);
  publisher.publish('t', { retain: true });
  await settled();
  publisher.publish('t', { retain: true, payload: '' });
  publisher.publish('t', { retain: true, payload: '', qos: 1 });
  await world.settle();
  assert.deepEqual(publisher.takeAll(), []);
  await settled();
  publisher.take('puback');
});

test('leaves the retained message alone when a message without RETAIN comes [MQTT-3.3.1-8]', () => {
  const world = new World();
  const { publisher } = pair(world);
  publisher.publish('t', { retain: true, payload: 'kept' });
  publisher.publish('t', { payload: 'passing' });
  assert.equal(world.broker.retained.get('t')?.payload.toString(), 'kept');
});

for (const size of [0, 1, 100, 16_383, 16_384, 20_000, 70_000, 1_000_000]) {
  test(`relays a payload of ${size} bytes whole at every QoS, also where it comes in pieces`, () => {
    const world = new World();
    const subscribers = ([4, 5] as const).map((protocolVersion) => {
      const subscriber = world.connect(`s${protocolVersion}`, { protocolVersion, wire: { highWaterBytes: 1 << 30 } });
      subscriber.subscribe('t', { qos: 2 });
      return subscriber;
    });
    const payload = Buffer.alloc(size, 'abcdefghijk');
    const whole = world.connect('whole', { wire: { highWaterBytes: 1 << 30 } });
    const pieces = world.connect('pieces', {
      protocolVersion: 4,
      wire: { highWaterBytes: 1 << 30, chunkBytes: (left) => Math.min(left, 60_001) },
    });
    for (const publisher of [whole, pieces])
      for (const qos of [0, 1, 2] as const) publisher.publish('t', { qos, payload });
    for (const subscriber of subscribers) {
      for (let i = 0; i < 6; i++) assert.ok(payload.equals(subscriber.take('publish').payload));
      assert.deepEqual(subscriber.takeAll(), []);
    }
  });
}

test('handles packets that come byte by byte', () => {
  const world = new World();
  const subscriber = world.connect('s');
  subscriber.subscribe('t', { qos: 2 });
  const publisher = world.connect('p', { wire: { chunkBytes: () => 1 } });
  publisher.send(
    publisher.publishPacket('t', { payload: 'a' }),
    publisher.publishPacket('t', { qos: 1, payload: 'b' }),
    publisher.publishPacket('t', { qos: 2, payload: 'c' }),
  );
  assert.deepEqual(subscriber.takePayloads(), ['a', 'b', 'c']);
});

test('drops the message of a client to itself only where No Local says so [MQTT-3.8.3-3]', () => {
  const world = new World();
  const client = world.connect('a');
  client.subscribe('echo');
  client.subscribe('quiet', { noLocal: true });
  for (const topic of ['echo', 'quiet']) client.publish(topic);
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type === 'publish' && packet.topic),
    ['echo'],
  );
  world.connect('b').publish('quiet');
  assert.equal(client.take('publish').topic, 'quiet');
});

test('sends nothing back to a bridge and keeps RETAIN for it', () => {
  const world = new World();
  const bridge = world.connect('bridge', { protocolVersion: 4, bridge: true });
  bridge.subscribe('#', { qos: 0 });
  bridge.publish('t', { retain: true });
  assert.deepEqual(bridge.takeAll(), []);
  world.connect('p').publish('t', { retain: true });
  assert.equal(bridge.take('publish').retain, true);
});

test('sends one copy for overlapping subscriptions, at the highest QoS and with all identifiers [MQTT-3.3.4-2, MQTT-3.3.4-3, MQTT-3.3.4-4]', () => {
  const world = new World();
  const client = world.connect('s');
  client.subscribe('a/b', { qos: 0, identifier: 1 });
  client.subscribe('a/+', { qos: 2, identifier: 200 });
  client.subscribe('#', { qos: 1 });
  world.connect('p').publish('a/b', { qos: 2 });
  const copy = client.take('publish');
  assert.equal(copy.qos, 2);
  assert.deepEqual([...(copy.properties.subscriptionIdentifiers ?? [])].sort(), [1, 200]);
  assert.deepEqual(client.takeAll(), []);
});

test('delivers to a shared and to an ordinary subscription of one client, one copy each', () => {
  const world = new World();
  const client = world.connect('s');
  client.subscribe('t', { qos: 1 });
  client.subscribe('$share/g/t', { qos: 1 });
  world.connect('p').publish('t', { qos: 1 });
  assert.equal(client.takePayloads().length, 2);
});

test('answers in the order of receipt, and delivers in the order of publication [MQTT-4.6.0-2, MQTT-4.6.0-3, MQTT-4.6.0-5]', () => {
  const { publisher, subscriber } = pair(new World());
  const sent = Array.from({ length: 30 }, (_, i) =>
    publisher.publishPacket('t', { qos: ((i % 2) + 1) as 1 | 2, payload: `${i}` }),
  );
  publisher.send(...sent);
  assert.deepEqual(
    publisher.takeAll().map((packet) => 'packetId' in packet && packet.packetId),
    sent.map((packet) => packet.packetId),
  );
  assert.deepEqual(
    subscriber.takePayloads(),
    sent.map((packet) => Buffer.from(packet.payload).toString()),
  );
});

test('counts down the Message Expiry Interval, in whole seconds and never below 1 [MQTT-3.3.2-6]', () => {
  const world = new World();
  const client = world.connect('s', { cleanStart: false, properties: { sessionExpiryInterval: 100 } });
  client.subscribe('t', { qos: 1 });
  client.break();
  world.connect('p').publish('t', { qos: 1, properties: { messageExpiryInterval: 3 } });
  world.pass(2_900);
  const back = world.connect('s', { cleanStart: false, properties: { sessionExpiryInterval: 100 } });
  assert.equal(back.take('publish').properties.messageExpiryInterval, 1);
});

test('publishes in the name of the broker itself', async () => {
  const world = new World();
  const { subscriber } = pair(world);
  assert.equal(
    world.broker.publish('from/broker', Buffer.from('hello'), { qos: 1, properties: { contentType: 'x' } }),
    0,
  );
  world.run();
  const { topic, qos, properties } = subscriber.take('publish');
  assert.deepEqual([topic, qos, properties], ['from/broker', 1, { contentType: 'x' }]);
  assert.throws(() => world.broker.publish('a/#', Buffer.from('')), { code: 'topic-name-invalid' });
});
