import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY } from './memory/anonymous.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import type { AuthenticationResult, Authenticator, Permissions, Principal, Refusal } from './ports.ts';
import { NamingAuthenticator, named } from './testing/named.ts';
import { World, type WorldOptions } from './testing/world.ts';

const WILL = { topic: 'will', payload: Buffer.from('gone'), qos: 0 as const, retain: false, properties: {} };

/** Lets everybody in, and reviews as `refusal` says. */
class ReviewingAuthenticator extends NamingAuthenticator {
  readonly refusals = new Map<string, Refusal>();
  readonly asked: string[] = [];

  disable(username: string, reasonCode = 0x87): void {
    this.refusals.set(username, { kind: 'refuse', reasonCode, check: 'user-disabled', detail: 'by the operator' });
  }

  review({ username }: Principal, clientId: string): Refusal | undefined {
    this.asked.push(clientId);
    return this.refusals.get(username ?? '');
  }
}

function reviewedWorld(options: WorldOptions = {}): { world: World; authenticator: ReviewingAuthenticator } {
  const authenticator = new ReviewingAuthenticator();
  return { world: new World({ authenticator, ...options }), authenticator };
}

test('ends the connections of those who may not stay, sends their wills, and leaves the others alone', async () => {
  const { world, authenticator } = reviewedWorld();
  const watcher = world.connect('watcher', { username: 'eve' });
  watcher.subscribe('will');
  const ada = world.connect('a', { username: 'ada', will: WILL });
  const old = world.connect('b', { username: 'ada', protocolVersion: 4 });
  authenticator.disable('ada');
  assert.deepEqual(await world.broker.reviewConnections(), {
    reviewed: 3,
    ended: 2,
    endedClients: [
      { clientId: 'a', check: 'user-disabled' },
      { clientId: 'b', check: 'user-disabled' },
    ],
  });
  world.run();
  const { reasonCode, properties } = ada.take('disconnect');
  assert.deepEqual([reasonCode, properties.reasonString, ada.isClosed], [0x87, undefined, true]);
  assert.deepEqual([old.takeAll(), old.isClosed], [[], true]);
  assert.deepEqual([watcher.takePayloads(), watcher.isClosed], [['gone'], false]);
  assert.deepEqual(
    world.told('clientDisconnected').map(({ clientId, by, check, detail }) => [clientId, by, check, detail]),
    [
      ['a', 'server', 'user-disabled', 'by the operator'],
      ['b', 'server', 'user-disabled', 'by the operator'],
    ],
  );
  assert.equal(world.broker.metrics.clientsExpelled, 2);
  assert.equal(world.broker.refusals.byCheck.get('user-disabled'), 2);
});

test('counts all whom it sends away, and names the first twenty', async () => {
  const { world, authenticator } = reviewedWorld({ limits: { connectionsPerUsernameMax: 100 } });
  for (let i = 0; i < 25; i++) world.connect(`c${i}`, { username: 'ada' });
  authenticator.disable('ada');
  const { ended, endedClients } = await world.broker.reviewConnections();
  assert.equal(ended, 25);
  assert.deepEqual(
    endedClients.map(({ clientId }) => clientId),
    Array.from({ length: 20 }, (_, i) => `c${i}`),
  );
});

test('turns a code that DISCONNECT cannot carry into the nearest, and keeps one that it can', async () => {
  for (const [given, sent] of [
    [0x98, 0x98],
    [0x86, 0x87],
    [0x8a, 0x87],
    [0x88, 0x89],
  ]) {
    const { world, authenticator } = reviewedWorld();
    const ada = world.connect('a', { username: 'ada' });
    authenticator.disable('ada', given);
    await world.broker.reviewConnections();
    world.run();
    assert.equal(ada.take('disconnect').reasonCode, sent);
  }
});

test('lets everybody stay where the Authenticator has no review', async () => {
  const world = new World({ authenticator: new NamingAuthenticator() });
  world.connect('a', { username: 'ada' });
  assert.deepEqual(await world.broker.reviewConnections(), { reviewed: 1, ended: 0, endedClients: [] });
});

test('reviews in slices, so that others have their turn between them', async () => {
  const { world, authenticator } = reviewedWorld();
  for (let i = 0; i < 30; i++) world.connect(`c${i}`);
  world.clock.msPerLook = 1;
  const review = world.broker.reviewConnections();
  const first = authenticator.asked.length;
  assert.ok(first > 0 && first < 30, `${first} in the first slice`);
  let isDone = false;
  void review.then(() => {
    isDone = true;
  });
  while (!isDone) await world.settle();
  assert.deepEqual(await review, { reviewed: 30, ended: 0, endedClients: [] });
});

test('a client whose Authenticator answers during a review is reviewed when it is let in', async () => {
  const steps = new ReviewingAuthenticator();
  let answer: (result: AuthenticationResult) => void = () => undefined;
  const authenticator: Authenticator = {
    supports: () => true,
    authenticate: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
    review: (principal, clientId) => steps.review(principal, clientId),
  };
  const world = new World({ authenticator });
  const client = world.open();
  client.connect({ clientId: 'a' });
  steps.disable('ada');
  assert.deepEqual(await world.broker.reviewConnections(), { reviewed: 0, ended: 0, endedClients: [] });
  answer({ kind: 'accept', principal: named('ada') });
  await world.settle();
  assert.deepEqual([client.take('connack').reasonCode, client.isClosed], [0x87, true]);
  assert.equal(world.told('connectRefused')[0].check, 'user-disabled');
});

test('a client that waits for the Directory during reviews gets the permissions and the review of afterwards', async () => {
  let grant: () => void = () => undefined;
  const directory = {
    claim: () =>
      new Promise<void>((resolve) => {
        grant = resolve;
      }),
    release: () => undefined,
  };
  let allowed = 0;
  const authorizer = {
    permissions: (): Permissions => {
      const code = allowed;
      return { ...PERMIT_ALL, mayPublish: () => code };
    },
  };
  const { world, authenticator } = reviewedWorld({ directory, authorizer });
  const arrive = async (username: string) => {
    const client = world.open();
    client.connect({ clientId: username, username });
    await world.settle();
    return client;
  };
  const ada = await arrive('ada');
  allowed = 0x87;
  await world.broker.reviewPermissions();
  grant();
  await world.settle();
  ada.take('connack');
  ada.publish('t', { qos: 1 });
  assert.equal(ada.take('puback').reasonCode, 0x87);
  const bob = await arrive('bob');
  authenticator.disable('bob');
  await world.broker.reviewConnections();
  grant();
  await world.settle();
  assert.equal(bob.take('connack').reasonCode, 0x87);
});

test('a review that fails ends the one connection and is told, and the others are reviewed', async () => {
  const world = new World({
    authenticator: {
      supports: () => false,
      authenticate: () => ({ kind: 'accept', principal: NOBODY }),
      review: (_principal, clientId) => (clientId === 'a' ? assert.fail('list is torn') : undefined),
    },
  });
  const [first, second] = ['a', 'b'].map((clientId) => world.connect(clientId));
  assert.deepEqual(await world.broker.reviewConnections(), { reviewed: 1, ended: 0, endedClients: [] });
  world.run();
  assert.deepEqual([first.isClosed, second.isClosed], [true, false]);
  assert.match(world.told('internalError')[0].error, /list is torn/);
});

test('new permissions hold at once for PUBLISH and SUBSCRIBE of every session with a connection', async () => {
  let code = 0;
  const authorizer = {
    permissions: (): Permissions => {
      const now = code;
      return { ...PERMIT_ALL, mayPublish: () => now, maySubscribe: () => (now === 0 ? 2 : now) };
    },
  };
  const world = new World({ authorizer });
  const client = world.connect('a');
  world.connect('away', { cleanStart: false, properties: { sessionExpiryInterval: 100 } }).break();
  code = 0x87;
  client.publish('t', { qos: 1 });
  assert.notEqual(client.take('puback').reasonCode, 0x87);
  assert.deepEqual(await world.broker.reviewPermissions(), { reviewed: 1, checked: 0 });
  client.publish('t', { qos: 1 });
  assert.equal(client.take('puback').reasonCode, 0x87);
  assert.deepEqual(client.subscribe('t').reasonCodes, [0x87]);
});

test('new permissions hold for a will whose client is away, and for one whose client authenticated again', async () => {
  let denied = '';
  const authorizer = {
    permissions: (_clientId: string, { username }: Principal): Permissions => {
      const isDenied = username === denied;
      return { ...PERMIT_ALL, mayLeaveWill: () => (isDenied ? 0x87 : 0) };
    },
  };
  const world = new World({ authenticator: new NamingAuthenticator(), authorizer });
  const delayed = { ...WILL, properties: { willDelayInterval: 10 } };
  for (const username of ['ada', 'bob'])
    world.connect(username, { username, will: delayed, properties: { sessionExpiryInterval: 100 } }).break();
  denied = 'ada';
  assert.deepEqual(await world.broker.reviewPermissions(), { reviewed: 2, checked: 0 });
  world.pass(11_000);
  assert.deepEqual(
    [
      world.told('willRefused').map(({ username }) => username),
      world.told('willPublished').map((event) => event.clientId),
    ],
    [['ada'], ['bob']],
  );
});

test('ends the session of a Client Identifier, connected or away, where the caller means who it is bound to', () => {
  const world = new World({
    authenticator: {
      supports: () => false,
      authenticate: ({ connect: { username } }) => ({
        kind: 'accept',
        principal: { ...NOBODY, identity: `t:${username}` },
      }),
    },
  });
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 60 }, will: WILL } as const;
  const client = world.connect('a', { ...kept, username: 'ada' });
  assert.equal(
    world.broker.endSession('a', (identity) => identity === 't:bob'),
    false,
  );
  assert.equal(client.isClosed, false);
  assert.equal(
    world.broker.endSession('a', (identity) => identity === 't:ada'),
    true,
  );
  world.run();
  assert.equal(client.take('disconnect').reasonCode, 0x98);
  world.connect('b', { ...kept, username: 'bob' }).disconnect();
  world.run();
  const isAnybody = () => true;
  assert.deepEqual(
    ['a', 'b', 'c'].map((clientId) => world.broker.endSession(clientId, isAnybody)),
    [false, true, false],
  );
  assert.deepEqual(
    world.told('sessionEnded').map(({ clientId, reason }) => [clientId, reason]),
    [
      ['a', 'removed'],
      ['b', 'removed'],
    ],
  );
  assert.deepEqual([...world.broker.sessions()], []);
  assert.equal(world.told('willPublished').length, 1);
});

test('ends the connection of one client with the code and reason of the caller', () => {
  const world = new World();
  const client = world.connect('a', { will: WILL });
  assert.equal(world.broker.disconnectClient('a', { reasonCode: 0x89, reason: 'come back later' }), true);
  world.run();
  const { reasonCode, properties } = client.take('disconnect');
  assert.deepEqual([reasonCode, properties.reasonString, client.isClosed], [0x89, 'come back later', true]);
  assert.equal(world.told('willPublished').length, 1);
  assert.equal(world.broker.disconnectClient('a'), false);
});

test('ends every session of an identity, connected or away, and rejects where the broker stops before that', async () => {
  const { world } = reviewedWorld();
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 60 } } as const;
  const client = world.connect('a', { ...kept, username: 'ada' });
  world.connect('b', { ...kept, username: 'ada' }).disconnect();
  world.connect('c', { ...kept, username: 'bob' }).disconnect();
  world.run();
  const { broker } = world;
  const isOf = (username: string) => (identity: string | undefined) => identity === named(username).identity;
  assert.equal(await broker.endSessions(isOf('ada')), 2);
  world.run();
  assert.equal(client.take('disconnect').reasonCode, 0x98);
  assert.deepEqual(
    [...broker.sessions()].map(({ clientId }) => clientId),
    ['c'],
  );
  const ending = broker.endSessions(isOf('bob'));
  broker.drain();
  await assert.rejects(ending, /the broker stops/);
});
