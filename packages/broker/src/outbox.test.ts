import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Wire } from '@dunlin/transport';
import fc from 'fast-check';
import { createMetrics } from './metrics.ts';
import { BufferPool, Outbox } from './outbox.ts';

/** A wire that keeps what it is given, by copy or, while it is blocked, by reference as a socket does. */
class FakeWire implements Wire {
  readonly peer = { address: 'fake', port: 0 };
  isBlocked = false;
  writes = 0;
  readonly #taken: Buffer[] = [];
  #kept: Buffer[] = [];

  get pendingBytes(): number {
    return this.#kept.reduce((sum, bytes) => sum + bytes.length, 0);
  }
  write(bytes: Buffer): boolean {
    this.writes += 1;
    if (this.isBlocked) this.#kept.push(bytes);
    else this.#taken.push(Buffer.from(bytes));
    return !this.isBlocked;
  }
  /** Takes what was kept as it is now. */
  unblock(): void {
    this.isBlocked = false;
    for (const bytes of this.#kept) this.#taken.push(Buffer.from(bytes));
    this.#kept = [];
  }
  get sent(): Buffer {
    return Buffer.concat(this.#taken);
  }
  open(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  destroy(): void {}
}

function make(): { wire: FakeWire; pool: BufferPool; outbox: Outbox } {
  const wire = new FakeWire();
  const pool = new BufferPool(createMetrics());
  return { wire, pool, outbox: new Outbox(wire, pool) };
}

test('gathers what is appended in a turn and writes it once', () => {
  const { wire, pool, outbox } = make();
  for (const text of ['a', 'bc', 'def']) outbox.append(Buffer.from(text));
  assert.deepEqual([wire.writes, outbox.unsentBytes], [0, 6]);
  outbox.flush();
  assert.deepEqual(
    [wire.writes, wire.sent.toString(), outbox.unsentBytes, pool.metrics.bytesSent],
    [1, 'abcdef', 0, 6],
  );
  outbox.flush();
  assert.equal(wire.writes, 1);
});

test('hands over all that waits before the wire closes, busy or not', () => {
  const { wire, pool, outbox } = make();
  wire.isBlocked = true;
  for (const text of ['a', 'b', 'c']) {
    outbox.append(Buffer.from(text));
    outbox.flush();
    outbox.reference(Buffer.from(text.toUpperCase()));
  }
  outbox.append(Buffer.from('end'));
  outbox.finish();
  wire.unblock();
  assert.deepEqual([wire.sent.toString(), pool.waitingBytes, pool.metrics.bytesSent], ['aAbBcCend', 0, 9]);
});

test('owns no buffer between turns', () => {
  const { outbox } = make();
  outbox.append(Buffer.from('a'));
  assert.notEqual(outbox.buffer, undefined);
  outbox.flush();
  assert.equal(outbox.buffer, undefined);
});

test('uses a buffer again that the wire has taken, and says that its bytes are not to be trusted any more', () => {
  const { pool, outbox } = make();
  outbox.append(Buffer.from('a'));
  const { buffer } = outbox;
  const before = pool.recycled;
  outbox.flush();
  assert.ok(pool.recycled > before);
  outbox.append(Buffer.from('b'));
  assert.equal(outbox.buffer, buffer);
});

test('leaves a buffer alone that the wire keeps, until it has drained', () => {
  const { wire, outbox } = make();
  wire.isBlocked = true;
  outbox.append(Buffer.from('first'));
  const lent = outbox.buffer;
  outbox.flush();
  assert.equal(outbox.isBlocked, true);
  outbox.append(Buffer.from('second'));
  assert.notEqual(outbox.buffer, lent);
  outbox.flush();
  assert.equal(outbox.unsentBytes, 11);
  wire.unblock();
  outbox.drained();
  assert.deepEqual([wire.sent.toString(), outbox.isBlocked, outbox.unsentBytes], ['firstsecond', false, 0]);
});

test('counts what waits for all wires, and takes back what was dropped', () => {
  const { wire, pool, outbox } = make();
  wire.isBlocked = true;
  for (let i = 0; i < 5; i++) outbox.append(Buffer.alloc(30_000));
  outbox.flush();
  assert.ok(pool.waitingBytes > 0);
  assert.equal(outbox.unsentBytes, 150_000);
  outbox.drop();
  assert.deepEqual([pool.waitingBytes, outbox.isBlocked, outbox.length], [0, false, 0]);
});

test('blocks again where the wire takes only some of what waited', () => {
  const { wire, pool, outbox } = make();
  wire.isBlocked = true;
  for (const letter of 'abcd') outbox.append(Buffer.alloc(30_000, letter));
  outbox.flush();
  wire.unblock();
  wire.isBlocked = true;
  outbox.drained();
  assert.equal(outbox.isBlocked, true);
  wire.unblock();
  outbox.drained();
  assert.deepEqual([wire.sent.length, outbox.unsentBytes, pool.waitingBytes], [120_000, 0, 0]);
});

test('sends all bytes once and in order, whatever is appended, referenced, blocked and drained', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('append' as const), size: fc.oneof(fc.nat(40), fc.nat(70_000)) }),
    fc.record({ do: fc.constant('reference' as const), size: fc.integer({ min: 1, max: 20_000 }) }),
    fc.record({ do: fc.constantFrom('flush' as const, 'block' as const, 'drain' as const), size: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { wire, pool, outbox } = make();
      const expected: Buffer[] = [];
      for (const [i, one] of steps.entries()) {
        if (one.do === 'append' || one.do === 'reference') {
          const bytes = Buffer.alloc(one.size, String.fromCharCode(97 + (i % 26)));
          expected.push(bytes);
          if (one.do === 'append') outbox.append(bytes);
          else outbox.reference(bytes);
        } else if (one.do === 'flush') outbox.flush();
        else if (one.do === 'block') wire.isBlocked = true;
        else if (wire.isBlocked) {
          wire.unblock();
          if (outbox.isBlocked) outbox.drained();
        }
        // Whoever takes a buffer of the pool writes over it.
        const other = pool.take(100);
        other.fill(0);
        pool.give(other);
        const large = pool.take(30_000);
        large.fill(0);
        pool.give(large);
      }
      for (let i = 0; i < 100 && outbox.unsentBytes > 0; i++) {
        wire.unblock();
        if (outbox.isBlocked) outbox.drained();
        outbox.flush();
      }
      const whole = Buffer.concat(expected);
      assert.ok(wire.sent.equals(whole), `${wire.sent.length} of ${whole.length} bytes`);
      assert.deepEqual([pool.waitingBytes, pool.metrics.bytesSent], [0, whole.length]);
    }),
    { numRuns: 150 },
  );
});
