import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CAMERA_ATTRIBUTES } from '../testing/registry.ts';
import { testMethod } from '../testing/request.ts';
import { CAMERA, PLAYER } from '../testing/types.ts';

const by = 'test';
const CLIENT_ID = 'p1-app-s1-d1';

async function withLiveCamera() {
  const world = testMethod();
  await world.registry.add({ id: 'd1', type: 'camera', attributes: CAMERA_ATTRIBUTES }, by);
  const issued = await world.tokens.issue('d1', { by });
  const principal = await world.letIn({ clientId: CLIENT_ID, username: 'd1', password: issued.token });
  const check = () => world.live.review(principal)?.check;
  return { ...world, ...issued, principal, check };
}

test('lets stay whose device did not change, and asks for no review', async () => {
  const { check, reviews, registry, tokens, live, principal } = await withLiveCamera();
  await registry.change('d1', { name: 'x', owner: 'ada' }, { by });
  await tokens.issue('d1', { by });
  await new Promise(setImmediate);
  assert.deepEqual([check(), reviews.count], [undefined, 0]);
  assert.equal(live.review({ ...principal, username: 'other' }), undefined);
});

const changes: Record<string, (world: Awaited<ReturnType<typeof withLiveCamera>>) => Promise<unknown>> = {
  'device-disabled': ({ registry }) => registry.change('d1', { enabled: false }, { by }),
  'device-removed': ({ registry }) => registry.remove('d1', { by }),
  'device-changed': ({ registry }) => registry.change('d1', { groups: ['g'] }, { by }),
  'client-id': ({ registry }) => registry.change('d1', { attributes: { space: 's2' } }, { by }),
  'device-credential': ({ registry }) => registry.change('d1', { type: 'player' }, { by }),
  'token-revoked': ({ tokens, tokenId }) => tokens.revoke('d1', tokenId, by),
  'token-expired': ({ tokens }) => tokens.rotate('d1', { by, overlapS: 0 }),
};
for (const [name, change] of Object.entries(changes))
  test(`sends a live device away at once for ${name}`, async () => {
    const world = await withLiveCamera();
    await change(world);
    assert.equal(world.check(), name);
    assert.equal(world.reviews.count, 1);
  });

test('sends a live device away when the overlap of its token is over', async () => {
  const { tokens, check, parts, reviews } = await withLiveCamera();
  await tokens.rotate('d1', { by, overlapS: 60 });
  assert.deepEqual([check(), reviews.count], [undefined, 0]);
  parts.clock.pass(59_000);
  assert.equal(check(), undefined);
  parts.clock.pass(1_000);
  assert.deepEqual([check(), reviews.count], ['token-expired', 1]);
  parts.clock.pass(10_000);
  assert.equal(reviews.count, 1);
});

test('keeps to a device, and its own token', async () => {
  const { tokens, registry, check, letIn, live } = await withLiveCamera();
  await registry.add({ id: 'd2', type: 'camera', attributes: CAMERA_ATTRIBUTES }, by);
  const other = await tokens.issue('d1', { by });
  const principal = await letIn({ clientId: CLIENT_ID, username: 'd1', password: other.token });
  await registry.remove('d2', { by });
  await tokens.revoke('d1', other.tokenId, by);
  assert.deepEqual([check(), live.review(principal)?.check], [undefined, 'token-revoked']);
});

test('does not take a device for one that came later under its id', async () => {
  const { registry, check } = await withLiveCamera();
  await registry.remove('d1', { by });
  await registry.add({ id: 'd1', type: 'camera', attributes: CAMERA_ATTRIBUTES }, by);
  assert.equal(check(), 'device-removed');
});

test('judges by the types that are there at a review', async () => {
  const { types, check, reviews } = await withLiveCamera();
  types.prepareReplace([{ ...CAMERA }, PLAYER])();
  assert.deepEqual([check(), reviews.count], [undefined, 1]);
  types.prepareReplace([{ ...CAMERA, requiredAttributes: [...CAMERA.requiredAttributes, 'room'] }])();
  assert.equal(check(), 'device-attributes');
  const other = await withLiveCamera();
  other.types.prepareReplace([PLAYER])();
  assert.equal(other.check(), 'device-type');
});

test('forgets a device when nobody has its principal any longer', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const world = testMethod();
  await world.registry.add({ id: 'd1', type: 'camera', attributes: CAMERA_ATTRIBUTES }, by);
  const { token } = await world.tokens.issue('d1', { by });
  for (let n = 0; n < 100; n++) await world.letIn({ clientId: CLIENT_ID, username: 'd1', password: token });
  assert.ok(world.live.has('d1'));
  for (let round = 0; world.live.size > 0 && round < 100; round++) {
    collect();
    await new Promise(setImmediate);
  }
  assert.equal(world.live.has('d1'), false);
});

test('listens to nothing when it was closed', async () => {
  const { live, registry, check, reviews } = await withLiveCamera();
  live.close();
  await registry.change('d1', { enabled: false }, { by });
  assert.deepEqual([check(), reviews.count], [undefined, 0]);
});
