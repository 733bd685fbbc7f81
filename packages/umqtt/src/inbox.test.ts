import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from '@dunlin/client';
import { Inbox } from './inbox.ts';

function message(topic: string, qos: 0 | 1 = 0): ReceivedMessage {
  const fields = { type: 'publish', dup: false, retain: false, packetId: qos, properties: {} } as const;
  return new ReceivedMessage({ ...fields, topic, qos, payload: new Uint8Array(0) }, topic);
}

test('messages are taken one by one, in their order', async () => {
  const inbox = new Inbox(10);
  for (const topic of ['a', 'b', 'c']) inbox.put(message(topic));
  assert.equal(inbox.take()?.message.topic, 'a');
  assert.equal((await inbox.next()).message.topic, 'b');
  assert.equal(inbox.take()?.message.topic, 'c');
  assert.equal(inbox.take(), undefined);
});

test('who waits first gets the first message', async () => {
  const inbox = new Inbox(10);
  const [first, second] = [inbox.next(), inbox.next()];
  inbox.put(message('a'));
  inbox.put(message('b'));
  assert.equal((await first).message.topic, 'a');
  assert.equal((await second).message.topic, 'b');
  assert.equal(inbox.take(), undefined);
});

test('QoS 0 above the limit is dropped and counted, QoS 1 is kept', () => {
  const inbox = new Inbox(2);
  for (const topic of ['a', 'b', 'c']) inbox.put(message(topic));
  inbox.put(message('d', 1));
  const taken = [inbox.take(), inbox.take(), inbox.take(), inbox.take()];
  assert.deepEqual(
    taken.map((waiting) => waiting?.message.topic),
    ['a', 'b', 'd', undefined],
  );
  assert.equal(inbox.dropped, 1);
});

test('a message of QoS 1 is held until it was taken, one of QoS 0 not at all', async () => {
  const inbox = new Inbox(10);
  const zero = message('zero');
  inbox.put(zero);
  assert.equal(inbox.held(zero), undefined);
  const one = message('one', 1);
  inbox.put(one);
  const steps: string[] = [];
  const held = inbox.held(one)?.then(() => steps.push('acknowledged'));
  assert.ok(held);
  inbox.take();
  const waiting = inbox.take();
  await new Promise(setImmediate);
  steps.push('taken');
  waiting?.taken();
  await held;
  assert.deepEqual(steps, ['taken', 'acknowledged']);
});

test('an end rejects those who wait; what came before can be taken, and then each call fails', async () => {
  const waiting = new Inbox(10);
  const failed = assert.rejects(waiting.next(), /^Error: gone$/);
  waiting.end(new Error('gone'));
  waiting.end(new Error('again'));
  await failed;
  const filled = new Inbox(10);
  filled.put(message('a'));
  filled.end(new Error('gone'));
  assert.equal(filled.take()?.message.topic, 'a');
  assert.throws(() => filled.take(), /^Error: gone$/);
  await assert.rejects(async () => filled.next(), /^Error: gone$/);
});

test('what waits without an acknowledgement makes way for its repeat on the next connection', () => {
  const inbox = new Inbox(10);
  inbox.put(message('a'));
  for (let connection = 0; connection < 3; connection++) {
    inbox.connected(true);
    inbox.put(message('b', 1));
  }
  assert.equal(inbox.take()?.message.topic, 'a');
  assert.equal(inbox.take()?.message.topic, 'b');
  assert.equal(inbox.take(), undefined);
});

test('what a session that is gone left behind keeps to the limit', () => {
  const inbox = new Inbox(2);
  for (const topic of ['a', 'b', 'c', 'd']) inbox.put(message(topic, 1));
  inbox.connected(false);
  assert.equal(inbox.dropped, 2);
  assert.deepEqual([inbox.take()?.message.topic, inbox.take()?.message.topic, inbox.take()], ['a', 'b', undefined]);
});
