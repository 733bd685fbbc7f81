import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeepAlive } from './keep-alive.ts';

test('an idle connection is pinged before the Keep Alive is over [MQTT-3.1.2-20, MQTT311-3.1.2-23]', () => {
  const keepAlive = new KeepAlive(10, 5000, 0);
  assert.deepEqual(keepAlive.check(0), { step: 'wait', ms: 9000 });
  assert.deepEqual(keepAlive.check(8999), { step: 'wait', ms: 1 });
  assert.deepEqual(keepAlive.check(9000), { step: 'ping' });
});

test('what is sent and received puts the ping off', () => {
  const keepAlive = new KeepAlive(10, 5000, 0);
  keepAlive.sent(4000);
  keepAlive.received(5000);
  assert.deepEqual(keepAlive.check(9000), { step: 'wait', ms: 4000 });
});

test('a client that only sends pings as well, to learn whether the server lives', () => {
  const keepAlive = new KeepAlive(10, 5000, 0);
  keepAlive.sent(8900);
  assert.deepEqual(keepAlive.check(9000), { step: 'ping' });
});

test('silence after the ping is death, though only when it is seen twice', () => {
  const keepAlive = new KeepAlive(10, 5000, 0);
  keepAlive.check(9000);
  assert.deepEqual(keepAlive.check(9000), { step: 'wait', ms: 5000 });
  assert.deepEqual(keepAlive.check(14_000), { step: 'wait', ms: 20 });
  assert.deepEqual(keepAlive.check(14_020), { step: 'dead' });
});

test('bytes that lay unread through a stall of this process save the connection', () => {
  const keepAlive = new KeepAlive(10, 5000, 0);
  keepAlive.check(9000);
  assert.equal(keepAlive.check(60_000).step, 'wait');
  keepAlive.received(60_001);
  assert.deepEqual(keepAlive.check(60_020).step, 'ping');
  keepAlive.received(60_021);
  assert.deepEqual(keepAlive.check(60_022), { step: 'wait', ms: 8998 });
});

test('any bytes count as an answer', () => {
  const keepAlive = new KeepAlive(10, 5000, 0);
  keepAlive.check(9000);
  keepAlive.received(10_000);
  assert.deepEqual(keepAlive.check(14_000), { step: 'wait', ms: 4000 });
});

test('the server hears from the client in time also while an answer is awaited longer than the Keep Alive', () => {
  const keepAlive = new KeepAlive(10, 60_000, 0);
  keepAlive.check(9000);
  assert.deepEqual(keepAlive.check(18_000), { step: 'ping' });
});

test('Keep Alive 0 never pings', () => {
  const keepAlive = new KeepAlive(0, 5000, 0);
  assert.deepEqual(keepAlive.check(1e12), { step: 'wait', ms: Number.POSITIVE_INFINITY });
});
