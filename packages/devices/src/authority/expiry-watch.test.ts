import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceBroker } from '../ports.ts';
import { Certificates } from './certificates.ts';
import { EXPIRING_TOPIC, ExpiryWatch } from './expiry-watch.ts';
import { Revocations } from './revocations.ts';
import { DAY_MS, device, openAuthority, serviceParts } from './testing/fleet.ts';

const by = 'a test';

async function open(settings = { days: 100, historyDays: 20, renewalOverlapS: 0 }) {
  const { parts, clock, events, table } = serviceParts();
  const certificates = new Certificates(parts, openAuthority(), settings);
  const revocations = await Revocations.open(table, clock);
  const retained = new Map<string, string>();
  let refuses: Error | undefined;
  const broker = {
    publish: async (topic: string, payload: Uint8Array, { retain }: { retain: boolean }) => {
      if (refuses !== undefined) throw refuses;
      assert.ok(retain);
      if (payload.length === 0) retained.delete(topic);
      else retained.set(topic, Buffer.from(payload).toString());
    },
  } as unknown as DeviceBroker;
  const start = () => new ExpiryWatch(parts, { certificates, revocations }, broker, { warnDays: 30, lateDays: 10 });
  const told = () =>
    [...retained.keys()]
      .filter((topic) => topic.startsWith(EXPIRING_TOPIC))
      .map((topic) => topic.slice(EXPIRING_TOPIC.length))
      .sort();
  const watch = start();
  /** Lets days pass, each with its walk; settles with what the last one found. */
  const days = async (count: number) => {
    for (let day = 1; day < count; day += 1) {
      clock.pass(DAY_MS);
      await watch.walk();
    }
    clock.pass(DAY_MS);
    return watch.walk();
  };
  const refuse = (error: Error | undefined) => {
    refuses = error;
  };
  return { clock, events, certificates, retained, told, watch, days, start, refuse };
}

/** What a change has set off is done. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('from thirty days before its end on a certificate is told of, retained and once a day', async () => {
  const { events, certificates, retained, told, watch, days } = await open();
  const { serial, notAfterMs } = await certificates.issue(device('cam-1'), { by });
  assert.deepEqual(await days(69), { expiring: 0, expired: 0, revoked: 0 });
  assert.deepEqual(told(), []);
  await days(1);
  const notAfter = new Date(notAfterMs).toISOString();
  assert.deepEqual(JSON.parse(retained.get(`${EXPIRING_TOPIC}cam-1`)!), {
    deviceId: 'cam-1',
    serial,
    notAfter,
    daysLeft: 30,
  });
  const daysLeft = () => events.flatMap((event) => (event.name === 'certificateExpiring' ? [event.daysLeft] : []));
  assert.deepEqual(daysLeft(), [30]);
  await days(1);
  assert.deepEqual(daysLeft(), [30, 29]);
  assert.equal(watch.counts?.expiring, 1);
});

test('a renewal, once it is used, takes the message away; so does a revocation', async () => {
  const { certificates, told, watch, days } = await open();
  const first = await certificates.issue(device('cam-1'), { by });
  await certificates.used(first.serial);
  const other = await certificates.issue(device('cam-2'), { by });
  await days(80);
  assert.deepEqual(told(), ['cam-1', 'cam-2']);
  const second = await certificates.renew(device('cam-1'), first.serial, { by });
  await settled();
  assert.deepEqual(told(), ['cam-1', 'cam-2'], 'nobody came with the new one');
  await certificates.used(second.serial);
  await settled();
  assert.deepEqual(told(), ['cam-2']);
  await certificates.revoke(other.serial, { by });
  await settled();
  assert.deepEqual(told(), []);
  assert.deepEqual(await watch.walk(), { expiring: 0, expired: 0, revoked: 2 });
});

test('one that ended with nothing in its place is told of until it is forgotten', async () => {
  const { certificates, retained, told, events, days } = await open();
  await certificates.issue(device('cam-1'), { by });
  assert.deepEqual(await days(105), { expiring: 0, expired: 1, revoked: 0 });
  assert.equal(JSON.parse(retained.get(`${EXPIRING_TOPIC}cam-1`)!).daysLeft, -5);
  assert.equal(events.filter(({ name }) => name === 'certificateExpiring').length, 31, 'from 30 to 0 days left');
  await days(6);
  assert.deepEqual(told(), []);
  await days(10);
  assert.deepEqual((await certificates.list('cam-1', { limit: 10 })).records, []);
});

test('what a crash left on the topic of a device that is well goes with the next walk', async () => {
  const { certificates, told, watch, days, start } = await open();
  const first = await certificates.issue(device('cam-1'), { by });
  await days(80);
  watch.close();
  const second = await certificates.renew(device('cam-1'), first.serial, { by });
  await certificates.used(second.serial);
  await settled();
  assert.deepEqual(told(), ['cam-1']);
  const next = start();
  assert.deepEqual([next.counts], [undefined]);
  await next.walk();
  assert.deepEqual([told(), next.counts?.expiring], [[], 0]);
});

test('walks every day by itself, and a fault of the broker is told and not the end', async () => {
  const { clock, certificates, events, told, refuse, days } = await open();
  await certificates.issue(device('cam-1'), { by });
  await days(79);
  refuse(new Error('the disk is full'));
  await assert.rejects(days(1), /the disk is full/);
  await settled();
  assert.match(JSON.stringify(events), /deviceServiceFailed.*the disk is full/);
  refuse(undefined);
  clock.pass(DAY_MS);
  await settled();
  assert.deepEqual(told(), ['cam-1']);
});

test('one that is issued with its end so near is told of at once, and once', async () => {
  const { certificates, events, told } = await open({ days: 1, historyDays: 20, renewalOverlapS: 0 });
  const { serial } = await certificates.issue(device('cam-1'), { by });
  await settled();
  assert.deepEqual(told(), ['cam-1']);
  await certificates.used(serial);
  await settled();
  assert.equal(events.filter(({ name }) => name === 'certificateExpiring').length, 1);
  await certificates.revoke(serial, { by });
  await settled();
  assert.deepEqual(told(), []);
});
