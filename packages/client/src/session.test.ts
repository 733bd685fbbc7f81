import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectPacket, MqttError, type Packet } from '@dunlin/protocol';
import { Session } from './session.ts';

const connect: ConnectPacket = {
  type: 'connect',
  protocolVersion: 5,
  bridge: false,
  clientId: 'c',
  cleanStart: true,
  keepAlive: 0,
  properties: {},
};

function setUp(packet = connect) {
  const told: string[] = [];
  const session = new Session(
    {
      send: ({ type }) => void told.push(`> ${type}`),
      connected: () => void told.push('connected'),
      ended: (error) => void told.push(`ended ${error.code}`),
      challenged: () => void told.push('challenged'),
      authenticated: () => void told.push('authenticated'),
      delivered: ({ message }) => void told.push(`message ${message.topic}`),
    },
    packet,
    10,
  );
  session.begin();
  return { session, told };
}

const accepted: Packet = { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} };

test('a session begins with CONNECT, is connected with CONNACK and ends once', () => {
  const { session, told } = setUp();
  assert.equal(session.state, 'connecting');
  session.receive(accepted);
  assert.equal(session.state, 'connected');
  const outcomes: string[] = [];
  session.unsubscribe(['a'], {}, { resolve: () => {}, reject: ({ message }) => void outcomes.push(message) });
  session.end(new Error('over'));
  session.end(new Error('again'));
  session.receive({ type: 'pingresp' });
  session.receive(accepted);
  assert.deepEqual(told, ['> connect', 'connected', '> unsubscribe']);
  assert.deepEqual([session.state, outcomes], ['ended', ['over']]);
});

test('a refusal and DISCONNECT end the session through its owner', () => {
  const first = setUp();
  first.session.receive({ type: 'connack', sessionPresent: false, reasonCode: 0x97, properties: {} });
  assert.deepEqual(first.told, ['> connect', 'ended refused']);
  const second = setUp();
  second.session.receive({ type: 'disconnect', reasonCode: 0x8b, properties: {} });
  assert.deepEqual(second.told, ['> connect', 'ended server-disconnected']);
});

test('packets that only a client sends, or that come too early, are faults', () => {
  const early: Packet[] = [{ type: 'pingresp' }, { type: 'suback', packetId: 1, properties: {}, reasonCodes: [0] }];
  for (const packet of early) assert.throws(() => setUp().session.receive(packet), MqttError);
  const { session } = setUp();
  session.receive(accepted);
  for (const packet of [accepted, connect, { type: 'pingreq' } as const]) {
    assert.throws(() => session.receive(packet), MqttError);
  }
});

test('a Client Identifier may be assigned only to a client without one', () => {
  const assigned: Packet = { ...accepted, properties: { assignedClientIdentifier: 'x' } };
  assert.throws(() => setUp().session.receive(assigned), MqttError);
  setUp({ ...connect, clientId: '' }).session.receive(assigned);
});

test('AUTH is answered by the owner, and success is told at connect and again', () => {
  const properties = { authenticationMethod: 'M' };
  const { session, told } = setUp({ ...connect, properties });
  session.receive({ type: 'auth', reasonCode: 0x18, properties });
  session.authenticate(undefined);
  assert.throws(() => session.receive({ type: 'auth', reasonCode: 0, properties }), MqttError);
  session.receive({ ...accepted, properties } as Packet);
  session.reauthenticate(undefined, { resolve: () => void told.push('again'), reject: () => {} });
  session.receive({ type: 'auth', reasonCode: 0, properties });
  const expected = [
    '> connect',
    'challenged',
    '> auth',
    'connected',
    'authenticated',
    '> auth',
    'authenticated',
    'again',
  ];
  assert.deepEqual(told, expected);
});
