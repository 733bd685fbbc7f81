import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionCounts, networkOf } from './connection-counts.ts';
import type { TestClient } from './testing/client.ts';
import { NamingAuthenticator } from './testing/named.ts';
import { World } from './testing/world.ts';

test('an IPv4 address counts by itself, however it is written, an IPv6 address by its /64, loopback not at all', () => {
  const networks: [string, string | undefined][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1::7', '2001:db8:0:1'],
    ['2001:0DB8:0000:0001:aaaa:bbbb:cccc:dddd', '2001:db8:0:1'],
    ['2001:db8::1:0:0:7', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::2', '0:0:0:0'],
    ['127.3.2.1', undefined],
    ['::ffff:127.0.0.1', undefined],
    ['::1', undefined],
    ['memory', undefined],
    ['/run/dunlin.sock', undefined],
    ['', undefined],
  ];
  for (const [address, network] of networks) assert.equal(networkOf(address), network, address);
});

test('counts connections by address and by identity while they are there, and forgets both with the last', () => {
  const counts = new ConnectionCounts();
  const [one, other] = ['192.0.2.7', '::ffff:192.0.2.7'].map((address) => ({
    wire: { peer: { address } },
    countedIdentity: undefined,
  }));
  counts.came(one);
  counts.opened(one, 'users:ada');
  counts.came(other);
  counts.opened(other, undefined);
  assert.deepEqual([counts.ofAddress('192.0.2.7'), counts.ofIdentity('users:ada')], [2, 1]);
  counts.left(other);
  counts.left(one);
  assert.deepEqual(
    [counts.ofAddress('192.0.2.7'), counts.ofIdentity('users:ada'), counts.ofIdentity(undefined)],
    [0, 0, 0],
  );
});

/** A client that comes from an address. */
function from(world: World, address: string): TestClient {
  const peer = { address, port: 1 };
  return world.open(5, { peers: [peer, peer] });
}

test('closes at once what comes from an address with connectionsPerAddressMax connections, and counts it', () => {
  const world = new World({ limits: { connectionsPerAddressMax: 2 } });
  const clients = ['192.0.2.7', '192.0.2.7', '192.0.2.7', '192.0.2.8'].map((address) => from(world, address));
  assert.deepEqual(
    clients.map((client) => client.isClosed),
    [false, false, true, false],
  );
  assert.equal(world.broker.metrics.connectionsRefused, 1);
  assert.equal(world.broker.refusals.byCheck.get('connections-per-address-max'), 1);
  assert.deepEqual(
    world.told('limitReached').map(({ limit, detail }) => [limit, detail]),
    [['connectionsPerAddressMax', '192.0.2.7 has 2 connections']],
  );
  clients[0].break();
  assert.equal(from(world, '192.0.2.7').isClosed, false);
});

test('refuses more connections of one identity than connectionsPerUsernameMax with 0x97, and disturbs nobody for it', () => {
  const world = new World({ authenticator: new NamingAuthenticator(), limits: { connectionsPerUsernameMax: 2 } });
  const first = world.connect('a', { username: 'ada' });
  world.connect('b', { username: 'ada' });
  assert.equal(world.open().handshake({ clientId: 'c', username: 'ada' }).reasonCode, 0x97);
  assert.equal(world.told('connectRefused')[0].check, 'connections-per-username-max');
  world.connect('c', { username: 'bob' });
  for (const clientId of ['d', 'e', 'f']) world.connect(clientId);
  // Who takes its own session over has no more connections than before.
  world.connect('a', { username: 'ada' });
  assert.equal(first.isClosed, true);
  assert.equal(world.open().handshake({ clientId: 'g', username: 'ada' }).reasonCode, 0x97);
});
