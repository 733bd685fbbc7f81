import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerEvent } from '@dunlin/broker';
import { ConnectionEvents } from './connection-events.ts';
import { DeviceIdentities } from './credentials/device-identity.ts';

const identities = new DeviceIdentities();
identities.add('fleet');

function connected(clientId: string, identity: string | undefined): BrokerEvent {
  const fixed = { address: '192.0.2.1', listener: 'tcp', protocolVersion: 4, username: undefined } as const;
  return {
    name: 'clientConnected',
    clientId,
    identity,
    cleanStart: true,
    sessionPresent: false,
    keepAlive: 60,
    ...fixed,
  };
}

function disconnected(clientId: string, identity: string | undefined): BrokerEvent {
  const fixed = {
    address: '192.0.2.1',
    reasonCode: undefined,
    by: 'network',
    check: undefined,
    detail: undefined,
  } as const;
  return { name: 'clientDisconnected', clientId, identity, reason: 'gone', ...fixed };
}

test('only clients that the method of devices let in are devices', () => {
  const events = new ConnectionEvents(identities);
  assert.deepEqual(events.read(connected('c', 'fleet:cam:1/g')), {
    kind: 'connected',
    deviceId: 'cam:1',
    clientId: 'c',
    connection: '1',
    address: '192.0.2.1',
    listener: 'tcp',
    protocolVersion: 4,
  });
  for (const identity of [undefined, 'fleet', 'users:cam:1/g', ':cam/g', ''])
    assert.equal(events.read(connected('c', identity)), undefined, identity);
  assert.deepEqual(events.read({ name: 'subscribed', clientId: 'c', identity: 'fleet:cam:1/g', filter: 'a', qos: 1 }), {
    kind: 'subscribed',
    deviceId: 'cam:1',
    clientId: 'c',
  });
});

test('each connection of a client has a name of its own, which its end tells too', () => {
  const events = new ConnectionEvents(identities);
  const told = [
    connected('a', 'fleet:x/g'),
    connected('b', 'fleet:x/g'),
    disconnected('a', 'fleet:x/g'),
    connected('a', 'fleet:x/g'),
    disconnected('b', 'fleet:x/g'),
    disconnected('a', 'fleet:x/g'),
  ].map((event) => events.read(event));
  assert.deepEqual(
    told.map((event) => event?.kind !== 'subscribed' && event?.connection),
    ['1', '2', '1', '3', '2', '3'],
  );
});
