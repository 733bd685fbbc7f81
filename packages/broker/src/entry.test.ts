import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from './contract/samples.ts';
import { type Entry, mayDrop, mayHandOver, newEntry, packetIdOf } from './entry.ts';

function entry(qos: 1 | 2, sent: Entry['sent'], share?: string): Entry {
  const message = sampleMessage('t');
  return {
    position: 1,
    message,
    qos,
    retain: false,
    identifiers: [],
    share,
    ticket: 0,
    place: 0,
    isStored: true,
    sent,
    released: false,
  };
}

test('makes Packet Identifiers of positions: 1 to 65535, then 1 again [MQTT-2.2.1-3]', () => {
  assert.deepEqual([1, 65_535, 65_536, 131_070, 131_071].map(packetIdOf), [1, 65_535, 1, 65_535, 1]);
});

test('finishes a QoS 2 message that may have been sent, expired or not [MQTT-4.3.3-7]', () => {
  const sent = ['never', 'perhaps', 'surely'] as const;
  assert.deepEqual(
    sent.map((one) => mayDrop(entry(1, one))),
    [true, true, false],
  );
  assert.deepEqual(
    sent.map((one) => mayDrop(entry(2, one))),
    [true, false, false],
  );
});

test('hands over what came through a shared subscription, but no QoS 2 message that may have been sent [MQTT-4.8.2-5]', () => {
  assert.deepEqual(
    [entry(1, 'surely', 'g'), entry(2, 'never', 'g'), entry(2, 'perhaps', 'g'), entry(1, 'never')].map(mayHandOver),
    [true, true, false, false],
  );
});

test('begins unsent, in the open batch of a stored session or in none', () => {
  const entryFor = (commits: Parameters<typeof newEntry>[6]) =>
    newEntry(7, sampleMessage('t'), 2, true, [3], '$share/g/t', commits);
  const found = [entryFor({ ticket: 5, place: 9 }), entryFor(undefined)].map(
    ({ position, ticket, place, isStored, sent, released }) => [position, ticket, place, isStored, sent, released],
  );
  assert.deepEqual(found, [
    [7, 5, 9, true, 'never', false],
    [7, 0, 0, false, 'never', false],
  ]);
});
