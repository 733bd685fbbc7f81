import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableDefinition } from '@dunlin/broker';
import { PasswordVerifier } from '@dunlin/identity';
import { csrPem, NOW_MS, openAuthority } from '../authority/testing/fleet.ts';
import type { DeviceEvent } from '../events.ts';
import type { Tables } from '../ports.ts';
import { DeviceService } from '../service.ts';
import { TestClock, turns } from '../testing/clock.ts';
import { MemoryBroker } from '../testing/memory-broker.ts';
import { MemoryTables, testParts, testRegistry } from '../testing/registry.ts';
import { deviceType } from '../testing/types.ts';
import { DeviceTypes } from './types.ts';

const by = 'test';
const AT = '192.0.2.7';
const player = { id: 'p1', type: 'player' };

test('the id of a removed device is free when every step is done, and not before', async () => {
  const { registry, parts } = testRegistry();
  await registry.add(player, by);
  const step = Promise.withResolvers<void>();
  const stop = registry.onRemoval(() => step.promise);
  const removed = registry.remove('p1', { by });
  await turns();
  assert.deepEqual([await registry.get('p1'), (await registry.list()).devices], [undefined, []]);
  await assert.rejects(registry.add(player, by), { code: 'device-removing' });
  await assert.rejects(registry.remove('p1', { by }), { code: 'unknown-device' });
  await assert.rejects(registry.change('p1', { name: 'x' }, { by }), { code: 'unknown-device' });
  assert.deepEqual(await registry.put(player, { by, isDryRun: true }), 'added');
  step.resolve();
  await removed;
  assert.deepEqual(
    parts.events.map(({ name }) => name),
    ['deviceAdded', 'deviceRemoved', 'deviceErased'],
  );
  stop();
  await registry.add(player, by);
  await assert.rejects(registry.add(player, by), { code: 'device-exists' });
});

test('whoever removes a device waits five seconds for what follows, which goes on by itself', async () => {
  const { registry, parts } = testRegistry();
  await registry.add(player, by);
  const step = Promise.withResolvers<void>();
  registry.onRemoval(() => step.promise);
  const removed = registry.remove('p1', { by });
  await turns();
  parts.clock.pass(5_000);
  await removed;
  await assert.rejects(registry.add(player, by), { code: 'device-removing' });
  step.resolve();
  await registry.removalsIdle();
  await registry.add(player, by);
});

test('a step that fails is told and tried again, and keeps no other one from its work', async () => {
  const { registry, parts } = testRegistry();
  await registry.add(player, by);
  let failures = 2;
  let others = 0;
  registry.onRemoval(async () => {
    if (failures-- > 0) throw new Error('no disk');
  });
  registry.onRemoval(async () => {
    others += 1;
  });
  await registry.remove('p1', { by });
  assert.equal(others, 1);
  for (let n = 0; n < 2; n++) await parts.clock.passInTurns(5_000);
  await registry.add(player, by);
  assert.equal(parts.events.filter(({ name }) => name === 'deviceServiceFailed').length, 2);
  assert.equal(parts.events.filter(({ name }) => name === 'deviceErased').length, 1);
  await parts.clock.passInTurns(60_000);
  assert.equal(others, 3, 'nothing is left to be tried');
});

test('removals that a crash left are finished on the next start, many pages of them, and that is told once', async () => {
  const parts = testParts();
  const first = testRegistry(undefined, parts);
  first.registry.onRemoval(() => new Promise(() => {}));
  const ids = Array.from({ length: 250 }, (_, n) => `p${n}`);
  for (const id of ids) await first.registry.add({ id, type: 'player' }, by);
  await first.registry.add({ id: 'stays', type: 'player' }, by);
  for (const id of ids) void first.registry.remove(id, { by });
  await turns();
  await first.registry.close();
  const { registry } = testRegistry(undefined, parts);
  const cleared = new Set<string>();
  registry.onRemoval(async (deviceId) => cleared.add(deviceId));
  await registry.resumeRemovals();
  await registry.resumeRemovals();
  assert.deepEqual(cleared, new Set(ids));
  const told = parts.events.filter((event) => event.name === 'removalsResumed');
  assert.deepEqual(told, [{ name: 'removalsResumed', devices: 250 }]);
  assert.deepEqual(
    (await registry.list()).devices.map(({ device }) => device.id),
    ['stays'],
  );
});

test('no id gets free while the service ends: the next start clears away what is left', async () => {
  const { registry, parts } = testRegistry();
  await registry.add(player, by);
  const step = Promise.withResolvers<void>();
  const stop = registry.onRemoval(() => step.promise);
  const removed = registry.remove('p1', { by });
  await turns();
  registry.closeRemovals();
  stop();
  step.resolve();
  await removed;
  await assert.rejects(registry.add(player, by), { code: 'device-removing' });
  const { registry: next } = testRegistry(undefined, parts);
  await next.resumeRemovals();
  await next.add(player, by);
});

const acknowledgement = { topic: 'frames/{deviceId}/done', id: '/id', failure: undefined };
const show = { topic: 'frames/{deviceId}', payload: {}, inputSchema: undefined, ttlS: 600, qos: 1, acknowledgement };
const FRAME = deviceType({
  name: 'frame',
  claimable: true,
  rules: [{ allow: 'publish', topics: ['frames/{username}/status', 'all'] }],
  presence: { topic: 'presence/{deviceId}' },
  commands: { show: { ...show, qos: 1 } },
});
const ROWS = ['devices', 'device-tokens', 'device-renewals', 'device-presence', 'device-claims'];

/** The tables of a process that ends at one of its writes: neither that nor a later one is done, and nobody hears of it. */
class Mortal implements Tables {
  readonly #tables: MemoryTables;
  writesLeft = Infinity;
  writes = 0;

  constructor(tables: MemoryTables) {
    this.#tables = tables;
  }

  table<T>(definition: TableDefinition<T>) {
    const table = this.#tables.table(definition);
    return new Proxy(table, {
      get: (_, name) => {
        const value = Reflect.get(table, name);
        if (name === 'close') return async () => {};
        if (name !== 'put' && name !== 'delete') return typeof value === 'function' ? value.bind(table) : value;
        return (...parameters: never[]) => {
          if (this.writesLeft <= 0) return new Promise(() => {});
          this.writesLeft -= 1;
          this.writes += 1;
          return value.apply(table, parameters);
        };
      },
    });
  }
}

async function started(tables: Tables, retained = new Map<string, string>()) {
  const events: DeviceEvent[] = [];
  const broker = new MemoryBroker();
  for (const [topic, text] of retained) broker.retained.set(topic, text);
  const service = await DeviceService.open({
    tables,
    clock: new TestClock(NOW_MS),
    tell: (event) => events.push(event),
    types: new DeviceTypes([FRAME]),
    verifier: new PasswordVerifier(),
    authority: openAuthority(),
  });
  await service.attach(broker);
  service.begin();
  await turns();
  return { service, broker, events };
}

type Started = Awaited<ReturnType<typeof started>>;

/** A frame that has all that a device can have: tokens of both kinds, a certificate, presence, a command, an open claim. */
async function provisioned({ service, broker }: Started): Promise<string> {
  const { claims, tokens, commands, connections } = service;
  const say = (topic: string) => broker.publish(topic, Buffer.from('x'), { retain: true });
  const begun = await claims.begin({ type: 'frame', csr: csrPem('claim') }, AT);
  const owner = { owner: 'ada', by, address: AT };
  const { registered } = await claims.confirm(begun.code, owner);
  const { id } = registered.device;
  await claims.collect(begun.claimId, begun.secret);
  await tokens.issue(id, { by });
  await service.issuing?.certificates.issue(registered, { by });
  const next = await claims.begin({ type: 'frame' }, AT);
  await claims.confirm(next.code, { ...owner, replaces: id });
  await commands.request({ deviceId: id, type: 'show', by });
  const client = { deviceId: id, clientId: 'c1', connection: '1' };
  connections.take({ kind: 'connected', ...client, address: AT, listener: 'tcp', protocolVersion: 5 });
  connections.take({ kind: 'disconnected', ...client, reason: 'gone' });
  await Promise.all(['all', 'frames/other/status', `frames/${id}/status`].map(say));
  await turns();
  return id;
}

/** What is left of a device, in words. */
async function leftovers({ service, broker }: Started, tables: MemoryTables, id: string): Promise<string[]> {
  const left: string[] = [];
  for (const name of ROWS) {
    const { records } = tables.table({ name, indexes: {} }).scan({ limit: 1_000 });
    const isOf = (value: unknown) => (value as { state?: { deviceId?: string } }).state?.deviceId === id;
    if (records.some(({ key, value }) => key === id || isOf(value))) left.push(name);
  }
  const certificates = await service.issuing?.certificates.list(id, { limit: 100 });
  if (certificates?.records.some(({ value }) => value.revokedAtMs === undefined)) left.push('certificates');
  const { records } = await service.commands.list({ limit: 1_000 });
  if (records.some(({ value }) => value.deviceId === id && value.endedAtMs === undefined)) left.push('commands');
  if (broker.retained.has(`presence/${id}`)) left.push('retained');
  if (broker.retained.has(`frames/${id}/status`)) left.push('own topics');
  assert.ok(broker.retained.has('all') && broker.retained.has('frames/other/status'), 'topics of others stay');
  return left;
}

test('nothing is left of a removed device wherever a crash falls, and who has its id next inherits nothing', async () => {
  const before = new MemoryTables();
  const whole = new Mortal(before);
  const example = await started(whole);
  const exampleId = await provisioned(example);
  const all = await leftovers(example, before, exampleId);
  assert.deepEqual(all, [...ROWS, 'certificates', 'commands', 'retained', 'own topics']);
  const writesBefore = whole.writes;
  await example.service.registry.remove(exampleId, { by });
  assert.deepEqual(await leftovers(example, before, exampleId), []);
  const writes = whole.writes - writesBefore;
  assert.ok(writes >= 8, `${writes} writes`);
  for (let count = 0; count < writes; count++) {
    const tables = new MemoryTables();
    const mortal = new Mortal(tables);
    const first = await started(mortal);
    const id = await provisioned(first);
    mortal.writesLeft = count;
    void first.service.registry.remove(id, { by });
    await turns(40);
    const second = await started(tables, first.broker.retained);
    const { registry, tokens, desk } = second.service;
    await registry.removalsIdle();
    const left = await leftovers(second, tables, id);
    if (count === 0) {
      assert.deepEqual(left, all, 'it was never removed');
      continue;
    }
    assert.deepEqual(left, [], `the process ended behind ${count} writes`);
    assert.deepEqual(second.events.slice(-2), [
      { name: 'deviceErased', deviceId: id },
      { name: 'removalsResumed', devices: 1 },
    ]);
    const anew = await registry.add({ id, type: 'frame' }, by);
    assert.deepEqual(await tokens.list(anew), []);
    const { hasToken, certificateEndsAtMs, renewableUntilMs } = await desk.state(anew);
    assert.deepEqual([hasToken, certificateEndsAtMs, renewableUntilMs], [false, undefined, undefined]);
  }
});

test('a certificate, a token and a renewal token that are made while their device is removed are not left behind', async () => {
  const tables = new MemoryTables();
  const world = await started(tables);
  const id = await provisioned(world);
  const { registry, tokens, issuing, desk } = world.service;
  const registered = await registry.get(id);
  assert.ok(registered !== undefined);
  const making = [
    tokens.issue(id, { by }),
    issuing?.certificates.issue(registered, { by }),
    desk.provide(registered, { csr: undefined, csrName: id, by }),
  ];
  await Promise.all([registry.remove(id, { by }), Promise.allSettled(making)]);
  assert.deepEqual(await leftovers(world, tables, id), []);
  await assert.rejects(async () => issuing?.certificates.issue(registered, { by }), { code: 'unknown-device' });
});
