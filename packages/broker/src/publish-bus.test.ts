import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from './message.ts';
import type { Bus } from './ports.ts';
import { World } from './testing/world.ts';

const STORED = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };

/** A bus over which other brokers take a message when a test says so. */
class LaterBus implements Bus {
  #distribute: (message: Message) => boolean = () => false;
  /** Messages that no other broker has taken, each with what may become of it. */
  readonly waiting: { readonly take: () => void; readonly fail: (error: Error) => void }[] = [];
  /** Set to refuse whatever comes next. */
  fault: Error | undefined = undefined;
  publish(message: Message): Promise<boolean> {
    if (this.fault !== undefined) return Promise.reject(this.fault);
    message.own();
    return new Promise((resolve, fail) => this.waiting.push({ take: () => resolve(this.#distribute(message)), fail }));
  }
  receive(distribute: (message: Message) => boolean): void {
    this.#distribute = distribute;
  }
  subscribe(): void {}
  unsubscribe(): void {}
}

test('acknowledges in the order of receipt when the bus takes messages later, and reads on meanwhile', async () => {
  const bus = new LaterBus();
  const world = new World({ bus });
  const subscriber = world.connect('s');
  subscriber.subscribe('#', { qos: 2 });
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 1, packetId: 1, payload: 'a' });
  publisher.publish('t', { qos: 2, packetId: 2, payload: 'b' });
  publisher.send({ type: 'pingreq' });
  publisher.take('pingresp');
  bus.waiting[1].take();
  await world.settle();
  assert.deepEqual(publisher.takeAll(), []);
  bus.waiting[0].take();
  await world.settle();
  assert.deepEqual(
    publisher.takeAll().map((packet) => packet.type),
    ['puback', 'pubrec'],
  );
  assert.deepEqual(subscriber.takePayloads().sort(), ['a', 'b']);
});

test('takes a QoS 2 message anew that the bus had failed to take, instead of calling it a repeat', async () => {
  const bus = new LaterBus();
  const world = new World({ bus });
  const publisher = world.connect('p', STORED);
  bus.fault = new Error('nobody there');
  publisher.publish('t', { qos: 2, packetId: 7 });
  await world.settle();
  assert.equal(publisher.isClosed, true);
  bus.fault = undefined;
  const again = world.connect('p', STORED);
  again.publish('t', { qos: 2, packetId: 7, dup: true });
  assert.deepEqual([again.takeAll(), bus.waiting.length], [[], 1]);
});

for (const isWanted of [true, false]) {
  test(`acknowledges a repeated QoS 2 message on a new connection as the first one, when the bus has taken that${isWanted ? '' : ' and nobody wants it'} [MQTT-4.3.3-10]`, async () => {
    const bus = new LaterBus();
    const world = new World({ bus });
    const subscriber = world.connect('s');
    if (isWanted) subscriber.subscribe('#', { qos: 2 });
    const first = world.connect('p', STORED);
    first.publish('t', { qos: 2, packetId: 7 });
    first.break();
    const second = world.connect('p', STORED);
    second.publish('t', { qos: 2, packetId: 7, dup: true });
    second.publish('t', { qos: 2, packetId: 7, dup: true });
    await world.settle();
    assert.deepEqual([second.takeAll(), bus.waiting.length], [[], 1]);
    bus.waiting[0].take();
    await world.settle();
    const reasonCode = isWanted ? 0 : 0x10;
    assert.deepEqual(
      second.takeAll(),
      [1, 2].map(() => ({ type: 'pubrec', packetId: 7, reasonCode, properties: {} })),
    );
    // From then on it is known to be taken.
    second.publish('t', { qos: 2, packetId: 7, dup: true });
    assert.equal(second.take('pubrec').reasonCode, 0);
    second.acknowledge('pubrel', 7);
    assert.equal(second.take('pubcomp').reasonCode, 0);
    assert.deepEqual([subscriber.takePayloads(), bus.waiting.length], [isWanted ? ['payload'] : [], 1]);
  });
}

test('refuses a repeated QoS 2 message with the first one where the bus fails to take that, and takes it anew afterwards', async () => {
  const bus = new LaterBus();
  const world = new World({ bus });
  const first = world.connect('p', STORED);
  first.publish('t', { qos: 2, packetId: 7 });
  first.break();
  const second = world.connect('p', STORED);
  second.publish('t', { qos: 2, packetId: 7, dup: true });
  bus.waiting[0].fail(new Error('nobody there'));
  await world.settle();
  assert.deepEqual(
    second.takeAll().map((packet) => packet.type),
    ['disconnect'],
  );
  assert.equal(second.isClosed, true);
  const third = world.connect('p', STORED);
  third.publish('t', { qos: 2, packetId: 7, dup: true });
  assert.deepEqual([third.takeAll(), bus.waiting.length], [[], 2]);
  bus.waiting[1].take();
  await world.settle();
  assert.equal(third.take('pubrec').packetId, 7);
});

test('counts what the bus has not taken against Receive Maximum, each message once', async () => {
  const bus = new LaterBus();
  const world = new World({ bus, limits: { receiveMaximum: 4 } });
  const publisher = world.connect('p');
  for (let i = 0; i < 4; i++) publisher.publish('t', { qos: 2 });
  assert.equal(publisher.isClosed, false);
  publisher.publish('t', { qos: 2 });
  assert.equal(publisher.take('disconnect').reasonCode, 0x93);
});
