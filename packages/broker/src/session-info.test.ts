import assert from 'node:assert/strict';
import { test } from 'node:test';
import { infoOf } from './session-info.ts';
import { World } from './testing/world.ts';

test('says what an operator wants to know of a session, connected or not', () => {
  const world = new World();
  const client = world.connect('a', {
    cleanStart: false,
    properties: { sessionExpiryInterval: 60, receiveMaximum: 1 },
  });
  client.subscribe('t', { qos: 1 });
  for (let i = 0; i < 3; i++) world.broker.publish('t', Buffer.from('x'), { qos: 1 });
  world.run();
  const session = world.broker.sessionsById.get('a');
  assert.ok(session !== undefined);
  assert.deepEqual(infoOf(session), {
    clientId: 'a',
    connected: true,
    address: client.wire.peer.address,
    username: undefined,
    protocolVersion: 5,
    sessionExpiryInterval: 60,
    subscriptions: 1,
    queuedMessages: 2,
    inflightMessages: 1,
  });
  client.break();
  const { connected, address, protocolVersion } = infoOf(session);
  assert.deepEqual([connected, address, protocolVersion], [false, undefined, undefined]);
});
