import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authenticator, NOBODY, type Refusal } from '@dunlin/broker';
import { isFormToken, OwnerSessions } from './owner-sessions.ts';
import { StandingClock } from './testing/host.ts';

const REFUSAL: Refusal = { kind: 'refuse', reasonCode: 0x87, check: 'test' };
const cookieOf = (set: string) => ({ cookie: set.split(';')[0] });

function world() {
  const clock = new StandingClock();
  const ended: string[] = [];
  const limits = { ownerSessionsMax: 50, sessionsPerOwnerMax: 20 };
  const sessions = new OwnerSessions(clock, limits, (limit, owner) => ended.push(`${limit} ${owner}`));
  const gone = new Set<string>();
  const authenticator: Authenticator = {
    supports: () => false,
    authenticate: () => REFUSAL,
    review: ({ username = '' }) => (gone.has(username) ? REFUSAL : undefined),
  };
  const begin = (owner: string, isSecure = false, expiresAtMs = Infinity) =>
    sessions.begin(owner, { ...NOBODY, username: owner, expiresAtMs }, authenticator, isSecure);
  return { clock, sessions, gone, begin, ended };
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

test('an owner has as many sessions as are allowed; the oldest ends, and that is told', () => {
  const { sessions, begin, ended } = world();
  const other = cookieOf(begin('bob'));
  const cookies = Array.from({ length: 21 }, () => cookieOf(begin('ada')));
  const found = cookies.filter((cookie) => sessions.find(cookie, false) !== undefined);
  assert.deepEqual(found, cookies.slice(1));
  assert.deepEqual(ended, ['sessionsPerOwnerMax ada']);
  assert.equal(sessions.find(other, false)?.owner, 'bob');
});

test('the token of a form is that of its session alone', () => {
  const { sessions, begin } = world();
  const [one, other] = [begin('ada'), begin('ada')].map((set) => sessions.find(cookieOf(set), false));
  assert.ok(one !== undefined && other !== undefined);
  assert.equal(isFormToken(one, one.formToken), true);
  for (const shown of [other.formToken, '', undefined, [one.formToken]]) assert.equal(isFormToken(one, shown), false);
});

test('all owners have as many as are allowed together; whoever did nothing for the longest time goes', () => {
  const { sessions, begin, ended } = world();
  const [first, second] = ['0', '1'].map((owner) => cookieOf(begin(owner)));
  for (let owner = 2; owner < 50; owner++) begin(`${owner}`);
  assert.deepEqual(ended, []);
  assert.equal(sessions.find(first, false)?.owner, '0');
  begin('51');
  assert.deepEqual(ended, ['ownerSessionsMax ']);
  assert.equal(sessions.find(second, false), undefined);
  assert.equal(sessions.find(first, false)?.owner, '0');
});
