import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authenticator, NOBODY, type Refusal } from '@dunlin/broker';
import { isFormToken, OwnerSessions } from './owner-sessions.ts';
import { StandingClock } from './testing/host.ts';

const REFUSAL: Refusal = { kind: 'refuse', reasonCode: 0x87, check: 'test' };
const cookieOf = (set: string) => ({ cookie: set.split(';')[0] });

function world() {
  const clock = new StandingClock();
  const sessions = new OwnerSessions(clock);
  const gone = new Set<string>();
  const authenticator: Authenticator = {
    supports: () => false,
    authenticate: () => REFUSAL,
    review: ({ username = '' }) => (gone.has(username) ? REFUSAL : undefined),
  };
  const begin = (owner: string, isSecure = false, expiresAtMs = Infinity) =>
    sessions.begin(owner, { ...NOBODY, username: owner, expiresAtMs }, authenticator, isSecure);
  return { clock, sessions, gone, begin };
}

test('a cookie over TLS is for this host alone and never sent in the clear', () => {
  const { sessions, begin } = world();
  const set = begin('ada', true);
  assert.match(set, /^__Host-dunlin-owner=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  assert.equal(sessions.find(cookieOf(set), true)?.owner, 'ada');
  assert.equal(sessions.find(cookieOf(set), false), undefined);
  assert.match(sessions.end(cookieOf(set), true), /^__Host-dunlin-owner=; .*Secure; Max-Age=0$/);
  assert.equal(sessions.find(cookieOf(set), true), undefined);
});

test('a session ends with whoever it is of, and with the credential that was shown', () => {
  const { clock, sessions, gone, begin } = world();
  const [ada, bob] = [cookieOf(begin('ada')), cookieOf(begin('bob', false, clock.ms + 60_000))];
  gone.add('ada');
  assert.equal(sessions.find(ada, false), undefined);
  gone.delete('ada');
  assert.equal(sessions.find(ada, false), undefined, 'for good');
  clock.ms += 59_999;
  assert.equal(sessions.find(bob, false)?.owner, 'bob');
  clock.ms += 1;
  assert.equal(sessions.find(bob, false), undefined);
});

test('an owner has twenty sessions at the most; the oldest ends', () => {
  const { sessions, begin } = world();
  const other = cookieOf(begin('bob'));
  const cookies = Array.from({ length: 21 }, () => cookieOf(begin('ada')));
  const found = cookies.filter((cookie) => sessions.find(cookie, false) !== undefined);
  assert.deepEqual(found, cookies.slice(1));
  assert.equal(sessions.find(other, false)?.owner, 'bob');
});

test('the token of a form is that of its session alone', () => {
  const { sessions, begin } = world();
  const [one, other] = [begin('ada'), begin('ada')].map((set) => sessions.find(cookieOf(set), false));
  assert.ok(one !== undefined && other !== undefined);
  assert.equal(isFormToken(one, one.formToken), true);
  for (const shown of [other.formToken, '', undefined, [one.formToken]]) assert.equal(isFormToken(one, shown), false);
});
