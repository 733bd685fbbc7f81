import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateWatch } from './certificate-watch.ts';
import { VirtualEnvironment } from './testing/virtual-environment.ts';

const DAY_MS = 86_400_000;

test('a certificate with few days left is told on connecting and every day', async () => {
  const environment = new VirtualEnvironment();
  const told: string[] = [];
  const watch = new CertificateWatch(environment, 30, ({ of, daysLeft }) => void told.push(`${of} ${daysLeft}`));
  const at = (days: number): number => environment.wallClockMs() + days * DAY_MS;
  watch.start();
  assert.equal(environment.nextMs, undefined);
  watch.seen({ of: 'server', subject: 'x', expiresAtMs: at(31) });
  watch.seen({ of: 'client', subject: 'y', expiresAtMs: at(5) });
  watch.start();
  assert.deepEqual(told.splice(0), ['client 5']);
  await environment.advance(2 * DAY_MS);
  assert.deepEqual(told.splice(0), ['client 4', 'server 29', 'client 3']);
  watch.seen({ of: 'client', subject: 'y', expiresAtMs: at(90) });
  await environment.advance(DAY_MS);
  assert.deepEqual(told.splice(0), ['server 28']);
  watch.stop();
  assert.equal(environment.nextMs, undefined);
});
