import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { PacketIdentifiers } from './packet-identifiers.ts';

test('gives 1 to 65535 in turn and begins again at 1, never 0 [MQTT-2.2.1-3]', () => {
  const identifiers = new PacketIdentifiers();
  for (let expected = 1; expected <= 65_535; expected++) {
    assert.equal(identifiers.next(), expected);
    identifiers.free(expected);
  }
  assert.equal(identifiers.next(), 1);
  assert.equal(identifiers.inUse, 1);
});

test('passes over those in use [MQTT-2.2.1-3]', () => {
  const identifiers = new PacketIdentifiers();
  for (const id of [1, 2, 4]) identifiers.use(id);
  identifiers.use(4);
  assert.equal(identifiers.inUse, 3);
  assert.deepEqual([identifiers.next(), identifiers.next()], [3, 5]);
});

test('throws when all are in use, and goes on after one is free', () => {
  const identifiers = new PacketIdentifiers();
  for (let count = 0; count < 65_535; count++) identifiers.next();
  assert.throws(
    () => identifiers.next(),
    (error) => error instanceof MqttError && error.code === 'packet-identifiers-exhausted' && error.reasonCode === 0x97,
  );
  identifiers.free(777);
  identifiers.free(777);
  assert.equal(identifiers.next(), 777);
  assert.equal(identifiers.inUse, 65_535);
});

test('never gives one that is in use, through any uses and frees [MQTT-2.2.1-3]', () => {
  const step = fc.oneof(
    fc.constant({ type: 'next' as const, id: 0 }),
    fc.record({ type: fc.constantFrom('use' as const, 'free' as const), id: fc.integer({ min: 1, max: 20 }) }),
  );
  fc.assert(
    fc.property(fc.array(step), (sequence) => {
      const identifiers = new PacketIdentifiers();
      const used = new Set<number>();
      for (const { type, id } of sequence) {
        if (type === 'next') {
          const next = identifiers.next();
          assert.ok(next >= 1 && next <= 65_535 && !used.has(next));
          used.add(next);
        } else if (type === 'use') {
          identifiers.use(id);
          used.add(id);
        } else {
          identifiers.free(id);
          used.delete(id);
        }
        assert.equal(identifiers.inUse, used.size);
      }
    }),
  );
});
