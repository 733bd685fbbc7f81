import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Authenticator, type Authorizer, NOBODY, PERMIT_ALL } from '@dunlin/broker';
import { type Address, RawClient } from '../../../test/conformance/raw-client.ts';
import type { ConfigurationInput } from './configuration.ts';
import type { ServerEvent } from './events.ts';
import { type RunningServer, type ServerParts, startServer } from './server.ts';

const running: RunningServer[] = [];

interface Started {
  readonly server: RunningServer;
  readonly address: Address;
  readonly events: ServerEvent[];
}

/** A server on a free port of 127.0.0.1, stopped after the tests. */
async function start(configuration: ConfigurationInput = {}, parts: ServerParts = {}): Promise<Started> {
  const events: ServerEvent[] = [];
  const listeners = configuration.listeners ?? [{ host: '127.0.0.1', port: 0 }];
  const server = await startServer(
    { ...configuration, listeners },
    { onEvent: (event) => events.push(event), ...parts },
  );
  running.push(server);
  return { server, address: { host: '127.0.0.1', port: server.listeners[0].port }, events };
}

after(() => Promise.all(running.map((server) => server.stop())));

async function eventually(happened: () => boolean): Promise<void> {
  for (let look = 0; look < 500 && !happened(); look++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(happened());
}

test('serves clients of all three versions on the port it took', async () => {
  const { address, server, events } = await start();
  assert.ok(address.port > 0);
  const subscriber = await RawClient.open(address, 5);
  await subscriber.connect({ clientId: 'subscriber' });
  await subscriber.subscribe('a/#');
  for (const version of [3, 4, 5] as const) {
    const publisher = await RawClient.open(address, version);
    await publisher.connect({ clientId: `publisher-${version}` });
    publisher.sendPublish({ topic: `a/${version}`, payload: 'x' });
    await subscriber.receive({ topic: `a/${version}` });
    await publisher.disconnect();
  }
  await subscriber.disconnect();
  assert.equal([...server.broker.sessions()].length, 0);
  assert.ok(events.some((event) => event.name === 'listening' && event.address === `127.0.0.1:${address.port}`));
  assert.equal(events.filter((event) => event.name === 'clientConnected').length, 4);
});

test('serves only the versions of the listener', async () => {
  const { address } = await start({ listeners: [{ host: '127.0.0.1', port: 0, versions: [5] }] });
  const old = await RawClient.open(address, 4);
  old.sendConnect();
  await old.expectRefusal(0x01);
  const current = await RawClient.open(address, 5);
  await current.connect();
  await current.disconnect();
});

test('hands limits and settings to the broker', async () => {
  const { address } = await start({
    limits: { maximumPacketSize: 4096, receiveMaximum: 7 },
    settings: { maximumQoS: 1, retainAvailable: false },
  });
  const client = await RawClient.open(address, 5);
  const { properties } = await client.connect();
  assert.equal(properties.maximumPacketSize, 4096);
  assert.equal(properties.receiveMaximum, 7);
  assert.equal(properties.maximumQoS, 1);
  assert.equal(properties.retainAvailable, 0);
  await client.disconnect();
});

test('asks the authenticator and the authorizer it was given', async () => {
  const authenticator: Authenticator = {
    supports: () => false,
    authenticate: ({ connect, listener }) =>
      connect.username === 'ada' && listener === 'tcp'
        ? {
            kind: 'accept',
            principal: { ...NOBODY, username: 'ada' },
          }
        : { kind: 'refuse', reasonCode: 0x86, check: 'password' },
  };
  const authorizer: Authorizer = {
    permissions: () => ({ ...PERMIT_ALL, mayPublish: () => 0x87 }),
  };
  const { address } = await start({}, { authenticator, authorizer });
  const stranger = await RawClient.open(address, 5);
  stranger.sendConnect();
  await stranger.expectRefusal(0x86);
  const ada = await RawClient.open(address, 5);
  await ada.connect({ username: 'ada' });
  assert.equal(await ada.deliver({ topic: 'a', qos: 1 }), 0x87);
  await ada.disconnect();
});

test('opens several listeners, and frees all ports when one cannot be opened', async () => {
  const { server } = await start({
    listeners: [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0 },
    ],
  });
  const [first, second] = server.listeners;
  assert.deepEqual([first.name, second.name], ['tcp', 'tcp-2']);
  assert.notEqual(first.port, second.port);
  const { port } = (await start()).address;
  await assert.rejects(
    startServer({
      listeners: [
        { name: 'a', host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port },
      ],
    }),
    { code: 'EADDRINUSE' },
  );
});

test('refuses to listen beyond loopback unless everybody is welcome or is asked who they are', async () => {
  const listeners = [{ host: '0.0.0.0', port: 0 }];
  await assert.rejects(startServer({ listeners }), { code: 'listener-open-to-all' });
  await start({ listeners: [{ host: '0.0.0.0', port: 0, allowAnonymous: true }] });
  await start(
    { listeners },
    {
      authenticator: {
        supports: () => false,
        authenticate: () => ({ kind: 'refuse', reasonCode: 0x87, check: 'test' }),
      },
    },
  );
});

test('pauses accepting at connectionsMax and goes on when there is room', async () => {
  const { address, events } = await start({ limits: { connectionsMax: 1 } });
  const first = await RawClient.open(address, 5);
  await first.connect();
  await eventually(() => events.some((event) => event.name === 'acceptingPaused'));
  const second = await RawClient.open(address, 5);
  second.sendConnect();
  await second.expectSilence(150);
  await first.disconnect();
  await second.expect('connack', { code: 0 });
  assert.ok(events.some((event) => event.name === 'acceptingResumed'));
  await second.disconnect();
});

test('lowers connectionsMax to what the open files allow, and says so', async () => {
  const { server, events } = await start({}, { fileLimit: 1024 });
  assert.equal(server.connectionsMax, 1024 - 64 - 51);
  assert.equal(server.broker.limits.connectionsMax, server.connectionsMax);
  assert.deepEqual(
    events.filter((event) => event.name === 'connectionsLimited'),
    [{ name: 'connectionsLimited', connectionsMax: 909, fileLimit: 1024 }],
  );
});

test('closes connections beyond the limit of one listener', async () => {
  const { address, events } = await start({
    listeners: [{ host: '127.0.0.1', port: 0, limits: { connectionsMax: 1 } }],
  });
  const first = await RawClient.open(address, 5);
  await first.connect();
  const second = await RawClient.open(address, 5);
  await second.expectClose();
  assert.ok(events.some((event) => event.name === 'acceptFailed'));
  await first.disconnect();
});

test('sends clients away with 0x8B, publishes their wills and frees the port when it stops', async () => {
  const { address, server, events } = await start();
  const five = await RawClient.open(address, 5);
  await five.connect({ clientId: 'five' });
  await five.subscribe('will');
  const leaving = await RawClient.open(address, 4);
  await leaving.connect({ clientId: 'four', will: { topic: 'will', payload: 'gone' } });
  await server.stop();
  await five.find('disconnect', { code: 0x8b });
  await leaving.expectClose();
  assert.ok(events.some((event) => event.name === 'willPublished'));
  await assert.rejects(RawClient.open(address, 5), { code: 'ECONNREFUSED' });
  await server.stop();
});

test('tells clients where to go when a Server Reference is set', async () => {
  const { address, server } = await start({ settings: { serverReference: 'other.example.org' } });
  const client = await RawClient.open(address, 5);
  await client.connect();
  await server.stop();
  const { properties } = await client.find('disconnect', { code: 0x9c });
  assert.equal(properties.serverReference, 'other.example.org');
});

test('refuses a limit out of its bounds', async () => {
  await assert.rejects(start({ limits: { receiveMaximum: 0 } }), {
    name: 'ConfigurationError',
    message: 'limits.receiveMaximum is 0: a whole number from 1 to 65535 is expected',
  });
});

test('refuses parts that do not exist: a mistyped authorizer would permit everything', async () => {
  const parts = { autorizer: { permissions: () => ({}) } } as ServerParts;
  await assert.rejects(start({}, parts), {
    message: '"autorizer" is no part of a server: did you mean authorizer?',
  });
});

test('refuses revocation sources where no method would ask them', async () => {
  const revocationSources = [{ isRevoked: () => true, onChange: () => () => {} }];
  await assert.rejects(start({}, { revocationSources }), {
    message: 'revocationSources are given and authentication is empty: a method is expected, or nobody asks them',
  });
});

test('tells a failed start as one event, and no drain of what never was', async () => {
  const { address } = await start();
  const events: ServerEvent[] = [];
  const listeners = [{ host: '127.0.0.1', port: address.port }];
  const parts: ServerParts = { onEvent: (event) => events.push(event), fileLimit: 1_000_000 };
  await assert.rejects(startServer({ listeners }, parts), { code: 'EADDRINUSE' });
  assert.deepEqual(
    events.map(({ name }) => name),
    ['startFailed'],
  );
});

test('stops its broker and closes its store also where a listener cannot be closed in order', async () => {
  const data = mkdtempSync(join(tmpdir(), 'dunlin-server-'));
  const failure = new Error('not told');
  let refuses = true;
  const onEvent = ({ name }: ServerEvent): void => {
    if (refuses && name === 'listenerClosed') throw failure;
  };
  const { address, server } = await start({ data }, { onEvent });
  const client = await RawClient.open(address, 5);
  await client.connect();
  await assert.rejects(server.stop(), failure);
  running.splice(running.indexOf(server), 1);
  await client.find('disconnect', { code: 0x8b });
  refuses = false;
  await (await start({ data })).server.stop();
  rmSync(data, { recursive: true });
});
