import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PasswordHash, PasswordVerifier, type Verdict } from '@dunlin/identity';
import type { DeviceError } from '../device-error.ts';
import { testRegistry } from '../testing/registry.ts';
import { Tokens } from './tokens.ts';

const by = 'test';

/** A verifier that says what it was asked for, and computes nothing for who is pretended. */
class CountingVerifier extends PasswordVerifier {
  readonly asked: string[] = [];

  override verify(owner: string, hash: PasswordHash, password: Uint8Array): ReturnType<PasswordVerifier['verify']> {
    this.asked.push('verify');
    return super.verify(owner, hash, password);
  }

  override async pretend(): Promise<'done' | 'busy'> {
    this.asked.push('pretend');
    return 'done';
  }
}

async function setUp() {
  const { registry, parts, types } = testRegistry();
  const verifier = new CountingVerifier();
  const tokens = new Tokens(parts, registry, verifier);
  await registry.add({ id: 'd1', type: 'lamp' }, by);
  await registry.add({ id: 'd2', type: 'lamp' }, by);
  const check = async (deviceId: string, token: string) =>
    tokens.check(await registry.get(deviceId), Buffer.from(token));
  const kind = async (deviceId: string, token: string) => (await check(deviceId, token)).kind;
  const list = async (deviceId: string) => {
    const registered = await registry.get(deviceId);
    return registered === undefined ? [] : tokens.list(registered);
  };
  return { registry, parts, types, verifier, tokens, check, kind, list };
}

test('lets in with a token that was issued, and with no other', async () => {
  const { tokens, check, kind, parts } = await setUp();
  const issued = await tokens.issue('d1', { by, label: 'first' });
  assert.deepEqual(await check('d1', issued.token), { kind: 'right', tokenId: issued.tokenId, endsAtMs: Infinity });
  const other = await tokens.issue('d2', { by });
  for (const token of [
    other.token,
    '',
    `${issued.token} `,
    issued.token.slice(0, -1),
    issued.tokenId,
    issued.token.toUpperCase(),
  ])
    assert.equal(await kind('d1', token), 'wrong', token);
  assert.equal(JSON.stringify(parts.events).includes(issued.token), false);
});

test('keeps nothing from which a token could be read', async () => {
  const { tokens, parts, list } = await setUp();
  const { token } = await tokens.issue('d1', { by });
  await tokens.importToken('d1', 'short', { by });
  const kept = JSON.stringify([
    parts.tables.table({ name: 'device-tokens', indexes: {} }).scan({ limit: 9 }),
    await list('d1'),
  ]);
  assert.equal(kept.includes(token) || kept.includes('"short"'), false);
  assert.match(kept, /argon2id/);
});

test('ends a token when its time is over', async () => {
  const { tokens, check, parts } = await setUp();
  const { token, tokenId, expiresAtMs } = await tokens.issue('d1', { by, expiresInS: 60 });
  assert.equal(expiresAtMs, parts.clock.nowMs() + 60_000);
  parts.clock.pass(59_999);
  assert.equal((await check('d1', token)).kind, 'right');
  parts.clock.pass(1);
  assert.deepEqual(await check('d1', token), { kind: 'expired', tokenId, endsAtMs: expiresAtMs });
});

test('lets the old token count on for the overlap of a rotation, and no longer', async () => {
  const { tokens, kind, parts } = await setUp();
  const old = await tokens.issue('d1', { by });
  const next = await tokens.rotate('d1', { by, overlapS: 3_600 });
  assert.deepEqual([await kind('d1', old.token), await kind('d1', next.token)], ['right', 'right']);
  parts.clock.pass(3_600_000);
  assert.deepEqual([await kind('d1', old.token), await kind('d1', next.token)], ['expired', 'right']);
  const last = await tokens.rotate('d1', { by, overlapS: 0 });
  assert.deepEqual([await kind('d1', next.token), await kind('d1', last.token)], ['expired', 'right']);
});

test('never lengthens the life of a token by a rotation', async () => {
  const { tokens, list } = await setUp();
  const { expiresAtMs } = await tokens.issue('d1', { by, expiresInS: 60 });
  await tokens.rotate('d1', { by, overlapS: 10 });
  const shortened = (await list('d1')).map(({ endsAtMs }) => endsAtMs);
  await tokens.rotate('d1', { by, overlapS: 31_536_000 });
  const after = (await list('d1')).map(({ endsAtMs }) => endsAtMs);
  assert.ok(Math.min(...shortened) < expiresAtMs);
  assert.equal(Math.min(...after), Math.min(...shortened));
});

test('takes a revoked token for a wrong one', async () => {
  const { tokens, kind } = await setUp();
  const { token, tokenId } = await tokens.issue('d1', { by });
  const other = await tokens.issue('d1', { by });
  await assert.rejects(tokens.revoke('d2', tokenId, by), { code: 'unknown-token' });
  await tokens.revoke('d1', tokenId, by);
  assert.deepEqual([await kind('d1', token), await kind('d1', other.token)], ['wrong', 'right']);
  await assert.rejects(tokens.revoke('d1', tokenId, by), { code: 'unknown-token' });
});

test('tells of the limit that it keeps, also where a rotation has a token end early', async () => {
  const { registry, parts, verifier } = await setUp();
  const tokens = new Tokens(parts, registry, verifier, 2);
  const first = await tokens.issue('d1', { by });
  await tokens.issue('d1', { by });
  await assert.rejects(tokens.issue('d1', { by }), { code: 'token-limit', message: /tokensPerDeviceMax/ });
  await tokens.rotate('d1', { by });
  const told = parts.events.flatMap((event) => (event.name === 'deviceLimitReached' ? [event] : []));
  assert.deepEqual(
    told.map(({ limit, deviceId }) => [limit, deviceId]),
    [
      ['tokensPerDeviceMax', 'd1'],
      ['tokensPerDeviceMax', 'd1'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(told), new RegExp(first.token));
});

test('keeps at most eight tokens that count, and makes room of those that have ended', async () => {
  const { tokens, parts, list, kind } = await setUp();
  const first = await tokens.issue('d1', { by, expiresInS: 60 });
  for (let n = 1; n < 8; n++) await tokens.issue('d1', { by });
  await assert.rejects(tokens.issue('d1', { by }), { code: 'token-limit' });
  await assert.rejects(tokens.importToken('d1', 'short', { by }), { code: 'token-limit' });
  parts.clock.pass(60_000);
  await tokens.issue('d1', { by });
  assert.equal((await list('d1')).length, 8);
  assert.equal(await kind('d1', first.token), 'wrong');
  const rotated = await tokens.rotate('d1', { by });
  assert.deepEqual([(await list('d1')).length, await kind('d1', rotated.token)], [8, 'right']);
});

test('does not let tokens count for a device that came later under the same id', async () => {
  const { registry, tokens, kind, list } = await setUp();
  const { token } = await tokens.issue('d1', { by });
  await registry.remove('d1', { by });
  assert.equal(await kind('d1', token), 'wrong');
  await registry.add({ id: 'd1', type: 'lamp' }, by);
  assert.equal(await kind('d1', token), 'wrong');
  assert.deepEqual(await list('d1'), []);
  const fresh = await tokens.issue('d1', { by });
  assert.deepEqual([await kind('d1', token), await kind('d1', fresh.token)], ['wrong', 'right']);
  await assert.rejects(tokens.issue('d3', { by }), { code: 'unknown-device' });
});

test('does not let a short token count for a device that came later, while leftovers are there', async () => {
  const { registry, tokens, kind, parts } = await setUp();
  await tokens.importToken('d1', 'hunter2', { by });
  // As after a crash: nobody drops them.
  await tokens.close();
  await registry.remove('d1', { by });
  await registry.add({ id: 'd1', type: 'lamp' }, by);
  assert.notEqual(parts.tables.table({ name: 'device-tokens', indexes: {} }).get('d1'), undefined);
  assert.equal(await kind('d1', 'hunter2'), 'wrong');
});

test('imports a token once, and does not bring back one that was rotated out', async () => {
  const { tokens, kind, list, verifier } = await setUp();
  const uuid = '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11';
  assert.deepEqual([await tokens.importOnce('d1', uuid, by), await tokens.importOnce('d1', uuid, by)], [true, false]);
  await tokens.rotate('d1', { by, overlapS: 0 });
  assert.equal(await tokens.importOnce('d1', uuid, by), false);
  assert.deepEqual([await kind('d1', uuid), (await list('d1')).length], ['expired', 2]);
  await tokens.importToken('d1', 'hunter2', { by });
  verifier.verify = () => 'busy';
  await assert.rejects(tokens.importOnce('d1', 'hunter2', by), { code: 'busy' });
});

test('drops the tokens of a removed device, and keeps those of one that took its place', async () => {
  const { registry, tokens, parts } = await setUp();
  await tokens.issue('d1', { by });
  await registry.remove('d1', { by });
  await new Promise(setImmediate);
  assert.equal(parts.tables.table({ name: 'device-tokens', indexes: {} }).get('d1'), undefined);
  await registry.add({ id: 'd1', type: 'lamp' }, by);
  await registry.remove('d1', { by });
  await registry.add({ id: 'd1', type: 'lamp' }, by);
  await tokens.issue('d1', { by });
  await new Promise(setImmediate);
  assert.notEqual(parts.tables.table({ name: 'device-tokens', indexes: {} }).get('d1'), undefined);
});

test('reads, hashes and compares for an unknown device what it does for a known one', async () => {
  const { tokens, kind, parts } = await setUp();
  const { token } = await tokens.issue('d1', { by });
  assert.equal(await kind('d1', token), 'right');
  const table = parts.tables.table({ name: 'device-tokens', indexes: {} });
  const reads: string[] = [];
  const get = table.get.bind(table);
  table.get = (key) => {
    reads.push(key);
    return get(key);
  };
  for (const id of ['d1', 'd9', '../d1', "' OR 1=1 --", '__proto__'])
    assert.equal(await kind(id, `dt_${'x'.repeat(32)}`), 'wrong', id);
  assert.deepEqual(reads, ['d1', 'd1', 'd1', 'd1', 'd1']);
  // Not even the token of the device that is read in place of an unknown one.
  assert.equal(await kind('d9', token), 'wrong');
});

test('hashes a short imported token so that guessing is dear, and lets it in', async () => {
  const { tokens, kind, check, verifier, list } = await setUp();
  assert.equal(await kind('d1', 'hunter2'), 'wrong');
  assert.deepEqual(verifier.asked, []);
  const { tokenId } = await tokens.importToken('d1', 'hunter2', { by });
  assert.equal((await list('d1'))[0].hash, 'argon2id');
  assert.deepEqual(await check('d1', 'hunter2'), { kind: 'right', tokenId, endsAtMs: Infinity });
  await assert.rejects(tokens.importToken('d1', 'hunter3', { by }), { code: 'token-limit' });
  await tokens.revoke('d1', tokenId, by);
  assert.equal(await kind('d1', 'hunter2'), 'wrong');
});

test('spends as much on a wrong short token of whomever, once a device has one', async () => {
  const { tokens, kind, verifier } = await setUp();
  await tokens.importToken('d1', 'hunter2', { by });
  for (const id of ['d1', 'd2', 'd9']) assert.equal(await kind(id, 'guess'), 'wrong');
  assert.deepEqual(verifier.asked, ['verify', 'pretend', 'pretend']);
  // What is long enough to be a token of ours is never compared with a short one.
  assert.equal(await kind('d1', 'x'.repeat(32)), 'wrong');
  assert.equal(verifier.asked.length, 3);
});

test('does not let in with a short token that was revoked while it was checked', async () => {
  const { registry, tokens, verifier } = await setUp();
  const { tokenId } = await tokens.importToken('d1', 'hunter2', { by });
  let settle: (verdict: Verdict) => void = () => {};
  verifier.verify = () => new Promise((resolve) => (settle = resolve));
  const checked = tokens.check(await registry.get('d1'), Buffer.from('hunter2'));
  await tokens.revoke('d1', tokenId, by);
  settle('right');
  assert.deepEqual(await checked, { kind: 'wrong', hasTokens: false });
});

test('says when too many short tokens wait', async () => {
  const { tokens, kind, verifier } = await setUp();
  await tokens.importToken('d1', 'hunter2', { by });
  verifier.verify = () => 'busy';
  verifier.pretend = async () => 'busy';
  assert.deepEqual([await kind('d1', 'x'), await kind('d9', 'x')], ['busy', 'busy']);
});

test('keeps a long imported token as SHA-256', async () => {
  const { tokens, kind, list, verifier } = await setUp();
  const uuid = '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11';
  await tokens.importToken('d1', uuid, { by });
  assert.equal((await list('d1'))[0].hash, 'sha256');
  assert.deepEqual([await kind('d1', uuid), await kind('d1', 'x'.repeat(5_000))], ['right', 'wrong']);
  await tokens.importToken('d1', 'y'.repeat(4_096), { by });
  assert.deepEqual([await kind('d1', 'y'.repeat(4_096)), await kind('d1', 'y'.repeat(4_097))], ['right', 'wrong']);
  assert.deepEqual(verifier.asked, []);
});

test('writes when a token was last used, once a minute at most, and a while later', async () => {
  const { tokens, kind, list, parts } = await setUp();
  const { token } = await tokens.issue('d1', { by });
  const lastUsed = async () => (await list('d1'))[0].lastUsedAtMs;
  const firstMs = parts.clock.nowMs();
  await kind('d1', token);
  assert.equal(await lastUsed(), undefined);
  parts.clock.pass(10_000);
  await new Promise(setImmediate);
  assert.equal(await lastUsed(), firstMs);
  parts.clock.pass(49_999);
  await kind('d1', token);
  parts.clock.pass(10_000);
  await new Promise(setImmediate);
  assert.equal(await lastUsed(), firstMs);
  await kind('d1', token);
  parts.clock.pass(10_000);
  await new Promise(setImmediate);
  assert.equal(await lastUsed(), firstMs + 69_999);
});

test('loses no token to those who write at the same time', async () => {
  const { tokens, kind, list } = await setUp();
  const issued = await Promise.all(Array.from({ length: 6 }, () => tokens.issue('d1', { by })));
  assert.equal((await list('d1')).length, 6);
  assert.deepEqual(new Set(await Promise.all(issued.map(({ token }) => kind('d1', token)))), new Set(['right']));
});

test('refuses options and tokens that are none', async () => {
  const { tokens } = await setUp();
  for (const expiresInS of [0, -1, 1.5, NaN, Infinity, 1e12])
    await assert.rejects(tokens.issue('d1', { by, expiresInS }), { code: 'invalid' });
  for (const label of ['x'.repeat(129), 'a\nb'])
    await assert.rejects(tokens.issue('d1', { by, label }), { code: 'invalid' });
  for (const overlapS of [-1, 1.5, 1e9])
    await assert.rejects(tokens.rotate('d1', { by, overlapS }), { code: 'invalid' });
  for (const token of ['', 'x'.repeat(4_097), '\ud800'])
    await assert.rejects(
      tokens.importToken('d1', token, { by }),
      ({ code, message }: { code: string; message: string }) => {
        assert.equal(code, 'invalid');
        return token === '' || !message.includes(token);
      },
    );
});

test('tells listeners of the tokens as they are now', async () => {
  const { tokens } = await setUp();
  const told: [string, number][] = [];
  const stop = tokens.onChange((id, now) => told.push([id, now.length]));
  const { tokenId } = await tokens.issue('d1', { by });
  await tokens.revoke('d1', tokenId, by);
  stop();
  await tokens.issue('d1', { by });
  assert.deepEqual(told, [
    ['d1', 1],
    ['d1', 0],
  ]);
});

test('gives no token to a device of a type that comes in with certificates only', async () => {
  const { tokens, registry, list } = await setUp();
  await registry.add({ id: 'p1', type: 'player' }, by);
  const refused = {
    code: 'credential-kind',
    message:
      'Cannot give "p1" a token: devices of the type "player" come in with certificates only; a certificate is expected',
  };
  await assert.rejects(tokens.issue('p1', { by }), refused);
  await assert.rejects(tokens.rotate('p1', { by }), refused);
  for (const token of ['short', 'x'.repeat(40)]) {
    await assert.rejects(tokens.importToken('p1', token, { by }), refused);
    await assert.rejects(tokens.importOnce('p1', token, by), refused);
  }
  assert.deepEqual(await list('p1'), []);
  // What it had before its type took none it may still be rid of.
  const { tokenId } = await tokens.issue('d1', { by });
  await registry.change('d1', { type: 'player' }, { by });
  await tokens.revoke('d1', tokenId, by);
  assert.deepEqual(await list('d1'), []);
});

test('so many short tokens wait to be hashed, and none for a device that there is not or that has one', async () => {
  const { registry, tokens } = await setUp();
  await tokens.importToken('d1', 'hunter2', { by });
  const ids = Array.from({ length: 101 }, (_, index) => `many-${index}`);
  for (const id of ids) await registry.add({ id, type: 'lamp' }, by);
  const imports = Promise.allSettled(ids.map((id) => tokens.importToken(id, 'hunter2', { by })));
  const codeOf = (deviceId: string) =>
    tokens.importToken(deviceId, 'hunter3', { by }).then(
      () => undefined,
      ({ code }: DeviceError) => code,
    );
  assert.deepEqual(
    [await codeOf('nobody'), await codeOf('d1'), await codeOf('d2')],
    ['unknown-device', 'token-limit', 'busy'],
  );
  const refused = (await imports).flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  assert.deepEqual(refused, ['busy']);
});
