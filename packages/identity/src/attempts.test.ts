import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type Authenticator,
  type Awaitable,
  NOBODY,
} from '@dunlin/broker';
import { type AttemptEvent, type AttemptOptions, attemptGuard } from './attempts.ts';
import { TestClock } from './testing/clock.ts';
import { type TestCredentials, testRequest } from './testing/request.ts';

/** Lets in whoever says "right"; the password may be the Reason Code of a refusal as well. */
class Inner implements Authenticator {
  asked = 0;

  supports(method: string): boolean {
    return method === 'known';
  }

  authenticate({ connect }: AuthenticationRequest): AuthenticationResult {
    this.asked += 1;
    const password = String(connect.password);
    if (password === 'right') return { kind: 'accept', principal: { ...NOBODY, username: connect.username } };
    if (password === 'token of mallory') return { kind: 'accept', principal: { ...NOBODY, username: 'mallory' } };
    if (password === 'later') return { kind: 'challenge', data: undefined, state: 'state' };
    return { kind: 'refuse', reasonCode: Number(password) || 0x86, check: 'password' };
  }

  review(): undefined {}
}

function world(options: Partial<AttemptOptions> = {}) {
  const clock = new TestClock();
  const inner = new Inner();
  const events: AttemptEvent[] = [];
  const guard = attemptGuard({ clock, tell: (event) => events.push(event), ...options });
  const guarded = guard.before(inner);
  /** The answer of an attempt that is not delayed: what it failed at, or "accept". */
  const ask = (parts: TestCredentials): string => {
    const result = guarded.authenticate(testRequest(parts));
    assert.ok(!(result instanceof Promise), 'was delayed');
    return result.kind === 'refuse' ? result.check : result.kind;
  };
  /** Milliseconds that the attempt waits; lets them pass. */
  const delayOf = async (parts: TestCredentials): Promise<number> => {
    const before = clock.waiting.length;
    const result = guarded.authenticate(testRequest(parts));
    if (!(result instanceof Promise)) return 0;
    const delayMs = clock.waiting[before];
    const asked = inner.asked;
    clock.pass(delayMs - 1);
    assert.equal(inner.asked, asked);
    clock.pass(1);
    await result;
    return delayMs;
  };
  return { clock, inner, events, guard, guarded, ask, delayOf };
}

const none = Infinity;
const wrong = { username: 'ada', password: 'wrong' };
const right = { username: 'ada', password: 'right' };

test('a user name that fails is delayed more and more, from wherever, and never banned', async () => {
  const { delayOf, events, clock } = world();
  const delays: number[] = [];
  for (let at = 1; at <= 60; at++) delays.push(await delayOf({ ...wrong, address: `192.0.2.${at}` }));
  assert.deepEqual(delays.slice(0, 11), [0, 0, 0, 0, 0, 250, 500, 1_000, 2_000, 4_000, 4_000]);
  assert.deepEqual(events, []);
  assert.equal(await delayOf({ ...right, address: '192.0.2.200' }), 4_000);
  assert.equal(await delayOf({ ...wrong, address: '192.0.2.201' }), 0);
  clock.pass(600_000);
  assert.equal(clock.waiting.length, 0);
});

test('a user is not delayed where it was let in before, and a success forgets its failures', async () => {
  const { ask, delayOf } = world();
  assert.equal(ask({ ...right, address: '198.51.100.1' }), 'accept');
  for (let at = 1; at <= 9; at++) await delayOf({ ...wrong, address: `192.0.2.${at}` });
  assert.equal(ask({ ...right, address: '198.51.100.1' }), 'accept');
  assert.equal(await delayOf({ ...wrong, address: '192.0.2.10' }), 0);
});

test('who shows the name of another and comes in as itself forgets none of its failures', async () => {
  const { ask, delayOf, events } = world();
  const own = { username: 'ada', password: 'token of mallory' };
  for (let at = 1; at <= 5; at++) {
    assert.equal(ask(wrong), 'password');
    assert.equal(await delayOf(own), at < 5 ? 0 : 250);
  }
  for (const delayMs of [250, 500, 1_000, 2_000, 4_000]) assert.equal(await delayOf(wrong), delayMs);
  assert.deepEqual(
    events.map(({ name, username }) => [name, username]),
    [['userAtAddressBanned', 'ada']],
  );
});

test('failures are forgotten when their window is over', async () => {
  const { ask, delayOf, clock } = world();
  for (let at = 1; at <= 8; at++) await delayOf(wrong);
  clock.pass(600_000);
  assert.equal(ask(wrong), 'password');
});

test('a user at an address is banned, elsewhere and others there are not', () => {
  const { ask, events, inner, guard } = world({ userDelayAfter: none });
  for (let at = 1; at <= 10; at++) assert.equal(ask(wrong), 'password');
  assert.deepEqual(events, [
    {
      name: 'userAtAddressBanned',
      address: '192.0.2.7',
      username: 'ada',
      listener: 'test',
      failures: 10,
      banMs: 900_000,
    },
  ]);
  assert.equal(ask(right), 'banned-user-at-address');
  assert.equal(inner.asked, 10);
  assert.equal(ask({ ...right, address: '192.0.2.2' }), 'accept');
  assert.equal(ask({ ...right, username: 'bob' }), 'accept');
  assert.equal(guard.isBanned('192.0.2.7'), false);
});

test('two listeners give no more guesses than one, and a ban holds at both; events and bans name where it began', async () => {
  const { ask, events, guard } = world({ userDelayAfter: none, addressBanAfter: 12 });
  for (let at = 1; at <= 10; at++) assert.equal(ask({ ...wrong, listener: at % 2 === 0 ? 'a' : 'b' }), 'password');
  for (const listener of ['a', 'b']) assert.equal(ask({ ...right, listener }), 'banned-user-at-address');
  for (const listener of ['a', 'b']) ask({ username: 'bob', password: 'wrong', listener });
  assert.equal(ask({ ...right, username: 'eve', listener: 'c' }), 'banned-address');
  assert.partialDeepStrictEqual(events, [
    { name: 'userAtAddressBanned', listener: 'a' },
    { name: 'addressBanned', listener: 'b' },
  ]);
  assert.deepEqual(
    guard.bans().map(({ listener }) => listener),
    ['a', 'b'],
  );
});

test('a user of the same name at another listener forgives no guesses at this one, and is familiar only there', async () => {
  const { ask, delayOf, events } = world();
  for (let at = 1; at <= 5; at++) {
    assert.equal(ask({ ...wrong, listener: 'a' }), 'password');
    assert.equal(ask({ ...right, listener: 'b' }), 'accept');
  }
  for (const delayMs of [250, 500, 1_000, 2_000, 4_000])
    assert.equal(await delayOf({ ...wrong, listener: 'a' }), delayMs);
  assert.partialDeepStrictEqual(events, [{ name: 'userAtAddressBanned', listener: 'a' }]);
});

test('what a banned user tries does not count against its address', () => {
  const { ask, events } = world({ userDelayAfter: none, addressDelayAfter: none });
  for (let at = 1; at <= 1_000; at++) ask(wrong);
  assert.deepEqual(
    events.map(({ name }) => name),
    ['userAtAddressBanned'],
  );
});

test('an address that tries many names is delayed, then banned, whoever comes from it; a success does not help it', async () => {
  const { ask, delayOf, events, guard } = world({ addressDelayAfter: 98, addressBanAfter: undefined });
  for (let at = 1; at <= 98; at++) {
    assert.equal(ask({ username: `user${at}`, password: 'wrong' }), 'password');
    if (at % 10 === 0) assert.equal(ask(right), 'accept');
  }
  assert.equal(await delayOf({ username: 'x', password: 'wrong' }), 250);
  assert.equal(await delayOf({ password: 'wrong' }), 500);
  assert.deepEqual(events, [
    {
      name: 'addressBanned',
      address: '192.0.2.7',
      username: undefined,
      listener: 'test',
      failures: 100,
      banMs: 900_000,
    },
  ]);
  assert.equal(ask(right), 'banned-address');
  assert.equal(guard.isBanned('::ffff:192.0.2.7'), true);
  assert.equal(ask({ ...right, address: '192.0.2.2' }), 'accept');
});

test('bans answer 0x8A, are listed, end by themselves and can be lifted', () => {
  const { ask, clock, guard, guarded, events } = world({
    userAtAddressBanAfter: 1,
    addressBanAfter: 2,
    userDelayAfter: none,
  });
  ask(wrong);
  assert.partialDeepStrictEqual(guarded.authenticate(testRequest(right)), { kind: 'refuse', reasonCode: 0x8a });
  clock.pass(900);
  ask({ username: 'bob', password: 'wrong' });
  assert.deepEqual(guard.bans(), [
    { address: '192.0.2.7', username: 'ada', listener: 'test', endsInMs: 899_100 },
    { address: '192.0.2.7', username: 'bob', listener: 'test', endsInMs: 900_000 },
    { address: '192.0.2.7', username: undefined, listener: 'test', endsInMs: 900_000 },
  ]);
  assert.equal(guard.lift('192.0.2.7'), true);
  assert.equal(guard.lift('192.0.2.7', 'ada'), true);
  assert.equal(guard.lift('192.0.2.7', 'ada'), false);
  assert.deepEqual(events.slice(-2), [
    { name: 'banLifted', address: '192.0.2.7', username: undefined },
    { name: 'banLifted', address: '192.0.2.7', username: 'ada' },
  ]);
  assert.equal(ask(right), 'accept');
  assert.equal(ask({ ...right, username: 'bob' }), 'banned-user-at-address');
  clock.pass(900_000);
  assert.equal(ask({ ...right, username: 'bob' }), 'accept');
});

test('bans that are given hold as long as they say, are told, and are not shortened by failures', () => {
  const { ask, clock, guard, events } = world({ userAtAddressBanAfter: 1, userDelayAfter: none });
  guard.ban('192.0.2.7', 'ada', 3_600_000);
  guard.ban('2001:db8::1/64');
  assert.equal(ask(right), 'banned-user-at-address');
  assert.equal(ask({ ...right, username: 'bob' }), 'accept');
  assert.equal(guard.isBanned('2001:db8::2'), true);
  assert.deepEqual(events, [
    { name: 'banAdded', address: '192.0.2.7', username: 'ada', banMs: 3_600_000 },
    { name: 'banAdded', address: '2001:db8:0:0::/64', username: undefined, banMs: 900_000 },
  ]);
  assert.deepEqual(guard.bans()[0], {
    address: '192.0.2.7',
    username: 'ada',
    listener: undefined,
    endsInMs: 3_600_000,
  });
  clock.pass(3_599_999);
  assert.equal(ask(right), 'banned-user-at-address');
  clock.pass(1);
  assert.equal(ask(right), 'accept');
  guard.ban('192.0.2.8');
  guard.ban('192.0.2.8', undefined, 1);
  clock.pass(1);
  assert.equal(guard.isBanned('192.0.2.8'), false);
  for (const [address, fault] of [
    ['foo', /^Cannot ban "foo": an IP address is expected$/],
    ['127.0.0.1', /^Cannot ban "127\.0\.0\.1": it stands for many clients, /],
  ] as const)
    assert.throws(() => guard.ban(address), { name: 'RangeError', message: fault });
});

test('IPv6 counts by /64', () => {
  const { ask, guard } = world({ addressBanAfter: 3 });
  for (const host of ['1', '2', 'ffff:1']) ask({ password: 'wrong', address: `2001:db8::${host}` });
  assert.equal(ask({ password: 'right', address: '2001:db8::abcd' }), 'banned-address');
  assert.equal(ask({ password: 'right', address: '2001:db8:0:1::1' }), 'accept');
  const [{ address }] = guard.bans();
  assert.equal(guard.lift(address), true);
});

test('loopback and what is no address stand for many: never banned, delayed only by user name', async () => {
  for (const address of ['127.0.0.1', '::1', 'memory']) {
    const { ask, delayOf, events, guard } = world({
      userAtAddressBanAfter: 2,
      addressBanAfter: 3,
      addressDelayAfter: 1,
    });
    for (let at = 1; at <= 5; at++) assert.equal(ask({ ...wrong, address }), 'password');
    assert.equal(await delayOf({ ...wrong, address }), 250);
    assert.equal(ask({ username: 'bob', password: 'right', address }), 'accept');
    assert.deepEqual([events, guard.isBanned(address)], [[], false]);
  }
  const { ask } = world({ trusted: ['192.0.2.0/24', '2001:db8::7'], addressBanAfter: 1 });
  assert.deepEqual([ask(wrong), ask(wrong)], ['password', 'password']);
  for (const check of ['password', 'password']) assert.equal(ask({ ...wrong, address: '2001:db8::7' }), check);
  ask({ ...wrong, address: '127.0.0.1' });
  assert.equal(ask({ ...wrong, address: '127.0.0.1' }), 'banned-address');
  const mapped = world({ trusted: ['::ffff:192.0.2.0/120'], addressBanAfter: 1 });
  for (const address of ['192.0.2.7', '::ffff:192.0.2.7'])
    for (const check of ['password', 'password']) assert.equal(mapped.ask({ ...wrong, address }), check);
});

test('only a refusal with 0x86 is a failed guess; challenges and other refusals are none', () => {
  const { ask } = world({ userAtAddressBanAfter: 1 });
  for (const password of ['135', '137', 'later']) ask({ ...wrong, password });
  assert.equal(ask(wrong), 'password');
  assert.equal(ask(wrong), 'banned-user-at-address');
});

test('an exchange under way is not delayed again, and its failure counts', () => {
  const { ask, guarded } = world({ userDelayAfter: 1, userAtAddressBanAfter: 2 });
  const challenges = Array.from({ length: 3 }, () =>
    guarded.authenticate(testRequest({ ...wrong, password: 'later' })),
  );
  const checks = challenges.map((challenge) => {
    assert.ok(!(challenge instanceof Promise) && challenge.kind === 'challenge');
    return ask({ ...wrong, state: challenge.state });
  });
  assert.deepEqual(checks, ['password', 'password', 'banned-user-at-address']);
});

test('SCRAM without User Name counts as the user of its first message, again when it authenticates again', async () => {
  const inner: Authenticator = {
    supports: () => true,
    authenticate: ({ state }) =>
      state === undefined
        ? { kind: 'challenge', data: undefined, state: 'challenged' }
        : { kind: 'refuse', reasonCode: 0x86, check: String(state) },
  };
  const clock = new TestClock();
  const guard = attemptGuard({ clock, userDelayAfter: 3 }).before(inner);
  const begin = { authenticationMethod: 'SCRAM-SHA-256', data: 'n,,n=ada,r=abc' };
  for (let at = 1; at <= 3; at++) {
    const again = at === 3 ? { current: { ...NOBODY, username: 'mallory' } } : {};
    const challenge = await guard.authenticate(testRequest({ ...begin, ...again, address: `192.0.2.${at}` }));
    assert.ok(challenge.kind === 'challenge');
    const end = {
      authenticationMethod: begin.authenticationMethod,
      data: 'c=biws,r=abc,p=AQI=',
      state: challenge.state,
    };
    assert.partialDeepStrictEqual(guard.authenticate(testRequest({ ...end, address: `192.0.2.${at}` })), {
      check: 'challenged',
    });
  }
  assert.ok(guard.authenticate(testRequest({ ...begin, address: '192.0.2.9' })) instanceof Promise);
  assert.deepEqual(clock.waiting, [250]);
  for (const other of [
    { ...begin, data: 'n,,n=bob,r=abc' },
    { ...begin, authenticationMethod: 'OTHER' },
  ])
    assert.ok(!(guard.authenticate(testRequest({ ...other, address: '192.0.2.9' })) instanceof Promise));
});

test('so many are delayed at once, the next is refused; who was banned while waiting is not asked', async () => {
  const { guarded, inner, ask, clock } = world({ userDelayAfter: 1, delayedMax: 2, userAtAddressBanAfter: 2 });
  assert.equal(ask(wrong), 'password');
  const waiting = [guarded.authenticate(testRequest(wrong)), guarded.authenticate(testRequest(wrong))];
  assert.equal(ask(wrong), 'attempt-backlog');
  clock.pass(250);
  const checks = (await Promise.all(waiting)).map((result) => (result.kind === 'refuse' ? result.check : ''));
  assert.deepEqual(checks, ['password', 'banned-user-at-address']);
  assert.equal(inner.asked, 2);
  assert.deepEqual(clock.waiting, []);
});

/** Answers as `Inner` does, when it is told to. */
class LateInner implements Authenticator {
  readonly #inner = new Inner();
  readonly #answers: (() => void)[] = [];

  supports(): boolean {
    return true;
  }

  authenticate(asked: AuthenticationRequest): Awaitable<AuthenticationResult> {
    const result = this.#inner.authenticate(asked);
    if (String(asked.connect.password) === 'broken') return Promise.reject(new Error('broken'));
    return new Promise((resolve) => this.#answers.push(() => resolve(result)));
  }

  get asked(): number {
    return this.#inner.asked;
  }

  get underWay(): number {
    return this.#answers.length;
  }

  async answerOne(): Promise<void> {
    this.#answers.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Answers all that are asked, and those that are asked for that. */
  async answerAll(): Promise<void> {
    while (this.#answers.length > 0) {
      for (const answer of this.#answers.splice(0)) answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function lateWorld(options: Partial<AttemptOptions> = {}) {
  const clock = new TestClock();
  const inner = new LateInner();
  const guard = attemptGuard({ clock, ...options }).before(inner);
  const come = async (parts: TestCredentials): Promise<string> => {
    const result = await guard.authenticate(testRequest(parts));
    return result.kind === 'refuse' ? result.check : result.kind;
  };
  return { clock, inner, guard, come };
}

test('a burst for one user from one address gets no more guesses than a sequence', async () => {
  const { inner, come, clock } = lateWorld();
  const burst = Array.from({ length: 90 }, () => come(wrong));
  assert.equal(inner.underWay, 10);
  await inner.answerAll();
  const checks = await Promise.all(burst);
  assert.equal(inner.asked, 10);
  assert.deepEqual(checks.slice(0, 10), Array(10).fill('password'));
  assert.deepEqual(checks.slice(10), Array(80).fill('banned-user-at-address'));
  assert.equal(clock.timers, 0);
});

test('a burst for many users from one address gets no more guesses than its ban leaves', async () => {
  const { inner, come, clock } = lateWorld();
  const burst = Array.from({ length: 1_000 }, (_, at) => come({ username: `user${at}`, password: 'wrong' }));
  assert.equal(inner.underWay, 100);
  await inner.answerAll();
  const banned = (await Promise.all(burst)).filter((check) => check === 'banned-address').length;
  // The last of them are checked by 16 at once.
  assert.ok(inner.asked >= 100 && inner.asked < 116, `${inner.asked} were asked`);
  assert.equal(banned, 1_000 - inner.asked);
  assert.equal(clock.timers, 0);
});

test('who comes with right passwords, a thousand at once from one address, comes in: many users, or many of one', async () => {
  for (const username of [(at: number) => `user${at}`, () => 'ada']) {
    const { inner, come, clock } = lateWorld();
    const storm = Array.from({ length: 1_000 }, (_, at) => come({ username: username(at), password: 'right' }));
    await inner.answerAll();
    assert.deepEqual(new Set(await Promise.all(storm)), new Set(['accept']));
    assert.equal(clock.timers, 0);
  }
});

test('a user does not wait behind strangers where it was let in before', async () => {
  const { inner, come } = lateWorld();
  const before = come(right);
  await inner.answerAll();
  assert.equal(await before, 'accept');
  const storm = Array.from({ length: 200 }, (_, at) => come({ username: `user${at}`, password: 'right' }));
  assert.equal(inner.underWay, 100);
  const again = [come(right), come(right)];
  assert.equal(inner.underWay, 101);
  await inner.answerAll();
  assert.deepEqual(new Set(await Promise.all([...storm, ...again])), new Set(['accept']));
});

test('who waits for others longer than the longest delay is told that the server is busy', async () => {
  const { inner, come, clock } = lateWorld({ userAtAddressBanAfter: 1 });
  const [first, second] = [come(right), come(right)];
  clock.pass(4_000);
  assert.equal(await second, 'attempt-backlog');
  await inner.answerAll();
  assert.equal(await first, 'accept');
});

test('the wait for a place of the user and that for one of the address are one', async () => {
  const { inner, come, clock } = lateWorld({ userAtAddressBanAfter: 1, addressBanAfter: 1 });
  const first = come(right);
  const second = come(right);
  clock.pass(3_000);
  // The place of the user becomes free in the turn in which those of the address are taken.
  const storm = Array.from({ length: 40 }, (_, at) => come({ username: `user${at}`, password: 'right' }));
  await inner.answerOne();
  assert.equal(await first, 'accept');
  clock.pass(1_000);
  assert.equal(await second, 'attempt-backlog');
  await inner.answerAll();
  await Promise.all(storm);
});

test('an attempt that is not answered in time is refused, and its answer counts when it comes', async () => {
  const { inner, come, clock } = lateWorld({ userAtAddressBanAfter: 2, userDelayAfter: 1 });
  const turns = () => new Promise((resolve) => setImmediate(resolve));
  const first = come(wrong);
  clock.pass(8_999);
  await inner.answerAll();
  assert.equal(await first, 'password');
  const [delayed, late] = [come(wrong), come({ username: 'bob', password: 'right' })];
  clock.pass(250);
  await turns();
  clock.pass(8_749);
  assert.equal(inner.underWay, 2);
  clock.pass(1);
  assert.deepEqual(await Promise.all([delayed, late]), ['attempt-timeout', 'attempt-timeout']);
  assert.equal(clock.timers, 0);
  await inner.answerAll();
  assert.equal(await come(wrong), 'banned-user-at-address');
});

test('an Authenticator that rejects or throws keeps no place', async () => {
  const { inner, guard, come } = lateWorld({ userAtAddressBanAfter: 1 });
  for (let at = 1; at <= 3; at++) await assert.rejects(come({ ...wrong, password: 'broken' }), /broken/);
  inner.authenticate = () => {
    throw new Error('thrown');
  };
  for (let at = 1; at <= 3; at++) assert.throws(() => guard.authenticate(testRequest(wrong)), /thrown/);
});

test('a name of any length is one entry, and tables are bounded', () => {
  const { ask, guard } = world({
    userAtAddressBanAfter: 1,
    entriesMax: 2,
    userDelayAfter: none,
    addressBanAfter: none,
    addressDelayAfter: none,
  });
  const username = 'u'.repeat(65_535);
  ask({ username, password: 'wrong' });
  assert.match(guard.bans()[0].username ?? '', /^sha256:[\w-]{43}$/);
  assert.equal(guard.lift('192.0.2.7', username), true);
  for (let at = 1; at <= 100; at++) ask({ username: `u${at}`, password: 'wrong' });
  assert.equal(guard.bans().length, 2);
});

test('asks what it guards for everything else', () => {
  const { guarded } = world();
  assert.deepEqual([guarded.supports('known'), guarded.supports('other')], [true, false]);
  const refusal = { kind: 'refuse', reasonCode: 0x87, check: 'user-removed' } as const;
  const inner = { ...new Inner(), supports: () => true, authenticate: () => refusal, review: () => refusal };
  assert.equal(attemptGuard({ clock: new TestClock() }).before(inner).review?.(NOBODY, 'client'), refusal);
});

test('a trusted network that is none is an error', () => {
  for (const network of ['10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/', 'localhost', '', '::/129'])
    assert.throws(
      () => world({ trusted: [network] }),
      { name: 'RangeError', message: /^Cannot trust the address "/ },
      network,
    );
});

test('delayed attempts of one address leave room for those of others, and so do those behind a trusted one', async () => {
  const limits = { userDelayAfter: 0, delayedMax: 4, delayedPerAddressMax: 2 };
  for (const [address, other] of [
    ['2001:db8::1', '2001:db8::2'],
    ['127.0.0.1', '127.0.0.2'],
  ]) {
    const { guarded, clock } = world(limits);
    const come = (from: string, username: string) =>
      guarded.authenticate(testRequest({ ...right, username, address: from }));
    const flood = [come(address, 'ada'), come(other, 'ada'), come(address, 'ada')];
    assert.partialDeepStrictEqual(flood[2], { check: 'attempt-backlog' });
    const elsewhere = [come('192.0.2.7', 'ada'), come('192.0.2.8', 'ada')];
    assert.partialDeepStrictEqual(come('192.0.2.9', 'ada'), { check: 'attempt-backlog' });
    clock.pass(250);
    for (const result of await Promise.all([...flood.slice(0, 2), ...elsewhere])) assert.equal(result.kind, 'accept');
  }
});

test('who hangs up gives its place back at once, delayed or in line, and nobody is asked for it', async () => {
  const { guarded, inner, clock } = world({ userDelayAfter: 0, delayedMax: 2 });
  for (let at = 1; at <= 50; at++) {
    const gone = new AbortController();
    // Behind a trusted address there is no line to leave.
    const address = at % 2 === 0 ? '127.0.0.1' : `192.0.2.${at}`;
    const left = guarded.authenticate(testRequest({ ...wrong, address, gone: gone.signal }));
    gone.abort();
    assert.partialDeepStrictEqual(await left, { check: 'client-gone' });
  }
  assert.deepEqual([inner.asked, clock.timers], [0, 0]);
  const late = lateWorld({ userAtAddressBanAfter: 1, delayedMax: 1 });
  const first = late.come(right);
  const gone = new AbortController();
  const second = late.come({ ...right, gone: gone.signal });
  assert.equal(await late.come(right), 'attempt-backlog');
  gone.abort();
  assert.equal(await second, 'client-gone');
  const third = late.come(right);
  await late.inner.answerAll();
  assert.deepEqual([await first, await third, late.inner.asked, late.clock.timers], ['accept', 'accept', 2, 0]);
});

test('a wrong secret that was shown elsewhere counts for its address: a delay, then a ban', () => {
  const clock = new TestClock();
  const events: AttemptEvent[] = [];
  const tell = (event: AttemptEvent) => void events.push(event);
  const guard = attemptGuard({ clock, tell, addressDelayAfter: 2, delayMs: 250, addressBanAfter: 5 });
  const delays = [1, 2, 3, 4, 5].map(() => guard.failedElsewhere('192.0.2.7', 'web'));
  assert.deepEqual(delays, [0, 0, 250, 500, 1_000]);
  assert.equal(guard.isBanned('192.0.2.7'), true);
  assert.deepEqual(
    events.map((event) => event.name),
    ['addressBanned'],
  );
  for (let n = 0; n < 9; n++) assert.equal(guard.failedElsewhere('127.0.0.1', 'web'), 0);
  assert.equal(guard.isBanned('127.0.0.1'), false);
});
