import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthPacket, Packet, Properties } from '@dunlin/protocol';
import { Authenticating } from './authenticating.ts';
import type { Connection } from './connection.ts';
import { MqttError } from './errors.ts';
import type { Authentication } from './options.ts';

const METHOD = { authenticationMethod: 'M' };
const NOTHING = { resolve: () => {}, reject: () => {} };

function setUp(authentication?: Authentication) {
  const told: string[] = [];
  const connection = {
    isOpen: true,
    send: (packet: Packet) => void told.push(`${packet.type} ${(packet as AuthPacket).reasonCode.toString(16)}`),
    owner: { failed: (error: Error) => void told.push(error.message) },
  };
  const authenticating = new Authenticating('M', authentication, connection as unknown as Connection);
  return { authenticating, told };
}

const auth = (reasonCode: number, properties: Properties = METHOD): AuthPacket => ({
  type: 'auth',
  reasonCode,
  properties,
});
/** What the application is asked for has been answered. */
const turn = () => new Promise(setImmediate);
const connack = { type: 'connack' as const, sessionPresent: false, reasonCode: 0, properties: METHOD };

test('a challenge that nobody can answer ends the connection', async () => {
  const { authenticating, told } = setUp();
  authenticating.received(auth(0x18));
  await turn();
  assert.match(told[0], /expected the option "authentication"/);
});

test('AUTH 0x00 ends only what was begun again, and only behind CONNACK', async () => {
  const { authenticating, told } = setUp();
  assert.throws(() => authenticating.received(auth(0)), { reasonCode: 0x82 });
  await authenticating.connected(connack);
  assert.throws(() => authenticating.received(auth(0)), { reasonCode: 0x82 });
  authenticating.again(undefined, { ...NOTHING, resolve: () => void told.push('done') });
  assert.throws(() => authenticating.again(undefined, NOTHING), { code: 'invalid' });
  authenticating.received(auth(0));
  await turn();
  assert.deepEqual(told, ['auth 19', 'done']);
});

test('an AUTH with another method is not accepted [MQTT-4.12.0-5]', () => {
  const { authenticating } = setUp();
  assert.throws(() => authenticating.received(auth(0x18, { authenticationMethod: 'N' })), { reasonCode: 0x82 });
  assert.throws(() => authenticating.received(auth(0x18, {})), { reasonCode: 0x82 });
});

test('the end of the connection rejects an authentication that is not over', async () => {
  const { authenticating, told } = setUp();
  await authenticating.connected(connack);
  authenticating.again(undefined, { ...NOTHING, reject: (error) => void told.push(error.message) });
  authenticating.end(new MqttError('closed', 'over'));
  assert.deepEqual(told, ['auth 19', 'over']);
});

test('the one behind an authentication that was given up begins when the server has ended that', async () => {
  const { authenticating, told } = setUp();
  const asking = (name: string) => ({
    resolve: () => void told.push(`${name} done`),
    reject: (error: Error) => void told.push(`${name} ${error.message}`),
  });
  await authenticating.connected(connack);
  authenticating.again(undefined, NOTHING)();
  const giveUp = authenticating.again(undefined, NOTHING);
  assert.throws(() => authenticating.again(undefined, NOTHING), { code: 'invalid' });
  giveUp();
  authenticating.again(undefined, asking('second'));
  assert.deepEqual(told, ['auth 19']);
  authenticating.received(auth(0));
  await turn();
  assert.deepEqual(told, ['auth 19', 'auth 19']);
  authenticating.received(auth(0));
  await turn();
  assert.deepEqual(told, ['auth 19', 'auth 19', 'second done']);
  authenticating.again(undefined, NOTHING)();
  authenticating.again(undefined, asking('third'));
  authenticating.end(new MqttError('closed', 'over'));
  assert.deepEqual(told.slice(3), ['auth 19', 'third over']);
});

test('a server does not go on before it has its answer (4.12)', async () => {
  const answer = Promise.withResolvers<undefined>();
  const { authenticating, told } = setUp({ method: 'M', respond: () => answer.promise });
  authenticating.received(auth(0x18));
  assert.throws(() => authenticating.received(auth(0x18)), { reasonCode: 0x82 });
  await assert.rejects(authenticating.connected(connack), { reasonCode: 0x82 });
  answer.resolve(undefined);
  await turn();
  assert.deepEqual(told, ['auth 18']);
  await authenticating.connected(connack);
});

test('what verify rejects with fails CONNACK, and later the connection', async () => {
  let isGenuine = false;
  const verify = async () => assert.ok(isGenuine, 'not our server');
  const { authenticating, told } = setUp({ method: 'M', respond: () => undefined, verify });
  await assert.rejects(authenticating.connected(connack), /not our server/);
  isGenuine = true;
  await authenticating.connected(connack);
  isGenuine = false;
  authenticating.again(undefined, { ...NOTHING, resolve: () => void told.push('done') });
  authenticating.received(auth(0));
  await turn();
  assert.deepEqual(told, ['auth 19', 'not our server']);
});
