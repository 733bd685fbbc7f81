import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet, PublishPacket } from '@dunlin/protocol';
import fc from 'fast-check';
import { type Delivery, Receiving } from './receiving.ts';

function setUp(receiveMaximum = 65_535, topicAliasMaximum = 0) {
  const sent: string[] = [];
  const deliveries: Delivery[] = [];
  const sink = {
    send: (packet: Packet) => void sent.push(`${packet.type} ${'packetId' in packet ? packet.packetId : ''}`),
  };
  const receiving = new Receiving(
    sink,
    { receiveMaximum, topicAliasMaximum },
    (delivery) => void deliveries.push(delivery),
  );
  receiving.begin(false);
  return { receiving, sent, deliveries };
}

const publish = (qos: 0 | 1 | 2, packetId: number, fields: Partial<PublishPacket> = {}): PublishPacket => ({
  type: 'publish',
  dup: false,
  qos,
  retain: false,
  topic: 'a',
  packetId,
  properties: {},
  payload: new Uint8Array(0),
  ...fields,
});

test('in whatever order the application is done, acknowledgements keep the order of arrival [MQTT-4.6.0-2, MQTT-4.6.0-3]', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
      (qos, order) => {
        const { receiving, sent, deliveries } = setUp();
        for (const [index, one] of qos.entries()) receiving.publish(publish(one as 1 | 2, index + 1));
        const open = [...deliveries];
        for (let round = 0; open.length > 0; round++) open.splice(order[round] % open.length, 1)[0].acknowledge();
        assert.deepEqual(
          sent,
          qos.map((one, index) => `${one === 1 ? 'puback' : 'pubrec'} ${index + 1}`),
        );
      },
    ),
  );
});

test('a repeat of a message whose PUBREC is still owed gets one PUBREC, when it is given', () => {
  const { receiving, sent, deliveries } = setUp();
  receiving.publish(publish(2, 1));
  receiving.publish(publish(2, 1, { dup: true }));
  assert.deepEqual([sent, deliveries.length], [[], 1]);
  deliveries[0].acknowledge();
  receiving.publish(publish(2, 1, { dup: true }));
  assert.deepEqual([sent, deliveries.length], [['pubrec 1', 'pubrec 1'], 1]);
});

test('QoS 2 flows outlive a connection that is resumed, owed acknowledgements and aliases do not [MQTT-3.3.2-7]', () => {
  const { receiving, sent, deliveries } = setUp(10, 5);
  receiving.publish(publish(2, 1, { properties: { topicAlias: 1 } }));
  receiving.begin(true);
  deliveries[0].acknowledge();
  assert.deepEqual(sent, []);
  receiving.publish(publish(2, 1, { dup: true }));
  assert.deepEqual([sent, deliveries.length], [['pubrec 1'], 1]);
  assert.throws(() => receiving.publish(publish(0, 0, { topic: '', properties: { topicAlias: 1 } })));
  receiving.begin(false);
  receiving.publish(publish(2, 1));
  assert.equal(deliveries.length, 2);
});

test('QoS 1 and 2 together keep to the Receive Maximum', () => {
  const { receiving, deliveries } = setUp(2);
  receiving.publish(publish(1, 1));
  receiving.publish(publish(2, 2));
  receiving.publish(publish(0, 0));
  assert.throws(() => receiving.publish(publish(1, 3)), { reasonCode: 0x93 });
  const other = setUp(2);
  other.receiving.publish(publish(1, 1));
  other.deliveries[0].acknowledge();
  other.receiving.publish(publish(2, 2));
  other.receiving.publish(publish(2, 3));
  assert.throws(() => other.receiving.publish(publish(2, 4)), { reasonCode: 0x93 });
  assert.equal(deliveries.length, 3);
});
