import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceNumbers, DeviceNumbersTopics } from './device-numbers.ts';
import type { DeviceEvent } from './events.ts';
import { TestClock, turns } from './testing/clock.ts';
import { MemoryBroker } from './testing/memory-broker.ts';
import { MemoryTables } from './testing/registry.ts';

const NUMBERS: DeviceNumbers = {
  ...{ total: undefined, connected: 2, 'commands/pending': 0 },
  ...{ 'certificates/expiring': undefined, 'certificates/expired': undefined, 'certificates/revoked': undefined },
};

function world(intervalS: number) {
  const clock = new TestClock();
  const broker = new MemoryBroker();
  const events: DeviceEvent[] = [];
  let numbers = NUMBERS;
  const parts = { tables: new MemoryTables(), clock, broker, tell: (event: DeviceEvent) => events.push(event) };
  const topics = new DeviceNumbersTopics(parts, intervalS, () => numbers);
  const change = (next: Partial<DeviceNumbers>) => {
    numbers = { ...numbers, ...next };
  };
  return { clock, broker, events, topics, change };
}

test('says every interval what is known and has changed', async () => {
  const { clock, broker, change } = world(10);
  await clock.passInTurns(10_000);
  assert.deepEqual(Object.fromEntries(broker.retained), {
    '$SYS/broker/devices/connected': '2',
    '$SYS/broker/devices/commands/pending': '0',
  });
  change({ total: 7 });
  await clock.passInTurns(20_000);
  assert.equal(broker.published.length, 3);
  assert.equal(broker.retained.get('$SYS/broker/devices/total'), '7');
});

test('says again what could not be said', async () => {
  const { clock, broker, events } = world(10);
  const { publish } = broker;
  broker.publish = () => Promise.reject(new Error('no room'));
  await clock.passInTurns(10_000);
  assert.equal(events.length, 2);
  broker.publish = publish;
  await clock.passInTurns(10_000);
  assert.equal(broker.retained.size, 2);
});

test('says nothing where the interval is 0, and nothing behind its end', async () => {
  assert.equal(world(0).clock.timers, 0);
  const { clock, topics } = world(10);
  topics.close();
  await turns();
  assert.equal(clock.timers, 0);
});
