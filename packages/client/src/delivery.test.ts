import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from './delivery.ts';

function setUp() {
  const given: number[] = [];
  const delivery = new Delivery(1, 1, () => void given.push(delivery.reasonCode));
  return { delivery, given };
}

test('a delivery is given once, when nobody holds it any more', () => {
  const { delivery, given } = setUp();
  delivery.hold();
  delivery.release();
  assert.deepEqual([given, delivery.isGiven], [[], false]);
  delivery.release();
  assert.deepEqual([given, delivery.isGiven], [[0], true]);
});

test('by hand it is given once, with the code of the first time', () => {
  const { delivery, given } = setUp();
  delivery.releaseByHand(0x80);
  delivery.holdByHand();
  delivery.holdByHand();
  delivery.releaseByHand(0x83);
  delivery.releaseByHand(0);
  delivery.holdByHand();
  delivery.release();
  assert.deepEqual(given, [0x83]);
});

test('who never handed it to the application lets it go for itself alone', () => {
  const { delivery, given } = setUp();
  delivery.holdByHand();
  delivery.holdByHand();
  delivery.release();
  delivery.dropHand();
  assert.deepEqual(given, []);
  delivery.dropHand();
  delivery.dropHand();
  assert.deepEqual(given, [0]);
});
