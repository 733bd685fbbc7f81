import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device } from '../device.ts';
import { DeviceTypes } from '../registry/types.ts';
import { CAMERA_ATTRIBUTES } from '../testing/registry.ts';
import { CAMERA, deviceType, PLAYER } from '../testing/types.ts';
import { DEVICE_CHECKS, DeviceChecks, type DeviceProof } from './device-checks.ts';

const types = new DeviceTypes([CAMERA, PLAYER, deviceType({ name: 'any' })]);
const checks = new DeviceChecks(types, 'devices');
const token: DeviceProof = { kind: 'token', tokenId: 't1', endsAtMs: Infinity };
const certificate: DeviceProof = { kind: 'certificate', authority: 'devices' };
const camera: Device = {
  id: 'd1',
  type: 'camera',
  name: '',
  attributes: CAMERA_ATTRIBUTES,
  groups: [],
  owner: undefined,
  enabled: true,
  authority: undefined,
  createdAtMs: 1,
  changedAtMs: 1,
};
const player: Device = { ...camera, type: 'player', attributes: {} };

const checkOf = (device: Device, proof: DeviceProof, clientId = 'p1-app-s1-d1') =>
  checks.refusal(device, proof, clientId)?.check;

test('lets in who has proved to be a device that fits its type', () => {
  assert.equal(checkOf(camera, token), undefined);
  assert.equal(checkOf(player, certificate), undefined);
  assert.equal(checkOf({ ...camera, type: 'any' }, token), undefined);
  assert.equal(checkOf({ ...camera, type: 'any' }, certificate), undefined);
});

test('names the check that fails', () => {
  assert.equal(checkOf({ ...camera, enabled: false }, token), 'device-disabled');
  assert.equal(checkOf({ ...camera, type: 'toString' }, token), 'device-type');
  assert.equal(checkOf(camera, certificate), 'device-credential');
  assert.equal(checkOf(player, token), 'device-credential');
  assert.equal(checkOf({ ...camera, attributes: {} }, token), 'device-attributes');
  assert.equal(checkOf({ ...camera, attributes: { ...CAMERA_ATTRIBUTES, thing: 'a/b' } }, token), 'device-attributes');
  assert.equal(checkOf(camera, token, 'p1-app-s2-d1'), 'client-id');
  assert.match(checks.refusal(camera, token, 'p1-app-s2-d1')?.detail ?? '', /^\{space\} of the client id is "s2"/);
});

test('takes a Common Name of another authority for another party', () => {
  assert.equal(checkOf(player, { kind: 'certificate', authority: 'acme' }), 'certificate-authority');
  assert.equal(checkOf({ ...player, authority: 'acme' }, certificate), 'certificate-authority');
  assert.equal(checkOf({ ...player, authority: 'acme' }, { kind: 'certificate', authority: 'acme' }), undefined);
  assert.equal(new DeviceChecks(types, undefined).refusal(player, certificate, 'c')?.check, 'certificate-authority');
  // Before anything else is told of the device.
  assert.equal(
    checkOf({ ...player, enabled: false }, { kind: 'certificate', authority: 'acme' }),
    'certificate-authority',
  );
});

test('answers an unknown device and a wrong token with the same Reason Code', () => {
  assert.equal(DEVICE_CHECKS['unknown-device'].reasonCode, 0x86);
  assert.equal(DEVICE_CHECKS.token.reasonCode, 0x86);
});
