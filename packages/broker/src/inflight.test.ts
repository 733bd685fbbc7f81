import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from './contract/samples.ts';
import { type Entry, FORGOTTEN, PACKET_IDS } from './entry.ts';
import { Inflight } from './inflight.ts';
import type { Message } from './message.ts';

const MESSAGE = sampleMessage('t');

function entry(position: number, qos: 1 | 2 = 1): Entry {
  const delivery = { position, message: MESSAGE, qos, retain: false, identifiers: [], share: undefined };
  return { ...delivery, ticket: 0, place: 0, isStored: true, sent: 'never', released: false };
}

/** What is under way to a client that takes `maximum` at once, and how many of its messages are in memory. */
function flow(maximum = 10): { inflight: Inflight; kept: () => number } {
  let kept = 0;
  const holder = {
    keep: (message: Message) => {
      assert.equal(message, MESSAGE);
      kept += 1;
    },
    release: (message: Message) => {
      assert.equal(message, MESSAGE);
      kept -= 1;
    },
  };
  return { inflight: new Inflight(holder, maximum), kept: () => kept };
}

test('keeps a message until the client has finished it, at QoS 1 and 2', () => {
  const { inflight, kept } = flow();
  const [one, two] = [entry(1), entry(2, 2)];
  inflight.open(1, 1, one);
  inflight.open(2, 2, two);
  assert.deepEqual([inflight.size, kept()], [2, 2]);
  assert.equal(inflight.puback(1), one);
  assert.deepEqual(inflight.pubrec(2, 0), { step: 'release', entry: two });
  assert.deepEqual([inflight.size, kept()], [1, 1]);
  assert.equal(inflight.pubcomp(2), two);
  assert.deepEqual([inflight.size, kept()], [0, 0]);
});

test('ends a QoS 2 delivery with a PUBREC that refuses it, and only before PUBREL', () => {
  const { inflight, kept } = flow();
  const [refused, released] = [entry(1, 2), entry(2, 2)];
  inflight.open(1, 2, refused);
  inflight.open(2, 2, released);
  assert.deepEqual(inflight.pubrec(1, 0x97), { step: 'done', entry: refused });
  inflight.pubrec(2, 0);
  assert.equal(inflight.pubrec(2, 0x97).step, 'release');
  assert.deepEqual([inflight.size, kept()], [1, 1]);
});

test('changes nothing for an answer that nothing waits for', () => {
  const { inflight, kept } = flow();
  inflight.open(1, 1, entry(1));
  inflight.open(2, 2, entry(2, 2));
  assert.deepEqual([inflight.puback(2), inflight.pubcomp(1), inflight.puback(3)], [undefined, undefined, undefined]);
  assert.deepEqual(inflight.pubrec(1, 0).step, 'unknown');
  assert.deepEqual(inflight.pubrec(3, 0x97), { step: 'unknown', entry: undefined });
  assert.deepEqual([inflight.size, kept()], [2, 2]);
});

test('has room within the window of the client and within the bytes that may be under way', () => {
  const { inflight } = flow(3);
  const bytes = MESSAGE.heldBytes;
  assert.ok(inflight.hasRoomFor(1, 1));
  inflight.open(1, 1, entry(1));
  assert.deepEqual([inflight.hasRoomFor(2, bytes), inflight.hasRoomFor(2, bytes + 1)], [false, true]);
  inflight.open(2, 1, entry(2));
  inflight.open(3, 1, entry(3));
  assert.deepEqual([inflight.hasQuota(), inflight.hasRoomFor(4, 100 * bytes)], [false, false]);
  inflight.puback(1);
  inflight.puback(2);
  assert.deepEqual([inflight.hasRoomFor(4, bytes), inflight.hasRoomFor(4, bytes + 1)], [false, true]);
});

test('gives no identifier that is not finished: the next position passes over it, a given one waits for it', () => {
  const { inflight } = flow(PACKET_IDS);
  for (const id of [1, 2, 5]) inflight.open(id, 1, entry(id));
  assert.deepEqual(
    [2, 3, 4, PACKET_IDS].map((last) => inflight.nextPosition(last)),
    [3, 4, 6, PACKET_IDS + 3],
  );
  assert.deepEqual(
    [PACKET_IDS + 2, PACKET_IDS + 3].map((position) => inflight.hasRoomFor(position, 1e9)),
    [false, true],
  );
});

test('ends the search for a position where every identifier is taken', () => {
  const { inflight } = flow(PACKET_IDS);
  for (let id = 1; id <= PACKET_IDS; id++) inflight.open(id, 1, FORGOTTEN);
  assert.equal(inflight.nextPosition(PACKET_IDS), PACKET_IDS + 1);
  assert.equal(inflight.hasRoomFor(PACKET_IDS + 1, 1e9), false);
});

test('keeps nothing of a delivery that nobody will send again, but counts it in the window', () => {
  const { inflight, kept } = flow(2);
  inflight.open(1, 1, FORGOTTEN);
  inflight.open(2, 2, FORGOTTEN);
  assert.deepEqual([inflight.hasQuota(), kept()], [false, 0]);
  assert.equal(inflight.puback(1), FORGOTTEN);
  assert.equal(inflight.pubrec(2, 0x97).step, 'done');
  assert.deepEqual([inflight.size, kept()], [0, 0]);
});

test('goes on with PUBREL for what a store says was released before', () => {
  const { inflight, kept } = flow();
  const released = { ...entry(7, 2), released: true };
  inflight.open(7, 2, released);
  assert.deepEqual([inflight.size, kept(), inflight.puback(7)], [1, 1, undefined]);
  assert.deepEqual(inflight.resume(10), { released: [7], again: [] });
  assert.equal(inflight.pubcomp(7), released);
  assert.equal(kept(), 0);
});

test('on a new connection keeps what waits for PUBCOMP under way, and gives the rest back to be sent again in order [MQTT-4.4.0-1]', () => {
  const { inflight, kept } = flow();
  for (const [id, qos] of [
    [3, 2],
    [4, 1],
    [1, 2],
    [2, 2],
  ] as const)
    inflight.open(id, qos, entry(id, qos));
  inflight.open(9, 1, FORGOTTEN);
  inflight.pubrec(1, 0);
  inflight.pubrec(3, 0);
  const { released, again } = inflight.resume(2);
  assert.deepEqual(released, [1, 3]);
  assert.deepEqual(
    again.map(({ position, sent }) => [position, sent]),
    [
      [4, 'surely'],
      [2, 'surely'],
    ],
  );
  assert.deepEqual([inflight.size, kept(), inflight.hasQuota()], [2, 2, false]);
  // Only the two that wait for PUBCOMP count in bytes.
  inflight.pubcomp(1);
  assert.ok(inflight.hasRoomFor(4, MESSAGE.heldBytes + 1));
  inflight.pubcomp(3);
  assert.ok(inflight.hasRoomFor(4, 1));
});

test('what is set aside comes back as it was, and what this broker has sent as sent', () => {
  const { inflight, kept } = flow();
  const perhaps = { ...entry(2, 2), sent: 'perhaps' } as const;
  inflight.open(1, 2, entry(1, 2));
  inflight.setAside(2, perhaps);
  assert.deepEqual([inflight.size, kept()], [2, 2]);
  const { again } = inflight.resume(10);
  assert.deepEqual(
    again.map(({ sent }) => sent),
    ['surely', 'perhaps'],
  );
  assert.deepEqual([inflight.size, kept()], [0, 0]);
  // Then it is sent after all.
  inflight.open(2, 2, perhaps);
  assert.deepEqual(
    inflight.resume(10).again.map(({ sent }) => sent),
    ['surely'],
  );
});

test('gives back all that was under way when the session ends, and keeps none of it', () => {
  const { inflight, kept } = flow();
  inflight.open(1, 1, entry(1));
  inflight.open(2, 2, entry(2, 2));
  inflight.open(3, 1, FORGOTTEN);
  inflight.pubrec(2, 0);
  assert.deepEqual(
    inflight
      .end()
      .map(({ qos, item }) => `${item.position} at ${qos}`)
      .sort(),
    ['0 at 1', '1 at 1', '2 at 2'],
  );
  assert.deepEqual([inflight.size, kept(), inflight.hasRoomFor(1, 1)], [0, 0, true]);
});
