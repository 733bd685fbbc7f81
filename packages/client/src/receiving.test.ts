import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublishPacket } from '@dunlin/protocol';
import fc from 'fast-check';
import type { Delivery } from './delivery.ts';
import { Receiving } from './receiving.ts';
import { fakeLink, published, told } from './testing/fake-link.ts';

/** A session whose messages are held until a test releases them. */
function setUp(receiveMaximum = 65_535, topicAliasMaximum = 0) {
  const deliveries: Delivery[] = [];
  const receiving = new Receiving({ receiveMaximum, topicAliasMaximum }, (_message, delivery) => {
    if (delivery === undefined) return;
    delivery.hold();
    deliveries.push(delivery);
  });
  const { link, sent } = fakeLink();
  receiving.begin(link, false);
  return { receiving, deliveries, link, sent: () => told(sent) };
}

const publish = (qos: 0 | 1 | 2, packetId: number, fields: Partial<PublishPacket> = {}): PublishPacket =>
  published({ qos, packetId, ...fields });

test('in whatever order the application is done, acknowledgements keep the order of arrival [MQTT-4.6.0-2, MQTT-4.6.0-3]', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
      (qos, order) => {
        const { receiving, sent, deliveries } = setUp();
        for (const [index, one] of qos.entries()) receiving.publish(publish(one as 1 | 2, index + 1));
        const open = [...deliveries];
        for (let round = 0; open.length > 0; round++) open.splice(order[round] % open.length, 1)[0].release();
        assert.deepEqual(
          sent(),
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
  assert.deepEqual([sent(), deliveries.length], [[], 1]);
  deliveries[0].release();
  receiving.publish(publish(2, 1, { dup: true }));
  assert.deepEqual([sent(), deliveries.length], [['pubrec 1', 'pubrec 1'], 1]);
});

test('QoS 2 flows outlive a connection that is resumed, owed acknowledgements and aliases do not [MQTT-3.3.2-7]', () => {
  const { receiving, sent, deliveries, link } = setUp(10, 5);
  receiving.publish(publish(2, 1, { properties: { topicAlias: 1 } }));
  receiving.begin(link, true);
  deliveries[0].release();
  assert.deepEqual(sent(), []);
  receiving.publish(publish(2, 1, { dup: true }));
  assert.deepEqual([sent(), deliveries.length], [['pubrec 1'], 1]);
  assert.throws(() => receiving.publish(publish(0, 0, { topic: '', properties: { topicAlias: 1 } })));
  receiving.begin(link, false);
  receiving.publish(publish(2, 1));
  assert.equal(deliveries.length, 2);
});

test('what is owed when a connection ends is stale where it comes again, and in a new session', () => {
  const { receiving, deliveries, link } = setUp(10);
  receiving.publish(publish(1, 1));
  receiving.publish(publish(2, 2));
  receiving.begin(link, true);
  assert.deepEqual(
    deliveries.map(({ isStale }) => isStale),
    [true, false],
  );
  receiving.begin(link, false);
  assert.ok(deliveries[1].isStale);
});

test('QoS 1 and 2 together keep to the Receive Maximum', () => {
  const { receiving, deliveries } = setUp(2);
  receiving.publish(publish(1, 1));
  receiving.publish(publish(2, 2));
  receiving.publish(publish(0, 0));
  assert.throws(() => receiving.publish(publish(1, 3)), { reasonCode: 0x93 });
  const other = setUp(2);
  other.receiving.publish(publish(1, 1));
  other.deliveries[0].release();
  other.receiving.publish(publish(2, 2));
  other.receiving.publish(publish(2, 3));
  assert.throws(() => other.receiving.publish(publish(2, 4)), { reasonCode: 0x93 });
  assert.equal(deliveries.length, 2);
});

test('a QoS 2 message whose PUBREC is owed counts for the Receive Maximum, whether PUBREL came or not', () => {
  const { receiving, deliveries, sent } = setUp(2);
  const pubrel = { type: 'pubrel', packetId: 1, reasonCode: 0, properties: {} } as const;
  for (let pair = 0; pair < 2; pair++) {
    receiving.publish(publish(2, 1));
    receiving.pubrel(pubrel);
  }
  assert.throws(() => receiving.publish(publish(2, 1)), { reasonCode: 0x93 });
  assert.deepEqual([deliveries.length, sent()], [2, ['pubcomp 1', 'pubcomp 1']]);
});

test('repeats of one QoS 2 message that wait behind another owe one PUBREC', () => {
  const { receiving, deliveries, sent } = setUp(2);
  receiving.publish(publish(2, 2));
  deliveries[0].release();
  receiving.publish(publish(1, 1));
  for (let repeat = 0; repeat < 5; repeat++) receiving.publish(publish(2, 2, { dup: true }));
  deliveries[1].release();
  assert.deepEqual(sent(), ['pubrec 2', 'puback 1', 'pubrec 2']);
});

test('a refusal that did not reach the server is its answer to the repeat, and then the identifier is free', () => {
  const { receiving, deliveries, sent, link } = setUp();
  receiving.publish(publish(1, 1));
  receiving.publish(publish(2, 2));
  deliveries[1].holdByHand();
  deliveries[1].releaseByHand(0x83);
  deliveries[1].release();
  receiving.begin(link, true);
  receiving.publish(publish(2, 2, { dup: true }));
  assert.deepEqual([sent(), deliveries.length], [['pubrec 2'], 2]);
  receiving.publish(publish(2, 2));
  assert.equal(deliveries.length, 3);
});

test('a QoS 2 message that is held over a reconnect owes its PUBREC to the repeat', () => {
  const { receiving, sent, deliveries, link } = setUp();
  receiving.publish(publish(2, 1));
  receiving.begin(link, true);
  receiving.publish(publish(2, 1, { dup: true }));
  assert.deepEqual([sent(), deliveries.length], [[], 1]);
  deliveries[0].release();
  assert.deepEqual(sent(), ['pubrec 1']);
});

test('a refused QoS 2 message frees its identifier for a new one [MQTT-4.3.3-9]', () => {
  const { receiving, deliveries } = setUp();
  receiving.publish(publish(2, 1));
  deliveries[0].holdByHand();
  deliveries[0].releaseByHand(0x83);
  deliveries[0].release();
  receiving.publish(publish(2, 1));
  assert.equal(deliveries.length, 2);
});

test('a repeat is answered behind what is owed for messages before it [MQTT-4.6.0-3]', () => {
  const { receiving, sent, deliveries, link } = setUp();
  receiving.publish(publish(2, 1));
  receiving.publish(publish(2, 2));
  deliveries[1].release();
  receiving.begin(link, true);
  receiving.publish(publish(2, 1, { dup: true }));
  receiving.publish(publish(2, 2, { dup: true }));
  assert.deepEqual([sent(), deliveries.length], [[], 2]);
  deliveries[0].release();
  assert.deepEqual(sent(), ['pubrec 1', 'pubrec 2']);
});

test('QoS 2 flows of a connection before do not count for the Receive Maximum of the next (section 4.9)', () => {
  const { receiving, deliveries, link } = setUp(1);
  receiving.publish(publish(2, 1));
  deliveries[0].release();
  receiving.begin(link, true);
  receiving.publish(publish(2, 2));
  assert.equal(deliveries.length, 2);
  assert.throws(() => receiving.publish(publish(2, 3)), { reasonCode: 0x93 });
});
