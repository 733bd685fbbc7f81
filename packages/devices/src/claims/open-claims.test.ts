import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveClaimLimits } from '../limits/claim-limits.ts';
import { TestClock } from '../testing/clock.ts';
import { OpenClaims } from './open-claims.ts';

const open = (limits: Parameters<typeof resolveClaimLimits>[0], clock = new TestClock()) =>
  new OpenClaims(clock, resolveClaimLimits(limits));

test('claims of one address end at its limit, and those of all at theirs', () => {
  const claims = open({ claimsMax: 3, claimsPerAddressMax: 2 });
  claims.add('A', 'one');
  claims.add('B', 'one');
  assert.equal(claims.reached('one'), 'claimsPerAddressMax');
  assert.equal(claims.reached('two'), undefined);
  claims.add('C', 'two');
  assert.equal(claims.reached('three'), 'claimsMax');
  claims.remove('A');
  claims.remove('A');
  assert.equal(claims.reached('one'), undefined);
  assert.equal(claims.size, 2);
});

test('a code is that of one claim', () => {
  const claims = open({});
  assert.deepEqual([claims.add('A', 'one'), claims.add('A', 'two')], [true, false]);
  claims.remove('A');
  assert.equal(claims.size, 0);
});

test('an address begins so many claims a minute, however fast they end', () => {
  const clock = new TestClock();
  const claims = open({ claimsPerMinuteMax: 2 }, clock);
  assert.deepEqual(
    [claims.reached('a'), claims.reached('a'), claims.reached('a')],
    [undefined, undefined, 'claimsPerMinuteMax'],
  );
  assert.equal(claims.reached('b'), undefined);
  clock.pass(60_000);
  assert.equal(claims.reached('a'), undefined);
});
