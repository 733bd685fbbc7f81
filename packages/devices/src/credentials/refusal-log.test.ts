import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerEvent } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { deviceRefusal } from './device-checks.ts';
import { REFUSALS_MAX, RefusalLog } from './refusal-log.ts';

const refusedBy = (deviceId: string, detail: string, isKnown = true) => ({
  deviceId,
  isKnown,
  clientId: 'c1',
  address: '192.0.2.7',
  listener: 'tcp',
  refusal: deviceRefusal(isKnown ? 'token' : 'unknown-device', detail),
});

const connectRefused = (username: string, check: string, detail: string): BrokerEvent => ({
  name: 'connectRefused',
  clientId: 'c1',
  username,
  address: '192.0.2.7',
  listener: 'tcp',
  reasonCode: 0x86,
  check,
  reason: undefined,
  detail,
});

const denied = (username: string): BrokerEvent[] => [
  { name: 'publishRefused', clientId: 'c1', username, topic: 'a/b', reasonCode: 0x87, reason: '', rule: undefined },
  {
    name: 'subscriptionRefused',
    clientId: 'c1',
    username,
    filter: '#',
    reasonCode: 0x87,
    reason: '',
    rule: 'rules[1]',
  },
  { name: 'willRefused', clientId: 'c1', username, topic: 'w', reasonCode: 0x87, rule: undefined },
];

test('keeps one entry with a count of a device that tries again and again', () => {
  const clock = new TestClock();
  const log = new RefusalLog(clock, () => false);
  const firstAtMs = clock.nowMs();
  for (let n = 0; n < 50; n++) {
    log.refused(refusedBy('d1', 'wrong'));
    clock.pass(1_000);
  }
  log.refused(refusedBy('d1', 'other'));
  assert.deepEqual(log.of('d1')[1], {
    check: 'token',
    detail: 'wrong',
    clientId: 'c1',
    address: '192.0.2.7',
    listener: 'tcp',
    firstAtMs,
    lastAtMs: firstAtMs + 49_000,
    count: 50,
  });
  assert.deepEqual(
    log.of('d1').map(({ detail }) => detail),
    ['other', 'wrong'],
  );
});

test('does not count the event of what the method has noted, and notes what others refused', () => {
  const log = new RefusalLog(new TestClock(), () => true);
  for (let n = 0; n < 3; n++) {
    log.refused(refusedBy('d1', 'wrong'));
    log.brokerEvent(connectRefused('d1', 'token', 'wrong'));
    log.brokerEvent(connectRefused('d1', 'unknown-user', 'no method knows'));
  }
  log.brokerEvent(connectRefused('d1', 'session-bound', 'of another'));
  log.brokerEvent(connectRefused('d1', 'session-bound', 'of another'));
  assert.deepEqual(
    log.of('d1').map(({ check, count }) => [check, count]),
    [
      ['token', 3],
      ['session-bound', 2],
    ].sort(),
  );
});

test('notes what a connected device may not do, and nothing of others', () => {
  const log = new RefusalLog(new TestClock(), (deviceId) => deviceId === 'd1');
  for (const event of [...denied('d1'), ...denied('ada')]) log.brokerEvent(event);
  assert.deepEqual(
    log.of('d1').map(({ check, detail }) => [check, detail]),
    [
      ['will', '"w" was refused with 0x87: no rule of its type allows it'],
      ['subscribe', '"#" was refused with 0x87: rules[1]'],
      ['publish', '"a/b" was refused with 0x87: no rule of its type allows it'],
    ],
  );
  assert.deepEqual(log.of('ada'), []);
});

test('keeps ten refusals of a device and ten thousand devices, the newest', () => {
  const log = new RefusalLog(new TestClock(), () => false);
  for (let n = 0; n < 15; n++) log.refused(refusedBy('d1', `${n}`));
  assert.equal(log.of('d1').length, REFUSALS_MAX);
  for (let n = 0; n < 10_000; n++) log.refused(refusedBy(`x${n}`, 'wrong'));
  assert.deepEqual(log.of('d1'), []);
  assert.equal(log.of('x0').length, 1);
});

test('does not let names that nobody has push out those of devices', () => {
  const log = new RefusalLog(new TestClock(), () => false);
  log.refused(refusedBy('d1', 'wrong'));
  for (let n = 0; n < 20_000; n++) log.refused(refusedBy(`guess${n}`, 'unknown', false));
  assert.equal(log.of('d1').length, 1);
  assert.deepEqual([log.of('guess0').length, log.of('guess19999').length], [0, 1]);
});

test('keeps nothing under what is no id, and cuts what clients say', () => {
  const log = new RefusalLog(new TestClock(), () => true);
  for (const id of ['', '../d1', 'a\n', 'x'.repeat(60_000)]) {
    log.refused(refusedBy(id, 'wrong'));
    assert.deepEqual(log.of(id), []);
  }
  log.brokerEvent({
    ...connectRefused('d1', 'client-id', 'x'.repeat(9_000)),
    clientId: 'c'.repeat(60_000),
  } as BrokerEvent);
  const [record] = log.of('d1');
  assert.ok(JSON.stringify(record).length < 1_500);
});
