import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionCounts } from './connection-counts.ts';
import type { TestClient } from './testing/client.ts';
import { NamingAuthenticator } from './testing/named.ts';
import { World } from './testing/world.ts';

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
