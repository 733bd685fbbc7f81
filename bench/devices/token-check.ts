/**
 * What letting a device in by its token costs, on LMDB: microseconds for each, of a known device and of an unknown one, CONNECT
 * read and CONNACK unwritten.
 *
 *     node --conditions=@dunlin/source bench/devices/token-check.ts [devices]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeviceChecks, DeviceMethod, DeviceTypes, LiveDevices, Registry, Tokens } from '@dunlin/devices';
import { PasswordVerifier } from '@dunlin/identity';
import { openLmdb } from '@dunlin/lmdb';
import { deviceRequest } from '../../packages/devices/src/testing/request.ts';
import { CAMERA } from '../../packages/devices/src/testing/types.ts';

const by = 'bench';
const count = Number(process.argv[2] ?? 10_000);
const directory = mkdtempSync(join(tmpdir(), 'dunlin-bench-'));
const environment = await openLmdb({ directory: join(directory, 'data'), durability: 'process' });
const clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  every: () => ({ cancel() {} }),
  endOfTurn: queueMicrotask,
};
const parts = { tables: environment, clock, tell: () => {} };
const types = new DeviceTypes([CAMERA]);
const registry = new Registry(parts, types);
const tokens = new Tokens(parts, registry, new PasswordVerifier());
const checks = new DeviceChecks(types, undefined);
const live = new LiveDevices({ registry, tokens, types, checks, clock, review: () => {} });
const names = { name: 'devices', authorities: undefined, certificates: undefined, onRefused: () => {} };
const method = new DeviceMethod({ ...names, registry, tokens, checks, live });

const known = await Promise.all(
  Array.from({ length: count }, async (_, n) => {
    const id = `device-${n}`;
    await registry.add({ id, type: 'camera', attributes: { thing: `t${n}`, partner: 'p1', space: `s${n}` } }, by);
    const { token } = await tokens.issue(id, { by });
    return deviceRequest({ clientId: `p1-app-s${n}-${id}`, username: id, password: token });
  }),
);
const wrong = known.map((request) => ({
  ...request,
  connect: { ...request.connect, password: Buffer.from(`dt_${'x'.repeat(32)}`) },
}));
const unknown = wrong.map((request) => ({
  ...request,
  connect: { ...request.connect, username: `no-${request.connect.username}` },
}));

/** The median of batches, so that neighbours on the machine and collections of what was set up count little. */
const BATCH = 100;

async function measure(name: string, requests: typeof known, expected: string): Promise<void> {
  const batches: number[] = [];
  for (let from = 0; from < requests.length; from += BATCH) {
    const start = performance.now();
    for (const request of requests.slice(from, from + BATCH)) {
      const answer = method.authenticate(request);
      if (answer instanceof Promise || answer?.kind !== expected) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    }
    batches.push(((performance.now() - start) * 1_000) / BATCH);
    await new Promise(setImmediate);
  }
  const sorted = batches.sort((one, other) => one - other);
  console.log(`${name.padEnd(36)} ${sorted[sorted.length >> 1].toFixed(1)} µs, best ${sorted[0].toFixed(1)} µs`);
}

for (let round = 0; round < 3; round++) {
  await measure('right', known, 'accept');
  await measure('wrong token', wrong, 'refuse');
  await measure('unknown device', unknown, 'refuse');
}
live.close();
await tokens.close();
await registry.close();
await environment.close();
rmSync(directory, { recursive: true });
