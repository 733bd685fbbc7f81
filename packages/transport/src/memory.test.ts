import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recorder } from './contract/recorder.ts';
import { describeWire } from './contract/wire.ts';
import { memoryPair } from './memory.ts';

describeWire('memory, with setImmediate', async () => memoryPair(setImmediate));
describeWire('memory, with queueMicrotask', async () => memoryPair(queueMicrotask));
describeWire('memory, cut into random chunks', async () =>
  memoryPair(setImmediate, { chunkBytes: (length) => 1 + Math.floor(Math.random() * length) }),
);

/** Turns that run only when the test says so. */
function handTurns(): { defer: (run: () => void) => void; run: () => number } {
  const waiting: (() => void)[] = [];
  return {
    defer: (run) => void waiting.push(run),
    run: () => {
      const due = waiting.splice(0);
      for (const run of due) run();
      return due.length;
    },
  };
}

test('a memory wire does everything in turns given by the caller', () => {
  const turns = handTurns();
  const [leftWire, rightWire] = memoryPair(turns.defer);
  const left = Recorder.open(leftWire);
  const right = Recorder.open(rightWire);
  leftWire.write(Buffer.from('one'));
  leftWire.close();
  assert.equal(right.receivedBytes, 0);
  assert.deepEqual(left.events, []);
  for (let round = 0; round < 10 && turns.run() > 0; round += 1);
  assert.equal(right.bytes.toString(), 'one');
  assert.deepEqual([left.events, right.events], [['closed'], ['ended', 'closed']]);
  assert.equal(turns.run(), 0);
});

test('a memory wire asks for no turn while nothing is to be done', () => {
  const turns = handTurns();
  const [leftWire, rightWire] = memoryPair(turns.defer);
  Recorder.open(leftWire);
  const right = Recorder.open(rightWire);
  for (let round = 0; round < 10 && turns.run() > 0; round += 1);
  rightWire.pause();
  leftWire.write(Buffer.from('one'));
  for (let round = 0; round < 10 && turns.run() > 0; round += 1);
  assert.equal(turns.run(), 0);
  assert.equal(right.receivedBytes, 0);
});

test('a memory wire copies what is written, also beyond the high-water mark', () => {
  const turns = handTurns();
  const [leftWire, rightWire] = memoryPair(turns.defer, { highWaterBytes: 2 });
  const right = Recorder.open(rightWire);
  const bytes = Buffer.from('abc');
  assert.equal(leftWire.write(bytes), false);
  assert.equal(leftWire.pendingBytes, 1);
  bytes.fill(0);
  turns.run();
  assert.equal(right.bytes.toString(), 'abc');
});

test('a memory wire that fails tells its error here and ECONNRESET there', () => {
  const turns = handTurns();
  const [leftWire, rightWire] = memoryPair(turns.defer);
  const left = Recorder.open(leftWire);
  const right = Recorder.open(rightWire);
  leftWire.write(Buffer.from('lost'));
  const error = new Error('cut');
  leftWire.fail(error);
  for (let round = 0; round < 10 && turns.run() > 0; round += 1);
  assert.deepEqual([left.events, right.events], [['closed'], ['closed']]);
  assert.equal(left.error, error);
  assert.equal((right.error as { code?: string }).code, 'ECONNRESET');
  assert.equal(right.receivedBytes, 0);
});

test('a memory wire says who is at the other end', () => {
  const [plain] = memoryPair(queueMicrotask);
  assert.deepEqual(plain.peer, { address: 'memory', port: 0 });
  const peers = [
    { address: 'server', port: 1 },
    { address: 'client', port: 2 },
  ] as const;
  const [left, right] = memoryPair(queueMicrotask, { peers });
  assert.deepEqual([left.peer, right.peer], peers);
});
