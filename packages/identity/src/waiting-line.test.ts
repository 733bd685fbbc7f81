import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TestClock } from './testing/clock.ts';
import { waitingLine } from './waiting-line.ts';

/** Work that ends when the test says so, and the order in which it began. */
function world() {
  const clock = new TestClock();
  const line = waitingLine({ clock, atOnceMax: 2, waitingMax: 2, patienceMs: 1000 });
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const run = (name: string) => {
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    return line.run(() => {
      begun.push(name);
      return end.promise;
    });
  };
  return {
    clock,
    begun,
    run,
    end: (name: string) => ends.get(name)?.resolve(name),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

test('no more goes on at once than may, and who waits comes in order', async () => {
  const { begun, run, end, clock } = world();
  const all = ['a', 'b', 'c', 'd'].map(run);
  await nextTurn();
  assert.deepEqual(begun, ['a', 'b']);
  end('b');
  await nextTurn();
  assert.deepEqual(begun, ['a', 'b', 'c']);
  for (const name of ['a', 'c', 'd']) end(name);
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
  assert.equal(clock.timers, 0);
});

test('who finds the line full, or waits too long, is told so', async () => {
  const { begun, run, end, clock } = world();
  const all = ['a', 'b', 'c', 'd', 'e'].map(run);
  assert.equal(await all[4], undefined);
  clock.pass(1000);
  assert.deepEqual([await all[2], await all[3]], [undefined, undefined]);
  end('a');
  await all[0];
  const later = run('f');
  end('f');
  assert.equal(await later, 'f');
  assert.deepEqual(begun, ['a', 'b', 'f']);
});

test('work that fails gives its place up too', async () => {
  const { run, end, fail } = world();
  const [a, b, c] = ['a', 'b', 'c'].map(run);
  await nextTurn();
  fail('a');
  await assert.rejects(a, /a/);
  end('c');
  assert.equal(await c, 'c');
  end('b');
  await b;
});
