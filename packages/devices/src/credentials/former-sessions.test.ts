import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerEvent } from '@dunlin/broker';
import { MemoryBroker } from '../testing/memory-broker.ts';
import { DeviceIdentities } from './device-identity.ts';
import { FormerSessions } from './former-sessions.ts';

function start() {
  const identities = new DeviceIdentities();
  identities.add('fleet');
  const broker = new MemoryBroker();
  const turn: (() => void)[] = [];
  const clock = { endOfTurn: (run: () => void) => void turn.push(run) };
  const sessions = new FormerSessions({ identities, clock, broker: () => broker });
  return { broker, sessions, turn };
}

test('a session of who had the id before ends, and no other one', () => {
  const { broker, sessions } = start();
  const owners = { mine: 'fleet:d1/new', former: 'fleet:d1/old', other: 'fleet:d2/old', user: 'users:d1/old' };
  for (const [clientId, owner] of Object.entries(owners)) broker.sessions.set(clientId, owner);
  for (const clientId of [...Object.keys(owners), 'none']) sessions.end(clientId, 'd1', 'new');
  assert.deepEqual([...broker.sessions.keys()], ['mine', 'other', 'user']);
});

test('of devices that were removed every session ends, and those removed meanwhile share a walk', async () => {
  const { broker, sessions } = start();
  const owners = {
    a: 'fleet:d1/old',
    b: 'fleet:d1/old',
    c: 'fleet:d2/x',
    d: 'fleet:d3/x',
    e: 'fleet:d4/x',
    f: 'users:d1/old',
  };
  for (const [clientId, owner] of Object.entries(owners)) broker.sessions.set(clientId, owner);
  const first = sessions.removed('d1');
  await Promise.resolve();
  await Promise.all([first, sessions.removed('d2'), sessions.removed('d3')]);
  assert.deepEqual([[...broker.sessions.keys()], broker.walks], [['e', 'f'], 2]);
});

test('a walk that fails is told to those who shared it, and the next one is made', async () => {
  const { broker, sessions } = start();
  broker.sessions.set('a', 'fleet:d1/old');
  const failing = broker.endSessions;
  broker.endSessions = async () => Promise.reject(new Error('no disk'));
  const removed = sessions.removed('d1');
  await assert.rejects(removed, /no disk/);
  broker.endSessions = failing;
  await sessions.removed('d1');
  assert.equal(broker.sessions.size, 0);
});

test('who has to go since its device was removed leaves no session, once its connection has ended', () => {
  const { broker, sessions, turn } = start();
  broker.sessions.set('c', 'fleet:d1/old');
  const fixed = {
    name: 'clientDisconnected',
    address: '',
    reasonCode: 0x87,
    by: 'server',
    reason: '',
    detail: '',
  } as const;
  const gone = (check: string): BrokerEvent => ({ ...fixed, clientId: 'c', identity: 'fleet:d1/old', check });
  sessions.brokerEvent(gone('device-disabled'));
  assert.equal(turn.length, 0);
  sessions.brokerEvent(gone('device-removed'));
  assert.equal(broker.sessions.size, 1);
  for (const run of turn.splice(0)) run();
  assert.equal(broker.sessions.size, 0);
  // Somebody else was there first.
  broker.sessions.set('c', 'fleet:d1/new');
  sessions.brokerEvent(gone('device-removed'));
  for (const run of turn) run();
  assert.equal(broker.sessions.size, 1);
});
