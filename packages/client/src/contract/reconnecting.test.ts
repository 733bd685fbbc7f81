/** Sessions over reconnects: what is sent again, what is not, and when the client comes back (sections 4.1, 4.4). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Properties } from '@dunlin/protocol';
import type { ClientOptions } from '../options.ts';
import { published } from '../testing/fake-link.ts';
import { turns, VirtualEnvironment } from '../testing/virtual-environment.ts';
import { createClient, PLAIN, type Script, type ScriptedServer, Servers } from './scripted-server.ts';

const SESSION: ClientOptions = { properties: { sessionExpiryInterval: 3600 } };

/** A client in virtual time whose first connection was accepted. */
async function online(options: ClientOptions = SESSION, script: Script = {}) {
  const environment = new VirtualEnvironment();
  const version = script.version ?? 5;
  const servers = new Servers(version, script);
  const client = createClient('mqtt://one', {
    ...PLAIN,
    reconnect: {},
    ...options,
    protocolVersion: version,
    dial: servers.dial,
    environment,
  });
  const connecting = client.connect();
  const server = await servers.accept(false, script.properties);
  await connecting;
  await turns();
  return { client, environment, servers, server };
}

type World = Awaited<ReturnType<typeof online>>;

/** The connection breaks, and the next one is accepted. */
async function again(world: World, sessionPresent: boolean, properties: Properties = {}): Promise<ScriptedServer> {
  world.server.cut();
  await turns();
  await world.environment.advance(1000);
  const next = await world.servers.accept(sessionPresent, properties);
  await turns();
  return next;
}

/** The packets that came, taken, as short texts. */
function taken(server: ScriptedServer): string[] {
  return server.packets.splice(0).map((packet) => {
    if (packet.type === 'publish') {
      const id = packet.qos === 0 ? '' : ` ${packet.packetId}`;
      return `publish${id} ${Buffer.from(packet.payload)}${packet.dup ? ' again' : ''}`;
    }
    if (packet.type === 'subscribe') return `subscribe ${packet.subscriptions.map(({ filter }) => filter).join(' ')}`;
    return 'packetId' in packet ? `${packet.type} ${packet.packetId}` : packet.type;
  });
}

/** One publish in each state: QoS 1 and 2 sent, QoS 2 released, QoS 1 waiting for the window, QoS 0 offline. */
async function publishesInEveryState(world: World) {
  const { client, server } = world;
  const outcomes: string[] = [];
  const publish = (payload: string, qos: 0 | 1 | 2): void => {
    client.publish('t', payload, { qos }).then(
      () => outcomes.push(`${payload} done`),
      ({ code }) => outcomes.push(`${payload} ${code}`),
    );
  };
  publish('one', 1);
  publish('two', 2);
  publish('released', 2);
  publish('waits', 1);
  await turns();
  server.answer('pubrec', 3);
  await turns();
  assert.deepEqual(taken(server), ['publish 1 one', 'publish 2 two', 'publish 3 released', 'pubrel 3']);
  return { publish, outcomes };
}

describe('the flows of a session', () => {
  test('a session that goes on gets PUBREL and PUBLISH with DUP, in their order and with their identifiers [MQTT-4.4.0-1, MQTT-4.6.0-1, MQTT-2.2.1-3, MQTT-3.3.1-1, MQTT-3.1.2-23]', async () => {
    const world = await online(SESSION, { properties: { receiveMaximum: 3 } });
    const { publish, outcomes } = await publishesInEveryState(world);
    const next = await again(world, true, { receiveMaximum: 3 });
    assert.deepEqual(taken(next), ['pubrel 3', 'publish 1 one again', 'publish 2 two again']);
    publish('zero', 0);
    next.answer('puback', 1);
    await turns();
    assert.deepEqual(taken(next), ['publish zero', 'publish 4 waits']);
    next.answer('pubcomp', 3);
    next.answer('pubrec', 2);
    next.answer('puback', 4);
    await turns();
    assert.deepEqual(taken(next), ['pubrel 2']);
    next.answer('pubcomp', 2);
    await turns();
    assert.deepEqual(outcomes.sort(), ['one done', 'released done', 'two done', 'waits done', 'zero done']);
  });

  test('a server that takes fewer at once than are open gets so many, and the others as they are answered [MQTT-4.9.0-1, MQTT-3.3.4-7]', async () => {
    const world = await online();
    for (const payload of ['a', 'b', 'c']) void world.client.publish('t', payload, { qos: 1 });
    await turns();
    const next = await again(world, true, { receiveMaximum: 1 });
    void world.client.publish('t', 'new', { qos: 1 });
    await turns();
    assert.deepEqual(taken(next), ['publish 1 a again']);
    for (const expected of ['publish 2 b again', 'publish 3 c again', 'publish 4 new']) {
      next.answer('puback', Number(expected.split(' ')[1]) - 1);
      await turns();
      assert.deepEqual(taken(next), [expected]);
    }
    next.answer('puback', 4);
    await world.client.drain();
  });

  test('in a new session QoS 1 is published anew, a released QoS 2 is done, an unanswered one is told as unknown [MQTT-4.3.3-8, MQTT-3.2.2-5]', async () => {
    const world = await online(SESSION, { properties: { receiveMaximum: 3 } });
    const { publish, outcomes } = await publishesInEveryState(world);
    world.server.cut();
    await turns();
    publish('offline', 0);
    const next = await again(world, false, { receiveMaximum: 3 });
    assert.deepEqual(taken(next), ['publish 4 one', 'publish 5 waits', 'publish offline']);
    assert.deepEqual(outcomes.sort(), ['offline done', 'released done', 'two session-lost']);
    next.answer('puback', 4);
    next.answer('puback', 5);
    await turns();
    assert.deepEqual(outcomes.sort().slice(1, 2).concat(outcomes.sort().slice(-1)), ['one done', 'waits done']);
  });

  test('a QoS 2 message received before is not delivered again in the same session, and is in another [MQTT-4.3.3-10, MQTT-3.2.2-5]', async () => {
    for (const [isResumed, expected] of [
      [true, ['one']],
      [false, ['one', 'one']],
    ] as const) {
      const world = await online();
      const seen: string[] = [];
      world.client.on('message', (message) => void seen.push(message.text()));
      world.server.publish({ topic: 'a', qos: 2, packetId: 9, payload: Buffer.from('one') });
      await turns();
      const next = await again(world, isResumed);
      next.publish({ topic: 'a', qos: 2, packetId: 9, payload: Buffer.from('one'), dup: true });
      await turns();
      assert.deepEqual(taken(next), ['pubrec 9']);
      assert.deepEqual(seen, expected);
      await world.client.disconnect();
    }
  });

  for (const [version, options, expected] of [
    [5, SESSION, false],
    [5, {}, true],
    [4, { cleanStart: false }, false],
    [4, {}, true],
  ] as const) {
    test(`level ${version} with ${JSON.stringify(options)} comes back with Clean Start ${expected} [MQTT-3.1.2-4]`, async () => {
      const { server, environment, servers, client } = await online(options, { version });
      server.cut();
      await turns();
      await environment.advance(1000);
      const next = await servers.next();
      const packet = await next.next('connect');
      assert.deepEqual([packet.clientId, packet.cleanStart], ['test', expected]);
      await client.disconnect();
    });
  }

  test('MQTT 3.1 does not say whether it has the session: flows go on, and filters are subscribed to again', async () => {
    const world = await online({ cleanStart: false }, { version: 3 });
    const subscribing = world.client.subscribe('a', () => {});
    world.server.send({
      type: 'suback',
      packetId: (await world.server.next('subscribe')).packetId,
      properties: {},
      reasonCodes: [0],
    });
    await subscribing;
    const publishing = world.client.publish('t', 'x', { qos: 1 });
    await turns();
    const next = await again(world, false);
    assert.deepEqual(taken(next), ['subscribe a', 'publish 2 x again']);
    next.answer('puback', 2);
    await publishing;
  });

  test('MQTT 3.1: a session that was asked for goes on when the client is opened again, too', async () => {
    const { client, server, servers } = await online({ cleanStart: false }, { version: 3 });
    const got: string[] = [];
    client.on('message', (message) => void got.push(message.text()));
    const message = published({ qos: 2, packetId: 5, payload: Buffer.from('once') });
    server.send(message);
    await turns();
    await client.disconnect();
    const connecting = client.connect();
    const next = await servers.accept(false);
    await connecting;
    next.send({ ...message, dup: true });
    await turns();
    assert.deepEqual(got, ['once']);
    await client.disconnect();
  });
});

describe('subscriptions over reconnects', () => {
  async function subscribed(world: World, filter: string) {
    const subscribing = world.client.subscribe(filter);
    const { packetId } = await world.server.next('subscribe');
    world.server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
    return subscribing;
  }

  test('stay in a session that goes on, and only what was never answered is sent again', async () => {
    const world = await online();
    await subscribed(world, 'granted');
    const pending = world.client.subscribe('pending');
    await turns();
    taken(world.server);
    const next = await again(world, true);
    const { packetId, subscriptions } = await next.next('subscribe');
    assert.equal(subscriptions[0].filter, 'pending');
    next.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
    assert.equal((await pending).isActive, true);
    assert.deepEqual(next.packets, []);
  });

  test('are made anew in a new session, with their options and identifiers; those that ended are not', async () => {
    const world = await online();
    await subscribed(world, 'kept');
    const ended = await subscribed(world, 'ended');
    const ending = ended.unsubscribe();
    world.server.send({
      type: 'unsuback',
      packetId: (await world.server.next('unsubscribe')).packetId,
      properties: {},
      reasonCodes: [0],
    });
    await ending;
    const next = await again(world, false);
    const { subscriptions, properties } = await next.next('subscribe');
    assert.deepEqual(
      subscriptions.map(({ filter }) => filter),
      ['kept'],
    );
    assert.deepEqual(properties, { subscriptionIdentifiers: [1] });
    assert.deepEqual(next.packets, []);
  });

  test('one of several filters that is refused in a new session is told, and the others go on', async () => {
    const world = await online();
    const subscribing = world.client.subscribe(['a', 'b']);
    const answer = async (server: ScriptedServer, reasonCodes: number[]) => {
      const { packetId } = await server.next('subscribe');
      server.send({ type: 'suback', packetId, properties: {}, reasonCodes });
      await turns();
    };
    await answer(world.server, [0, 0]);
    const subscription = await subscribing;
    const told: unknown[] = [];
    world.client.on('subscribed', ({ results }) => void told.push(results));
    await answer(await again(world, false), [0, 0x87]);
    const results = [
      { filter: 'a', reasonCode: 0 },
      { filter: 'b', reasonCode: 0x87 },
    ];
    assert.deepEqual([subscription.results, told, subscription.isActive], [results, [results], true]);
  });

  test('a loop goes on over a reconnect, and ends with the subscription', async () => {
    const world = await online();
    const subscription = await subscribed(world, 'a');
    const iterator = subscription[Symbol.asyncIterator]();
    world.server.publish({ topic: 'a', payload: Buffer.from('before') });
    assert.equal((await iterator.next()).value?.text(), 'before');
    const waiting = iterator.next();
    const next = await again(world, true);
    next.publish({ topic: 'a', payload: Buffer.from('after') });
    assert.equal((await waiting).value?.text(), 'after');
    const last = iterator.next();
    await world.client.disconnect();
    assert.deepEqual(await last, { done: true, value: undefined });
  });

  test('one that the server refuses the second time ends, and the loop throws', async () => {
    const world = await online();
    const subscription = await subscribed(world, 'a');
    const last = subscription[Symbol.asyncIterator]().next();
    const outcome = assert.rejects(last, { code: 'refused', reasonCode: 0x87 });
    const next = await again(world, false);
    const { packetId } = await next.next('subscribe');
    next.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0x87] });
    await outcome;
    assert.equal(subscription.isActive, false);
    assert.equal(world.client.state, 'connected');
  });
});

describe('before and between connections', () => {
  test('what is published, subscribed to and unsubscribed from before the first connection waits for it', async () => {
    const environment = new VirtualEnvironment();
    const servers = new Servers(5, {});
    const client = createClient('mqtt://one', { ...PLAIN, dial: servers.dial, environment });
    const publishing = [0, 1].map((qos) => client.publish('t', `q${qos}`, { qos: qos as 0 | 1 }));
    void client.subscribe('a', () => {}).catch(() => {});
    assert.equal(client.state, 'disconnected');
    const connecting = client.connect();
    const server = await servers.accept();
    await connecting;
    await turns();
    assert.deepEqual(taken(server), ['subscribe a', 'publish 2 q1', 'publish q0']);
    server.answer('puback', 2);
    await Promise.all(publishing);
    await client.disconnect();
  });

  test('a bad topic is told at once, though there is no connection', async () => {
    const client = createClient('mqtt://one', PLAIN);
    await assert.rejects(client.publish('a/#', 'x', { qos: 1 }), { code: 'topic-name-invalid' });
    await assert.rejects(async () => client.subscribe('a/#/b'), { code: 'topic-filter-invalid' });
    await client.disconnect();
    await assert.rejects(client.publish('a', 'x'), { code: 'closed' });
  });

  test('a Message Expiry Interval goes on while the message waits; what is left is sent, and none left rejects', async () => {
    const world = await online();
    world.server.cut();
    await turns();
    const short = world.client.publish('t', 'short', { qos: 1, properties: { messageExpiryInterval: 1 } });
    const outcome = assert.rejects(short, { code: 'expired' });
    const long = world.client.publish('t', 'long', { qos: 1, properties: { messageExpiryInterval: 60 } });
    world.environment.chance = 0.99;
    await world.environment.advance(5000);
    await outcome;
    const next = await world.servers.accept(true);
    assert.equal(world.client.stats.expired, 1);
    const { properties } = await next.next('publish');
    assert.ok((properties.messageExpiryInterval ?? 99) < 60);
    next.answer('puback', 1);
    await long;
  });

  test('a full outbox refuses the new, or gives up the oldest, and counts both', async () => {
    for (const onFull of ['reject', 'drop-oldest'] as const) {
      const client = createClient('mqtt://one', { ...PLAIN, outbox: { messagesMax: 2, onFull } });
      const outcomes = ['a', 'b', 'c'].map((text, qos) => client.publish('t', text, { qos: qos as 0 | 1 | 2 }));
      const lost = onFull === 'reject' ? 2 : 0;
      await assert.rejects(outcomes[lost], { code: 'queue-full' });
      assert.equal(client.stats.refused, 1);
      const rest = Promise.allSettled(outcomes.filter((_, index) => index !== lost));
      await client.disconnect();
      for (const outcome of await rest) assert.equal((outcome as PromiseRejectedResult).reason.code, 'closed');
    }
  });

  test('bytes are bounded as messages are; one that never fits drops nobody', async () => {
    const client = createClient('mqtt://one', { ...PLAIN, outbox: { bytesMax: 10, onFull: 'drop-oldest' } });
    const first = client.publish('t', 'x'.repeat(8), { qos: 1 });
    await assert.rejects(client.publish('t', 'x'.repeat(10), { qos: 1 }), { code: 'queue-full' });
    const outcome = assert.rejects(first, { code: 'closed' });
    await client.disconnect();
    await outcome;
  });

  test('bytes count properties as they do topics and payloads, until the message is settled', async () => {
    const client = createClient('mqtt://one', { ...PLAIN, outbox: { bytesMax: 13 } });
    const nine: Properties[] = [
      { userProperties: [['name', 'value']] },
      { correlationData: new Uint8Array(9) },
      { contentType: 'x/yzt', messageExpiryInterval: 60 },
    ];
    for (const properties of nine) {
      const controller = new AbortController();
      const first = client.publish('t', 'xxx', { properties, signal: controller.signal });
      await assert.rejects(client.publish('t', ''), { code: 'queue-full' });
      controller.abort();
      await assert.rejects(first, { code: 'aborted' });
    }
    await client.disconnect();
  });

  test('with qos0: reject QoS 0 does not wait for a connection', async () => {
    const client = createClient('mqtt://one', { ...PLAIN, outbox: { qos0: 'reject' } });
    await assert.rejects(client.publish('t', 'x'), { code: 'closed' });
    await client.disconnect();
  });
});

describe('when to come back', () => {
  test('waits double up to the bound, at random below it, and begin anew after a connection that held', async () => {
    const environment = new VirtualEnvironment();
    let attempts = 0;
    const delays: number[] = [];
    const client = createClient('mqtt://one', {
      ...PLAIN,
      reconnect: { minMs: 100, maxMs: 1000 },
      connectAttempts: 7,
      environment,
      dial: () => {
        attempts += 1;
        return Promise.reject(new Error('no way'));
      },
      on: { reconnecting: ({ delayMs }) => void delays.push(delayMs) },
    });
    const outcome = assert.rejects(client.connect(), { code: 'connection-failed', message: 'no way' });
    await environment.advance(100_000);
    await outcome;
    assert.deepEqual([attempts, delays], [7, [50, 100, 200, 400, 500, 500]]);
    assert.equal(client.state, 'disconnected');
  });

  test('a refusal that retrying cannot mend ends the client, unless credentials are asked for anew or the application says so', async () => {
    for (const [options, isRetried] of [
      [{}, false],
      [{ password: () => 'new' }, true],
      [{ reconnect: { shouldRetry: () => true } }, true],
    ] as const) {
      const environment = new VirtualEnvironment();
      const servers = new Servers(5, {});
      const client = createClient('mqtt://one', {
        ...PLAIN,
        reconnect: {},
        connectAttempts: 2,
        ...options,
        dial: servers.dial,
        environment,
      });
      const connecting = client.connect();
      connecting.catch(() => {});
      const first = await servers.next();
      first.send({ type: 'connack', sessionPresent: false, reasonCode: 0x86, properties: {} });
      await turns();
      assert.equal(client.state, isRetried ? 'connecting' : 'disconnected');
      if (!isRetried) await assert.rejects(connecting, { code: 'refused', returnCode: 4, errno: 5 });
      await client.disconnect();
    }
  });

  test('a session taken over by another client is left to it', async () => {
    const { server, client } = await online();
    server.send({ type: 'disconnect', reasonCode: 0x8e, properties: {} });
    assert.equal((await client.closed).error?.reasonCode, 0x8e);
    assert.equal(client.state, 'disconnected');
  });

  test('a client that ended may be opened again', async () => {
    const world = await online();
    await world.client.disconnect();
    await assert.rejects(world.client.publish('t', 'x'), { code: 'closed' });
    const connecting = world.client.connect();
    assert.equal(world.client.state, 'connecting');
    await world.servers.accept();
    await connecting;
    await world.client.publish('t', 'x');
    assert.equal(world.client.stats.reconnects, 0);
  });

  test('URL, user, password and TLS options are asked for before each attempt', async () => {
    let asked = 0;
    const count = (): string => `mqtt://host${++asked}`;
    const environment = new VirtualEnvironment();
    const servers = new Servers(5, {});
    const client = createClient(count, {
      ...PLAIN,
      reconnect: {},
      username: async () => `user${asked}`,
      password: () => `password${asked}`,
      dial: servers.dial,
      environment,
    });
    const connecting = client.connect();
    for (const attempt of [1, 2]) {
      const server = await servers.next();
      const { username, password } = await server.next('connect');
      assert.deepEqual([username, String(Buffer.from(password ?? []))], [`user${attempt}`, `password${attempt}`]);
      server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
      await connecting;
      await turns();
      server.cut();
      await turns();
      await environment.advance(1000);
    }
    assert.deepEqual(servers.urls.slice(0, 2), ['mqtt://host1', 'mqtt://host2']);
    await client.disconnect();
  });

  test('the events tell each turn once, and stats.reconnects counts', async () => {
    const world = await online();
    const seen: string[] = [];
    world.client.on('state', (state, reason) => void seen.push(`${state} ${reason?.by ?? ''}`));
    world.client.on('disconnected', ({ error }) => void seen.push(`disconnected: ${error?.code}`));
    world.client.on('connected', ({ sessionPresent }) => void seen.push(`connected: ${sessionPresent}`));
    world.client.on('reconnecting', ({ attempt }) => void seen.push(`attempt ${attempt}`));
    await again(world, true);
    await world.client.disconnect();
    assert.deepEqual(seen, [
      'reconnecting network',
      'disconnected: connection-lost',
      'attempt 1',
      'connected ',
      'connected: true',
      'disconnected client',
      'disconnected: undefined',
    ]);
    assert.equal(world.client.stats.reconnects, 1);
  });
});

describe('a server that names another one', () => {
  async function referred(reference: string, reasonCode: number, options: ClientOptions = {}) {
    const world = await online({ ...SESSION, ...options });
    const properties = { serverReference: reference };
    world.server.send({ type: 'disconnect', reasonCode, properties });
    await turns();
    await world.environment.advance(1000);
    return world;
  }

  test('is followed at once, by the scheme of the URL: for one connection (0x9C) or from then on (0x9D)', async () => {
    for (const [reasonCode, later] of [
      [0x9c, 'mqtt://one'],
      [0x9d, 'mqtt://two:99'],
    ] as const) {
      const world = await referred('two:99 three', reasonCode);
      const second = await world.servers.accept(false);
      await turns();
      second.cut();
      await turns();
      await world.environment.advance(5000);
      assert.deepEqual(world.servers.urls, ['mqtt://one', 'mqtt://two:99', later]);
      await world.client.disconnect();
    }
  });

  test('is forgotten where nobody answers there, and asked for again, also after 0x9D', async () => {
    const world = await referred('dead', 0x9d);
    (await world.servers.next()).cut();
    await turns();
    await world.environment.advance(1000);
    const server = await world.servers.next();
    const properties = { serverReference: 'alive' };
    server.send({ type: 'connack', sessionPresent: false, reasonCode: 0x9d, properties });
    await turns();
    await world.environment.advance(0);
    await world.servers.accept();
    assert.deepEqual(world.servers.urls, ['mqtt://one', 'mqtt://dead', 'mqtt://one', 'mqtt://alive']);
    await world.client.disconnect();
  });

  test('is followed as often as it takes, with a wait between: until somebody answers there', async () => {
    const world = await referred('dead', 0x9c);
    for (let times = 0; times < 8; times++) {
      (await world.servers.next()).cut();
      await turns();
      await world.environment.advance(world.environment.nextMs ?? 0);
      const server = await world.servers.next();
      const properties = { serverReference: 'dead' };
      server.send({ type: 'connack', sessionPresent: false, reasonCode: 0x9c, properties });
      await turns();
      await world.environment.advance(0);
    }
    assert.deepEqual(world.servers.urls.slice(-2), ['mqtt://one', 'mqtt://dead']);
    await world.client.disconnect();
  });

  test('is not followed where it is no host, where the option says no, or round in a circle', async () => {
    for (const [reference, options] of [
      ['user@evil/path', {}],
      ['two', { followServerReference: false }],
    ] as const) {
      const world = await referred(reference, 0x9c, options);
      assert.deepEqual(world.servers.urls, ['mqtt://one', 'mqtt://one']);
      await world.client.disconnect();
    }
    const world = await referred('two', 0x9d);
    for (let hop = 0; hop < 5; hop++) {
      const server = await world.servers.next();
      const properties = { serverReference: `hop${hop}` };
      server.send({ type: 'connack', sessionPresent: false, reasonCode: 0x9d, properties });
      await turns();
      await world.environment.advance(0);
    }
    assert.deepEqual(world.servers.urls.slice(-2), ['mqtt://hop2', 'mqtt://hop3']);
    assert.ok((world.environment.nextMs ?? 0) > 0);
    await world.client.disconnect();
  });

  test('a reference for good ends with disconnect()', async () => {
    const world = await referred('two', 0x9d);
    await world.servers.accept();
    await turns();
    await world.client.disconnect();
    world.client.connect().catch(() => {});
    await world.servers.accept();
    assert.deepEqual(world.servers.urls.slice(1), ['mqtt://two', 'mqtt://one']);
    await world.client.disconnect();
  });
});
