/** What any transport must do to be a Wire: a test suite to run over each of them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Wire } from '../wire.ts';
import { Recorder } from './recorder.ts';

/** Two joined wires of the transport under test, neither of them open yet. */
export type MakeWires = () => Promise<readonly [Wire, Wire]>;

const KIB = 1024;
const MIB = 1024 * KIB;
/** More than any system buffers between two ends of a connection. */
const ENDLESS_BYTES = 64 * MIB;
const LIMIT = { timeout: 20_000 };

/** Declares the suite for one transport. */
export function describeWire(name: string, makeWires: MakeWires): void {
  describe(`a wire: ${name}`, () => {
    describeBytes(makeWires);
    describePressure(makeWires);
    describeEnd(makeWires);
    describeAnyOrder(makeWires);
  });
}

function describeBytes(makeWires: MakeWires): void {
  test('carries bytes in order, both ways at once, however they are cut', LIMIT, async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 200_000 })), {
      maxLength: 30,
    });
    const property = fc.asyncProperty(sizes, sizes, async (leftSizes, rightSizes) => {
      const [left, right] = await openBoth(makeWires);
      const sent = await Promise.all([sendAll(left, leftSizes), sendAll(right, rightSizes)]);
      await Promise.all([
        right.until(() => right.receivedBytes === sent[0].length),
        left.until(() => left.receivedBytes === sent[1].length),
      ]);
      assert.ok(right.bytes.equals(sent[0]) && left.bytes.equals(sent[1]));
      await closeBoth(left, right);
    });
    await fc.assert(property, { numRuns: 15 });
  });

  test('takes a megabyte in one write, both ways at once', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    const ones = pattern(MIB, 1);
    const twos = pattern(MIB, 2);
    left.call(() => left.wire.write(ones));
    right.call(() => right.wire.write(twos));
    await Promise.all([right.until(() => right.receivedBytes === MIB), left.until(() => left.receivedBytes === MIB)]);
    assert.ok(right.bytes.equals(ones) && left.bytes.equals(twos));
    await closeBoth(left, right);
  });

  test('reads nothing before it is opened, and loses nothing', LIMIT, async () => {
    const [leftWire, rightWire] = await makeWires();
    const left = Recorder.open(leftWire);
    left.call(() => leftWire.write(Buffer.from('early')));
    await turns(5);
    const right = Recorder.open(rightWire);
    await right.until(() => right.receivedBytes === 5);
    assert.equal(right.bytes.toString(), 'early');
    await closeBoth(left, right);
  });

  test('takes an empty write and sends nothing', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    assert.equal(
      left.call(() => left.wire.write(Buffer.alloc(0))),
      true,
    );
    await closeBoth(left, right);
    assert.equal(right.receivedBytes, 0);
  });
}

function describePressure(makeWires: MakeWires): void {
  test(
    'returns false and counts pending bytes when the peer does not read, and tells when they have left',
    LIMIT,
    async () => {
      const [left, right] = await openBoth(makeWires);
      right.call(() => right.wire.pause());
      await turns(5);
      const before = right.receivedBytes;
      assert.equal(left.wire.pendingBytes, 0);
      const sent = await fill(left);
      assert.ok(left.wire.pendingBytes > 0);
      assert.ok(left.wire.pendingBytes <= sent);
      const pending = left.wire.pendingBytes;
      for (const text of ['one', 'two', 'three']) {
        const taken = left.call(() => left.wire.write(Buffer.from(text)));
        assert.equal(taken, false);
      }
      assert.equal(left.wire.pendingBytes, pending + 11);
      await turns(5);
      assert.ok(!left.events.includes('drained'));
      right.call(() => right.wire.resume());
      await left.told('drained');
      assert.equal(left.wire.pendingBytes, 0);
      await right.until(() => right.receivedBytes === before + sent + 11);
      assert.equal(right.bytes.subarray(-11).toString(), 'onetwothree');
      await closeBoth(left, right);
    },
  );

  test('tells drained again after each time it was full', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    for (let round = 0; round < 3; round += 1) {
      right.call(() => right.wire.pause());
      await fill(left);
      right.call(() => right.wire.resume());
      await left.told('drained');
      assert.deepEqual(left.events.splice(0), ['drained']);
    }
    await closeBoth(left, right);
  });

  test('receives nothing while paused, also when paused while receiving', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    right.onReceived = () => right.wire.pause();
    left.call(() => left.wire.write(Buffer.from('one')));
    await right.until(() => right.receivedBytes > 0);
    const before = right.receivedBytes;
    left.call(() => left.wire.write(Buffer.from('two')));
    left.call(() => left.wire.write(Buffer.from('three')));
    await turns(10);
    assert.equal(right.receivedBytes, before);
    right.onReceived = () => {};
    right.call(() => right.wire.resume());
    await right.until(() => right.receivedBytes === 11);
    assert.equal(right.bytes.toString(), 'onetwothree');
    await closeBoth(left, right);
  });

  test('is destroyed with bytes pending for a peer that never reads', LIMIT, async () => {
    const [leftWire, rightWire] = await makeWires();
    const left = Recorder.open(leftWire);
    await fill(left);
    left.call(() => leftWire.destroy());
    assert.equal(leftWire.pendingBytes, 0);
    await left.told('closed');
    assert.deepEqual([left.events, left.error], [['closed'], undefined]);
    rightWire.destroy();
    await Recorder.open(rightWire).told('closed');
  });
}

function describeEnd(makeWires: MakeWires): void {
  test('delivers what was written before close, also to a peer that goes on sending', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    const talk = setInterval(() => right.wire.write(Buffer.alloc(10 * KIB)), 0);
    right.onEnded = () => {
      clearInterval(talk);
      right.wire.close();
    };
    await left.until(() => left.receivedBytes > 0);
    const last = pattern(MIB, 7);
    left.call(() => left.wire.write(last));
    left.call(() => left.wire.close());
    const atClose = left.receivedBytes;
    await Promise.all([left.told('closed'), right.told('closed')]);
    assert.ok(right.bytes.equals(last));
    assert.ok(right.events.includes('ended'));
    assert.equal(left.error, undefined);
    assert.equal(left.receivedBytes, atClose, 'received after close');
    assert.ok(!left.events.includes('ended'), 'ended after close');
  });

  test('delivers what waits behind a full system when it is closed', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    right.call(() => right.wire.pause());
    const sent = (await fill(left)) + 4;
    left.call(() => left.wire.write(Buffer.from('last')));
    left.call(() => left.wire.close());
    right.onEnded = () => right.wire.close();
    right.call(() => right.wire.resume());
    await Promise.all([left.told('closed'), right.told('closed')]);
    assert.equal(right.receivedBytes, sent);
    assert.equal(right.bytes.subarray(-4).toString(), 'last');
    assert.deepEqual([left.error, right.error], [undefined, undefined]);
  });

  test('tells ended and then closed, once each, when the peer closes', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    right.onEnded = () => {
      right.wire.close();
      right.wire.close();
    };
    left.call(() => left.wire.close());
    left.call(() => left.wire.close());
    await Promise.all([left.told('closed'), right.told('closed')]);
    await turns(5);
    assert.deepEqual([left.events, right.events], [['closed'], ['ended', 'closed']]);
    assert.deepEqual([left.error, right.error], [undefined, undefined]);
  });

  test('closes when both ends close at the same time', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    left.call(() => left.wire.close());
    right.call(() => right.wire.close());
    await Promise.all([left.told('closed'), right.told('closed')]);
    assert.deepEqual([left.events, right.events], [['closed'], ['closed']]);
    assert.deepEqual([left.error, right.error], [undefined, undefined]);
  });

  test('is destroyed at once, and every call afterwards is harmless', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    right.onEnded = () => right.wire.close();
    left.call(() => left.wire.destroy());
    const answers = left.call(() => {
      left.wire.destroy();
      left.wire.pause();
      left.wire.resume();
      left.wire.close();
      return [left.wire.write(Buffer.from('late')), left.wire.pendingBytes];
    });
    assert.deepEqual(answers, [true, 0]);
    await Promise.all([left.told('closed'), right.told('closed')]);
    await turns(5);
    assert.deepEqual([left.events, left.error], [['closed'], undefined]);
    assert.equal(right.receivedBytes, 0);
  });

  test('drops what is written after close', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    right.onEnded = () => right.wire.close();
    left.call(() => left.wire.write(Buffer.from('before')));
    left.call(() => left.wire.close());
    assert.equal(
      left.call(() => left.wire.write(Buffer.from('after'))),
      true,
    );
    await right.told('closed');
    assert.equal(right.bytes.toString(), 'before');
  });

  test('may be destroyed from inside received, and hears no more bytes', LIMIT, async () => {
    const [left, right] = await openBoth(makeWires);
    right.onReceived = () => right.wire.destroy();
    left.onEnded = () => left.wire.close();
    const bytes = pattern(MIB, 3);
    left.call(() => left.wire.write(bytes));
    await Promise.all([left.told('closed'), right.told('closed')]);
    assert.deepEqual(right.events, ['closed']);
    assert.ok(right.receivedBytes <= MIB);
  });

  test('tells closed to a handler that comes after destroy or close', LIMIT, async () => {
    const [leftWire, rightWire] = await makeWires();
    leftWire.destroy();
    rightWire.close();
    await turns(20);
    const left = Recorder.open(leftWire);
    const right = Recorder.open(rightWire);
    await Promise.all([left.told('closed'), right.told('closed')]);
    assert.deepEqual([left.events, right.events], [['closed'], ['closed']]);
  });
}

function describeAnyOrder(makeWires: MakeWires): void {
  const call = fc.record({
    left: fc.boolean(),
    verb: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom('write', 'turn', 'pause', 'resume') },
      { weight: 1, arbitrary: fc.constantFrom('close', 'destroy') },
    ),
    size: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 300_000 })),
  });

  test('keeps bytes in order and tells closed once, in whatever order it is called', LIMIT, async () => {
    const property = fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
      const [left, right] = await openBoth(makeWires);
      const sent = { left: [] as Buffer[], right: [] as Buffer[] };
      for (const [index, { left: isLeft, verb, size }] of calls.entries()) {
        const recorder = isLeft ? left : right;
        if (verb === 'turn') await turn();
        else if (verb !== 'write') recorder.call(() => recorder.wire[verb as 'pause']());
        else {
          const bytes = pattern(size, index);
          sent[isLeft ? 'left' : 'right'].push(bytes);
          recorder.call(() => recorder.wire.write(Buffer.from(bytes)));
        }
      }
      for (const recorder of [left, right]) {
        recorder.call(() => recorder.wire.resume());
        recorder.call(() => recorder.wire.close());
      }
      await Promise.all([left.told('closed'), right.told('closed')]);
      for (const [from, to] of [[sent.left, right] as const, [sent.right, left] as const]) {
        assert.ok(Buffer.concat(from).subarray(0, to.receivedBytes).equals(to.bytes));
        assert.equal(to.events.filter((event) => event === 'closed').length, 1);
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });
}

async function openBoth(makeWires: MakeWires): Promise<[Recorder, Recorder]> {
  const [left, right] = await makeWires();
  return [Recorder.open(left), Recorder.open(right)];
}

async function closeBoth(left: Recorder, right: Recorder): Promise<void> {
  left.call(() => left.wire.close());
  right.call(() => right.wire.close());
  await Promise.all([left.told('closed'), right.told('closed')]);
  assert.deepEqual([left.error, right.error], [undefined, undefined]);
}

/** Writes chunks of these sizes, spoiling each buffer as soon as it is the caller's again; returns what was sent. */
async function sendAll(recorder: Recorder, sizes: number[]): Promise<Buffer> {
  const sent: Buffer[] = [];
  for (const [index, size] of sizes.entries()) {
    const bytes = pattern(size, index);
    sent.push(Buffer.from(bytes));
    if (recorder.call(() => recorder.wire.write(bytes))) bytes.fill(0xff);
    if (index % 4 === 3) await turn();
  }
  return Buffer.concat(sent);
}

/**
 * Writes until the wire is full and stays so; returns how many bytes that took. A transport may take a moment to say
 * that the system has taken a write: `drained` is then forgotten, as the wire was never full.
 */
async function fill(recorder: Recorder): Promise<number> {
  for (let sent = 256 * KIB; sent <= ENDLESS_BYTES; sent += 256 * KIB) {
    const bytes = Buffer.alloc(256 * KIB, 5);
    if (recorder.call(() => recorder.wire.write(bytes))) continue;
    await turns(20);
    if (recorder.wire.pendingBytes > 0) return sent;
    recorder.events.splice(0);
  }
  return assert.fail('the wire took bytes without end');
}

function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + seed * 17 + (at >> 8)) & 0xff;
  return bytes;
}

async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await turn();
}
