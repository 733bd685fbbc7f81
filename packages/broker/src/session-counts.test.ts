import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from './memory/store.ts';
import type { Session } from './session.ts';
import { SessionCounts } from './session-counts.ts';
import { byName } from './testing/by-name.ts';
import { World } from './testing/world.ts';

test('counts the sessions of a user, and follows one that gets another user', () => {
  const counts = new SessionCounts();
  const [a, b] = [{ nameBytes: 0 }, { nameBytes: 0 }] as unknown as Session[];
  counts.own(a, 'ada');
  counts.own(a, 'ada');
  counts.own(b, 'ada');
  assert.deepEqual([counts.of('ada'), counts.of(undefined)], [2, 0]);
  counts.own(b, 'bob');
  assert.deepEqual([counts.of('ada'), counts.of('bob')], [1, 1]);
  counts.own(b, undefined);
  counts.forget(b);
  counts.forget(a);
  assert.deepEqual([counts.of('ada'), counts.of('bob')], [0, 0]);
});

test('refuses one more stored session of a user above sessionsPerUsernameMax with 0x97, also after a restart', async () => {
  const options = { store: new MemoryStore(), authenticator: byName, limits: { sessionsPerUsernameMax: 2 } };
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const attempt = (world: World, clientId: string, rest: object) =>
    world.open().handshake({ clientId, username: 'ada', ...rest }).reasonCode;
  const former = new World(options);
  assert.deepEqual(
    ['1', '2', '3'].map((clientId) => attempt(former, clientId, stored)),
    [0, 0, 0x97],
  );
  assert.equal(former.broker.metrics.sessionsRefused, 1);
  // What ends with its connection does not count, nor what others have, nor what goes on.
  assert.equal(attempt(former, '4', {}), 0);
  assert.equal(attempt(former, '5', { ...stored, username: 'bob' }), 0);
  assert.equal(attempt(former, '6', { ...stored, username: undefined }), 0);
  assert.equal(attempt(former, '2', stored), 0);

  const world = await World.after(former, options);
  assert.equal(attempt(world, '3', stored), 0x97);
  assert.equal(attempt(world, '1', { cleanStart: true }), 0);
  assert.equal(attempt(world, '3', stored), 0);
});

test('asks the same of who takes a session up under another name, which stays as it was', () => {
  const world = new World({ authenticator: byName, limits: { sessionsPerUsernameMax: 1 } });
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const attempt = (clientId: string, username: string) =>
    world.open().handshake({ clientId, username, ...stored }).reasonCode;
  assert.deepEqual([attempt('1', 'ada'), attempt('2', 'bob')], [0, 0]);
  assert.equal(attempt('2', 'ada'), 0x97);
  assert.deepEqual(
    [...world.broker.sessions()].map(({ clientId, username, connected }) => [clientId, username, connected]),
    [
      ['1', 'ada', true],
      ['2', 'bob', true],
    ],
  );
  assert.equal(attempt('2', 'bob'), 0);
});

test('counts nobody by a user name that nobody has checked', () => {
  const world = new World({ limits: { sessionsPerUsernameMax: 1 } });
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  for (const clientId of ['1', '2'])
    assert.equal(world.open().handshake({ clientId, username: 'ada', ...stored }).reasonCode, 0);
});

test('refuses a session whose names are more than sessionNameBytesMax leaves with 0x97, also after a restart', async () => {
  const options = { store: new MemoryStore(), authenticator: byName, limits: { sessionNameBytesMax: 8_192 } };
  const attempt = (world: World, letter: string, rest: object) =>
    world.open().handshake({ clientId: letter.repeat(2_000), ...rest }).reasonCode;
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const former = new World(options);
  assert.deepEqual(
    ['a', 'b', 'c'].map((letter) => attempt(former, letter, stored)),
    [0, 0, 0x97],
  );
  assert.deepEqual([former.broker.metrics.sessionsRefused, former.broker.sessionCounts.nameBytes], [1, 8_000]);
  assert.deepEqual([attempt(former, 'a', stored), attempt(former, 'a', { cleanStart: true })], [0, 0]);
  // A name counts, and so does that of who has no stored session.
  assert.equal(attempt(former, 'a', { username: 'x'.repeat(97) }), 0x97);
  assert.equal(attempt(former, 'a', { ...stored, username: 'x'.repeat(96) }), 0);

  const world = await World.after(former, options);
  assert.equal(world.broker.sessionCounts.nameBytes, 8_192);
  assert.equal(attempt(world, 'c', {}), 0x97);
  const again = world.open();
  again.handshake({ clientId: 'b'.repeat(2_000) });
  again.break();
  assert.equal(attempt(world, 'c', {}), 0);
});

test('refuses before anything ends: the former session and its client stay as they were', () => {
  const world = new World({ authenticator: byName, limits: { sessionsPerUsernameMax: 1 } });
  const stored = { properties: { sessionExpiryInterval: 100 } };
  world.connect('1', { username: 'bob', ...stored });
  const client = world.connect('2', { username: 'ada', ...stored });
  client.subscribe('t');
  assert.equal(
    world.open().handshake({ clientId: '2', username: 'bob', cleanStart: true, ...stored }).reasonCode,
    0x97,
  );
  world.broker.publish('t', Buffer.from('still here'));
  world.run();
  assert.deepEqual([client.takePayloads(), world.told('sessionTakenOver')], [['still here'], []]);
});
