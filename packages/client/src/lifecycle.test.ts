import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryPair } from '@dunlin/transport';
import { createClient, PLAIN, ScriptedServer, Servers } from './contract/scripted-server.ts';
import type { ClientOptions, LogLine } from './options.ts';
import { memoryOutbox } from './testing/memory-outbox.ts';
import { turns, VirtualEnvironment } from './testing/virtual-environment.ts';

function setUp(options: ClientOptions = {}) {
  const environment = new VirtualEnvironment();
  const servers = new Servers(5, {});
  const states: string[] = [];
  const client = createClient('mqtt://one', {
    ...PLAIN,
    reconnect: {},
    ...options,
    dial: servers.dial,
    environment,
    on: { state: (state) => void states.push(state) },
  });
  return { environment, servers, client, states };
}

test('a client goes through its states, each told once', async () => {
  const { client, servers, states, environment } = setUp();
  const connecting = client.connect();
  const again = client.connect();
  const server = await servers.accept();
  assert.equal((await connecting).type, 'connack');
  assert.equal(await again, await client.connect());
  server.cut();
  await turns();
  await environment.advance(500);
  await servers.accept();
  await client.connect();
  await client.disconnect();
  await client.disconnect();
  assert.deepEqual(states, ['connecting', 'connected', 'reconnecting', 'connected', 'disconnected']);
});

test('the log warns of what was not asked for, and of nothing else', async () => {
  const lines: string[] = [];
  const log = ({ level, text }: LogLine) => void (level === 'debug' || lines.push(`${level} ${text}`));
  const { client, servers, environment } = setUp({ log });
  const connecting = client.connect();
  const server = await servers.accept();
  await connecting;
  server.cut();
  await turns();
  await environment.advance(500);
  await servers.accept();
  await client.connect();
  await client.disconnect();
  await turns();
  const broke = 'The connection was lost: The connection broke: the peer reset the connection (ECONNRESET)';
  assert.deepEqual(
    lines.map((line) => line.replace(/\d+ ms/, '… ms')),
    [
      'info connecting',
      'info connected',
      `warn reconnecting: ${broke}`,
      `info attempt 1 in … ms: ${broke}`,
      'info connected',
      'info disconnected',
    ],
  );
});

test('with reconnect: false the first loss is the end, and reason says why', async () => {
  const { client, servers } = setUp({ reconnect: false });
  const connecting = client.connect();
  (await servers.accept()).cut();
  await connecting.catch(() => {});
  assert.equal((await client.closed).error?.code, 'connection-lost');
  assert.equal(client.reason?.by, 'network');
});

test('a connection that does not hold does not begin the waits anew, one that holds does', async () => {
  const { client, servers, environment } = setUp({ reconnect: { minMs: 100, heldMs: 5000 } });
  const waits: number[] = [];
  client.on('reconnecting', ({ delayMs }) => void waits.push(delayMs));
  void client.connect();
  for (const heldMs of [0, 0, 5000, 0]) {
    const server = await servers.accept();
    await turns();
    await environment.advance(heldMs);
    server.cut();
    await turns();
    await environment.advance(1000);
  }
  assert.deepEqual(waits, [50, 100, 50, 100]);
  await client.disconnect();
});

test('giving up connecting closes the attempt, and a later one is not disturbed by it', async () => {
  const { client, servers } = setUp();
  const controller = new AbortController();
  const outcome = assert.rejects(client.connect({ signal: controller.signal }), { code: 'aborted' });
  const server = await servers.next();
  await server.next('connect');
  controller.abort();
  await outcome;
  assert.equal(client.state, 'disconnected');
  const connecting = client.connect();
  await server.closed();
  await servers.accept();
  await connecting;
  await client.disconnect();
});

test('giving up connecting leaves it to others who wait for it', async () => {
  const { client, servers } = setUp();
  const controller = new AbortController();
  const connecting = client.connect();
  const givenUp = assert.rejects(client.connect({ signal: controller.signal }), { code: 'aborted' });
  controller.abort();
  await givenUp;
  await servers.accept();
  assert.equal((await connecting).type, 'connack');
  await client.disconnect();
});

test('a listener that disconnects while the client comes back is obeyed', async () => {
  const { client, servers, environment, states } = setUp();
  const connecting = client.connect();
  const server = await servers.accept();
  await connecting;
  client.on('reconnecting', () => void client.disconnect());
  server.cut();
  await client.closed;
  await environment.advance(600_000);
  assert.deepEqual(states, ['connecting', 'connected', 'reconnecting', 'disconnected']);
  assert.equal(servers.urls.length, 1);
});

test('connect called while the client ends waits until the store of the outbox is let go', async () => {
  const { client, servers, environment } = setUp({ outbox: { store: memoryOutbox() } });
  const aborted = client.connect();
  void client.disconnect();
  await assert.rejects(aborted, { code: 'closed' });
  const first = client.connect();
  await servers.accept();
  await first;
  void client.disconnect();
  const second = client.connect();
  await turns();
  await environment.advance(0);
  await servers.accept();
  assert.equal((await second).type, 'connack');
  await client.disconnect();
});

test('a server that takes next to nothing ends the connection and not the process', async () => {
  const { client, servers, environment } = setUp({ reconnect: false });
  const connecting = client.connect();
  await servers.accept(false, { maximumPacketSize: 1, serverKeepAlive: 1 });
  await connecting;
  await environment.advance(1000);
  assert.equal((await client.closed).error?.code, 'not-supported');
});

test('a fault of a server that takes next to nothing is told', async () => {
  const { client, servers, environment } = setUp({ reconnect: false });
  const connecting = client.connect();
  const server = await servers.accept(false, { maximumPacketSize: 3 });
  await connecting;
  await environment.advance(0);
  server.sendBytes('00 00');
  assert.equal((await client.closed).error?.code, 'malformed-packet');
});

test('a connection that cannot resend what it must is never accepted', async () => {
  const { client, servers, environment, states } = setUp({ properties: { sessionExpiryInterval: 60 } });
  const connecting = client.connect();
  const server = await servers.accept();
  await connecting;
  await environment.advance(0);
  const publishing = assert.rejects(client.publish('a', 'x', { qos: 2 }), { code: 'not-supported' });
  server.answer('pubrec', (await server.next('publish')).packetId);
  await server.next('pubrel');
  server.cut();
  await turns();
  await environment.advance(1000);
  await servers.accept(true, { maximumPacketSize: 3 });
  await publishing;
  await client.closed;
  assert.deepEqual(states, ['connecting', 'connected', 'reconnecting', 'disconnected']);
});

test('a listener of packetSent that disconnects while a connection begins is obeyed', async () => {
  const { client, servers, environment, states } = setUp();
  const off = client.on('packetSent', ({ type }) => {
    if (type === 'publish') void client.disconnect();
  });
  const publishing = assert.rejects(client.publish('a', 'x', { qos: 1 }), { code: 'closed' });
  const connecting = assert.rejects(client.connect(), { code: 'closed' });
  await servers.accept();
  await Promise.all([publishing, connecting, client.closed]);
  assert.deepEqual(states, ['connecting', 'disconnected']);
  off();
  const again = client.connect();
  const waiting = client.publish('b', 'y', { qos: 1 });
  const server = await servers.accept();
  await again;
  await environment.advance(0);
  const { topic, packetId } = await server.next('publish');
  server.answer('puback', packetId);
  await waiting;
  assert.equal(topic, 'b');
  await client.disconnect();
});

test('a listener of packetSent that disconnects at SUBSCRIBE leaves nothing of that connection behind', async () => {
  const { client, servers, environment } = setUp();
  const off = client.on('packetSent', ({ type }) => {
    if (type === 'subscribe') void client.disconnect();
  });
  const subscribing = assert.rejects(client.subscribe('a'), { code: 'closed' });
  const connecting = assert.rejects(client.connect(), { code: 'closed' });
  await servers.accept();
  await Promise.all([subscribing, connecting, client.closed]);
  off();
  const again = client.connect();
  const publishing = client.publish('b', 'y');
  const server = await servers.accept();
  await again;
  await environment.advance(0);
  await server.next('publish');
  await publishing;
  await client.disconnect();
});

test('a client is closed when the store that was being opened is let go', async () => {
  const store = memoryOutbox();
  const opening = Promise.withResolvers<void>();
  let isHeld = false;
  const slow = {
    ...store,
    open: async () => {
      await opening.promise;
      isHeld = true;
      return store.open();
    },
    write: store.write.bind(store),
    close: async () => {
      isHeld = false;
      await store.close();
    },
  };
  const { client } = setUp({ outbox: { store: slow } });
  const connecting = assert.rejects(client.connect(), { code: 'closed' });
  await turns();
  let isOver = false;
  const over = client.disconnect().then(() => {
    isOver = true;
  });
  await connecting;
  await turns();
  assert.equal(isOver, false);
  opening.resolve();
  await over;
  assert.equal(isHeld, false);
});

test('a store that never opens is given up after connectTimeoutMs, at every connect', async () => {
  const store = { ...memoryOutbox(), open: () => new Promise<never>(() => {}) };
  const { client, environment } = setUp({ outbox: { store }, connectTimeoutMs: 50 });
  for (let times = 0; times < 2; times++) {
    const connecting = assert.rejects(client.connect(), { code: 'timed-out' });
    await environment.advance(50);
    await connecting;
  }
  await turns();
  await environment.advance(50);
  assert.equal((await client.closed).error?.code, 'timed-out');
});

/** A client whose connection was lost and whose next CONNECT had no answer, on the connection behind it. */
async function behindUnanswered() {
  const { client, servers, environment } = setUp({ properties: { sessionExpiryInterval: 60 } });
  const connecting = client.connect();
  const server = await servers.accept();
  await connecting;
  await environment.advance(0);
  const subscribing = client.subscribe('a', () => {});
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
  await subscribing;
  server.cut();
  await turns();
  await environment.advance(1000);
  const second = await servers.next();
  await second.next('connect');
  second.cut();
  await turns();
  await environment.advance(3000);
  const third = await servers.accept(true);
  await turns();
  await environment.advance(0);
  return { client, servers, environment, server: third };
}

test('behind a CONNECT without an answer a session that is there may be a new one: subscriptions are sent again', async () => {
  const { client, server, servers, environment } = await behindUnanswered();
  const { subscriptions, packetId } = await server.next('subscribe');
  assert.equal(subscriptions[0].filter, 'a');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0] });
  await turns();
  server.cut();
  await turns();
  await environment.advance(10_000);
  const next = await servers.accept(true);
  await turns();
  await environment.advance(0);
  await next.expectNothing();
  await client.disconnect();
});

test('a connection that an attempt given up takes over is made again, once', async () => {
  const { client, server, servers, environment } = await behindUnanswered();
  server.send({ type: 'disconnect', reasonCode: 0x8e, properties: {} });
  await turns();
  await environment.advance(10_000);
  const next = await servers.accept(true);
  await turns();
  await environment.advance(0);
  next.send({ type: 'disconnect', reasonCode: 0x8e, properties: {} });
  assert.equal((await client.closed).error?.reasonCode, 0x8e);
});

test('before 5.0 two clients of one Client Identifier throw each other out ever less often, and tell what it may be', async () => {
  const environment = new VirtualEnvironment();
  let held: ScriptedServer | undefined;
  let takeovers = 0;
  const dial = async () => {
    const [ours, theirs] = memoryPair(setImmediate);
    const server = new ScriptedServer(theirs, 4);
    void server.next('connect').then(() => {
      held?.close();
      held = server;
      takeovers += 1;
      server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
    });
    return ours;
  };
  const ends: string[] = [];
  const lines: string[] = [];
  const make = () =>
    createClient('mqtt://one', {
      ...PLAIN,
      protocolVersion: 4,
      reconnect: {},
      dial,
      environment,
      log: ({ text }) => void lines.push(text),
      on: { disconnected: ({ error }) => void ends.push(error?.message ?? '') },
    });
  const clients = [make(), make()];
  for (const client of clients) await client.connect();
  await environment.advance(3_600_000);
  const before = takeovers;
  await environment.advance(3_600_000);
  // Whoever has it keeps it while the other waits, up to 300 s.
  assert.ok(takeovers - before < 60, `${takeovers - before} times in an hour`);
  const [plain] = ends;
  assert.equal(plain, 'The connection was lost: the server closed it');
  const guess = `${plain}, 3 times soon after CONNACK: is there another client "test"?`;
  assert.ok(ends.indexOf(guess) > 2);
  assert.ok(lines.includes(`reconnecting: ${guess}`));
  for (const client of clients) await client.disconnect();
});

test('in 5.0, where DISCONNECT tells of it, no second client is guessed at', async () => {
  const { client, servers, environment } = setUp();
  const ends: (string | undefined)[] = [];
  client.on('disconnected', ({ error }) => void ends.push(error?.message));
  void client.connect();
  for (let times = 0; times < 4; times++) {
    const server = await servers.accept();
    await turns();
    server.close();
    await turns();
    await environment.advance(10_000);
  }
  assert.deepEqual(new Set(ends), new Set(['The connection was lost: the server closed it']));
  await client.disconnect();
});
