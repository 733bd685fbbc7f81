import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthenticationResult, type Authenticator, NOBODY } from '@dunlin/broker';
import { type FlappingOptions, flappingGuard } from './flapping.ts';
import { TestClock } from './testing/clock.ts';
import { type RequestParts, request } from './testing/requests.ts';

/** Lets in everybody with a user name; an empty one is refused. */
const inner: Authenticator = {
  supports: (method) => method === 'known',
  authenticate: ({ connect: { username } }): AuthenticationResult =>
    username === ''
      ? { kind: 'refuse', reasonCode: 0x86, check: 'password' }
      : { kind: 'accept', principal: { ...NOBODY, username, identity: username } },
  review: () => ({ kind: 'refuse', reasonCode: 0x87, check: 'user-removed' }),
};

function world(options: Partial<FlappingOptions> = {}) {
  const clock = new TestClock();
  const events: object[] = [];
  const guard = flappingGuard({ clock, connectsMax: 2, tell: (event) => events.push(event), ...options });
  const guarded = guard.before(inner);
  const ask = async (parts: RequestParts = {}): Promise<string> => {
    const result = await guarded.authenticate(request({ username: 'ada', ...parts }));
    return result.kind === 'refuse' ? result.check : result.kind;
  };
  return { clock, events, guard, ask };
}

test('a client that connects too often is kept out until the ban ends', async () => {
  const { ask, clock, events, guard } = world();
  assert.deepEqual([await ask(), await ask(), await ask()], ['accept', 'accept', 'flapping']);
  assert.deepEqual(events, [
    { name: 'clientFlapping', clientId: 'client', identity: 'ada', listener: 'test', banMs: 300_000 },
  ]);
  clock.pass(299_999);
  assert.equal(await ask(), 'flapping');
  assert.deepEqual(guard.bans(), [{ clientId: 'client', identity: 'ada', listener: 'test', endsInMs: 1 }]);
  clock.pass(1);
  assert.deepEqual([await ask(), guard.bans()], ['accept', []]);
  assert.partialDeepStrictEqual(events.length, 1);
});

test('connections to all listeners count together', async () => {
  const { ask, events } = world();
  const checks = [await ask({ listener: 'a' }), await ask({ listener: 'b' }), await ask({ listener: 'c' })];
  assert.deepEqual(checks, ['accept', 'accept', 'flapping']);
  assert.partialDeepStrictEqual(events, [{ listener: 'c' }]);
});

test('connections that are far enough apart are not flapping', async () => {
  const { ask, clock } = world();
  for (let at = 1; at <= 10; at++) {
    assert.equal(await ask(), 'accept');
    clock.pass(30_000);
  }
});

test('nobody has another client banned: identity counts, and the address where there is none', async () => {
  const { ask, guard } = world({ connectsMax: 1 });
  await ask({ username: 'eve' });
  assert.equal(await ask({ username: 'eve' }), 'flapping');
  assert.equal(await ask(), 'accept');
  const nobody: Authenticator = { ...inner, authenticate: () => ({ kind: 'accept', principal: NOBODY }) };
  const open = flappingGuard({ clock: new TestClock(), connectsMax: 1 }).before(nobody);
  const kinds = ['192.0.2.1', '192.0.2.1', '192.0.2.2'].map(
    (address) => (open.authenticate(request({ address })) as AuthenticationResult).kind,
  );
  assert.deepEqual(kinds, ['accept', 'refuse', 'accept']);
  assert.deepEqual([guard.lift('client'), guard.lift('client')], [true, false]);
  assert.equal(await ask({ username: 'eve' }), 'accept');
});

test('the ban of one identity is lifted by itself, that of another with the same client identifier stays', async () => {
  const { ask, guard } = world({ connectsMax: 1 });
  for (const username of ['ada', 'eve']) for (let at = 1; at <= 2; at++) await ask({ username });
  const [first, other] = guard.bans().map(({ identity }) => identity);
  assert.deepEqual([guard.lift('client', first), guard.lift('client', first)], [true, false]);
  assert.deepEqual(
    guard.bans().map(({ identity }) => identity),
    [other],
  );
});

test('what is refused anyhow and a new authentication over a connection do not count', async () => {
  const { ask } = world({ connectsMax: 1 });
  for (let at = 1; at <= 3; at++) assert.equal(await ask({ username: '' }), 'password');
  for (let at = 1; at <= 3; at++) assert.equal(await ask({ current: NOBODY }), 'accept');
  assert.deepEqual([await ask(), await ask()], ['accept', 'flapping']);
});

test('waits for an Authenticator that answers later, and asks it for everything else', async () => {
  const later: Authenticator = { ...inner, authenticate: async (asked) => inner.authenticate(asked) };
  const guard = flappingGuard({ clock: new TestClock(), connectsMax: 1 }).before(later);
  assert.equal((await guard.authenticate(request({ username: 'ada' }))).kind, 'accept');
  assert.partialDeepStrictEqual(await guard.authenticate(request({ username: 'ada' })), { reasonCode: 0x8a });
  assert.deepEqual([guard.supports('known'), guard.supports('other')], [true, false]);
  assert.equal(guard.review?.(NOBODY, 'client')?.check, 'user-removed');
});
