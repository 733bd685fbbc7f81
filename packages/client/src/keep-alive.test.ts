import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeepAlive } from './keep-alive.ts';
import { VirtualEnvironment } from './testing/virtual-environment.ts';

/** Keep Alive in seconds; what is told gets the time of it. */
function setUp(keepAlive = 10, pingTimeoutMs = 5000) {
  const environment = new VirtualEnvironment();
  const begunMs = environment.now;
  const told: string[] = [];
  const tell = (what: string): void => void told.push(`${what} ${environment.now - begunMs}`);
  const watch = new KeepAlive(environment, keepAlive, pingTimeoutMs, { send: ({ type }) => tell(type) }, ({ code }) =>
    tell(code),
  );
  return { environment, told, watch };
}

test('an idle connection is pinged before the Keep Alive is over [MQTT-3.1.2-20, MQTT311-3.1.2-23]', async () => {
  const { environment, told } = setUp();
  await environment.advance(8999);
  assert.deepEqual(told, []);
  await environment.advance(1);
  assert.deepEqual(told, ['pingreq 9000']);
});

test('what is sent and received puts the ping off', async () => {
  const { environment, told, watch } = setUp();
  await environment.advance(4000);
  watch.sent();
  await environment.advance(1000);
  watch.received();
  await environment.advance(8000);
  assert.deepEqual(told, ['pingreq 13000']);
});

test('a client that only sends pings as well, to learn whether the server lives', async () => {
  const { environment, told, watch } = setUp();
  await environment.advance(8900);
  watch.sent();
  await environment.advance(100);
  assert.deepEqual(told, ['pingreq 9000']);
});

test('silence after the ping is death, though only when it is seen twice', async () => {
  const { environment, told } = setUp();
  await environment.advance(60_000);
  assert.deepEqual(told, ['pingreq 9000', 'connection-lost 14020']);
  assert.equal(environment.nextMs, undefined);
});

test('bytes that lay unread through a stall of this process save the connection', async () => {
  const { environment, told, watch } = setUp();
  await environment.advance(9000);
  await environment.advance(5000);
  watch.received();
  await environment.advance(20);
  assert.deepEqual(told, ['pingreq 9000']);
  await environment.advance(3980);
  assert.deepEqual(told, ['pingreq 9000', 'pingreq 18000']);
});

test('any bytes count as an answer', async () => {
  const { environment, told, watch } = setUp();
  await environment.advance(10_000);
  watch.received();
  await environment.advance(8000);
  assert.deepEqual(told, ['pingreq 9000', 'pingreq 18000']);
});

test('the server hears from the client in time also while an answer is awaited longer than the Keep Alive', async () => {
  const { environment, told } = setUp(10, 60_000);
  await environment.advance(18_000);
  assert.deepEqual(told, ['pingreq 9000', 'pingreq 18000']);
});

test('without Keep Alive, and once stopped, nothing is done', async () => {
  assert.equal(setUp(0).environment.nextMs, undefined);
  const { environment, told, watch } = setUp();
  watch.stop();
  await environment.advance(100_000);
  assert.deepEqual(told, []);
});
