import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnackPacket } from '@dunlin/protocol';
import { watchCertificates } from './certificate-watch.ts';
import type { ClientEvents } from './client-api.ts';
import { Listeners } from './events.ts';
import { VirtualEnvironment } from './testing/virtual-environment.ts';

const CONNACK: ConnackPacket = { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} };
const DAY_MS = 86_400_000;

test('a certificate with few days left is told on connecting and every day', async () => {
  const environment = new VirtualEnvironment();
  const told: string[] = [];
  const listeners = new Listeners<ClientEvents>();
  const seen = watchCertificates({ environment, certificateWarningDays: 30 }, listeners);
  listeners.on('certificateExpiring', ({ of, daysLeft }) => void told.push(`${of} ${daysLeft}`));
  const connect = (): void => {
    listeners.emit('state', 'connected', undefined);
    listeners.emit('connected', CONNACK);
  };
  const at = (days: number): number => environment.wallClockMs() + days * DAY_MS;
  connect();
  assert.equal(environment.nextMs, undefined);
  seen({ of: 'server', subject: 'x', expiresAtMs: at(31) });
  seen({ of: 'client', subject: 'y', expiresAtMs: at(5) });
  connect();
  assert.deepEqual(told.splice(0), ['client 5']);
  await environment.advance(2 * DAY_MS);
  assert.deepEqual(told.splice(0), ['client 4', 'server 29', 'client 3']);
  seen({ of: 'client', subject: 'y', expiresAtMs: at(90) });
  await environment.advance(DAY_MS);
  assert.deepEqual(told.splice(0), ['server 28']);
  listeners.emit('state', 'disconnected', undefined);
  assert.equal(environment.nextMs, undefined);
});
