import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceEvent } from '../events.ts';
import { TestClock, turns } from '../testing/clock.ts';
import { DeviceCount } from './device-count.ts';
import type { Registry } from './registry.ts';

/** A registry of ids, and a count of it. */
function world(ids: string[]) {
  const clock = new TestClock();
  const failures: unknown[] = [];
  let fails = 0;
  const list = async ({ cursor, limit = 0 }: { cursor?: string; limit?: number }) => {
    if (fails > 0) {
      fails -= 1;
      throw new Error('no');
    }
    const left = ids.sort().filter((id) => cursor === undefined || id > cursor);
    const devices = left.slice(0, limit).map((id) => ({ device: { id } }));
    return { devices, cursor: left.length > limit ? devices.at(-1)?.device.id : undefined };
  };
  const count = new DeviceCount(clock, { list } as unknown as Registry, (error) => failures.push(error));
  const by = 'test';
  const tell = (event: DeviceEvent) => count.told(event);
  return {
    ...{ clock, count, failures },
    add: (deviceId: string) => {
      ids.push(deviceId);
      tell({ name: 'deviceAdded', deviceId, type: 't', by });
    },
    remove: (deviceId: string) => {
      ids.splice(ids.indexOf(deviceId), 1);
      tell({ name: 'deviceRemoved', deviceId, by });
    },
    pass: async () => {
      clock.pass(100);
      await turns(2);
    },
    fail: () => {
      fails = 1;
    },
  };
}

test('counts page by page, and is known when all are counted', async () => {
  const { count, clock, pass } = world(Array.from({ length: 600 }, (_, n) => `d${String(n).padStart(3, '0')}`));
  const seen: unknown[] = [];
  for (let page = 0; page < 3; page += 1) {
    await pass();
    seen.push(count.total);
  }
  assert.deepEqual([seen, clock.timers], [[undefined, undefined, 600], 0]);
});

test('what comes and goes meanwhile is counted once, before and behind where the count is, and after it', async () => {
  const { count, add, remove, pass } = world(Array.from({ length: 300 }, (_, n) => `d${String(n).padStart(3, '0')}`));
  await pass();
  add('a');
  add('e');
  remove('d010');
  remove('d290');
  remove('d291');
  await pass();
  assert.equal(count.total, 299);
  add('f');
  remove('a');
  remove('e');
  assert.equal(count.total, 298);
});

test('a page that cannot be read is told and read again', async () => {
  const { count, failures, pass, fail } = world(['a', 'b']);
  fail();
  await pass();
  assert.deepEqual([count.total, failures.length], [undefined, 1]);
  await pass();
  assert.equal(count.total, 2);
});

test('a count that is closed leaves no timer', () => {
  const { count, clock } = world([]);
  count.close();
  assert.equal(clock.timers, 0);
});
