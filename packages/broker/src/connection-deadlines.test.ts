import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY } from './memory/anonymous.ts';
import type { AuthenticationRequest, AuthenticationResult } from './ports.ts';
import { World } from './testing/world.ts';

test('names the check where no CONNECT was handled in time, in the middle of an exchange too', () => {
  const world = new World({
    limits: { connectTimeoutMs: 5_000 },
    authenticator: {
      supports: () => true,
      authenticate: () => ({ kind: 'challenge', data: undefined, state: undefined }),
    },
  });
  const silent = world.open();
  const thinking = world.open();
  thinking.connect({ properties: { authenticationMethod: 'STEPS' } });
  thinking.take('auth');
  world.pass(4_800);
  assert.deepEqual([silent.isClosed, thinking.isClosed], [false, false]);
  world.pass(500);
  assert.deepEqual([silent.isClosed, thinking.isClosed], [true, true]);
  assert.deepEqual(
    world.told('connectionRejected').map(({ check, reason }) => [check, reason]),
    [
      ['connect-timeout', 'no CONNECT within 5000 ms'],
      ['connect-timeout', 'no CONNECT within 5000 ms'],
    ],
  );
  assert.equal(world.broker.refusals.byCheck.get('connect-timeout'), 2);
});

/** Accepts for 30 s of the wall clock, and for as long again with each AUTH. */
function expiring(): World {
  const world: World = new World({
    authenticator: {
      supports: () => true,
      authenticate: (_request: AuthenticationRequest): AuthenticationResult => ({
        kind: 'accept',
        principal: { ...NOBODY, expiresAtMs: world.clock.nowMs() + 30_000 },
      }),
    },
  });
  return world;
}

test('a credential ends the connection at its time by the wall clock, also where that was set meanwhile', () => {
  const world = expiring();
  const will = { topic: 'will', payload: Buffer.from(''), qos: 0 as const, retain: false, properties: {} };
  const client = world.connect('a', { will });
  world.clock.setWallClock(10_000);
  // Deadlines of the wall clock are looked at again when they were due by the clock of before.
  world.pass(30_500);
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x87, true]);
  assert.equal(world.told('willPublished').length, 1);
  assert.equal(world.told('clientDisconnected')[0].check, 'credential-expired');
});

test('a credential ends a 3.1.1 connection without a packet', () => {
  const world = expiring();
  const client = world.connect('a', { protocolVersion: 4 });
  world.pass(29_000);
  assert.equal(client.isClosed, false);
  world.pass(1_500);
  assert.deepEqual([client.takeAll(), client.isClosed], [[], true]);
});

test('authenticating again moves the end of the credential, each time', () => {
  const world = expiring();
  const properties = { authenticationMethod: 'STEPS' };
  const client = world.connect('a', { properties });
  for (let again = 0; again < 3; again++) {
    world.pass(20_000);
    client.send({ type: 'auth', reasonCode: 0x19, properties });
    assert.equal(client.take('auth').reasonCode, 0);
  }
  world.pass(29_000);
  assert.equal(client.isClosed, false);
  world.pass(1_500);
  assert.equal(client.take('disconnect').reasonCode, 0x87);
});
