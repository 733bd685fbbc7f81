import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from '../contract/samples.ts';
import { World } from '../testing/world.ts';
import { VolatileStore } from './volatile-store.ts';

test('keeps retained messages, and nothing of sessions', async () => {
  const store = new VolatileStore();
  const record = {
    number: 7,
    clientId: 'a',
    username: undefined,
    identity: undefined,
    sessionExpiryInterval: 10,
    expiresAtMs: 0,
    sentUpTo: 0,
  };
  const retained = { message: sampleMessage('t'), sequence: 3 };
  assert.equal(
    store.commit([
      { op: 'putSession', session: record },
      { op: 'putRetained', retained, former: undefined },
    ]),
    undefined,
  );
  for await (const session of store.sessions()) assert.fail(session.record.clientId);
  assert.deepEqual([store.queue(), store.contents().lastSession, store.contents().retained.messages], [[], 0, 1]);
  assert.equal(store.retained.get('t')?.sequence, 3);
  store.commit([{ op: 'deleteRetained', retained }]);
  assert.equal(store.retained.get('t'), undefined);
  await store.close();
});

test('a broker that is given no store keeps the queue of an absent client all the same, however long', () => {
  const world = new World();
  assert.ok(world.broker.store instanceof VolatileStore);
  const options = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const client = world.connect('a', options);
  client.subscribe('t', { qos: 2 });
  client.break();
  for (let i = 0; i < 5_000; i++) world.broker.publish('t', Buffer.from(`${i}`), { qos: 2 });
  world.run();
  const again = world.connect('a', options);
  const came: string[] = [];
  for (let round = 0; round < 30 && came.length < 5_000; round++)
    came.push(...again.answerAll().map(({ payload }) => Buffer.from(payload).toString()));
  assert.deepEqual(
    came,
    Array.from({ length: 5_000 }, (_, i) => `${i}`),
  );
});
