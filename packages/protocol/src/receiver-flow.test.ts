import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceiverFlow } from './receiver-flow.ts';

test('takes a QoS 2 PUBLISH as a repeat until its PUBREL [MQTT-4.3.3-10] [MQTT-4.3.3-12]', () => {
  const flow = new ReceiverFlow(10);
  assert.equal(flow.receive(5), 'new');
  assert.equal(flow.receive(5), 'repeat');
  assert.equal(flow.receive(6), 'new');
  assert.equal(flow.has(5), true);
  assert.equal(flow.release(5), true);
  assert.equal(flow.has(5), false);
  assert.equal(flow.receive(5), 'new');
});

test('knows a PUBREL that ends no exchange [MQTT-4.3.3-11]', () => {
  const flow = new ReceiverFlow(10);
  assert.equal(flow.release(1), false);
  flow.receive(1);
  assert.equal(flow.release(2), false);
  assert.equal(flow.release(1), true);
  assert.equal(flow.release(1), false);
});

test('takes the identifier of a refused PUBLISH as new again [MQTT-4.3.3-9]', () => {
  const flow = new ReceiverFlow(10);
  flow.refuse(9);
  flow.receive(9);
  flow.refuse(9);
  assert.equal(flow.size, 0);
  assert.equal(flow.release(9), false);
  assert.equal(flow.receive(9), 'new');
});

test('counts open exchanges against the Receive Maximum, repeats once [MQTT-3.3.4-7]', () => {
  const flow = new ReceiverFlow(2);
  assert.equal(flow.hasQuota(), true);
  flow.receive(1);
  flow.receive(1);
  assert.equal(flow.hasQuota(), true);
  flow.receive(2);
  assert.equal(flow.size, 2);
  assert.equal(flow.hasQuota(), false);
  flow.release(1);
  assert.equal(flow.hasQuota(), true);
});

test('lists what is open, oldest first, and forgets it with clear', () => {
  const flow = new ReceiverFlow(10);
  assert.deepEqual([...flow.ids()], []);
  for (const id of [9, 1, 65_535]) flow.receive(id);
  assert.deepEqual([...flow.ids()], [9, 1, 65_535]);
  flow.clear();
  assert.deepEqual([...flow.ids()], []);
  assert.equal(flow.size, 0);
  assert.equal(flow.receive(9), 'new');
});
