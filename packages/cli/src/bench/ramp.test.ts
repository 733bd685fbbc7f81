import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '@dunlin/client';
import { targetOf } from '../connecting.ts';
import { newConnectionFlags } from '../connection-flags.ts';
import { port, runningServer } from '../contract/local-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { ErrorTally } from '../error-tally.ts';
import { Histogram } from '../histogram.ts';
import { connectAll, numberedFlags, type Ramp } from './ramp.ts';

function target(more: object) {
  const flags = { ...newConnectionFlags(), host: '127.0.0.1', port: port(), ...more };
  return targetOf(numberedFlags(flags), new RecordedTerminal());
}

const newRamp = (): Ramp => ({ connected: new Set<Client>(), times: new Histogram(), errors: new ErrorTally() });

test('clients come with a Client Identifier and a user name each', async () => {
  const ramp = newRamp();
  const plan = { count: 3, connectRate: 1000 };
  const clients = await connectAll(target({ clientId: 'ramp-{i}', username: 'u{i}' }), plan, ramp, AbortSignal.any([]));
  assert.deepEqual([...clients.values()].map(({ clientId }) => clientId).sort(), ['ramp-0', 'ramp-1', 'ramp-2']);
  assert.deepEqual([ramp.times.count, ramp.connected.size, ramp.errors.total], [3, 3, 0]);
  for (const client of clients.values()) await client.disconnect();
  assert.deepEqual([ramp.connected.size, ramp.errors.total], [0, 0]);
});

test('a prefix is completed with the number and the process', async () => {
  const clients = await connectAll(
    target({ idPrefix: 'p-' }),
    { count: 2, connectRate: 1000 },
    newRamp(),
    AbortSignal.any([]),
  );
  assert.deepEqual([...clients.values()].map(({ clientId }) => clientId).sort(), ['p-0-4711', 'p-1-4711']);
  for (const client of clients.values()) await client.disconnect();
});

test('failures and lost connections are counted', async () => {
  const ramp = newRamp();
  const closed = target({ port: 1 });
  assert.equal((await connectAll(closed, { count: 2, connectRate: 1000 }, ramp, AbortSignal.any([]))).size, 0);
  const clients = await connectAll(
    target({ clientId: 'lost' }),
    { count: 1, connectRate: 1 },
    ramp,
    AbortSignal.any([]),
  );
  runningServer().broker.disconnectClient('lost');
  for (const client of clients.values()) await client.closed;
  assert.deepEqual(
    ramp.errors.rows().map(({ error, count }) => [error.replace(/: .*/, ''), count]),
    [
      ['connection-failed', 2],
      ['server-disconnected', 1],
    ],
  );
});

test('the signal ends the ramp with those that are there', async () => {
  const controller = new AbortController();
  const ramp = newRamp();
  const ended = connectAll(target({}), { count: 1000, connectRate: 1 }, ramp, controller.signal);
  while (ramp.connected.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort();
  const clients = await ended;
  assert.ok(clients.size >= 1 && clients.size < 1000);
  for (const client of clients.values()) await client.disconnect();
});
