import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QoS, SubscriptionRequest } from '@dunlin/protocol';
import { PERMIT_ALL } from './memory/permit-all.ts';
import type { TestClient } from './testing/client.ts';
import { HeldStore } from './testing/store.ts';
import { World } from './testing/world.ts';

function request(filter: string, options: Partial<SubscriptionRequest> = {}): SubscriptionRequest {
  return { filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0, ...options };
}

function subscribeAll(client: TestClient, filters: readonly (string | SubscriptionRequest)[]): readonly number[] {
  const subscriptions = filters.map((filter) => (typeof filter === 'string' ? request(filter) : filter));
  client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions });
  const suback = client.take('suback');
  assert.equal(suback.packetId, 9);
  return suback.reasonCodes;
}

test('grants what was asked for, one code for each filter, with the same identifier [MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-6]', () => {
  const client = new World().connect('a');
  assert.deepEqual(
    subscribeAll(client, [request('a', { qos: 0 }), request('b', { qos: 1 }), request('c', { qos: 2 })]),
    [0, 1, 2],
  );
});

test('serves every filter of one packet as if each came alone, good ones beside bad ones [MQTT-3.8.4-5]', () => {
  const world = new World();
  const client = world.connect('a');
  assert.deepEqual(
    subscribeAll(client, ['good', 'a/#/b', 'a+', '$share/g', '$share//t', '$share/+/t', '$queue/t', 'also']),
    [0, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0],
  );
  assert.deepEqual([world.broker.router.size, client.isClosed], [2, false]);
  assert.equal(world.broker.metrics.subscriptionsRefused, 6);
});

test('tells 3.1.1 clients a refusal as 0x80, and grants to 3.1 clients in name [MQTT311-3.9.3-2]', () => {
  const world = new World();
  const older = world.connect('a', { protocolVersion: 4 });
  assert.deepEqual(subscribeAll(older, ['a/#/b', request('b', { qos: 2 })]), [0x80, 2]);
  const oldest = world.connect('b', { protocolVersion: 3 });
  assert.deepEqual(subscribeAll(oldest, [request('a/#/b', { qos: 1 })]), [1]);
  assert.equal(world.broker.router.size, 1);
});

test('refuses filters above the limits with 0x8F', () => {
  const world = new World({ limits: { topicLevelsMax: 4, topicBytesMax: 10 } });
  assert.deepEqual(
    subscribeAll(world.connect('a'), ['a/b/c/d', 'a/b/c/d/e', 'x'.repeat(10), 'x'.repeat(11), '/'.repeat(60_000)]),
    [0, 0x8f, 0, 0x8f, 0x8f],
  );
});

test('refuses with 0x97 above subscriptionsPerSessionMax, and still replaces the others', () => {
  const world = new World({ limits: { subscriptionsPerSessionMax: 2 } });
  const client = world.connect('a');
  assert.deepEqual(subscribeAll(client, ['a', 'b', 'c', request('a', { qos: 1 })]), [0, 0, 0x97, 1]);
  assert.deepEqual(
    world.told('limitReached').map((event) => event.limit),
    ['subscriptionsPerSessionMax'],
  );
});

test('refuses what the Authorizer forbids with its code', () => {
  const world = new World({
    authorizer: {
      permissions: () => ({
        ...PERMIT_ALL,
        maySubscribe: (filter, qos) => (filter === 'no' || qos === 2 ? 0x87 : 2),
        explain: (action, filter, qos) => `line 3: ${action} ${filter} ${qos}`,
      }),
    },
  });
  assert.deepEqual(subscribeAll(world.connect('a'), ['no', 'yes', request('yes', { qos: 2 })]), [0x87, 0, 0x87]);
  assert.deepEqual(
    world.told('subscriptionRefused').map(({ reasonCode, rule }) => [reasonCode, rule]),
    [
      [0x87, 'line 3: subscribe no 0'],
      [0x87, 'line 3: subscribe yes 2'],
    ],
  );
});

test('grants the QoS that the Authorizer allows at most', () => {
  const world = new World({ authorizer: { permissions: () => ({ ...PERMIT_ALL, maySubscribe: () => 1 }) } });
  const requests = ([0, 1, 2] as const).map((qos) => request(`t${qos}`, { qos }));
  assert.deepEqual(subscribeAll(world.connect('a'), requests), [0, 1, 1]);
});

test('refuses wildcards with 0xA2 where they are turned off [MQTT-3.2.2-21]', () => {
  const world = new World({ settings: { wildcardSubscriptionAvailable: false } });
  const client = world.connect('a');
  client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions: [request('a/#')] });
  const answer = client.takeAll()[0];
  assert.ok(
    (answer.type === 'suback' && answer.reasonCodes[0] === 0xa2) ||
      (answer.type === 'disconnect' && answer.reasonCode === 0xa2),
  );
  assert.equal(world.broker.router.size, 0);
});

for (const [what, settings, filter, identifiers, code] of [
  ['a Subscription Identifier', { subscriptionIdentifierAvailable: false }, 't', [1], 0xa1],
  ['a shared filter', { sharedSubscriptionAvailable: false }, '$share/g/t', [], 0x9e],
] as const) {
  test(`disconnects for ${what} where it is turned off`, () => {
    const client = new World({ settings }).connect('a');
    const properties = identifiers.length > 0 ? { subscriptionIdentifiers: identifiers } : {};
    client.send({ type: 'subscribe', packetId: 9, properties, subscriptions: [request(filter)] });
    assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [code, true]);
  });
}

test('disconnects for No Local on a shared filter, and subscribes to nothing [MQTT-3.8.3-4]', () => {
  const world = new World();
  const client = world.connect('a');
  // Written by hand: the encoder would refuse it. SUBSCRIBE 9, no properties, "t", then "$share/g/t" with No Local.
  const shared = Buffer.from('$share/g/t');
  const body = Buffer.concat([Buffer.from([0, 9, 0, 0, 1, 0x74, 0, 0, shared.length]), shared, Buffer.from([4])]);
  client.send(Buffer.concat([Buffer.from([0x82, body.length]), body]));
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed, world.broker.router.size], [0x82, true, 0]);
});

for (const [what, hex] of [
  ['no filter [MQTT-3.8.3-2]', '8203000100'],
  ['reserved bits in the options [MQTT-3.8.3-5]', '82070001000001' + '74c0'],
  ['QoS 3', '8207000100000174' + '03'],
  ['Retain Handling 3', '8207000100000174' + '30'],
  ['identifier 0', '8207000000000174' + '00'],
  ['wrong flags [MQTT-3.8.1-1]', '8007000100000174' + '00'],
] as const) {
  test(`disconnects for SUBSCRIBE with ${what}`, () => {
    const client = new World().connect('a');
    const bytes = Buffer.from(hex, 'hex');
    bytes[1] = bytes.length - 2;
    client.send(bytes);
    const { reasonCode } = client.take('disconnect');
    assert.ok((reasonCode === 0x81 || reasonCode === 0x82) && client.isClosed);
  });
}

test('replaces a subscription of the same filter: the later options count, without a gap or a second copy [MQTT-3.8.4-3]', () => {
  const world = new World();
  const client = world.connect('a');
  assert.deepEqual(subscribeAll(client, [request('t', { qos: 2 }), request('t', { qos: 1 })]), [2, 1]);
  world.connect('p').publish('t', { qos: 2 });
  assert.equal(client.take('publish').qos, 1);
  assert.deepEqual([client.takeAll(), world.broker.router.size], [[], 1]);
});

test('sends retained messages after SUBACK with RETAIN 1, at the lower QoS, with the identifier [MQTT-3.3.1-9]', () => {
  const world = new World();
  world.connect('p').publish('t', { qos: 1, retain: true });
  const client = world.connect('a');
  client.send({
    type: 'subscribe',
    packetId: 9,
    properties: { subscriptionIdentifiers: [77] },
    subscriptions: [request('#', { qos: 2 })],
  });
  client.take('suback');
  const { qos, retain, dup, properties } = client.take('publish');
  assert.deepEqual([qos, retain, dup, properties], [1, true, false, { subscriptionIdentifiers: [77] }]);
});

test('follows Retain Handling: 0 always, 1 only for a new subscription, 2 never [MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11]', () => {
  const world = new World();
  world.connect('p').publish('t', { retain: true });
  for (const [retainHandling, first, again] of [
    [0, 1, 1],
    [1, 1, 0],
    [2, 0, 0],
  ] as const) {
    const client = world.connect(`c${retainHandling}`);
    const counts = [0, 0].map(() => {
      client.subscribe('t', { retainHandling });
      return client.takeAll().length;
    });
    assert.deepEqual(counts, [first, again]);
  }
});

test('counts a subscription of a resumed session as known for Retain Handling 1', () => {
  const world = new World();
  world.connect('p').publish('t', { retain: true });
  const options = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const first = world.connect('a', options);
  first.subscribe('t', { retainHandling: 1 });
  first.disconnect();
  const second = world.connect('a', options);
  second.subscribe('t', { retainHandling: 1 });
  assert.deepEqual(second.takeAll(), []);
});

test('sends retained messages again to a 3.1.1 client that subscribes again [MQTT311-3.8.4-3]', () => {
  const world = new World();
  world.connect('p').publish('t', { retain: true });
  const client = world.connect('a', { protocolVersion: 4 });
  for (let i = 0; i < 2; i++) {
    client.subscribe('t');
    assert.equal(client.take('publish').retain, true);
  }
});

test('sends no retained messages to a shared subscription (4.8.2)', () => {
  const world = new World();
  world.connect('p').publish('t', { retain: true });
  const client = world.connect('a');
  client.subscribe('$share/g/t');
  assert.deepEqual(client.takeAll(), []);
});

test('removes a subscription at once; what is queued still comes [MQTT-3.10.4-2, MQTT-3.10.4-4]', () => {
  const world = new World();
  const client = world.connect('a', { properties: { receiveMaximum: 1 } });
  client.subscribe('t', { qos: 1 });
  const publisher = world.connect('p');
  for (const payload of ['sent', 'queued']) publisher.publish('t', { qos: 1, payload });
  client.send({ type: 'unsubscribe', packetId: 3, properties: {}, filters: ['t', 'never'] });
  publisher.publish('t', { qos: 1, payload: 'late' });
  const { packetId } = client.take('publish');
  assert.deepEqual(client.take('unsuback'), { type: 'unsuback', packetId: 3, properties: {}, reasonCodes: [0, 0x11] });
  client.acknowledge('puback', packetId);
  assert.deepEqual(client.takePayloads(), ['queued']);
  assert.equal(world.broker.router.size, 0);
});

test('compares the filter of UNSUBSCRIBE character by character, shared ones included [MQTT-3.10.4-1]', () => {
  const world = new World();
  const client = world.connect('a');
  subscribeAll(client, ['a/+', '$share/g/t']);
  client.send({
    type: 'unsubscribe',
    packetId: 3,
    properties: {},
    filters: ['a/b', 't', '$share/h/t', '$share/g/t', 'a/+'],
  });
  assert.deepEqual(client.take('unsuback').reasonCodes, [0x11, 0x11, 0x11, 0, 0]);
  assert.equal(world.broker.router.size, 0);
});

test('sends retained messages as the last subscription of a filter says that one SUBSCRIBE names twice [MQTT-3.8.4-3]', () => {
  const world = new World();
  world.connect('publisher').publish('t', { retain: true, qos: 1 });
  const client = world.connect('client');
  assert.deepEqual(subscribeAll(client, ['t', request('t', { qos: 1, retainHandling: 2 })]), [0, 1]);
  assert.deepEqual([client.take('publish').qos, client.takeAll()], [1, []]);
});

test('stops the retained messages of a subscription that is removed', () => {
  const world = new World();
  const publisher = world.connect('p');
  for (let i = 0; i < 20; i++) publisher.publish(`t/${i}`, { qos: 1, retain: true });
  const client = world.connect('a', { properties: { receiveMaximum: 2 } });
  client.subscribe('t/#', { qos: 1 });
  client.send({ type: 'unsubscribe', packetId: 3, properties: {}, filters: ['t/#'] });
  const sent = client.takeAll();
  for (const packet of sent) if (packet.type === 'publish') client.acknowledge('puback', packet.packetId);
  assert.deepEqual([sent.filter((packet) => packet.type === 'publish').length, client.takeAll()], [2, []]);
});

test('tells of subscriptions granted and removed', () => {
  const world = new World();
  const client = world.connect('a');
  client.subscribe('t', { qos: 2 });
  client.send({ type: 'unsubscribe', packetId: 3, properties: {}, filters: ['t'] });
  assert.deepEqual(
    world.told('subscribed').map(({ clientId, filter, qos }) => [clientId, filter, qos]),
    [['a', 't', 2]],
  );
  assert.deepEqual(
    world.told('unsubscribed').map(({ clientId, filter }) => [clientId, filter]),
    [['a', 't']],
  );
});

test('passes interest on to the bus, once for each subscription, without the shared prefix', () => {
  const interest: string[] = [];
  const world = new World({
    bus: {
      publish: () => false,
      receive: () => undefined,
      subscribe: (filter) => interest.push(`+${filter}`),
      unsubscribe: (filter) => interest.push(`-${filter}`),
    },
  });
  const client = world.connect('a');
  subscribeAll(client, ['t', 't', '$share/g/s']);
  client.disconnect();
  assert.deepEqual(interest, ['+t', '+s', '-t', '-s']);
});

test('names the first refused filter in the Reason String', () => {
  const client = new World().connect('a');
  client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions: [request('good'), request('a/#/b')] });
  assert.equal(client.take('suback').properties.reasonString, 'filter 2: Topic Filter invalid');
});

test('refuses with 0x97 above sharedSubscriptionsPerSessionMax until one is given back', () => {
  const world = new World({ limits: { sharedSubscriptionsPerSessionMax: 2 } });
  const client = world.connect('a');
  assert.deepEqual(
    subscribeAll(client, ['$share/g/a', '$share/h/a', '$share/i/a', 'a', '$share/g/a']),
    [0, 0, 0x97, 0, 0],
  );
  client.send({ type: 'unsubscribe', packetId: 9, properties: {}, filters: ['$share/g/a', '$share/x/a'] });
  client.take('unsuback');
  assert.deepEqual(subscribeAll(client, ['$share/i/a', '$share/k/a']), [0, 0x97]);
});

test('looks at no more than filtersPerPacketMax filters of one SUBSCRIBE', () => {
  const world = new World({ limits: { filtersPerPacketMax: 2 } });
  const client = world.connect('a');
  assert.deepEqual(subscribeAll(client, ['a', 'b', 'c', '#/bad']), [0, 0, 0x97, 0x97]);
  assert.deepEqual(
    world.told('limitReached').map((event) => event.limit),
    ['filtersPerPacketMax'],
  );
  assert.equal(world.broker.metrics.subscriptionsRefused, 2);
});

for (const limit of ['subscriptionBytesPerSessionMax', 'subscriptionBytesMax'] as const) {
  test(`refuses with 0x97 above ${limit} until some of it is given back`, () => {
    const world = new World({ limits: { [limit]: 4_096 } });
    const client = world.connect('a');
    const long = 'x'.repeat(1_700);
    // 200 bytes, the text twice and a level: 3700 bytes, 302 and 302.
    assert.deepEqual(subscribeAll(client, [long, 'a', 'b', request('a', { qos: 1 })]), [0, 0, 0x97, 1]);
    assert.deepEqual(
      world.told('limitReached').map((event) => event.limit),
      [limit],
    );
    assert.deepEqual(subscribeAll(world.connect('other'), ['b']), [limit === 'subscriptionBytesMax' ? 0x97 : 0]);
    client.send({ type: 'unsubscribe', packetId: 9, properties: {}, filters: [long] });
    client.take('unsuback');
    assert.deepEqual(subscribeAll(client, ['b', '/'.repeat(33), '/'.repeat(3)]), [0, 0x97, 0]);
    client.disconnect();
    assert.deepEqual(subscribeAll(world.connect('a'), [long]), [0]);
  });
}

const STORED = { properties: { sessionExpiryInterval: 100 } };

/** What a client got, in short: the type of each packet, and of a PUBLISH what it says, "=" where it is retained. */
function story(client: TestClient): string[] {
  return client
    .takeAll()
    .map((packet) =>
      packet.type === 'publish' ? `${packet.retain ? '=' : ''}${Buffer.from(packet.payload)}` : packet.type,
    );
}

test('brings nothing to a filter that UNSUBSCRIBE takes away before its SUBACK has left', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  for (const topic of ['t/1', 't/2', 'u']) world.broker.publish(topic, Buffer.from(topic), { retain: true });
  await store.letAllThrough(world);
  const client = await world.admit('a', STORED, () => store.letAllThrough(world));
  client.send(client.subscribePacket('t/#'), client.subscribePacket('u'), {
    type: 'unsubscribe',
    packetId: 9,
    properties: {},
    filters: ['t/#'],
  });
  assert.deepEqual(story(client), []);
  await store.letAllThrough(world);
  assert.deepEqual(story(client), ['suback', 'suback', '=u', 'unsuback']);
});

test('sends what is published after a SUBSCRIBE behind its SUBACK, at every QoS and in order, where the store answers later', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = await world.admit('a', STORED, () => store.letAllThrough(world));
  client.send(client.subscribePacket('t', { qos: 1 }));
  // The second change is in a batch of its own, behind the first one.
  client.send(client.subscribePacket('u'));
  const publisher = world.connect('p');
  publisher.publish('t', { payload: 'first at 0' });
  publisher.publish('u', { payload: 'second at 0' });
  publisher.publish('t', { qos: 1, payload: 'first at 1' });
  await world.settle();
  assert.deepEqual(story(client), []);
  store.letThrough();
  await world.settle();
  assert.deepEqual(story(client), ['suback']);
  await store.letAllThrough(world);
  assert.deepEqual(story(client), ['suback', 'first at 0', 'second at 0', 'first at 1']);
  publisher.publish('t', { payload: 'live' });
  assert.deepEqual(story(client), ['live']);
});

test('sends no retained message before SUBACK, though an acknowledgement makes the session go on', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  world.broker.publish('r', Buffer.from('kept'), { retain: true });
  await store.letAllThrough(world);
  const client = await world.admit('a', STORED, () => store.letAllThrough(world));
  client.send(client.subscribePacket('t', { qos: 1 }));
  await store.letAllThrough(world);
  client.take('suback');
  world.broker.publish('t', Buffer.from('live'), { qos: 1 });
  world.run();
  client.send(client.subscribePacket('r'));
  client.acknowledge('puback', client.take('publish').packetId);
  assert.deepEqual(story(client), []);
  await store.letAllThrough(world);
  assert.deepEqual(story(client), ['suback', '=kept']);
});

for (const [published, subscribed, came] of [
  [0, 0, '=v1'],
  [0, 2, '=v1'],
  [1, 0, '=v1'],
  [1, 1, 'v1'],
] as const satisfies readonly (readonly [QoS, QoS, string])[]) {
  test(`brings a retained message of QoS ${published} that comes while CONNACK waits once to a pipelined subscription of QoS ${subscribed}`, async () => {
    const store = new HeldStore();
    const world = new World({ store });
    world.broker.publish('t', Buffer.from('v0'), { retain: true });
    await store.letAllThrough(world);
    const client = world.open();
    client.send(client.connectPacket({ clientId: 'a', ...STORED }), client.subscribePacket('t', { qos: subscribed }));
    world.broker.publish('t', Buffer.from('v1'), { retain: true, qos: published });
    await store.letAllThrough(world);
    assert.deepEqual(story(client), ['connack', 'suback', came]);
    world.broker.publish('t', Buffer.from('v2'), { retain: true });
    world.run();
    assert.deepEqual(story(client), ['v2']);
  });
}

test('does not bring a client its own retained message of before CONNACK where No Local forbids it [MQTT-3.8.3-3]', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  for (const topic of ['own/t', 'other/t']) world.broker.publish(topic, Buffer.from('before'), { retain: true });
  await store.letAllThrough(world);
  const client = world.open();
  client.send(
    client.connectPacket({ clientId: 'a', ...STORED }),
    client.subscribePacket('+/+', { noLocal: true }),
    client.publishPacket('own/t', { retain: true, payload: 'own' }),
  );
  world.broker.publish('other/t', Buffer.from('of another'), { retain: true });
  await store.letAllThrough(world);
  assert.deepEqual(story(client), ['connack', 'suback', '=of another']);
});
