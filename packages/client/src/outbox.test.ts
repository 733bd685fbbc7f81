import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PublishAckPacket } from '@dunlin/protocol';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import type { ClientOptions } from './options.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { OutboxKeeper, restored } from './outbox-keeper.ts';
import type { OutboxStore } from './outbox-store.ts';
import { packetIdentifiers } from './packet-identifiers.ts';
import { settingsOf } from './settings.ts';
import { fakeLink, told } from './testing/fake-link.ts';
import { memoryOutbox } from './testing/memory-outbox.ts';
import { VirtualEnvironment } from './testing/virtual-environment.ts';

const turn = () => new Promise(setImmediate);

function setUp(options: ClientOptions = {}) {
  const environment = new VirtualEnvironment();
  const platform = { dial: () => Promise.reject(new Error('no')), environment };
  const stats = { sent: 0, acknowledged: 0, received: 0, dropped: 0, refused: 0, expired: 0, reconnects: 0 };
  const acknowledged = { call: () => {} };
  const host = {
    stats: { ...stats, responsesIgnored: 0, requestsIgnored: 0 },
    listeners: { emit: () => acknowledged.call() },
    settled: () => {},
  };
  const open = new Map<number, Outgoing>();
  const outbox = new Outbox(settingsOf(platform, 'mqtt://h', options), open, packetIdentifiers(open), host);
  const outcomes: string[] = [];
  const publish = (qos: 0 | 1 | 2, name = 't') =>
    outbox.publish(
      { topic: name, payload: new Uint8Array(0), qos, retain: false, properties: {} },
      {
        resolve: () => void outcomes.push(`${name} done`),
        reject: (error) => void outcomes.push(`${name} ${error instanceof MqttError ? error.code : error}`),
      },
    );
  return { outbox, publish, outcomes, open, environment, stats: host.stats, acknowledged };
}

const ack = (type: PublishAckPacket['type'], packetId: number, reasonCode = 0): PublishAckPacket => ({
  type,
  packetId,
  reasonCode,
  properties: {},
});

test('whatever the server answers, and wherever connections end, the window holds and every publish settles once [MQTT-3.3.4-7]', () => {
  const step = fc.constantFrom('answer', 'refuse', 'resume', 'restart');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.constantFrom(0 as const, 1 as const, 2 as const), { maxLength: 30 }),
      fc.array(fc.tuple(step, fc.nat()), { maxLength: 100 }),
      (receiveMaximum, qos, steps) => {
        const { outbox, publish, outcomes, open } = setUp();
        let { link, sent } = fakeLink({ receiveMaximum });
        outbox.begin(link, false);
        for (const [index, one] of qos.entries()) publish(one, String(index));
        /** What the server owes: identifier, and the answer to it. */
        const owed = new Map<number, PublishAckPacket['type']>();
        const look = (): void => {
          for (const packet of sent.splice(0)) {
            if (packet.type === 'publish' && packet.qos > 0) {
              assert.ok(packet.dup || !owed.has(packet.packetId), 'an identifier in use');
              owed.set(packet.packetId, packet.qos === 1 ? 'puback' : 'pubrec');
            }
            if (packet.type === 'pubrel') owed.set(packet.packetId, 'pubcomp');
          }
          assert.ok(owed.size <= receiveMaximum, `${owed.size} open`);
        };
        const answer = (pick: number, code: number): void => {
          const entry = [...owed][pick % Math.max(1, owed.size)];
          if (entry === undefined) return;
          const [packetId, type] = entry;
          owed.delete(packetId);
          if (type === 'pubcomp') outbox.pubcomp(ack(type, packetId));
          else outbox[type as 'puback' | 'pubrec'](ack(type, packetId, code));
        };
        look();
        for (const [kind, pick] of steps) {
          if (kind === 'answer' || kind === 'refuse') answer(pick, kind === 'refuse' ? 0x87 : 0);
          else {
            outbox.pause();
            owed.clear();
            ({ link, sent } = fakeLink({ receiveMaximum }));
            outbox.begin(link, kind === 'resume');
          }
          look();
        }
        for (let left = 0; left < 200 && owed.size > 0; left++) {
          answer(0, 0);
          look();
        }
        // QoS 0 settles in a later turn.
        const names = qos.flatMap((one, index) => (one === 0 ? [] : [String(index)]));
        assert.deepEqual(outcomes.map((outcome) => outcome.split(' ')[0]).sort(), names.sort());
        assert.deepEqual([outbox.size, open.size], [0, 0]);
      },
    ),
  );
});

test('in a session from before, PUBREL ends what may be open under an identifier before QoS 2 takes it [MQTT-4.3.3-10]', () => {
  const { outbox, publish, outcomes } = setUp();
  const before = fakeLink();
  outbox.begin(before.link, true);
  publish(2);
  publish(1);
  assert.deepEqual(told(before.sent), ['pubrel 1', 'publish 1', 'publish 2']);
  outbox.pubcomp(ack('pubcomp', 1, 0x92));
  const next = fakeLink();
  outbox.begin(next.link, true);
  publish(2, 'unsure');
  assert.deepEqual(told(next.sent), ['publish 1 again', 'publish 2 again', 'pubrel 3', 'publish 3']);
  // Whether the flow that was there has ended is not known.
  const last = fakeLink();
  outbox.begin(last.link, true);
  assert.deepEqual(outcomes, ['unsure session-lost']);
  assert.deepEqual(told(last.sent), ['publish 1 again', 'publish 2 again']);
  const anew = fakeLink();
  outbox.begin(anew.link, false);
  publish(2);
  assert.ok(!told(anew.sent).some((packet) => packet.startsWith('pubrel')));
});

describe('waiting', () => {
  test('QoS 0 waits for the wire, and passes what waits for the window', () => {
    const { outbox, publish } = setUp();
    const { link, sent, wire } = fakeLink({ receiveMaximum: 1 });
    outbox.begin(link, false);
    publish(1);
    publish(1);
    publish(0);
    wire.isWritable = false;
    publish(0);
    assert.deepEqual(told(sent), ['publish 1', 'publish']);
    assert.equal(outbox.isPassable, false);
    wire.isWritable = true;
    outbox.pump();
    assert.deepEqual(told(sent), ['publish 1', 'publish', 'publish']);
    assert.equal(outbox.isPassable, true);
  });

  test('what a server does not take is refused when it is sent, and the next goes on', () => {
    const { outbox, publish, outcomes, open } = setUp();
    publish(2, 'a');
    publish(1, 'b');
    const { link, sent } = fakeLink({ maximumQoS: 1 });
    outbox.begin(link, false);
    assert.deepEqual([outcomes, told(sent)], [['a not-supported'], ['publish 2']]);
    assert.equal(open.size, 1);
  });

  test('what is cancelled is never sent; what was sent goes on', () => {
    const { outbox, publish } = setUp();
    const { link, sent } = fakeLink({ receiveMaximum: 1 });
    outbox.begin(link, false);
    const [first, second] = [publish(1), publish(1)];
    outbox.cancel(first);
    outbox.cancel(second);
    outbox.puback(ack('puback', 1));
    assert.deepEqual([told(sent), outbox.size], [['publish 1'], 0]);
  });
});

describe('with a store', () => {
  /** The store, and how often a write was begun; each settles in a later turn. */
  async function kept(store: OutboxStore = memoryOutbox(), isGated = false) {
    const world = setUp();
    const { records } = await store.open();
    const gate = Promise.withResolvers<void>();
    const gated: OutboxStore = isGated
      ? { ...store, write: (batch) => gate.promise.then(() => store.write(batch)) }
      : store;
    world.outbox.keeper = new OutboxKeeper(gated, (error) => assert.fail(error));
    world.outbox.restore(records.map(restored));
    return { ...world, store, gate };
  }

  /** The process dies: nothing is settled, and the store goes to the next. */
  async function next(store: OutboxStore) {
    await turn();
    await store.close();
    return kept(store);
  }

  test('PUBLISH leaves when its identifier is durable, and PUBREL when PUBREC is', async () => {
    const { outbox, publish, gate } = await kept(memoryOutbox(), true);
    const { link, sent } = fakeLink();
    outbox.begin(link, false);
    publish(2);
    await turn();
    assert.deepEqual(told(sent), []);
    gate.resolve();
    await turn();
    assert.deepEqual(told(sent), ['publish 1']);
    outbox.pubrec(ack('pubrec', 1));
    assert.deepEqual(told(sent), ['publish 1']);
    await turn();
    assert.deepEqual(told(sent), ['publish 1', 'pubrel 1']);
  });

  test('what is durable on a connection that is over is not sent on it, and goes out on the next for the first time [MQTT-3.3.1-1]', async () => {
    const { outbox, publish } = await kept();
    const first = fakeLink();
    outbox.begin(first.link, false);
    publish(1);
    outbox.pause();
    await turn();
    const second = fakeLink();
    outbox.begin(second.link, true);
    await turn();
    assert.deepEqual([told(first.sent), told(second.sent)], [[], ['publish 1']]);
  });

  test('another process goes on where the one before died, in a session that goes on and in a new one', async () => {
    const states = async (isResumed: boolean) => {
      const { outbox, publish, store } = await kept();
      const { link } = fakeLink({ receiveMaximum: 4 });
      outbox.begin(link, false);
      publish(1, 'acknowledged');
      publish(1, 'one');
      publish(2, 'two');
      publish(2, 'released');
      publish(1, 'waits');
      publish(1, 'later');
      await turn();
      outbox.puback(ack('puback', 1));
      outbox.pubrec(ack('pubrec', 4));
      const second = await next(store);
      const { link: other, sent } = fakeLink();
      second.outbox.begin(other, isResumed);
      second.publish(1, 'new');
      await turn();
      return sent.map((packet) => `${told([packet])} ${packet.type === 'publish' ? packet.topic : ''}`.trim());
    };
    assert.deepEqual(await states(true), [
      'pubrel 4',
      'publish 2 again one',
      'publish 3 again two',
      'publish 5 again waits',
      'publish 1 later',
      'publish 6 new',
    ]);
    assert.deepEqual(await states(false), ['publish 1 one', 'publish 2 waits', 'publish 3 later', 'publish 4 new']);
  });

  test('what was published before the store was open comes behind what it kept', async () => {
    const first = await kept();
    first.publish(1, 'old');
    await turn();
    await first.store.close();
    const world = setUp();
    world.publish(1, 'new');
    const { records } = await first.store.open();
    world.outbox.keeper = new OutboxKeeper(first.store, (error) => assert.fail(error));
    world.outbox.restore(records.map(restored));
    await turn();
    await first.store.close();
    const { records: both } = await first.store.open();
    assert.deepEqual(
      both.map(({ sequence, topic }) => [sequence, topic]),
      [
        [1, 'old'],
        [2, 'new'],
      ],
    );
  });

  test('the end rejects every promise, and the store keeps what is in it', async () => {
    const { outbox, publish, outcomes, store } = await kept();
    publish(1, 'a');
    publish(0, 'b');
    await turn();
    outbox.end(new MqttError('closed', 'over'));
    assert.deepEqual(outcomes, ['a closed', 'b closed']);
    const second = await next(store);
    assert.equal(second.outbox.size, 2);
  });
});

test('who listens for acknowledgements and ends the outbox finds that publish settled', () => {
  const { outbox, publish, outcomes, open, acknowledged } = setUp();
  acknowledged.call = () => outbox.end(new MqttError('closed', 'over'));
  outbox.begin(fakeLink().link, false);
  publish(1, 'a');
  publish(1, 'b');
  outbox.puback(ack('puback', 1));
  assert.deepEqual(outcomes, ['a done', 'b closed']);
  assert.deepEqual([outbox.size, open.size], [0, 0]);
  publish(2, 'c');
  outbox.begin(fakeLink().link, false);
  outbox.pubrec(ack('pubrec', 3));
  publish(1, 'd');
  outbox.begin(fakeLink().link, false);
  assert.deepEqual(outcomes.slice(2), ['c done', 'd closed']);
});

test('a message that no packet can say is refused at once where there is a store, and others go on', async () => {
  const { outbox, publish, outcomes } = setUp();
  const properties = { payloadFormatIndicator: 7 as 1 };
  const bad = () =>
    outbox.publish(
      { topic: 'bad', payload: new Uint8Array(0), qos: 1, retain: false, properties },
      { resolve: () => {}, reject: (error) => void outcomes.push(`bad ${(error as MqttError).code}`) },
    );
  bad();
  publish(1, 'early');
  const store = memoryOutbox();
  await store.open();
  outbox.keeper = new OutboxKeeper(store, ({ code }) => void outcomes.push(`failed ${code}`));
  outbox.restore([]);
  assert.throws(bad, { code: 'protocol-error' });
  publish(1, 'late');
  await turn();
  assert.deepEqual([outcomes, outbox.size], [['bad invalid'], 2]);
});

test('publishes leave Packet Identifiers to requests, and wait for those they may have [MQTT-2.2.1-2]', () => {
  const { outbox, publish, outcomes, open } = setUp();
  const { link, sent } = fakeLink();
  outbox.begin(link, false);
  for (let count = 0; count < 65_535; count++) publish(1);
  assert.deepEqual([sent.length, open.size, outcomes], [64_535, 64_535, []]);
  outbox.puback(ack('puback', 1));
  assert.equal(sent.length, 64_536);
});

/** An outbox whose store writes when a test says so. */
function withSlowStore() {
  const { outbox, ...rest } = setUp();
  const writes: { put: number[]; remove: number[]; done: () => void }[] = [];
  const store: OutboxStore = {
    open: async () => ({ clientId: undefined, records: [] }),
    write: ({ put, remove }) =>
      new Promise((done) => {
        writes.push({ put: put.map(({ sequence }) => sequence), remove: [...remove], done });
      }),
    close: async () => {},
  };
  outbox.keeper = new OutboxKeeper(store, () => {});
  const written = async (): Promise<void> => {
    await turn();
    for (const { done } of writes.splice(0)) done();
    await turn();
  };
  return { outbox, writes, written, ...rest };
}

test('QoS 0 from a store leaves once the store has forgotten it, in its order, and waits where the connection is over', async () => {
  const { outbox, publish, outcomes, written, writes } = withSlowStore();
  publish(0, 'a');
  await written();
  const { link, sent } = fakeLink();
  outbox.begin(link, false);
  publish(0, 'b');
  await turn();
  assert.deepEqual([writes.map(({ remove }) => remove), sent, outbox.isPassable], [[[1]], [], false]);
  outbox.pause();
  await written();
  assert.deepEqual([sent, outcomes, outbox.size], [[], [], 2]);
  const next = fakeLink();
  outbox.begin(next.link, true);
  await written();
  await written();
  assert.deepEqual(
    next.sent.map((packet) => packet.type === 'publish' && packet.topic),
    ['a', 'b'],
  );
  assert.deepEqual([outcomes, outbox.size], [['a done', 'b done'], 0]);
});

test('a publish given up while the store takes it is not sent', async () => {
  const { outbox, publish, written, open } = withSlowStore();
  const { link, sent } = fakeLink();
  outbox.begin(link, false);
  outbox.cancel(publish(1, 'a'));
  await written();
  assert.deepEqual([sent, open.size, outbox.size], [[], 0, 0]);
});

test('what the store had not yet taken when the connection was lost goes out for the first time on the next', async () => {
  const { outbox, publish, written, outcomes } = withSlowStore();
  outbox.begin(fakeLink().link, false);
  publish(1, 'a');
  outbox.pause();
  await written();
  const { link, sent } = fakeLink();
  outbox.begin(link, true);
  await written();
  publish(2, 'b');
  outbox.pause();
  await written();
  const next = fakeLink();
  outbox.begin(next.link, false);
  await written();
  await written();
  assert.deepEqual([told(sent), told(next.sent), outcomes], [['publish 1'], ['publish 3', 'publish 4'], []]);
});

test('a Topic Alias of a message that was published without a connection goes along neither first nor again', () => {
  const { outbox } = setUp();
  const properties = { topicAlias: 1 };
  const message = { topic: 'room/1', payload: new Uint8Array(0), qos: 1, retain: false, properties } as const;
  outbox.publish(message, { resolve: () => {}, reject: assert.fail });
  for (const isResumed of [false, true]) {
    const { link, sent } = fakeLink({ topicAliasMaximum: 0 });
    outbox.begin(link, isResumed);
    const seen = sent.map((packet) => packet.type === 'publish' && [packet.topic, packet.dup, packet.properties]);
    assert.deepEqual(seen, [['room/1', isResumed, {}]]);
    outbox.pause();
  }
});
