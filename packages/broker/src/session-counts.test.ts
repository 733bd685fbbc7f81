import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY } from './memory/anonymous.ts';
import { MemoryStore } from './memory/store.ts';
import type { Authenticator } from './ports.ts';
import type { Session } from './session.ts';
import { SessionCounts } from './session-counts.ts';
import { World } from './testing/world.ts';

test('counts the sessions of a user, and follows one that gets another user', () => {
  const counts = new SessionCounts();
  const [a, b] = [{ username: undefined }, { username: undefined }] as unknown as Session[];
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

/** Lets everybody in under the name they give. */
const byName: Authenticator = {
  supports: () => false,
  authenticate: ({ connect }) => ({
    kind: 'accept',
    principal: { ...NOBODY, username: connect.username },
  }),
};

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
