import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Packet, PacketIdentifiers, type PublishAckPacket } from '@dunlin/protocol';
import fc from 'fast-check';
import { Publishing } from './publishing.ts';

function setUp(receiveMaximum: number) {
  const sent: Packet[] = [];
  const identifiers = new PacketIdentifiers();
  const publishing = new Publishing({ send: (packet) => void sent.push(packet) }, identifiers, 1000);
  publishing.begin(receiveMaximum);
  const outcomes: string[] = [];
  const publish = (qos: 0 | 1 | 2, name = 't') =>
    publishing.publish(
      { topic: name, payload: new Uint8Array(0), qos, retain: false, properties: {} },
      { resolve: () => outcomes.push(`${name} done`), reject: (error) => outcomes.push(`${name} ${error.message}`) },
    );
  return { publishing, publish, sent, outcomes, identifiers };
}

const ack = (type: PublishAckPacket['type'], packetId: number, reasonCode = 0): PublishAckPacket => ({
  type,
  packetId,
  reasonCode,
  properties: {},
});

test('whatever the server answers and in whatever order, the window holds and every publish settles once [MQTT-3.3.4-7]', () => {
  const steps = fc.array(fc.record({ pick: fc.nat(), refuse: fc.boolean() }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.constantFrom(0, 1, 2), { maxLength: 40 }),
      steps,
      (maximum, qos, answers) => {
        const { publishing, publish, sent, outcomes } = setUp(maximum);
        qos.forEach((one, index) => void publish(one as 0 | 1 | 2, String(index)));
        const open = new Map<number, 'puback' | 'pubrec' | 'pubcomp'>();
        let seen = 0;
        const look = (): void => {
          for (; seen < sent.length; seen++) {
            const packet = sent[seen];
            if (packet.type === 'publish' && packet.qos > 0) {
              assert.ok(!open.has(packet.packetId));
              open.set(packet.packetId, packet.qos === 1 ? 'puback' : 'pubrec');
            } else if (packet.type === 'pubrel') open.set(packet.packetId, 'pubcomp');
          }
          assert.ok(open.size <= maximum);
        };
        look();
        for (let round = 0; open.size > 0; round++) {
          const { pick, refuse } = answers[round % answers.length];
          const [packetId, type] = [...open][pick % open.size];
          open.delete(packetId);
          const answer = ack(type, packetId, refuse && type !== 'pubcomp' ? 0x97 : 0);
          publishing[type](answer);
          look();
        }
        assert.equal(outcomes.length, qos.length);
        assert.equal(publishing.size, 0);
      },
    ),
    { numRuns: 100 },
  );
});

test('the end rejects open and waiting publishes and frees their identifiers', () => {
  const { publishing, publish, outcomes, identifiers } = setUp(2);
  publish(1, 'a');
  publish(2, 'b');
  publishing.pubrec(ack('pubrec', 2));
  publish(1, 'c');
  publishing.end(new Error('over'));
  assert.deepEqual(outcomes.sort(), ['a over', 'b over', 'c over']);
  assert.equal(identifiers.inUse, 0);
  assert.equal(publishing.size, 0);
});

test('a publish that cannot be written rejects, takes no identifier, and lets the next go', () => {
  const { publish, outcomes, sent, identifiers } = setUp(1);
  const bad = { topic: '', payload: new Uint8Array(0), qos: 1 as const, retain: false, properties: { topicAlias: 1 } };
  const other = setUp(1);
  other.publishing.publish(bad, { resolve: () => {}, reject: (error) => other.outcomes.push(error.message) });
  assert.match(other.outcomes[0], /Topic Alias 1 alone/);
  assert.equal(other.identifiers.inUse, 0);
  publish(1, 'a');
  assert.deepEqual([outcomes, sent.length, identifiers.inUse], [[], 1, 1]);
});

test('what waits can be cancelled, what was sent cannot', () => {
  const { publishing, publish, sent } = setUp(1);
  const first = publish(1, 'a');
  const second = publish(1, 'b');
  assert.equal(publishing.cancel(first), false);
  assert.equal(publishing.cancel(second), true);
  publishing.puback(ack('puback', 1));
  assert.equal(sent.length, 1);
});
