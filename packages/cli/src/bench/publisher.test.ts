import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, MqttError, type PublishResult } from '@dunlin/client';
import { ErrorTally } from '../error-tally.ts';
import { Meter } from './meter.ts';
import { Publisher, type Publishing } from './publisher.ts';
import { readStamp } from './stamp.ts';

/** A client whose publishes the test settles; at QoS 0 those of one turn share a promise, as the real one does it. */
class FakeClient {
  readonly payloads: Uint8Array[] = [];
  readonly settle: PromiseWithResolvers<PublishResult>[] = [];
  isShared = false;

  publish(_topic: string, payload: Uint8Array): Promise<PublishResult> {
    this.payloads.push(payload);
    if (!this.isShared || this.settle.length === 0) this.settle.push(Promise.withResolvers());
    return this.settle[this.settle.length - 1].promise;
  }
}

const RESULT: PublishResult = { reasonCode: 0, properties: {} };

function publisherOf(more: Partial<Publishing> = {}) {
  const client = new FakeClient();
  const shared: Publishing = {
    options: { qos: 1 },
    payloadBytes: 20,
    windowMax: 4,
    isDelivered: false,
    run: 9,
    meter: new Meter(),
    errors: new ErrorTally(),
    ready: () => {},
    ...more,
  };
  return { client, shared, publisher: new Publisher(client as unknown as Client, 'a', 7, shared) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('no more than the window is under way, and acknowledgements open it again', async () => {
  const { client, publisher, shared } = publisherOf();
  assert.equal(publisher.publish(100), 4);
  assert.equal(publisher.publish(100), 0);
  client.settle[0].resolve(RESULT);
  await turn();
  assert.deepEqual([publisher.room, publisher.accepted, publisher.unsettled], [1, 1, 3]);
  assert.deepEqual([shared.meter.counters.published, shared.meter.counters.publishedBytes], [1, 20]);
});

test('messages are numbered, and none changes the bytes of another', () => {
  const { client, publisher } = publisherOf();
  publisher.publish(2);
  const stamps = client.payloads.map((payload) => readStamp(payload));
  assert.deepEqual(
    stamps.map((stamp) => [stamp?.run, stamp?.publisher, stamp?.sequence]),
    [
      [9, 7, 0],
      [9, 7, 1],
    ],
  );
});

test('with a subscriber a message is under way until both have answered', async () => {
  const { client, publisher } = publisherOf({ isDelivered: true });
  publisher.publish(4);
  for (const { resolve } of client.settle) resolve(RESULT);
  await turn();
  assert.equal(publisher.room, 0);
  publisher.delivered();
  assert.equal(publisher.room, 1);
});

test('lost messages close the window only until nothing comes any more', async () => {
  const { client, publisher } = publisherOf({ isDelivered: true });
  publisher.publish(4);
  for (const { resolve } of client.settle) resolve(RESULT);
  await turn();
  publisher.delivered();
  publisher.relieve();
  assert.equal(publisher.room, 1);
  publisher.publish(1);
  client.settle[4].resolve(RESULT);
  await turn();
  publisher.relieve();
  assert.equal(publisher.room, 4);
});

test('at QoS 0 all that leave together count when they have left', async () => {
  const { client, publisher } = publisherOf({ options: { qos: 0 } });
  client.isShared = true;
  publisher.publish(3);
  assert.equal(publisher.accepted, 0);
  client.settle[0].resolve(RESULT);
  await turn();
  assert.equal(publisher.accepted, 3);
});

test('a refusal is counted and the next is tried; any other failure ends the publisher', async () => {
  const { client, publisher, shared } = publisherOf();
  publisher.publish(2);
  client.settle[0].reject(new MqttError('refused', 'no', { reasonCode: 0x87 }));
  await turn();
  assert.equal(publisher.room, 3);
  client.settle[1].reject(new MqttError('connection-lost', 'gone'));
  await turn();
  assert.deepEqual([publisher.room, shared.errors.total, publisher.accepted], [0, 2, 0]);
});
