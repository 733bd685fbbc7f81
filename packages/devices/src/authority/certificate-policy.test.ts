import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRegistry } from '../testing/registry.ts';
import { IssuedCertificatePolicy } from './certificate-policy.ts';
import { Certificates } from './certificates.ts';
import { Registration } from './registration.ts';
import { openAuthority } from './testing/fleet.ts';

const by = 'a test';

async function open() {
  const { parts, registry, types } = testRegistry();
  const type = [...types.names].at(-1)!;
  const certificates = new Certificates(parts, openAuthority());
  const registration = new Registration(parts, registry, [{ authority: 'acme', type }], 'devices', undefined);
  const policy = new IssuedCertificatePolicy(certificates, registration);
  const device = await registry.add({ id: 'p1', type }, by);
  const facts = (serial: string, authority = 'devices') => ({ serial, authority, commonName: 'p1' });
  return { certificates, registry, registration, policy, device, facts, type };
}

test('a certificate counts, and its first use is remembered when the device comes in', async () => {
  const { certificates, policy, device, facts } = await open();
  const { serial } = await certificates.issue(device, { by });
  assert.equal(await policy.shown(device, facts(serial)), undefined);
  assert.notEqual((await certificates.get(serial))?.value.firstUsedAtMs, undefined);
  assert.equal(policy.shown(device, facts(serial)), undefined, 'at once');
});

test('the certificate of a device that was removed is none of the device that has its id now', async () => {
  const { certificates, registry, policy, device, facts, type } = await open();
  const { serial } = await certificates.issue(device, { by });
  await registry.remove('p1', { by });
  const anew = await registry.add({ id: 'p1', type }, by);
  const refusal = await policy.shown(anew, facts(serial));
  assert.match(refusal?.detail ?? '', /was given to a device that had the id before; one of its own is expected/);
  assert.equal((await certificates.get(serial))?.value.firstUsedAtMs, undefined);
});

test('of certificates that were issued elsewhere, or by others, it says nothing', async () => {
  const { certificates, registration, policy, device, facts } = await open();
  const { serial } = await certificates.issue(device, { by });
  assert.equal(policy.shown(device, facts('ABCDEF')), undefined);
  assert.equal(policy.shown(device, facts(serial, 'acme')), undefined);
  assert.equal((await certificates.get(serial))?.value.firstUsedAtMs, undefined);
  assert.equal(new IssuedCertificatePolicy(undefined, registration).shown(device, facts(serial)), undefined);
});

test('devices of a foreign authority are registered', async () => {
  const { policy, facts } = await open();
  const registered = await policy.register('p9', facts('AB', 'acme'));
  assert.ok(registered !== undefined && 'device' in registered);
  assert.equal(registered.device.authority, 'acme');
  assert.equal(await policy.register('p8', facts('AB')), undefined);
});
