import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalLog } from './credentials/refusal-log.ts';
import { CAMERA_ATTRIBUTES } from './testing/registry.ts';
import { testMethod } from './testing/request.ts';
import { PLAYER } from './testing/types.ts';
import { type DatedCertificate, explainDevice } from './why.ts';

const by = 'test';

function setUp(certificates: DatedCertificate[] = []) {
  const world = testMethod();
  const refusals = new RefusalLog(world.parts.clock, (id) => world.live.has(id));
  const why = (deviceId: string) => {
    for (const one of world.refused.splice(0)) refusals.refused(one);
    const { registry, types, tokens, parts } = world;
    const presence = () => ({ connected: false });
    return explainDevice(deviceId, {
      ...{ registry, types, tokens, refusals, clock: parts.clock },
      certificates: () => certificates,
      removed: (id) => (id === 'gone' ? { removedAtMs: 0 } : undefined),
      presence,
    });
  };
  return { ...world, why };
}

test('says that a device was removed, and what brings it back', async () => {
  const { why } = setUp();
  const { hindrances } = await why('gone');
  assert.equal(hindrances.length, 2);
  assert.match(hindrances[1], /^the device was removed at 1970-01-01T00:00:00\.000Z: .* somebody adds it is expected$/);
});

test('names the check of the last attempts: unknown, wrong token, Client Identifier, expired, disabled', async () => {
  const { why, answer, registry, tokens, parts } = setUp();
  const shown = { clientId: 'p1-app-s1-d1', username: 'd1' };
  await answer({ ...shown, password: 'x' });
  const unknown = await why('d1');
  assert.deepEqual([unknown.device, unknown.refusals[0].check], [undefined, 'unknown-device']);
  assert.deepEqual(unknown.hindrances, ['no device has the id "d1": one that is registered is expected']);

  await registry.add({ id: 'd1', type: 'camera', attributes: CAMERA_ATTRIBUTES }, by);
  assert.deepEqual((await why('d1')).hindrances, ['it has no token: one that counts is expected']);
  const { token } = await tokens.issue('d1', { by, expiresInS: 60 });
  parts.clock.pass(1);
  await answer({ ...shown, password: 'x' });
  parts.clock.pass(1);
  await answer({ ...shown, clientId: 'p1-app-s1-d2', password: token });
  assert.deepEqual((await why('d1')).hindrances, []);
  parts.clock.pass(60_000);
  await answer({ ...shown, password: token });
  await registry.change('d1', { enabled: false }, { by });
  const report = await why('d1');
  assert.deepEqual(
    report.refusals.map(({ check }) => check),
    ['token-expired', 'client-id', 'token', 'unknown-device'],
  );
  assert.match(report.refusals[1].detail ?? '', /^\{device\} of the client id is "d2"/);
  assert.deepEqual(report.hindrances, [
    'the device is disabled: an enabled one is expected',
    'it has no token that counts any longer: one that counts is expected',
  ]);
  assert.deepEqual(report.presence, { connected: false });
  assert.equal(JSON.stringify(report).includes(token), false);
});

test('says what the certificates of a device are worth', async () => {
  const certificates: DatedCertificate[] = [];
  const { why, registry, parts, types } = setUp(certificates);
  await registry.add({ id: 'p1', type: 'player' }, by);
  assert.deepEqual((await why('p1')).hindrances, ['it has no certificate: one that counts is expected']);
  const notAfterMs = parts.clock.nowMs() + 1_000;
  certificates.push({ serial: '01', notAfterMs, revokedAtMs: 1 });
  assert.match((await why('p1')).hindrances[0], /^it has no certificate that counts any longer/);
  certificates.push({ serial: '02', notAfterMs, revokedAtMs: notAfterMs });
  assert.deepEqual((await why('p1')).hindrances, [], 'its revocation lies ahead');
  parts.clock.pass(1_000);
  assert.equal((await why('p1')).hindrances.length, 1);
  await registry.change('p1', { authority: 'acme' }, { by });
  assert.deepEqual((await why('p1')).hindrances, []);
  await registry.add({ id: 'p2', type: 'player' }, by);
  types.prepareReplace([{ ...PLAYER, credential: 'either' }])();
  assert.match((await why('p2')).hindrances[0], /^it has no token or certificate that counts any longer/);
  types.prepareReplace([{ ...PLAYER, name: 'other' }])();
  assert.deepEqual((await why('p1')).hindrances, ['its type is "player": one of the configuration is expected']);
});
