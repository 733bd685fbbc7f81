import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FullLoad, PacedLoad } from './load.ts';
import { Meter } from './meter.ts';
import type { Publisher } from './publisher.ts';

/** Takes so many messages. */
class FakePublisher {
  room: number;
  published = 0;

  constructor(room: number) {
    this.room = room;
  }

  publish(countMax: number): number {
    const count = Math.min(countMax, this.room, 10);
    this.room -= count;
    this.published += count;
    return count;
  }
}

const publishers = (...rooms: number[]): FakePublisher[] => rooms.map((room) => new FakePublisher(room));
const real = (fakes: FakePublisher[]): Publisher[] => fakes as unknown as Publisher[];
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('a full load fills every window, in turns, and again when there is room', async () => {
  const load = new FullLoad();
  const fakes = publishers(25, 5);
  load.start(real(fakes));
  await turns(6);
  assert.deepEqual([fakes[0].published, fakes[1].published], [25, 5]);
  fakes[1].room = 3;
  load.ready(real(fakes)[1]);
  await turns(2);
  assert.equal(fakes[1].published, 8);
  load.stop();
  fakes[1].room = 3;
  load.ready(real(fakes)[1]);
  await turns(2);
  assert.equal(fakes[1].published, 8);
});

test('a paced load publishes what is due, in turn, and makes up for what found no room', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const meter = new Meter();
  meter.isMeasuring = true;
  const load = new PacedLoad(100, meter, () => nowMs);
  const fakes = publishers(100, 2);
  load.start(real(fakes));
  nowMs = 60;
  t.mock.timers.tick(1);
  assert.deepEqual([fakes[0].published, fakes[1].published], [4, 2]);
  // All are full: what is due waits, and then counts as late.
  fakes[0].room = 0;
  nowMs = 100;
  t.mock.timers.tick(1);
  nowMs = 160;
  fakes[0].room = 1;
  t.mock.timers.tick(1);
  assert.equal(fakes[0].published, 5);
  assert.equal(meter.lag.quantile(1), 100_000);
  load.stop();
  fakes[0].room = 100;
  nowMs = 1000;
  t.mock.timers.tick(1);
  assert.equal(fakes[0].published, 5);
});
