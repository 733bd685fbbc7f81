import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceiverFlow } from './receiver-flow.ts';

test('takes a QoS 2 PUBLISH as a repeat until its PUBREL [MQTT-4.3.3-10] [MQTT-4.3.3-12]', () => {
  const flow = new ReceiverFlow();
  assert.equal(flow.receive(5), 'new');
  assert.equal(flow.receive(5), 'repeat');
  assert.equal(flow.receive(6), 'new');
  assert.equal(flow.has(5), true);
  assert.equal(flow.release(5), true);
  assert.equal(flow.has(5), false);
  assert.equal(flow.receive(5), 'new');
});

test('knows a PUBREL that ends no exchange [MQTT-4.3.3-11]', () => {
  const flow = new ReceiverFlow();
  assert.equal(flow.release(1), false);
  flow.receive(1);
  assert.equal(flow.release(2), false);
  assert.equal(flow.release(1), true);
  assert.equal(flow.release(1), false);
});

test('takes the identifier of a refused PUBLISH as new again [MQTT-4.3.3-9]', () => {
  const flow = new ReceiverFlow();
  flow.refuse(9);
  flow.receive(9);
  flow.refuse(9);
  assert.equal(flow.size, 0);
  assert.equal(flow.release(9), false);
  assert.equal(flow.receive(9), 'new');
});

test('counts what is open, a repeat once, and forgets it with clear', () => {
  const flow = new ReceiverFlow();
  for (const id of [9, 1, 9, 65_535]) flow.receive(id);
  assert.equal(flow.size, 3);
  flow.clear();
  assert.equal(flow.size, 0);
  assert.equal(flow.receive(9), 'new');
});
