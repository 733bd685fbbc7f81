import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRegistry } from '../testing/registry.ts';
import { Renewals } from './renewals.ts';

const HOUR_MS = 3_600_000;

async function world() {
  const { parts, registry } = testRegistry();
  const renewals = new Renewals(parts, registry, HOUR_MS);
  const one = await registry.add({ id: 'p1', type: 'player' }, 'test');
  const endMs = parts.clock.nowMs() + 10 * HOUR_MS;
  return { renewals, registry, one, endMs, clock: parts.clock };
}

test('a token counts until its end, for its device alone', async () => {
  const { renewals, registry, one, endMs, clock } = await world();
  const { token, expiresAtMs } = await renewals.issue(one, endMs);
  assert.match(token, /^dr_[\w-]{32}$/);
  assert.equal(expiresAtMs, endMs);
  const other = await registry.add({ id: 'p2', type: 'player' }, 'test');
  await renewals.issue(other, endMs);
  assert.equal(await renewals.check(one, token), true);
  for (const wrong of ['', 'dr_', `${token} `, token.toUpperCase(), 'x'.repeat(10_000)])
    assert.equal(await renewals.check(one, wrong), false);
  assert.deepEqual([await renewals.check(other, token), await renewals.check(undefined, token)], [false, false]);
  clock.pass(10 * HOUR_MS);
  assert.equal(await renewals.check(one, token), false);
});

test('a token that was replaced counts for the overlap, and the one that was lost on the way no longer', async () => {
  const { renewals, one, endMs, clock } = await world();
  const { token: first } = await renewals.issue(one, endMs);
  const { token: lost } = await renewals.replace(one, endMs, first);
  const { token: second } = await renewals.replace(one, endMs, first);
  const check = (token: string) => renewals.check(one, token);
  assert.deepEqual([await check(first), await check(lost), await check(second)], [true, false, true]);
  clock.pass(HOUR_MS);
  assert.deepEqual([await check(first), await check(second)], [false, true]);
});

test('whoever shows a certificate gets a token in place of the one in use, which counts for the overlap', async () => {
  const { renewals, one, endMs, clock } = await world();
  const { token: first } = await renewals.issue(one, endMs);
  const { token: second } = await renewals.replace(one, endMs, undefined);
  assert.deepEqual([await renewals.check(one, first), await renewals.check(one, second)], [true, true]);
  clock.pass(HOUR_MS);
  assert.deepEqual([await renewals.check(one, first), await renewals.check(one, second)], [false, true]);
});

test('a token that was revoked, or of a device that was added anew, counts no longer', async () => {
  const { renewals, registry, one, endMs } = await world();
  const { token } = await renewals.issue(one, endMs);
  await registry.remove('p1', { by: 'test' });
  const anew = await registry.add({ id: 'p1', type: 'player' }, 'test');
  assert.deepEqual([await renewals.check(anew, token), await renewals.endOf(anew)], [false, undefined]);
  const { token: other } = await renewals.issue(anew, endMs);
  assert.equal(await renewals.endOf(anew), endMs);
  await renewals.revoke('p1');
  assert.deepEqual([await renewals.check(anew, other), await renewals.endOf(anew)], [false, undefined]);
});
