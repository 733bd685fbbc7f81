import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { MemoryStore } from './memory/store.ts';
import type { TestClient, TestConnect } from './testing/client.ts';
import { NamingAuthenticator } from './testing/named.ts';
import { World, type WorldOptions } from './testing/world.ts';

const STORED: TestConnect = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
const WILL = { topic: 'will', payload: Buffer.from('gone'), qos: 0 as const, retain: false, properties: {} };

function namedWorld(options: WorldOptions = {}): World {
  return new World({ authenticator: new NamingAuthenticator(), ...options });
}

function checks(world: World): string[] {
  return world.told('connectRefused').map((event) => event.check);
}

function isAlive(client: TestClient): boolean {
  client.send({ type: 'pingreq' });
  return !client.isClosed && client.takeAll().some((packet) => packet.type === 'pingresp');
}

for (const cleanStart of [false, true]) {
  test(`refuses another identity a session with 0x85, Clean Start ${Number(cleanStart)}, and disturbs neither connection nor will`, () => {
    const world = namedWorld();
    const watcher = world.connect('watcher', { username: 'eve' });
    watcher.subscribe('will');
    const ada = world.connect('a', { ...STORED, username: 'ada', will: WILL });
    ada.subscribe('t', { qos: 1 });
    for (const username of ['bob', undefined]) {
      const other = world.open();
      const connack = other.handshake({ ...STORED, clientId: 'a', cleanStart, username });
      assert.equal(connack.reasonCode, 0x85);
      assert.equal(other.isClosed, true);
    }
    assert.equal(isAlive(ada), true);
    assert.deepEqual(watcher.takeAll(), []);
    assert.equal(world.broker.metrics.sessionsTakenOver, 0);
    world.connect('p', { username: 'eve' }).publish('t', { qos: 1 });
    assert.deepEqual(ada.takePayloads(), ['payload']);
  });
}

test('tells who was bound and who came, to operators alone', () => {
  const world = namedWorld();
  world.connect('a', { username: 'ada' });
  const { properties } = world.open().handshake({ clientId: 'a', username: 'bob' });
  assert.equal(properties.reasonString, 'the session of this Client Identifier is not yours');
  const [{ clientId, username, check, reasonCode, detail }] = world.told('connectRefused');
  assert.deepEqual([clientId, username, check, reasonCode], ['a', 'bob', 'session-bound', 0x85]);
  assert.equal(detail, 'the session is bound to "test:ada", the client came as "test:bob"');
  assert.equal(world.broker.refusals.byCheck.get('session-bound'), 1);
});

test('answers a 3.1.1 client of another identity with 0x02, identifier rejected', () => {
  const world = namedWorld();
  world.connect('a', { username: 'ada' });
  assert.equal(world.open(4).handshake({ clientId: 'a', username: 'bob', password: Buffer.from('p') }).reasonCode, 2);
});

test('lets the identity of a session take it up again, and who was asked for no name hand it to the first with one', () => {
  const world = namedWorld();
  world.connect('a', STORED).break();
  assert.equal(world.open().handshake({ ...STORED, clientId: 'a', username: 'ada' }).sessionPresent, true);
  assert.equal(world.open().handshake({ ...STORED, clientId: 'a', username: 'ada' }).sessionPresent, true);
  assert.equal(world.open().handshake({ ...STORED, clientId: 'a' }).reasonCode, 0x85);
});

test('binds a stored session while its client is away, and after a restart', async () => {
  const world = namedWorld({ store: new MemoryStore() });
  world.connect('a', { ...STORED, username: 'ada' }).break();
  assert.equal(world.open().handshake({ ...STORED, clientId: 'a', username: 'bob' }).reasonCode, 0x85);
  const later = await World.after(world, { authenticator: new NamingAuthenticator() });
  assert.equal(later.open().handshake({ ...STORED, clientId: 'a', username: 'bob' }).reasonCode, 0x85);
  assert.equal(later.open().handshake({ ...STORED, clientId: 'a', username: 'ada' }).sessionPresent, true);
});

test('gives the identifier free when the session ends', () => {
  const world = namedWorld();
  world.connect('a', { username: 'ada' }).disconnect();
  assert.equal(world.open().handshake({ clientId: 'a', username: 'bob' }).reasonCode, 0);
});

test('binds nothing where bindSessions is off: the session goes to who came last', () => {
  const world = namedWorld({ settings: { bindSessions: false } });
  const ada = world.connect('a', { ...STORED, username: 'ada' });
  assert.equal(world.open().handshake({ ...STORED, clientId: 'a', username: 'bob' }).sessionPresent, true);
  assert.equal(ada.take('disconnect').reasonCode, 0x8e);
  assert.equal(world.broker.sessionsById.get('a')?.identity, 'test:bob');
});

test('refuses a session that another identity has made while the Directory was asked', async () => {
  const grants: (() => void)[] = [];
  const released: string[] = [];
  const directory = {
    claim: () => new Promise<void>((resolve) => grants.push(resolve)),
    release: (clientId: string) => released.push(clientId),
  };
  const world = namedWorld({ directory });
  const [ada, bob] = ['ada', 'bob'].map((username) => {
    const client = world.open();
    client.connect({ clientId: 'a', username });
    return client;
  });
  for (const grant of grants) grant();
  await world.settle();
  assert.equal(ada.take('connack').reasonCode, 0);
  assert.equal(bob.take('connack').reasonCode, 0x85);
  assert.deepEqual([isAlive(ada), released], [true, []]);
});

test('names the check of every refusal of a will', () => {
  const world = namedWorld({
    settings: { maximumQoS: 1, retainAvailable: false },
    authorizer: {
      permissions: () => ({
        ...PERMIT_ALL,
        mayLeaveWill: (topic) => (topic === 'no' ? 0x87 : 0),
        explain: (action, name) => `line 7 denies ${action} of ${name}`,
      }),
    },
  });
  for (const change of [{ qos: 2 as const }, { retain: true }, { topic: '$SYS/a' }, { topic: 'no' }])
    world.open().handshake({ clientId: 'a', will: { ...WILL, ...change } });
  assert.deepEqual(checks(world), ['will-qos', 'will-retain', 'will-topic', 'will-permission']);
  assert.equal(world.told('connectRefused')[3].detail, 'Will Topic "no": line 7 denies will of no');
});

test('names the check where there are too many sessions, in all or of one user name', () => {
  const world = namedWorld({ limits: { sessionsMax: 2, sessionsPerUsernameMax: 1 } });
  world.connect('a', { ...STORED, username: 'ada' });
  world.open().handshake({ ...STORED, clientId: 'b', username: 'ada' });
  world.connect('c');
  world.open().handshake({ clientId: 'd' });
  assert.deepEqual(checks(world), ['sessions-per-username-max', 'sessions-max']);
});

test('names session-name-bytes-max where identities leave no room for another session', () => {
  const world = namedWorld({ limits: { sessionNameBytesMax: 4_096 } });
  // Two bytes for the Client Identifier, 1,200 for the name, 1,210 for the identity.
  const connect = (clientId: string) => world.open().handshake({ clientId, username: 'x'.repeat(600) }).reasonCode;
  assert.deepEqual([connect('a'), connect('b')], [0, 0x97]);
  assert.deepEqual(checks(world), ['session-name-bytes-max']);
  assert.equal(world.broker.sessionCounts.nameBytes, 2_412);
});
