import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Broker, MemoryStore, type Store, type Write } from '@dunlin/broker';
import type { ReceivedByService } from '@dunlin/devices';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import type { ConfigurationInput } from './configuration.ts';
import { LocalDeviceBroker } from './device-broker.ts';
import { startServer } from './server.ts';

const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

interface Started {
  readonly devices: LocalDeviceBroker;
  readonly broker: Broker;
  readonly reviews: () => number;
  readonly connect: (clientId: string, options?: object) => Promise<RawClient>;
}

async function start(configuration: ConfigurationInput = {}, store?: Store): Promise<Started> {
  const server = await startServer(
    { listeners: [{ host: '127.0.0.1', port: 0 }], ...configuration },
    store === undefined ? {} : { store },
  );
  let reviews = 0;
  const devices = new LocalDeviceBroker({
    broker: server.broker,
    review: () => {
      reviews += 1;
    },
  });
  closing.push(async () => {
    await server.stop().catch(() => undefined);
  });
  return {
    devices,
    broker: server.broker,
    reviews: () => reviews,
    connect: async (clientId, options = {}) => {
      const client = await RawClient.open({ host: '127.0.0.1', port: server.listeners[0].port }, 5);
      await client.connect({ clientId, ...options });
      return client;
    },
  };
}

/** What is handed over, to be waited for. */
function inbox(): { take: (message: ReceivedByService) => void; next: () => Promise<string> } {
  const messages: string[] = [];
  let wake = (): void => {};
  return {
    take: ({ topic, payload }) => {
      messages.push(`${topic} ${Buffer.from(payload)}`);
      wake();
    },
    next: async () => {
      while (messages.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return messages.shift() as string;
    },
  };
}

/** A store whose commits settle as a test says. */
class HeldStore extends MemoryStore {
  readonly held: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  isHeld = false;

  override commit(batch: readonly Write[]): void | Promise<void> {
    super.commit(batch);
    if (this.isHeld) return new Promise((resolve, reject) => this.held.push({ resolve, reject }));
  }
}

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

test('publishes at QoS 1 in the name of the server; an empty retained payload clears', async () => {
  const { devices, broker } = await start();
  await devices.publish('presence', Buffer.from('here'), { retain: true });
  assert.equal(broker.retained.get('presence')?.qos, 1);
  await devices.publish('presence', new Uint8Array(0), { retain: true });
  assert.equal(broker.retained.get('presence'), undefined);
});

test('clears what is retained at the topics of a filter, however much it is, and tells who is subscribed', async () => {
  const data = mkdtempSync(join(tmpdir(), 'dunlin-retained-'));
  after(() => rmSync(data, { recursive: true }));
  for (const configuration of [{}, { data }]) {
    const { devices, broker, connect } = await start({ ...configuration, settings: { sysIntervalS: 0 } });
    const keep = ['own', 'ownd/x', 'other/d1/x'];
    const topics = Array.from({ length: 350 }, (_, n) => `own/d1/${n}`);
    for (const topic of [...keep, ...topics]) broker.publish(topic, Buffer.from('x'), { retain: true });
    const client = await connect('watcher');
    await client.subscribe('own/d1/7');
    await client.receive();
    await devices.clearRetained('own/d1/#');
    assert.equal((await client.receive()).payload.length, 0);
    assert.deepEqual(
      [...keep, ...topics].filter((topic) => broker.retained.get(topic) !== undefined),
      keep,
    );
    await devices.clearRetained('own');
    assert.equal(broker.retained.get('own'), undefined);
    await assert.rejects(devices.clearRetained('a/#/b'), { code: 'topic-filter-invalid' });
  }
});

test('a publication settles when it is durable', async () => {
  const store = new HeldStore();
  const { devices } = await start({}, store);
  store.isHeld = true;
  let isSettled = false;
  const publishing = devices.publish('t', Buffer.from('x'), { retain: true }).then(() => {
    isSettled = true;
  });
  await turns();
  assert.equal(isSettled, false);
  store.isHeld = false;
  for (const { resolve } of store.held) resolve();
  await publishing;
});

test('a publication rejects where the store fails', async () => {
  const store = new HeldStore();
  const { devices } = await start({}, store);
  store.isHeld = true;
  const publishing = devices.publish('t', Buffer.from('x'), { retain: true });
  await turns();
  for (const { reject } of store.held) reject(new Error('no disk'));
  await assert.rejects(publishing, /Cannot keep what was published: no disk/);
});

test('a publication rejects where the topic is none, and where the broker has no room', async () => {
  const { devices } = await start({ limits: { retainedMessagesMax: 1 }, settings: { sysIntervalS: 0 } });
  await assert.rejects(devices.publish('a/#', Buffer.from('x'), { retain: false }), { code: 'topic-name-invalid' });
  await devices.publish('one', Buffer.from('x'), { retain: true });
  await assert.rejects(devices.publish('two', Buffer.from('x'), { retain: true }), /Cannot publish to "two": .*quota/i);
});

test('a message to one client settles with how its delivery ended', async () => {
  const { devices, connect } = await start();
  const camera = await connect('camera');
  await camera.subscribe(['wake', 1]);
  await camera.subscribe('blink');
  const options = { qos: 1, expiresInS: 60 } as const;
  const waking = devices.publishTo('camera', 'wake', Buffer.from('x'), options);
  await camera.receive({ topic: 'wake', payload: 'x', properties: { messageExpiryInterval: 60 } });
  assert.equal(await waking, 'acknowledged');
  assert.equal(await devices.publishTo('camera', 'blink', Buffer.from('x'), options), 'written');
  assert.equal(await devices.publishTo('camera', 'sleep', Buffer.from('x'), options), 'not-subscribed');
  assert.equal(await devices.publishTo('camera', 'a/+', Buffer.from('x'), options), 'refused');
  assert.deepEqual(
    ['wake', 'blink', 'sleep'].map((topic) => devices.subscribedQos('camera', topic)),
    [1, 0, undefined],
  );
});

test('hands over what clients publish, though the rules let nobody subscribe to it, until it is told not to', async () => {
  const { devices, broker, connect } = await start({
    authentication: [{ method: 'anonymous' }],
    authorization: { rules: [{ allow: 'publish', topics: '#' }] },
  });
  await broker.publish('answers/0', Buffer.from('old'), { qos: 1, retain: true });
  const { take, next } = inbox();
  const stop = devices.subscribe('answers/+', take);
  const camera = await connect('camera');
  camera.sendPublish({ topic: 'answers/1', payload: 'yes', qos: 1, id: 1 });
  assert.equal(await next(), 'answers/1 yes');
  const other = inbox();
  devices.subscribe('answers/2', other.take);
  stop();
  camera.sendPublish({ topic: 'answers/2', payload: 'no', qos: 1, id: 2 });
  assert.equal(await other.next(), 'answers/2 no');
  assert.equal([...broker.sessions()].length, 1);
});

test('a client gets PUBACK when the service is done with what it said, and none where that failed', async () => {
  const { devices, connect } = await start();
  const waits: PromiseWithResolvers<void>[] = [];
  devices.subscribe('answers/+', () => {
    waits.push(Promise.withResolvers<void>());
    return waits.at(-1)?.promise;
  });
  const camera = await connect('camera');
  camera.sendPublish({ topic: 'answers/1', payload: 'yes', qos: 1, id: 1 });
  await camera.expectNothing();
  waits[0].resolve();
  await camera.expect('puback', { id: 1 });
  camera.sendPublish({ topic: 'answers/2', payload: 'yes', qos: 1, id: 2 });
  await camera.expectNothing();
  waits[1].reject(new Error('no disk'));
  await camera.expect('disconnect', { code: 0x80 });
});

test('does not subscribe to what is no filter', async () => {
  const { devices } = await start();
  assert.throws(() => devices.subscribe('a/#/b', () => {}), { code: 'topic-filter-invalid' });
});

test('ends the connection of a client, which is told 0x98', async () => {
  const { devices, connect } = await start();
  const camera = await connect('camera');
  assert.equal(devices.disconnect('camera'), true);
  await camera.expect('disconnect', { code: 0x98 });
  assert.equal(devices.disconnect('nobody'), false);
});

test('asks for a review as it is told', async () => {
  const { devices, reviews } = await start();
  devices.review();
  assert.equal(reviews(), 1);
});

test('nothing is published behind the end of the broker, and nobody waits for it', async () => {
  const store = new HeldStore();
  const { devices, connect } = await start({}, store);
  await connect('d');
  store.isHeld = true;
  const waiting = devices.publish('a', Buffer.from('1'), { retain: true });
  await turns();
  devices.stopped();
  await assert.rejects(waiting, /^Error: Cannot publish: the broker has stopped$/);
  await assert.rejects(devices.publish('a', Buffer.from('2'), { retain: true }), /the broker has stopped/);
  assert.equal(await devices.publishTo('d', 'a', Buffer.from('3'), { qos: 1, expiresInS: 9 }), 'not-subscribed');
  store.isHeld = false;
  for (const { resolve } of store.held) resolve();
});
