import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY } from './memory/anonymous.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { MemoryStore } from './memory/store.ts';
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from './ports.ts';
import type { TestClient } from './testing/client.ts';
import { named } from './testing/named.ts';
import { World } from './testing/world.ts';

const METHOD = 'STEPS';
const PRINCIPAL = { ...NOBODY, username: 'Ada' };

/** Accepts after as many challenges as the data asks for: "2" is challenged with "2", then with "1". "no" is refused. */
class StepsAuthenticator implements Authenticator {
  readonly requests: AuthenticationRequest[] = [];

  supports(method: string): boolean {
    return method === METHOD;
  }

  authenticate(request: AuthenticationRequest): AuthenticationResult {
    this.requests.push(request);
    const text = Buffer.from(request.data ?? []).toString();
    if (text === 'no') return { kind: 'refuse', reasonCode: 0x86, check: 'answer', reason: 'wrong answer' };
    const left = typeof request.state === 'number' ? request.state : Number(text || 0);
    if (left > 0) return { kind: 'challenge', data: Buffer.from(`${left}`), state: left - 1 };
    return { kind: 'accept', principal: { ...PRINCIPAL, attributes: { said: text } }, data: Buffer.from('welcome') };
  }
}

function begin(world: World, data: string, version: 3 | 4 | 5 = 5): TestClient {
  const client = world.open(version);
  client.connect({
    clientId: 'a',
    properties: { authenticationMethod: METHOD, authenticationData: Buffer.from(data) },
  });
  return client;
}

function auth(client: TestClient, reasonCode: number, data: string, authenticationMethod = METHOD): void {
  client.send({
    type: 'auth',
    reasonCode,
    properties: { authenticationMethod, authenticationData: Buffer.from(data) },
  });
}

test('what an Authenticator is given to look at later is memory of its own', () => {
  const authenticator = new StepsAuthenticator();
  const client = begin(new World({ authenticator }), '1');
  auth(client, 0x18, 'answer');
  auth(client, 0x19, '0');
  assert.deepEqual(
    authenticator.requests.map(({ data }) => data?.buffer.byteLength),
    ['1', 'answer', '0'].map((text) => text.length),
  );
});

test('refuses an Authentication Method that nobody supports with 0x8C [MQTT-4.12.0-1]', () => {
  const client = new World().open();
  assert.equal(client.handshake({ properties: { authenticationMethod: 'SCRAM-SHA-256' } }).reasonCode, 0x8c);
  assert.equal(client.isClosed, true);
});

test('accepts at once and says the method and the data of the end in CONNACK [MQTT-4.12.0-5]', () => {
  const connack = begin(new World({ authenticator: new StepsAuthenticator() }), '0').take('connack');
  assert.equal(connack.properties.authenticationMethod, METHOD);
  assert.equal(Buffer.from(connack.properties.authenticationData ?? []).toString(), 'welcome');
});

test('challenges with AUTH 0x18 until the Authenticator is content, then sends CONNACK [MQTT-4.12.0-2, MQTT-4.12.0-3]', () => {
  const authenticator = new StepsAuthenticator();
  const client = begin(new World({ authenticator }), '2');
  for (const expected of ['2', '1']) {
    const challenge = client.take('auth');
    assert.deepEqual([challenge.reasonCode, challenge.properties.authenticationMethod], [0x18, METHOD]);
    assert.equal(Buffer.from(challenge.properties.authenticationData ?? []).toString(), expected);
    assert.deepEqual(client.takeAll(), []);
    auth(client, 0x18, `answer to ${expected}`);
  }
  assert.equal(client.take('connack').reasonCode, 0);
  assert.deepEqual(
    authenticator.requests.map(({ data, state }) => [Buffer.from(data ?? []).toString(), state]),
    [
      ['2', undefined],
      ['answer to 2', 1],
      ['answer to 1', 0],
    ],
  );
});

test('refuses with the code and reason of the Authenticator in the middle of an exchange [MQTT-4.12.0-4]', () => {
  const world = new World({ authenticator: new StepsAuthenticator() });
  const client = begin(world, '1');
  client.take('auth');
  auth(client, 0x18, 'no');
  const connack = client.take('connack');
  assert.deepEqual(
    [connack.reasonCode, connack.properties.reasonString, client.isClosed],
    [0x86, 'wrong answer', true],
  );
  assert.deepEqual([...world.broker.sessions()], []);
});

const WRONG_BEFORE_CONNACK: [string, (client: TestClient) => void][] = [
  ['PUBLISH', (client) => client.publish('t')],
  ['PUBLISH with Topic Alias 0', (client) => client.send(Buffer.from('300800017403230000aa', 'hex'))],
  ['PUBLISH with QoS 3', (client) => client.send(Buffer.from('360600017400010041', 'hex').subarray(0, 8))],
  ['PINGREQ', (client) => client.send({ type: 'pingreq' })],
  ['a second CONNECT', (client) => client.connect({ clientId: 'a' })],
  ['another Authentication Method', (client) => auth(client, 0x18, '', 'OTHER')],
  ['AUTH 0x19', (client) => auth(client, 0x19, '')],
  ['type 0', (client) => client.send(Buffer.from('0000', 'hex'))],
];
for (const [what, send] of WRONG_BEFORE_CONNACK) {
  test(`refuses the connection for ${what} in the middle of an exchange [MQTT-3.1.2-30]`, () => {
    const world = new World({ authenticator: new StepsAuthenticator() });
    const client = begin(world, '1');
    client.take('auth');
    send(client);
    const { reasonCode } = client.take('connack');
    assert.ok(reasonCode === 0x81 || reasonCode === 0x82, `0x${reasonCode.toString(16)}`);
    assert.equal(client.isClosed, true);
    assert.equal(world.broker.connections.size, 0);
    const [{ clientId, check }] = world.told('connectRefused');
    assert.deepEqual([clientId, check], ['a', 'protocol-error']);
  });
}

test('ends without an answer when the client sends DISCONNECT in the middle of an exchange', () => {
  const world = new World({ authenticator: new StepsAuthenticator() });
  const client = begin(world, '1');
  client.take('auth');
  client.disconnect();
  assert.deepEqual([client.takeAll(), client.isClosed, world.broker.connections.size], [[], true, 0]);
});

test('closes a client that does not answer a challenge in time', () => {
  const world = new World({ authenticator: new StepsAuthenticator() });
  const client = begin(world, '1');
  world.pass(10_500);
  assert.equal(client.isClosed, true);
  assert.equal(world.broker.metrics.connectTimeouts, 1);
});

test('authenticates again over AUTH 0x19 while the connection works on, and applies the new rights [MQTT-4.12.1-1]', () => {
  const authenticator = new StepsAuthenticator();
  const world = new World({
    authenticator,
    authorizer: {
      permissions: (_clientId, { attributes }) => ({
        ...PERMIT_ALL,
        mayPublish: () => (attributes.said === 'let me' ? 0 : 0x87),
      }),
    },
  });
  const client = begin(world, '0');
  client.take('connack');
  client.publish('t', { qos: 1 });
  assert.equal(client.take('puback').reasonCode, 0x87);
  auth(client, 0x19, '1');
  assert.equal(client.take('auth').reasonCode, 0x18);
  client.send({ type: 'pingreq' });
  client.take('pingresp');
  auth(client, 0x18, 'let me');
  const done = client.take('auth');
  assert.equal(done.reasonCode, 0);
  assert.equal(Buffer.from(done.properties.authenticationData ?? []).toString(), 'welcome');
  assert.equal(authenticator.requests[1].current?.username, 'Ada');
  client.publish('t', { qos: 1 });
  assert.notEqual(client.take('puback').reasonCode, 0x87);
});

test('disconnects a client that fails to authenticate again [MQTT-4.12.1-2]', () => {
  const world = new World({ authenticator: new StepsAuthenticator() });
  const client = begin(world, '0');
  client.take('connack');
  auth(client, 0x19, 'no');
  // DISCONNECT has no code for a bad password.
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x87, true]);
});

const WRONG_AFTER_CONNACK: [string, (client: TestClient) => void][] = [
  ['AUTH 0x18 that nobody asked for', (client) => auth(client, 0x18, '')],
  ['another method [MQTT-4.12.1-1]', (client) => auth(client, 0x19, '', 'OTHER')],
  [
    'two exchanges at once',
    (client) => {
      auth(client, 0x19, '1');
      client.take('auth');
      auth(client, 0x19, '1');
    },
  ],
];
for (const [what, send] of WRONG_AFTER_CONNACK) {
  test(`disconnects with 0x82 for ${what}`, () => {
    const client = begin(new World({ authenticator: new StepsAuthenticator() }), '0');
    client.take('connack');
    send(client);
    assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x82, true]);
  });
}

test('disconnects with 0x82 for AUTH of a client that named no method [MQTT-4.12.0-7]', () => {
  const client = new World().connect('a');
  auth(client, 0x19, '');
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x82, true]);
});

test('closes a 3.1.1 connection for AUTH, which it does not know', () => {
  const client = new World().connect('a', { protocolVersion: 4 });
  client.send(Buffer.from('f000', 'hex'));
  assert.deepEqual([client.takeAll(), client.isClosed], [[], true]);
});

test('reads nothing more while an Authenticator thinks over AUTH, and goes on in order afterwards', async () => {
  let answer: (result: AuthenticationResult) => void = () => undefined;
  let asked = 0;
  const authenticator: Authenticator = {
    supports: () => true,
    authenticate: () => {
      asked += 1;
      if (asked === 1) return { kind: 'accept', principal: PRINCIPAL };
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  };
  const world = new World({ authenticator });
  const client = begin(world, '');
  client.take('connack');
  auth(client, 0x19, '');
  client.send({ type: 'pingreq' });
  assert.deepEqual(client.takeAll(), []);
  answer({ kind: 'accept', principal: PRINCIPAL });
  await world.settle();
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type),
    ['auth', 'pingresp'],
  );
});

for (const pings of [0, 60]) {
  test(`does not count the time that an Authenticator takes against Keep Alive, of a client that says ${pings} things meanwhile`, async () => {
    let answer: (result: AuthenticationResult) => void = () => undefined;
    const steps = new StepsAuthenticator();
    const authenticator: Authenticator = {
      supports: () => true,
      authenticate: (request) =>
        request.current === undefined
          ? steps.authenticate(request)
          : new Promise((resolve) => {
              answer = resolve;
            }),
    };
    const world = new World({ authenticator });
    const client = world.open();
    client.handshake({ clientId: 'a', keepAlive: 10, properties: { authenticationMethod: METHOD } });
    auth(client, 0x19, 'again');
    for (let second = 0; second < 60; second++) {
      world.pass(1_000);
      if (second < pings) client.send({ type: 'pingreq' });
    }
    assert.deepEqual([client.isClosed, client.takeAll()], [false, []]);
    answer({ kind: 'accept', principal: PRINCIPAL });
    await world.settle();
    assert.equal(client.take('auth').reasonCode, 0);
    assert.equal(client.takeAll().length, pings);
    world.pass(14_000);
    assert.equal(client.isClosed, false);
    world.pass(2_000);
    assert.equal(client.take('disconnect').reasonCode, 0x8d);
  });
}

const FAILING: [string, Authenticator['authenticate']][] = [
  ['throws', () => assert.fail('directory is away')],
  ['rejects', () => Promise.reject(new Error('directory is away'))],
  ['challenges a client that named no Authentication Method', () => ({ kind: 'challenge', data: undefined, state: 0 })],
];
for (const [what, authenticate] of FAILING) {
  test(`refuses with 0x88 where the Authenticator ${what}, and tells why to operators alone`, async () => {
    const world = new World({ authenticator: { supports: () => true, authenticate } });
    const client = world.open();
    client.connect({ clientId: 'a' });
    await world.settle();
    const { reasonCode, properties } = client.take('connack');
    assert.deepEqual([reasonCode, client.isClosed], [0x88, true]);
    assert.equal(properties.reasonString, 'who you are cannot be found out now');
    assert.equal(world.told('connectRefused')[0].check, 'authenticator-failed');
    assert.match(world.told('authenticatorFailed')[0].error, /directory is away|Cannot challenge/);
    assert.equal(world.told('internalError').length, 0);
    assert.equal(world.broker.connections.size, 0);
  });
}

test('tells a failing Authenticator once a second, whoever meets it', () => {
  const world = new World({ authenticator: { supports: () => true, authenticate: () => assert.fail('away') } });
  for (let i = 0; i < 20; i++) world.open().handshake();
  assert.deepEqual([world.told('connectRefused').length, world.told('authenticatorFailed').length], [20, 1]);
});

test('ends a connection with 0x89 whose Authenticator fails when it authenticates again', () => {
  const steps = new StepsAuthenticator();
  const authenticator: Authenticator = {
    supports: () => true,
    authenticate: (request) => (request.current === undefined ? steps.authenticate(request) : assert.fail('away')),
  };
  const world = new World({ authenticator });
  const client = begin(world, '0');
  client.take('connack');
  auth(client, 0x19, '');
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x89, true]);
  assert.equal(world.told('clientDisconnected')[0].check, 'authenticator-failed');
});

test('names the check by which an exchange failed, at CONNECT and later', () => {
  const world = new World({ authenticator: new StepsAuthenticator() });
  auth(begin(world, '1'), 0x18, 'no');
  assert.deepEqual(
    world.told('connectRefused').map(({ check, reason }) => [check, reason]),
    [['answer', 'wrong answer']],
  );
  const client = begin(world, '0');
  auth(client, 0x19, '1');
  auth(client, 0x18, 'no');
  assert.deepEqual(
    world.told('clientDisconnected').map(({ check, reason }) => [check, reason]),
    [['answer', 'wrong answer']],
  );
  assert.equal(world.broker.refusals.byCheck.get('answer'), 2);
});

test('ends a connection that authenticates again as somebody else, whose session it is not', () => {
  let username = 'ada';
  const world = new World({
    authenticator: { supports: () => true, authenticate: () => ({ kind: 'accept', principal: named(username) }) },
  });
  const client = begin(world, '');
  client.take('connack');
  auth(client, 0x19, '');
  assert.equal(client.take('auth').reasonCode, 0);
  username = 'bob';
  auth(client, 0x19, '');
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x87, true]);
  assert.equal(world.told('clientDisconnected')[0].check, 'session-bound');
});

test('binds the session to who authenticates again with a name, where there was none', async () => {
  let username: string | undefined;
  const store = new MemoryStore();
  const world = new World({
    store,
    authenticator: { supports: () => true, authenticate: () => ({ kind: 'accept', principal: named(username) }) },
  });
  const client = world.open();
  const properties = { authenticationMethod: METHOD, sessionExpiryInterval: 100 };
  client.handshake({ clientId: 'a', cleanStart: false, properties });
  username = 'ada';
  auth(client, 0x19, '');
  assert.equal(client.take('auth').reasonCode, 0);
  assert.equal(world.broker.connectionCounts.ofIdentity('test:ada'), 1);
  for await (const { record } of store.sessions()) assert.equal(record.identity, 'test:ada');
  username = 'bob';
  assert.equal(world.open().handshake({ clientId: 'a' }).reasonCode, 0x85);
  client.break();
  assert.equal(world.broker.connectionCounts.ofIdentity('test:ada'), 0);
});

for (const version of [4, 5] as const) {
  test(`never answers a refusal with success, whatever code an Authenticator gives, in version ${version}`, () => {
    const world = new World({
      authenticator: { supports: () => true, authenticate: () => ({ kind: 'refuse', reasonCode: 0, check: 'odd' }) },
    });
    assert.equal(world.open(version).handshake().reasonCode, version === 5 ? 0x87 : 5);
  });
}

test('shows no password of length zero to the Authenticator', () => {
  const passwords: (Uint8Array | undefined)[] = [];
  const world = new World({
    authenticator: {
      supports: () => true,
      authenticate: ({ connect }) => {
        passwords.push(connect.password);
        return { kind: 'accept', principal: NOBODY };
      },
    },
  });
  world.connect('a', { username: 'ada', password: Buffer.alloc(0) });
  world.connect('b', { username: 'ada', password: Buffer.alloc(0), protocolVersion: 4 });
  world.connect('c', { username: 'ada', password: Buffer.from([0]) });
  assert.deepEqual(passwords, [undefined, undefined, Uint8Array.of(0)]);
});

test('refuses a credential that has ended already with 0x87', () => {
  const world = new World({
    authenticator: {
      supports: () => true,
      authenticate: () => ({ kind: 'accept', principal: { ...PRINCIPAL, expiresAtMs: world.clock.now } }),
    },
  });
  assert.equal(world.open().handshake().reasonCode, 0x87);
  assert.equal(world.told('connectRefused')[0].check, 'credential-expired');
});

test('ends a connection when its credential expires, unless the client authenticated again', () => {
  let expiresAtMs = 0;
  const world = new World({
    authenticator: {
      supports: () => true,
      authenticate: () => ({ kind: 'accept', principal: { ...PRINCIPAL, expiresAtMs } }),
    },
  });
  expiresAtMs = world.clock.now + 10_000;
  const silent = world.connect('silent');
  const lively = world.connect('lively', { keepAlive: 2 });
  const renewing = begin(world, '');
  renewing.take('connack');
  expiresAtMs = world.clock.now + 60_000;
  auth(renewing, 0x19, '');
  renewing.take('auth');
  for (let second = 0; second < 9; second++) {
    lively.send({ type: 'pingreq' });
    world.pass(1_000);
  }
  assert.deepEqual([silent.isClosed, lively.isClosed], [false, false]);
  world.pass(1_500);
  assert.deepEqual([silent.take('disconnect').reasonCode, silent.isClosed, lively.isClosed], [0x87, true, true]);
  assert.deepEqual(
    world
      .told('clientDisconnected')
      .map(({ clientId, check }) => [clientId, check])
      .sort(),
    [
      ['lively', 'credential-expired'],
      ['silent', 'credential-expired'],
    ],
  );
  assert.equal(renewing.isClosed, false);
  world.pass(50_000);
  assert.equal(renewing.isClosed, true);
});
