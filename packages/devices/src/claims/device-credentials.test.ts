import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { CertificateFacts } from '@dunlin/broker';
import { PasswordVerifier } from '@dunlin/identity';
import { csrPem, DAY_MS, ecPair, NOW_MS, openAuthority } from '../authority/testing/fleet.ts';
import type { DeviceError } from '../device-error.ts';
import type { DeviceEvent } from '../events.ts';
import { DeviceTypes } from '../registry/types.ts';
import { DeviceService } from '../service.ts';
import { TestClock } from '../testing/clock.ts';
import { MemoryTables } from '../testing/registry.ts';
import { deviceType } from '../testing/types.ts';

const AT = '192.0.2.7';
const code = (expected: string) => (error: DeviceError) => error.code === expected;
const REFUSED = code('renewal-refused');

async function world(limits = {}) {
  const clock = new TestClock(NOW_MS);
  const events: DeviceEvent[] = [];
  const service = await DeviceService.open({
    tables: new MemoryTables(),
    clock,
    tell: (event) => events.push(event),
    types: new DeviceTypes([
      deviceType({ name: 'frame', credential: 'certificate', claimable: true }),
      deviceType({ name: 'any' }),
      deviceType({ name: 'tokens', credential: 'token' }),
    ]),
    verifier: new PasswordVerifier(),
    authority: openAuthority(),
    claimLimits: limits,
  });
  const registered = await service.registry.add({ id: 'f1', type: 'frame', owner: 'ada' }, 'test');
  const { certificates } = service.issuing ?? assert.fail();
  const first = await service.desk.provide(registered, { csrName: 'claim', by: 'test' });
  const token = first.renewal?.token ?? '';
  const serial = first.certificate?.serial ?? '';
  const facts = { commonName: 'f1', authority: 'devices', serial } as unknown as CertificateFacts;
  const valid = async () =>
    (await certificates.list('f1', { limit: 100 })).records
      .filter(({ value }) => value.revokedAtMs === undefined)
      .map(({ key }) => key);
  return { service, desk: service.desk, certificates, clock, events, registered, first, token, serial, facts, valid };
}

test('a device whose certificate has ended still renews with its token, until 90 days after', async () => {
  const { desk, clock, token, first, events } = await world();
  const endMs = first.certificate?.notAfterMs ?? 0;
  clock.pass(endMs + 89 * DAY_MS - NOW_MS);
  const { certificate, renewal } = await desk.renewByToken('f1', token, AT, {});
  assert.ok((certificate?.notAfterMs ?? 0) > clock.nowMs() + 364 * DAY_MS);
  assert.notEqual(renewal?.token, token);
  assert.ok(events.some((event) => event.name === 'certificateRenewed' && event.by === 'token'));
  clock.pass(DAY_MS * (365 + 91));
  await assert.rejects(desk.renewByToken('f1', renewal?.token ?? '', AT, {}), REFUSED);
});

test('a device renews for a key of its own, under its own name alone', async () => {
  const { desk, token } = await world();
  for (const name of ['f2', 'claim'])
    await assert.rejects(desk.renewByToken('f1', token, AT, { csr: csrPem(name) }), code('csr-name'));
  const pair = ecPair();
  const { certificate } = await desk.renewByToken('f1', token, AT, { csr: csrPem('f1', { pair }) });
  assert.ok(new X509Certificate(certificate?.certificate ?? '').publicKey.equals(pair.publicKey));
  assert.equal(certificate?.key, undefined);
});

test('answers that are lost leave one certificate beside the one in use', async () => {
  const { desk, certificates, token, serial, valid } = await world();
  await certificates.used(serial);
  for (let time = 0; time < 6; time += 1) await desk.renewByToken('f1', token, AT, {});
  const { certificate } = await desk.renewByToken('f1', token, AT, {});
  assert.deepEqual((await valid()).sort(), [serial, certificate?.serial].sort());
});

test('a wrong token, another device, a removed and a disabled one are refused alike', async () => {
  const { desk, service, token, events } = await world();
  const messages = new Set<string>();
  const refused = async (id: string, shown: string) =>
    assert.rejects(desk.renewByToken(id, shown, AT, {}), (error: DeviceError) => {
      messages.add(error.message.replace(JSON.stringify(id), 'ID'));
      return error.code === 'renewal-refused';
    });
  await refused('f1', `${token.slice(0, -1)}!`);
  await refused('f2', token);
  for (const id of ['', '../f1', '__proto__', 'x'.repeat(10_000), token]) await refused(id, token);
  await service.registry.change('f1', { enabled: false }, { by: 'test' });
  await refused('f1', token);
  await service.registry.remove('f1', { by: 'test' });
  await service.registry.add({ id: 'f1', type: 'frame' }, 'test');
  await refused('f1', token);
  assert.equal(events.filter(({ name }) => name === 'renewalRefused').length, 9);
  assert.ok(!JSON.stringify(events).includes(token));
});

test('a device renews with its certificate, and not with one of others', async () => {
  const { desk, facts, certificates, token } = await world();
  for (const other of [{ authority: 'acme' }, { commonName: 'f2' }, { commonName: undefined }])
    await assert.rejects(desk.renewByCertificate({ ...facts, ...other }, AT, {}), REFUSED);
  const { certificate, renewal } = await desk.renewByCertificate(facts, AT, {});
  assert.equal((await certificates.get(facts.serial))?.value.replacedBy, certificate?.serial);
  await desk.renewByToken('f1', renewal?.token ?? '', AT, {});
  await assert.rejects(desk.renewByToken('f1', token, AT, {}), REFUSED);
});

test('a device whose type takes tokens only by now gets no certificate, whoever asks for one', async () => {
  const { desk, service, certificates, events, facts, token, serial, valid } = await world();
  const changed = await service.registry.change('f1', { type: 'tokens' }, { by: 'test' });
  await assert.rejects(desk.renewByToken('f1', token, AT, {}), REFUSED);
  await assert.rejects(desk.renewByCertificate(facts, AT, {}), REFUSED);
  const told = events.flatMap((event) => (event.name === 'renewalRefused' ? [event.why] : []));
  assert.deepEqual(told, ['its type takes tokens only', 'its type takes tokens only']);
  await assert.rejects(desk.renewForOwner(changed, { by: 'ada' }), code('credential-kind'));
  await assert.rejects(certificates.issue(changed, { by: 'test' }), code('credential-kind'));
  await assert.rejects(certificates.renew(changed, serial, { by: 'test' }), code('credential-kind'));
  assert.deepEqual(await valid(), [serial]);
  // What it had before it may still be rid of.
  await certificates.revoke(serial, { by: 'test' });
  const now = (await service.registry.get('f1')) ?? assert.fail();
  const { token: first, certificate } = await desk.provide(now, { csrName: 'claim', by: 'test' });
  assert.ok(first !== undefined && certificate === undefined);
});

test('a certificate that was revoked is not renewed, by itself or by the token', async () => {
  const { desk, certificates, serial, facts, token } = await world();
  await certificates.revoke(serial, { reason: 'keyCompromise', by: 'test' });
  await assert.rejects(desk.renewByToken('f1', token, AT, {}), REFUSED);
  await assert.rejects(desk.renewByCertificate(facts, AT, {}), code('revoked'));
});

const WITHDRAWALS: Readonly<Record<string, (of: Awaited<ReturnType<typeof world>>) => Promise<unknown>>> = {
  'its certificate was revoked': ({ certificates, serial }) => certificates.revoke(serial, { by: 'test' }),
  'a certificate was revoked that was replaced before': async ({ certificates, registered, serial }) => {
    const next = await certificates.renew(registered, serial, { by: 'test' });
    await certificates.used(next.serial);
    await certificates.revoke(serial, { reason: 'keyCompromise', by: 'test' });
  },
  'all its certificates were revoked': ({ certificates }) => certificates.revokeAll('f1', { by: 'test' }),
  'it was disabled and enabled': async ({ service }) => {
    await service.registry.change('f1', { enabled: false }, { by: 'test' });
    await service.registry.change('f1', { enabled: true }, { by: 'test' });
  },
};
for (const [what, withdraw] of Object.entries(WITHDRAWALS))
  test(`a renewal token gets nothing any more after ${what}, also when the device has another certificate`, async () => {
    const made = await world();
    const { desk, certificates, service, token } = made;
    await withdraw(made);
    await assert.rejects(desk.renewByToken('f1', token, AT, {}), REFUSED);
    const registered = (await service.registry.get('f1')) ?? assert.fail();
    const { serial } = await certificates.issue(registered, { by: 'test' });
    await assert.rejects(desk.renewByToken('f1', token, AT, {}), REFUSED);
    assert.equal((await certificates.get(serial))?.value.replacedBy, undefined);
    const { renewal } = await desk.renewByCertificate({ ...made.facts, serial }, AT, {});
    await desk.renewByToken('f1', renewal?.token ?? '', AT, {});
  });

test('a revocation beside a renewal leaves no renewal token and no certificate that came of it', async () => {
  for (let turns = 0; turns < 30; turns += 1) {
    const { desk, certificates, token, valid, registered, service } = await world();
    const renewing = desk.renewByToken('f1', token, AT, {}).then(
      ({ renewal }) => renewal?.token,
      () => undefined,
    );
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await desk.end(registered, 'owner:ada');
    const renewed = await renewing;
    assert.deepEqual(await valid(), [], `after ${turns} turns`);
    const now = (await service.registry.get('f1')) ?? assert.fail();
    await certificates.issue(now, { by: 'test' });
    for (const shown of [token, renewed ?? token])
      await assert.rejects(desk.renewByToken('f1', shown, AT, {}), REFUSED, `after ${turns} turns`);
  }
});

test('one that ended by itself is not renewed where what replaced it was revoked', async () => {
  const { desk, certificates, serial, clock, registered } = await world();
  await certificates.used(serial);
  const { notAfterMs } = (await certificates.get(serial))?.value ?? assert.fail();
  clock.pass(notAfterMs - clock.nowMs() - DAY_MS);
  const next = await certificates.renew(registered, serial, { by: 'test' });
  await certificates.used(next.serial);
  clock.pass(2 * DAY_MS);
  await certificates.revoke(next.serial, { reason: 'keyCompromise', by: 'test' });
  await assert.rejects(desk.renewForOwner(registered, { by: 'owner:ada' }), REFUSED);
});

test('what its owner ends is over: certificates, tokens and renewal', async () => {
  const { desk, service, registered, token, valid } = await world();
  // It came in with a token before its type took certificates only.
  await service.registry.change('f1', { type: 'any' }, { by: 'test' });
  await service.tokens.issue('f1', { by: 'test' });
  await service.registry.change('f1', { type: 'frame' }, { by: 'test' });
  await desk.end(registered, 'owner:ada');
  assert.deepEqual([await valid(), await service.tokens.list(registered)], [[], []]);
  await assert.rejects(desk.renewByToken('f1', token, AT, {}), REFUSED);
  await assert.rejects(desk.renewForOwner(registered, { by: 'owner:ada' }), REFUSED);
  const state = await desk.state(registered);
  assert.deepEqual(state, { hasToken: false, certificateEndsAtMs: undefined, renewableUntilMs: undefined });
});

test('an owner renews, and the device can still renew by itself', async () => {
  const { desk, registered, token } = await world();
  const certificate = await desk.renewForOwner(registered, { by: 'owner:ada' });
  assert.ok(certificate.key?.includes('PRIVATE KEY'));
  const { certificateEndsAtMs, renewableUntilMs } = await desk.state(registered);
  assert.equal(certificateEndsAtMs, certificate.notAfterMs);
  assert.ok((renewableUntilMs ?? 0) > certificate.notAfterMs);
  await desk.renewByToken('f1', token, AT, {});
});

test('a device renews so often a day', async () => {
  const { desk, facts, clock, certificates } = await world({ renewalsPerDayMax: 2 });
  await certificates.used(facts.serial);
  await desk.renewByCertificate(facts, AT, {});
  await desk.renewByCertificate(facts, AT, {});
  await assert.rejects(desk.renewByCertificate(facts, AT, {}), code('renewal-limit'));
  clock.pass(DAY_MS);
  await desk.renewByCertificate(facts, AT, {});
});
