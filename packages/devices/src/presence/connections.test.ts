import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionEvent, Connections } from './connections.ts';

function world() {
  const connections = new Connections();
  const heard: string[] = [];
  connections.listen(({ kind, clientId }) => heard.push(`${kind} ${clientId} ${connections.isConnected('d')}`));
  const take = (kind: ConnectionEvent['kind'], clientId: string, connection: string) =>
    connections.take({
      ...{ deviceId: 'd', clientId, connection, address: connection, listener: 'tcp', protocolVersion: 5 },
      ...{ kind, reason: '' },
    } as ConnectionEvent);
  return { connections, heard, take, clients: () => [...connections.of('d')].map(({ clientId }) => clientId) };
}

test('a device is connected while one of its clients is', () => {
  const { connections, heard, take, clients } = world();
  take('connected', 'a', '1');
  take('connected', 'b', '2');
  assert.deepEqual([clients(), connections.size], [['a', 'b'], 1]);
  take('subscribed', 'a', '1');
  take('disconnected', 'a', '1');
  take('disconnected', 'b', '2');
  assert.deepEqual([clients(), connections.size], [[], 0]);
  assert.deepEqual(heard, [
    'connected a true',
    'connected b true',
    'subscribed a true',
    'disconnected a true',
    'disconnected b false',
  ]);
});

test('the end of a connection that was taken over changes nothing and is told to nobody', () => {
  const { connections, heard, take } = world();
  take('connected', 'a', '1');
  take('connected', 'a', '2');
  take('disconnected', 'a', '1');
  assert.equal(connections.isConnected('d'), true);
  assert.equal(heard.length, 2);
  take('disconnected', 'a', '2');
  take('disconnected', 'a', '2');
  assert.deepEqual([connections.isConnected('d'), heard.length], [false, 3]);
});

test('a client that comes anew is the newest of its device', () => {
  const { take, clients } = world();
  take('connected', 'a', '1');
  take('connected', 'b', '2');
  take('connected', 'a', '3');
  assert.deepEqual(clients(), ['b', 'a']);
});
