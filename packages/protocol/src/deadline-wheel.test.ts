import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadlineWheel } from './deadline-wheel.ts';

class Item {
  readonly name: string;
  deadlineMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

const START_MS = 1_795_000_000_123;

function swept(wheel: DeadlineWheel<Item>, nowMs: number): string[] {
  const names: string[] = [];
  wheel.sweep(nowMs, (item) => {
    names.push(item.name);
    return 0;
  });
  return names.sort();
}

test('calls an item once, not before its deadline', () => {
  const wheel = new DeadlineWheel<Item>(100, 8);
  wheel.schedule(new Item('a'), START_MS + 250);
  wheel.schedule(new Item('b'), START_MS + 251);
  assert.equal(wheel.size, 2);
  assert.deepEqual(swept(wheel, START_MS + 249), []);
  assert.deepEqual(swept(wheel, START_MS + 250), ['a']);
  assert.deepEqual(swept(wheel, START_MS + 251), ['b']);
  assert.deepEqual(swept(wheel, START_MS + 9999), []);
  assert.equal(wheel.size, 0);
});

test('passes over a deadline that is turns of the wheel away', () => {
  const wheel = new DeadlineWheel<Item>(10, 4);
  wheel.schedule(new Item('far'), START_MS + 1000);
  for (let now = START_MS; now < START_MS + 1000; now += 7) assert.deepEqual(swept(wheel, now), []);
  assert.deepEqual(swept(wheel, START_MS + 1000), ['far']);
});

test('asks the owner, who may have moved the deadline without telling', () => {
  const wheel = new DeadlineWheel<Item>(10, 16);
  const item = new Item('connection');
  const realMs = START_MS + 500;
  let asked = 0;
  const ask = (nowMs: number): void => {
    wheel.sweep(nowMs, () => {
      asked++;
      return nowMs < realMs ? realMs : 0;
    });
  };
  wheel.schedule(item, START_MS + 100);
  for (let now = START_MS; now < realMs; now += 10) ask(now);
  assert.equal(asked, 1);
  assert.equal(item.deadlineMs, realMs);
  ask(realMs);
  assert.equal(asked, 2);
  assert.equal(wheel.size, 0);
  assert.equal(item.deadlineMs, 0);
});

test('moves and cancels a deadline', () => {
  const wheel = new DeadlineWheel<Item>(10, 16);
  const [a, b] = [new Item('a'), new Item('b')];
  wheel.schedule(a, START_MS + 50);
  wheel.schedule(b, START_MS + 50);
  wheel.schedule(a, START_MS + 20);
  wheel.schedule(a, START_MS + 30);
  assert.equal(wheel.size, 2);
  wheel.cancel(b);
  wheel.cancel(b);
  assert.equal(wheel.size, 1);
  assert.deepEqual(swept(wheel, START_MS + 29), []);
  assert.deepEqual(swept(wheel, START_MS + 60), ['a']);
});

test('calls everything that is due once after a jump of the clock', () => {
  const wheel = new DeadlineWheel<Item>(10, 4);
  for (let index = 0; index < 100; index++) wheel.schedule(new Item(`${index}`), START_MS + index * 13);
  assert.equal(swept(wheel, START_MS + 86_400_000).length, 100);
  assert.equal(wheel.size, 0);
});

test('goes on at the earlier time when the clock goes back', () => {
  const wheel = new DeadlineWheel<Item>(10, 16);
  swept(wheel, START_MS);
  wheel.schedule(new Item('before'), START_MS + 100);
  const backMs = START_MS - 3_600_000;
  wheel.schedule(new Item('past'), backMs - 5);
  wheel.schedule(new Item('soon'), backMs + 25);
  assert.deepEqual(swept(wheel, backMs), ['past']);
  wheel.schedule(new Item('later'), backMs + 35);
  assert.deepEqual(swept(wheel, backMs + 24), []);
  assert.deepEqual(swept(wheel, backMs + 35), ['later', 'soon']);
  assert.deepEqual(swept(wheel, START_MS + 99), []);
  assert.deepEqual(swept(wheel, START_MS + 100), ['before']);
});

test('calls what a callback schedules into the past with the next sweep', () => {
  const wheel = new DeadlineWheel<Item>(10, 16);
  const [a, b] = [new Item('a'), new Item('b')];
  swept(wheel, START_MS);
  wheel.schedule(a, START_MS + 40);
  const called: string[] = [];
  const due = (item: Item): number => {
    called.push(item.name);
    if (item === a && called.length === 1) {
      wheel.schedule(b, START_MS + 5);
      return START_MS + 1;
    }
    return 0;
  };
  wheel.sweep(START_MS + 90, due);
  assert.deepEqual(called, ['a']);
  wheel.sweep(START_MS + 91, due);
  assert.deepEqual(called.sort(), ['a', 'a', 'b']);
  assert.equal(wheel.size, 0);
});

test('does not call an item that an earlier callback of the same sweep cancelled or moved', () => {
  const wheel = new DeadlineWheel<Item>(10, 16);
  const items = ['a', 'b', 'c'].map((name) => new Item(name));
  for (const item of items) wheel.schedule(item, START_MS);
  const called: string[] = [];
  wheel.sweep(START_MS, (item) => {
    called.push(item.name);
    const [first, second] = items.filter((other) => other !== item);
    wheel.cancel(first);
    wheel.schedule(second, START_MS + 1000);
    return 0;
  });
  assert.equal(called.length, 1);
  assert.equal(wheel.size, 1);
});

test('loses no deadline when a callback throws', () => {
  const wheel = new DeadlineWheel<Item>(10, 64);
  for (const [index, name] of ['a', 'b', 'c'].entries()) wheel.schedule(new Item(name), START_MS + index * 100);
  let failed = '';
  const fail = (item: Item): number => {
    failed = item.name;
    throw new Error('broken');
  };
  assert.throws(() => wheel.sweep(START_MS + 500, fail), /broken/);
  assert.deepEqual([...swept(wheel, START_MS + 501), failed].sort(), ['a', 'b', 'c']);
});

test('behaves as a sorted list of deadlines, through moves, jumps and a clock that goes back', () => {
  const step = fc.oneof(
    fc.record({
      type: fc.constant('schedule' as const),
      item: fc.nat(7),
      byMs: fc.integer({ min: -60, max: 400 }),
    }),
    fc.record({ type: fc.constant('cancel' as const), item: fc.nat(7), byMs: fc.constant(0) }),
    fc.record({
      type: fc.constant('sweep' as const),
      item: fc.nat(7),
      byMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -100, max: 2000 })),
    }),
  );
  const shape = fc.record({ slotMs: fc.constantFrom(1, 7, 25), slots: fc.constantFrom(1, 2, 5, 16) });
  fc.assert(
    fc.property(shape, fc.array(step, { maxLength: 80 }), ({ slotMs, slots }, sequence) => {
      const wheel = new DeadlineWheel<Item>(slotMs, slots);
      const items = Array.from({ length: 8 }, (_, index) => new Item(`${index}`));
      const deadlines = new Map<Item, number>();
      let now = 1000;
      for (const { type, item: index, byMs } of sequence) {
        const item = items[index];
        if (type === 'schedule') {
          wheel.schedule(item, now + byMs);
          deadlines.set(item, Math.max(1, now + byMs));
        } else if (type === 'cancel') {
          wheel.cancel(item);
          deadlines.delete(item);
        } else {
          now = Math.max(1, now + byMs);
          const expected = items.filter((other) => (deadlines.get(other) ?? Number.POSITIVE_INFINITY) <= now);
          const called: Item[] = [];
          wheel.sweep(now, (due) => {
            called.push(due);
            deadlines.delete(due);
            if (due !== item) return 0;
            deadlines.set(due, now + 30);
            return now + 30;
          });
          assert.deepEqual(
            called.map(({ name }) => name).sort(),
            expected.map(({ name }) => name),
          );
        }
        assert.equal(wheel.size, deadlines.size);
      }
    }),
    { numRuns: 500 },
  );
});

/** What a callback does with its own item and with another. */
interface Reaction {
  readonly returned: number | undefined;
  readonly own: number | undefined;
  readonly type: 'none' | 'cancel' | 'schedule';
  readonly other: number;
  readonly byMs: number;
  readonly isThrown: boolean;
}

const reaction: fc.Arbitrary<Reaction> = fc.record({
  returned: fc.option(fc.integer({ min: -200, max: 2000 }), { nil: undefined }),
  own: fc.option(fc.integer({ min: -200, max: 2000 }), { nil: undefined, freq: 1 }),
  type: fc.constantFrom('none', 'cancel', 'schedule'),
  other: fc.nat(5),
  byMs: fc.integer({ min: -200, max: 800 }),
  isThrown: fc.nat(9).map((number) => number === 0),
});

test('keeps to a plain list while callbacks move, cancel and throw, and calls everything in the end', () => {
  const turn = fc.record({
    byMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -1000, max: 4000 })),
    scheduled: fc.array(fc.tuple(fc.nat(5), fc.integer({ min: -500, max: 3000 })), { maxLength: 4 }),
    reactions: fc.array(reaction, { minLength: 6, maxLength: 6 }),
  });
  const shape = fc.record({ slotMs: fc.integer({ min: 1, max: 40 }), slots: fc.integer({ min: 1, max: 12 }) });
  fc.assert(
    fc.property(shape, fc.array(turn, { maxLength: 25 }), ({ slotMs, slots }, turns) => {
      const wheel = new DeadlineWheel<Item>(slotMs, slots);
      const items = Array.from({ length: 6 }, (_, index) => new Item(`${index}`));
      const deadlines = new Map<Item, number>();
      const schedule = (item: Item, atMs: number): void => {
        wheel.schedule(item, atMs);
        deadlines.set(item, Math.max(1, atMs));
      };
      let now = 1000;
      for (const { byMs, scheduled, reactions } of turns) {
        for (const [index, inMs] of scheduled) schedule(items[index], now + inMs);
        now = Math.max(1, now + byMs);
        const untouched = new Set(items.filter((item) => (deadlines.get(item) ?? Number.POSITIVE_INFINITY) <= now));
        const react = (item: Item): number => {
          assert.ok((deadlines.get(item) ?? Number.POSITIVE_INFINITY) <= now, 'neither early nor cancelled');
          deadlines.delete(item);
          untouched.delete(item);
          const { returned, own, type, other, byMs: otherMs, isThrown } = reactions[items.indexOf(item)];
          if (type !== 'none') untouched.delete(items[other]);
          if (type === 'schedule') schedule(items[other], now + otherMs);
          if (type === 'cancel') {
            wheel.cancel(items[other]);
            deadlines.delete(items[other]);
          }
          if (own !== undefined) schedule(item, now + own);
          if (isThrown) {
            untouched.clear();
            throw new RangeError('of the callback');
          }
          if (returned === undefined) return 0;
          const next = Math.max(1, now + returned);
          if (!deadlines.has(item)) deadlines.set(item, Math.max(next, now + 1));
          return next;
        };
        try {
          wheel.sweep(now, react);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
        assert.equal(untouched.size, 0, 'every item that is due is called');
        assert.equal(wheel.size, deadlines.size);
        for (const item of items) assert.equal(item.deadlineMs, deadlines.get(item) ?? 0);
      }
      assert.equal(swept(wheel, Math.max(now, ...deadlines.values())).length, deadlines.size);
      assert.equal(wheel.size, 0);
    }),
    { numRuns: 500 },
  );
});
