/** Devices on a running server: let in, kept to the rules of their type, and sent away when something changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import {
  type DeviceBroker,
  DeviceChecks,
  DeviceMethod,
  DeviceTypes,
  LiveDevices,
  RefusalLog,
  Registry,
  rulesWithDevices,
  Tokens,
} from '@dunlin/devices';
import { authenticatorChain, compileRules, PasswordVerifier } from '@dunlin/identity';
import { CAMERA_ATTRIBUTES } from '../../packages/devices/src/testing/registry.ts';
import { CAMERA } from '../../packages/devices/src/testing/types.ts';
import { GuardedServer } from '../doors/guarded-server.ts';

const by = 'test';
const clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  every: (delayMs: number, run: () => void) => {
    const timer = setInterval(run, delayMs).unref();
    return { cancel: () => clearInterval(timer) };
  },
  endOfTurn: setImmediate,
};

async function start() {
  const parts = { tables: { table: <T>(definition: never) => new MemoryTable<T>(definition) }, clock, tell: () => {} };
  const types = new DeviceTypes([CAMERA]);
  const registry = new Registry(parts, types);
  const tokens = new Tokens(parts, registry, new PasswordVerifier());
  const checks = new DeviceChecks(types, undefined);
  const broker: Pick<DeviceBroker, 'review'> = { review: () => void server.running?.broker.reviewConnections() };
  const live = new LiveDevices({ registry, tokens, types, checks, clock, review: () => broker.review() });
  const refusals = new RefusalLog(clock, (deviceId) => live.has(deviceId));
  const onRefused = refusals.refused.bind(refusals);
  const names = { name: 'devices', authorities: undefined, certificates: undefined, onRefused };
  const method = new DeviceMethod({ ...names, registry, tokens, checks, live });
  const server = await GuardedServer.start(
    { listeners: [{ name: 'plain' }] },
    {
      authenticator: authenticatorChain({ clock, methods: [method] }),
      authorizer: compileRules(rulesWithDevices(undefined, types)),
    },
  );
  server.running?.broker.onEvent((event) => refusals.brokerEvent(event));
  await registry.add({ id: 'd1', type: 'camera', attributes: CAMERA_ATTRIBUTES }, by);
  const { token, tokenId } = await tokens.issue('d1', { by });
  const shown = { clientId: 'p1-app-s1-d1', username: 'd1', password: token };
  return { server, registry, tokens, tokenId, refusals, shown };
}

for (const version of [4, 5] as const)
  test(`a device of version ${version} may do what its type says, and goes when it is disabled`, async () => {
    const { server, registry, refusals, shown } = await start();
    const client = await server.open('plain', version);
    await client.connect(shown);
    const { codes } = await client.subscribe('things/t1/message', 'things/t2/message', '#');
    assert.deepEqual(codes, version === 5 ? [0, 0x87, 0x87] : [0, 0x80, 0x80]);
    assert.deepEqual(
      refusals.of('d1').map(({ check }) => check),
      ['subscribe', 'subscribe'],
    );
    await registry.change('d1', { enabled: false }, { by });
    await server.told('clientDisconnected', { clientId: shown.clientId, check: 'device-disabled' });
    const again = await server.open('plain', version);
    const event = await server.refuses(again, shown, version === 5 ? 0x87 : 5, 'device-disabled');
    assert.equal(JSON.stringify(event).includes(shown.password), false);
    assert.deepEqual([refusals.of('d1')[0].check, refusals.of('d1')[0].count], ['device-disabled', 1]);
  });

test('an unknown device and a wrong token get the same code, and no reason', async () => {
  const { server, shown, refusals } = await start();
  for (const version of [4, 5] as const) {
    const code = version === 5 ? 0x86 : 4;
    const wrong = await server.refuses(await server.open('plain', version), { ...shown, password: 'x' }, code, 'token');
    const other = { ...shown, clientId: 'p1-app-s1-d9', username: 'd9' };
    const unknown = await server.refuses(await server.open('plain', version), other, code, 'unknown-device');
    assert.deepEqual([wrong.reason, unknown.reason], [undefined, undefined]);
  }
  assert.deepEqual([refusals.of('d1')[0].count, refusals.of('d9')[0].count], [2, 2]);
});

test('a Client Identifier of another device is refused, by the field that differs', async () => {
  const { server, shown } = await start();
  const event = await server.refuses(
    await server.open('plain'),
    { ...shown, clientId: 'p1-app-s1-d2' },
    0x85,
    'client-id',
  );
  assert.equal(event.detail, '{device} of the client id is "d2", {deviceId} of the device is expected: "d1"');
});

test('a revoked token ends the connection that came with it', async () => {
  const { server, shown, tokens, tokenId } = await start();
  const client = await server.open('plain');
  await client.connect(shown);
  await tokens.revoke('d1', tokenId, by);
  await server.told('clientDisconnected', { clientId: shown.clientId, check: 'token-revoked' });
  await server.refuses(await server.open('plain'), shown, 0x86, 'token');
});
