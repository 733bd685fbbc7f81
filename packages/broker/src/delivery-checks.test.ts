import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { MemoryStore } from './memory/store.ts';
import type { Permissions } from './ports.ts';
import type { TestConnect } from './testing/client.ts';
import { World, type WorldOptions } from './testing/world.ts';

const STORED: TestConnect = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };

/** Rules that may change, under which clients whose name begins with "s" may not receive `secret` topics. */
class Rules {
  secret = /^secret/;
  /** Messages that were asked about, by client. */
  readonly asked: string[] = [];

  permissions(clientId: string): Permissions {
    const { secret, asked } = this;
    const isFree = !clientId.startsWith('s');
    return {
      ...PERMIT_ALL,
      mayReceiveAll: (filter) => isFree || (!filter.startsWith('#') && !secret.test(filter)),
      mayReceive: (topic) => {
        asked.push(clientId);
        return isFree || !secret.test(topic);
      },
      explain: (action, name) => `${action} ${name} matches no rule`,
    };
  }
}

function ruled(options: WorldOptions = {}): { world: World; rules: Rules } {
  const rules = new Rules();
  return { world: new World({ authorizer: rules, ...options }), rules };
}

for (const qos of [0, 1, 2] as const) {
  test(`keeps live messages at QoS ${qos} from a client that may not receive them, though its wider filter matches`, () => {
    const { world } = ruled();
    const subscriber = world.connect('s', { properties: { receiveMaximum: 10 } });
    subscriber.subscribe('#', { qos });
    const publisher = world.connect('p');
    for (const topic of ['open', 'secret', 'open']) publisher.publish(topic, { qos });
    assert.deepEqual(
      subscriber.answerAll().map(({ topic }) => topic),
      ['open', 'open'],
    );
    assert.equal(world.broker.metrics.messagesDroppedDenied, 1);
    assert.deepEqual(world.told('deliveryDenied'), [
      {
        name: 'deliveryDenied',
        clientId: 's',
        username: undefined,
        topic: 'secret',
        rule: 'receive secret matches no rule',
      },
    ]);
  });
}

test('asks nothing of messages to a session whose filters it may receive wholly', () => {
  const { world, rules } = ruled();
  const [free, bound] = ['f', 's'].map((clientId) => world.connect(clientId));
  free.subscribe('#');
  bound.subscribe('open');
  world.connect('p').publish('open');
  assert.deepEqual([free.takePayloads().length, bound.takePayloads().length, rules.asked], [1, 1, []]);
});

test('one session may receive what another may not, though the topic remembers who wants it', () => {
  const { world } = ruled();
  const clients = ['s', 'f', 's2', 'f2'].map((clientId) => {
    const client = world.connect(clientId);
    client.subscribe('#');
    return client;
  });
  const publisher = world.connect('p');
  for (let i = 0; i < 3; i++) publisher.publish('secret');
  assert.deepEqual(
    clients.map((client) => client.takePayloads().length),
    [0, 3, 0, 3],
  );
});

test('keeps retained messages from a client that may not receive them', () => {
  const { world } = ruled();
  const publisher = world.connect('p');
  for (const topic of ['open', 'secret', 'secret/b']) publisher.publish(topic, { retain: true });
  const subscriber = world.connect('s');
  subscriber.subscribe('#', { qos: 1 });
  assert.deepEqual(
    subscriber.answerAll().map(({ topic }) => topic),
    ['open'],
  );
  assert.equal(world.broker.metrics.retainedSent, 1);
  assert.equal(world.broker.metrics.messagesDroppedDenied, 2);
});

test('checks what waits for a client that was away by the rules of when it is sent, and ends denied deliveries durably', async () => {
  const store = new MemoryStore();
  const { world, rules } = ruled({ store });
  const subscriber = world.connect('s', STORED);
  subscriber.subscribe('a/#', { qos: 2 });
  subscriber.break();
  const publisher = world.connect('p');
  for (const topic of ['a/1', 'a/2', 'a/3', 'a/4']) publisher.publish(topic, { qos: 1 });
  publisher.publish('a/2', { qos: 2 });
  publisher.answerAll();
  rules.secret = /^a\/(2|#)/;
  const again = world.connect('s', STORED);
  assert.deepEqual(
    again.answerAll().map(({ topic }) => topic),
    ['a/1', 'a/3', 'a/4'],
  );
  assert.equal(world.broker.metrics.messagesDroppedDenied, 2);
  again.answerAll();
  again.break();
  const sessions = [];
  for await (const session of store.sessions()) sessions.push(session.queue.messages);
  assert.deepEqual(sessions, [0]);
});

test('checks what waited through a filter that is unsubscribed, after a restart as well', async () => {
  const former = ruled({ store: new MemoryStore() });
  const subscriber = former.world.connect('s', {
    ...STORED,
    properties: { sessionExpiryInterval: 100, receiveMaximum: 1 },
  });
  subscriber.subscribe('a', { qos: 1 });
  const publisher = former.world.connect('p');
  for (const payload of ['1', '2', '3']) publisher.publish('a', { qos: 1, payload });
  subscriber.send({ type: 'unsubscribe', packetId: 99, properties: {}, filters: ['a'] });
  subscriber.break();
  const rules = new Rules();
  rules.secret = /^a$/;
  const world = await World.after(former.world, { authorizer: rules });
  const again = world.connect('s', STORED);
  assert.deepEqual(again.takePayloads(), []);
  assert.equal(world.broker.metrics.messagesDroppedDenied, 3);
});

test('a review of permissions applies to subscriptions that stand and to what waits, both ways', async () => {
  const { world, rules } = ruled();
  const subscriber = world.connect('s', { properties: { receiveMaximum: 1 } });
  subscriber.subscribe('a', { qos: 1 });
  const publisher = world.connect('p');
  publisher.publish('a', { qos: 1, payload: 'sent' });
  publisher.publish('a', { qos: 1, payload: 'waits' });
  rules.secret = /^a$/;
  assert.deepEqual(await world.broker.reviewPermissions(), { reviewed: 2, checked: 1 });
  publisher.publish('a', { payload: 'live' });
  assert.deepEqual(
    subscriber.answerAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['sent'],
  );
  assert.deepEqual(subscriber.takeAll(), []);
  rules.secret = /^nothing$/;
  assert.deepEqual(await world.broker.reviewPermissions(), { reviewed: 2, checked: 0 });
  publisher.publish('a', { payload: 'again' });
  assert.deepEqual(subscriber.takePayloads(), ['again']);
});

test('finishes a QoS 2 message that was sent before it was denied, since its identifier is taken', async () => {
  const { world, rules } = ruled();
  const subscriber = world.connect('s', STORED);
  subscriber.subscribe('a', { qos: 2 });
  world.connect('p').publish('a', { qos: 2 });
  subscriber.take('publish');
  subscriber.break();
  rules.secret = /^a$/;
  const again = world.connect('s', STORED);
  assert.equal(again.take('publish').dup, true);
});

test('gives a shared message that one member may not receive to another, whether they are there or away', () => {
  const { world } = ruled();
  const members = ['s', 'f', 's2'].map((clientId) => {
    const client = world.connect(clientId, STORED);
    client.subscribe('$share/g/#', { qos: 1 });
    return client;
  });
  const publisher = world.connect('p');
  for (let i = 0; i < 6; i++) publisher.publish('secret', { qos: 1 });
  assert.deepEqual(
    members.map((client) => client.answerAll().length),
    [0, 6, 0],
  );
  for (const client of members) client.break();
  for (let i = 0; i < 6; i++) publisher.publish('secret', { qos: 1 });
  const queued = Object.fromEntries(
    Array.from(world.broker.sessions(), ({ clientId, queuedMessages }) => [clientId, queuedMessages]),
  );
  assert.deepEqual([queued.s, queued.f, queued.s2], [0, 6, 0]);
});

test('drops a shared message that no member may receive, counts it once and tells one of them', () => {
  const { world } = ruled();
  for (const clientId of ['s1', 's2']) world.connect(clientId).subscribe('$share/g/#', { qos: 1 });
  const publisher = world.connect('p');
  for (const qos of [0, 1] as const) publisher.publish('secret', { qos });
  assert.equal(world.broker.metrics.messagesDroppedDenied, 2);
  assert.deepEqual(
    world.told('deliveryDenied').map(({ clientId, topic }) => [clientId, topic]),
    [
      ['s1', 'secret'],
      ['s1', 'secret'],
    ],
  );
});

test('asks the Authorizer for the filter of a shared subscription without its group', () => {
  const filters: string[] = [];
  const world = new World({
    authorizer: {
      permissions: () => ({
        ...PERMIT_ALL,
        maySubscribe: (filter) => {
          filters.push(filter);
          return 1;
        },
        mayReceiveAll: (filter) => filters.push(filter) > 0,
      }),
    },
  });
  assert.deepEqual(world.connect('a').subscribe('$share/g/a/+', { qos: 2 }).reasonCodes, [1]);
  assert.deepEqual(filters, ['a/+', 'a/+']);
});

const TOPICS = ['a', 'b', 'c'];
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('publish' as const),
      topic: fc.constantFrom(...TOPICS),
      qos: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
    }),
    fc.record({
      do: fc.constantFrom('subscribe' as const, 'unsubscribe' as const),
      filter: fc.constantFrom('#', 'a', 'b', '$share/g/#', '$share/g/a'),
    }),
    fc.record({ do: fc.constant('deny' as const), topics: fc.subarray(TOPICS) }),
    fc.constant({ do: 'answer' as const }),
    fc.constant({ do: 'come' as const }),
    fc.constant({ do: 'go' as const }),
  ),
  { minLength: 20, maxLength: 60 },
);

test('sends nothing that the rules of the moment deny, and all live messages that they allow, whatever came before', () => {
  fc.assert(
    fc.property(steps, (script) => {
      let denied: readonly string[] = [];
      const permissions = (clientId: string): Permissions => {
        const now = clientId === 's' ? denied : [];
        const isOpen = (filter: string) => (filter === '#' ? now.length === 0 : !now.includes(filter));
        return { ...PERMIT_ALL, mayReceiveAll: isOpen, mayReceive: isOpen };
      };
      const world = new World({
        authorizer: { permissions },
        store: new MemoryStore(),
        limits: { inflightMessagesMax: 2 },
      });
      const publisher = world.connect('p');
      let subscriber = world.connect('s', STORED);
      // What came under former rules.
      let older = 0;
      const look = () => {
        for (const packet of subscriber.packets.slice(older)) {
          // What was sent at QoS 2 before goes on to its end.
          if (packet.type !== 'publish' || packet.dup) continue;
          assert.ok(!denied.includes(packet.topic), `${packet.topic} is denied`);
        }
      };
      const filters = new Set<string>();
      for (const step of script) {
        const before = subscriber.packets.length;
        if (step.do === 'publish') {
          publisher.publish(step.topic, { qos: step.qos as 0 | 1 | 2, retain: step.retain });
          publisher.answerAll();
          const isWanted = filters.has('#') || filters.has(step.topic);
          if (step.qos === 0 && isWanted && !subscriber.isClosed && !denied.includes(step.topic))
            assert.ok(subscriber.packets.length > before, `${step.topic} is missing`);
        } else if (step.do === 'deny') {
          denied = step.topics;
          older = subscriber.packets.length;
          void world.broker.reviewPermissions();
          world.run();
        } else if (step.do === 'answer') {
          subscriber.answerAll();
          older = 0;
        } else if (step.do === 'go') {
          subscriber.break();
        } else if (step.do === 'come') {
          subscriber = world.connect('s', STORED);
          older = 0;
        } else if (!subscriber.isClosed && step.do === 'subscribe') {
          filters.add(step.filter);
          subscriber.send(subscriber.subscribePacket(step.filter, { qos: 2 }));
        } else if (!subscriber.isClosed && step.do === 'unsubscribe') {
          filters.delete(step.filter);
          subscriber.send({
            type: 'unsubscribe',
            packetId: subscriber.nextPacketId(),
            properties: {},
            filters: [step.filter],
          });
        }
        if (!subscriber.isClosed) look();
      }
    }),
    { numRuns: 300 },
  );
});
