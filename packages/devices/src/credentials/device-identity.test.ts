import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceIdentities, deviceIdentity } from './device-identity.ts';

const identities = new DeviceIdentities();
identities.add('fleet');

test('an identity names the device, and which of those that had its id', () => {
  const identity = deviceIdentity('fleet', { device: { id: 'urn:cam-1' }, generation: 'g1' });
  assert.deepEqual(identities.read(identity), { deviceId: 'urn:cam-1', generation: 'g1' });
  assert.notEqual(identity, deviceIdentity('fleet', { device: { id: 'urn:cam-1' }, generation: 'g2' }));
});

test('what another method says is no device, whatever it looks like', () => {
  for (const identity of [
    undefined,
    '',
    'users:cam-1/g1',
    'fleet',
    'fleet:',
    'fleet:cam-1',
    'fleet:cam-1/g1/x',
    ':cam-1/g1',
  ])
    assert.equal(identities.read(identity), undefined);
});
