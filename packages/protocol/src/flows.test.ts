/** Both halves of QoS 1 and QoS 2 against each other, over connections that break at any point. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReceiverFlow } from './receiver-flow.ts';
import { SenderFlow } from './sender-flow.ts';

interface Wire {
  type: 'publish' | 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  id: number;
  qos: 1 | 2;
  message: number;
  isDup: boolean;
  reasonCode: number;
}

const RECEIVE_MAXIMUM = 4;
/** Messages that the receiver refuses. */
const isRefused = (message: number): boolean => message % 7 === 3;

/** A sender and a receiver with sessions that outlive the connection between them. */
class World {
  readonly sender = new SenderFlow<number>(RECEIVE_MAXIMUM);
  readonly receiver = new ReceiverFlow();
  readonly delivered: number[] = [];
  readonly published: number[] = [];
  readonly settled: number[] = [];
  readonly waiting: { message: number; qos: 1 | 2 }[] = [];
  toReceiver: Wire[] = [];
  toSender: Wire[] = [];
  #messages = 0;
  #latestId = 0;

  publish(qos: 1 | 2): void {
    const message = this.#messages++;
    this.published.push(message);
    this.waiting.push({ message, qos });
    this.pump();
  }

  pump(): void {
    while (this.waiting.length > 0 && this.sender.hasQuota()) {
      const { message, qos } = this.waiting.shift()!;
      do this.#latestId += 1;
      while (this.sender.get(this.#latestId) !== undefined);
      const id = this.#latestId;
      this.sender.open(id, qos, message);
      this.#send({ type: 'publish', id, qos, message });
    }
    assert.ok(this.sender.size <= RECEIVE_MAXIMUM, 'the window is kept');
  }

  /** What was under way is lost; a new connection begins with what is to be sent again. */
  reconnect(): void {
    this.toReceiver = [];
    this.toSender = [];
    this.sender.resume(RECEIVE_MAXIMUM);
    for (const { id, qos, state, item } of this.sender.entries()) {
      if (state === 'released') this.#send({ type: 'pubrel', id });
      else this.#send({ type: 'publish', id, qos, message: item, isDup: true });
    }
  }

  receiverStep(): void {
    const packet = this.toReceiver.shift();
    if (packet === undefined) return;
    const { id, qos, message } = packet;
    const reasonCode = isRefused(message) ? 0x87 : 0;
    if (packet.type === 'pubrel') {
      this.#answer({ type: 'pubcomp', id, reasonCode: this.receiver.release(id) ? 0 : 0x92 });
    } else if (qos === 1) {
      if (reasonCode === 0) this.delivered.push(message);
      this.#answer({ type: 'puback', id, reasonCode });
    } else {
      const isNew = this.receiver.receive(id) === 'new';
      assert.ok(this.receiver.size <= RECEIVE_MAXIMUM, 'the receiver sees no more than it allowed');
      if (reasonCode >= 0x80) this.receiver.refuse(id);
      else if (isNew) this.delivered.push(message);
      this.#answer({ type: 'pubrec', id, reasonCode });
    }
  }

  senderStep(): void {
    const packet = this.toSender.shift();
    if (packet === undefined) return;
    const { type, id, reasonCode } = packet;
    let settled: number | undefined;
    if (type === 'puback') settled = this.sender.puback(id);
    else if (type === 'pubcomp') settled = this.sender.pubcomp(id);
    else {
      const item = this.sender.get(id);
      const step = this.sender.pubrec(id, reasonCode);
      if (step === 'release') this.#send({ type: 'pubrel', id });
      if (step === 'done') settled = item;
    }
    if (settled !== undefined) this.settled.push(settled);
    this.pump();
  }

  /** A connection that holds to the end. */
  finish(): void {
    this.reconnect();
    this.pump();
    for (let step = 0; step < 10_000 && (this.toReceiver.length > 0 || this.toSender.length > 0); step++) {
      this.receiverStep();
      this.senderStep();
    }
    assert.equal(this.waiting.length, 0);
    assert.equal(this.sender.size, 0);
    assert.equal(this.receiver.size, 0);
  }

  #send(packet: Pick<Wire, 'type' | 'id'> & Partial<Wire>): void {
    this.toReceiver.push({ qos: 2, message: -1, isDup: false, reasonCode: 0, ...packet });
  }
  #answer(packet: Pick<Wire, 'type' | 'id' | 'reasonCode'>): void {
    this.toSender.push({ qos: 2, message: -1, isDup: false, ...packet });
  }
}

type Step = 'publish' | 'receiver' | 'sender' | 'reconnect';
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>('publish') },
    { weight: 6, arbitrary: fc.constant<Step>('receiver') },
    { weight: 6, arbitrary: fc.constant<Step>('sender') },
    { weight: 1, arbitrary: fc.constant<Step>('reconnect') },
  ),
  { maxLength: 200 },
);

function run(sequence: readonly Step[], qosOf: (index: number) => 1 | 2): World {
  const world = new World();
  for (const [index, step] of sequence.entries()) {
    if (step === 'publish') world.publish(qosOf(index));
    else if (step === 'receiver') world.receiverStep();
    else if (step === 'sender') world.senderStep();
    else world.reconnect();
  }
  world.finish();
  return world;
}

test('QoS 2 delivers each message once and in order over breaking connections [MQTT-4.3.3-10] [MQTT-4.6.0-1]', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const world = run(sequence, () => 2);
      assert.deepEqual(
        world.delivered,
        world.published.filter((message) => !isRefused(message)),
      );
      assert.deepEqual(
        world.settled.sort((a, b) => a - b),
        world.published,
      );
    }),
    { numRuns: 300 },
  );
});

test('QoS 1 delivers each message at least once, first copies in order [MQTT-4.3.2-3] [MQTT-4.6.0-1]', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const world = run(sequence, () => 1);
      assert.deepEqual(
        [...new Set(world.delivered)],
        world.published.filter((message) => !isRefused(message)),
      );
      assert.deepEqual(world.settled, world.published);
    }),
    { numRuns: 200 },
  );
});

test('QoS 1 and 2 mixed share the window and the identifiers, and QoS 2 stays exactly once [MQTT-4.9.0-2]', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const qosOfMessage = new Map<number, 1 | 2>();
      let count = 0;
      const world = run(sequence, (index) => {
        const qos = index % 3 === 0 ? 1 : 2;
        qosOfMessage.set(count++, qos);
        return qos;
      });
      for (const message of world.published.filter((each) => !isRefused(each))) {
        const copies = world.delivered.filter((other) => other === message).length;
        if (qosOfMessage.get(message) === 2) assert.equal(copies, 1);
        else assert.ok(copies >= 1);
      }
      assert.deepEqual(
        [...new Set(world.settled)].sort((a, b) => a - b),
        world.published,
      );
    }),
    { numRuns: 200 },
  );
});
