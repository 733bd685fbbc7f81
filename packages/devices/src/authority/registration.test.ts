import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyPlain } from '@dunlin/broker';
import type { RegisteredDevice } from '../registry/registry.ts';
import { RemovedIds } from '../registry/removed-ids.ts';
import { testRegistry } from '../testing/registry.ts';
import { Registration, type RegistrationSettings } from './registration.ts';

const facts = (authority: string, commonName = 'p1') => ({ authority, serial: 'AB', commonName });

/** Whoever was not refused. */
function deviceOf(found: Awaited<ReturnType<Registration['register']>>): RegisteredDevice | undefined {
  assert.ok(found === undefined || 'device' in found);
  return found;
}

function open(settings: Partial<RegistrationSettings> = {}) {
  const { parts, registry, types } = testRegistry();
  const type = [...types.names].at(-1)!;
  const registration = new Registration(parts, registry, [{ authority: 'acme', type }], 'devices', undefined, settings);
  return { parts, registry, registration, type };
}

test('adds a device of a foreign authority, bound to it, and tells of it', async () => {
  const { parts, registry, registration, type } = open();
  const registered = deviceOf(await registration.register('p1', facts('acme')));
  assert.deepEqual([registered?.device.type, registered?.device.authority], [type, 'acme']);
  assert.deepEqual(await registry.get('p1'), copyPlain(registered));
  assert.deepEqual(parts.events.at(-1), { name: 'deviceRegistered', deviceId: 'p1', type, authority: 'acme' });
});

test('of other authorities nobody is added', async () => {
  const { parts, registry, registration } = open();
  for (const authority of ['other', 'ACME', 'devices', 'constructor'])
    assert.equal(await registration.register('p1', facts(authority)), undefined, authority);
  assert.equal(await registry.get('p1'), undefined);
  assert.deepEqual(parts.events, []);
  const rules = [{ authority: 'devices', type: 'player' }];
  assert.throws(
    () => new Registration(parts, registry, rules, 'devices', undefined),
    /authority of the service itself/,
  );
});

test('of two connections at once one adds the device, and both find it', async () => {
  const { parts, registration } = open();
  const both = (await Promise.all([1, 2].map(() => registration.register('p1', facts('acme'))))).map(deviceOf);
  assert.equal(both[0]?.generation, both[1]?.generation);
  assert.equal(parts.events.filter(({ name }) => name === 'deviceRegistered').length, 1);
});

test('a device that is there already stays as it is, whatever its authority', async () => {
  const { registry, registration, type } = open();
  await registry.add({ id: 'p1', type, authority: 'other' }, 'a test');
  assert.equal(deviceOf(await registration.register('p1', facts('acme')))?.device.authority, 'other');
});

test('a name that can be none of a device adds nothing', async () => {
  const { registration } = open();
  for (const name of ['a/b', '#', '+', '$SYS', '..', '', 'x'.repeat(129)])
    assert.equal(await registration.register(name, facts('acme', name)), undefined, name);
});

test('who is not added takes no place of the minute', async () => {
  const { parts, registration } = open({ perMinuteMax: 2 });
  for (const name of ['a/b', '#', '..']) await registration.register(name, facts('acme', name));
  const twice = await Promise.all([1, 2].map(() => registration.register('p1', facts('acme'))));
  assert.ok(twice.every((found) => found !== undefined));
  assert.ok(await registration.register('p2', facts('acme', 'p2')));
  assert.deepEqual(
    parts.events.filter(({ name }) => name === 'deviceLimitReached'),
    [],
  );
});

test('so many are added in a minute, and that is told once', async () => {
  const { parts, registration } = open({ perMinuteMax: 2 });
  const come = async (from: number, to: number) => {
    const found: boolean[] = [];
    for (let index = from; index < to; index += 1)
      found.push((await registration.register(`p${index}`, facts('acme', `p${index}`))) !== undefined);
    return found;
  };
  assert.deepEqual(await come(0, 5), [true, true, false, false, false]);
  assert.equal(parts.events.filter(({ name }) => name === 'deviceLimitReached').length, 1);
  parts.clock.pass(60_000);
  assert.deepEqual(await come(5, 8), [true, true, false]);
});

test('nobody comes back under the id of a device that was removed, until somebody registers it', async () => {
  const { parts, registry, types } = testRegistry();
  const [type] = [...types.names].slice(-1);
  const removed = new RemovedIds(parts, registry, 10);
  const registration = new Registration(parts, registry, [{ authority: 'acme', type }], 'devices', removed);
  const by = 'a test';
  for (const add of [
    () => registration.register('p1', facts('acme')),
    () => registry.add({ id: 'p1', type, authority: 'acme' }, by),
  ]) {
    await add();
    const removing = registry.remove('p1', { by });
    const meanwhile = await Promise.all([1, 2, 3].map(() => registration.register('p1', facts('acme'))));
    await removing;
    for (const one of [...meanwhile, await registration.register('p1', facts('acme'))])
      assert.ok(one === undefined || 'kind' in one, 'it is not there again');
    const refusal = await registration.register('p1', facts('acme'));
    assert.ok(refusal !== undefined && 'kind' in refusal);
    assert.deepEqual([refusal.check, refusal.reasonCode], ['unknown-device', 0x87]);
    assert.match(
      refusal.detail ?? '',
      /^the device "p1" was removed at 20.*: one that somebody registers anew is expected$/,
    );
    assert.equal(await registry.get('p1'), undefined);
  }
  assert.ok(deviceOf(await registration.register('p2', facts('acme', 'p2'))));
});
