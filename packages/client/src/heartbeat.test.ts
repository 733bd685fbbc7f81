import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from './connection.ts';
import { heartbeat } from './heartbeat.ts';
import { VirtualEnvironment } from './testing/virtual-environment.ts';

function setUp(keepAlive: number) {
  const environment = new VirtualEnvironment();
  const told: string[] = [];
  const connection = { keepAlive: undefined, send: ({ type }: { type: string }) => void told.push(type) };
  const stop = heartbeat(connection as unknown as Connection, environment, keepAlive, 100, ({ code }) =>
    told.push(code),
  );
  return { environment, told, stop, connection: connection as unknown as Connection };
}

test('an idle connection is pinged, and one that answers nothing is given up', async () => {
  const { environment, told, connection } = setUp(10);
  await environment.advance(9000);
  assert.deepEqual(told, ['pingreq']);
  connection.keepAlive?.received(environment.now);
  await environment.advance(9000);
  assert.deepEqual(told, ['pingreq', 'pingreq']);
  await environment.advance(1000);
  assert.deepEqual(told, ['pingreq', 'pingreq', 'connection-lost']);
  assert.equal(environment.nextMs, undefined);
});

test('without Keep Alive, and once stopped, nothing is done', async () => {
  assert.equal(setUp(0).environment.nextMs, undefined);
  const { environment, told, stop } = setUp(10);
  stop();
  await environment.advance(100_000);
  assert.deepEqual(told, []);
});
