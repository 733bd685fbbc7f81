/** Registry, tokens and the method of devices on LMDB: what a table in memory does not show. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Clock } from '@dunlin/broker';
import {
  DeviceChecks,
  type DeviceEvent,
  DeviceMethod,
  DeviceTypes,
  LiveDevices,
  Registry,
  Tokens,
} from '@dunlin/devices';
import { PasswordVerifier } from '@dunlin/identity';
import { type LmdbEnvironment, openLmdb } from '@dunlin/lmdb';
import { deviceRequest } from '../../packages/devices/src/testing/request.ts';
import { deviceType } from '../../packages/devices/src/testing/types.ts';

const by = 'test';
const parent = mkdtempSync(join(tmpdir(), 'dunlin-devices-'));
let directories = 0;
const opened = new Set<LmdbEnvironment>();
after(async () => {
  for (const environment of opened) await environment.close();
  rmSync(parent, { recursive: true });
});

const clock: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  every: () => ({ cancel() {} }),
  endOfTurn: queueMicrotask,
};

async function open(directory = join(parent, `${directories++}`)) {
  const environment = await openLmdb({ directory, durability: 'process' });
  opened.add(environment);
  const events: DeviceEvent[] = [];
  const parts = { tables: environment, clock, tell: (event: DeviceEvent) => events.push(event) };
  const types = new DeviceTypes([deviceType({ name: 'sensor', requiredAttributes: ['room'] })]);
  const registry = new Registry(parts, types);
  const tokens = new Tokens(parts, registry, new PasswordVerifier());
  const checks = new DeviceChecks(types, undefined);
  const live = new LiveDevices({ registry, tokens, types, checks, clock, review: () => {} });
  const names = { name: 'devices', authorities: undefined, certificates: undefined, onRefused: () => {} };
  const method = new DeviceMethod({ ...names, registry, tokens, checks, live });
  const close = async () => {
    live.close();
    await tokens.close();
    await registry.close();
    await environment.close();
    opened.delete(environment);
  };
  return { directory, events, registry, tokens, method, live, close };
}

test('lets in after a restart who had a token before', async () => {
  const first = await open();
  await first.registry.add({ id: 'd1', type: 'sensor', attributes: { room: 'hall' }, groups: ['g'], owner: 'ada' }, by);
  const { token } = await first.tokens.issue('d1', { by });
  await first.close();
  const second = await open(first.directory);
  const answer = second.method.authenticate(deviceRequest({ username: 'd1', password: token }));
  assert.ok(!(answer instanceof Promise));
  assert.equal(answer?.kind, 'accept');
  const { devices } = await second.registry.list({ attribute: 'room=hall' });
  assert.deepEqual([devices[0].device.owner, devices[0].device.authority], ['ada', undefined]);
  await second.close();
});

test('has the last use of a token on disk when it is closed', async () => {
  const { directory, registry, tokens, method, events, close } = await open();
  await registry.add({ id: 'd1', type: 'sensor', attributes: { room: 'hall' } }, by);
  const { token } = await tokens.issue('d1', { by });
  const answer = await method.authenticate(deviceRequest({ username: 'd1', password: token }));
  assert.equal(answer?.kind, 'accept');
  await close();
  const second = await open(directory);
  const registered = await second.registry.get('d1');
  assert.ok(registered);
  assert.equal(typeof (await second.tokens.list(registered))[0].lastUsedAtMs, 'number');
  assert.deepEqual(
    events.filter(({ name }) => name === 'deviceServiceFailed'),
    [],
  );
  await second.close();
});

test('pages through an index whose terms are long, and takes no cursor of another list', async () => {
  const { registry, close } = await open();
  const room = 'r'.repeat(1_000);
  for (let n = 0; n < 25; n++)
    await registry.add(
      { id: `d${n}`, type: 'sensor', attributes: { room: n % 2 === 0 ? room : `${room}x`.slice(1) } },
      by,
    );
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await registry.list({ attribute: `room=${room}`, limit: 4, ...(cursor !== undefined && { cursor }) });
    ids.push(...page.devices.map(({ device }) => device.id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.equal(ids.length, 13);
  const { cursor: ofType } = await registry.list({ type: 'sensor', limit: 1 });
  assert.ok(ofType !== undefined);
  await assert.rejects(registry.list({ owner: 'ada', cursor: ofType }), { code: 'cursor-invalid' });
  for (const inner of ['x', '', '_'.repeat(2_000)]) {
    const forged = Buffer.from(JSON.stringify(['type', inner])).toString('base64url');
    const { devices } = await registry
      .list({ type: 'sensor', cursor: forged, limit: 1 })
      .catch(() => ({ devices: [] }));
    assert.ok(devices.every(({ device }) => device.type === 'sensor'));
  }
  await close();
});

test('keeps the token of a removed device from counting, across a restart', async () => {
  const first = await open();
  await first.registry.add({ id: 'd1', type: 'sensor', attributes: { room: 'hall' } }, by);
  const { token } = await first.tokens.issue('d1', { by });
  await first.registry.remove('d1', { by });
  await first.registry.add({ id: 'd1', type: 'sensor', attributes: { room: 'hall' } }, by);
  await first.close();
  const second = await open(first.directory);
  const answer = await second.method.authenticate(deviceRequest({ username: 'd1', password: token }));
  assert.deepEqual(answer?.kind === 'refuse' && answer.check, 'device-credential');
  await second.close();
});
