import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GUESS_WINDOW_MS, resolveClaimLimits } from '../limits/claim-limits.ts';
import { TestClock } from '../testing/clock.ts';
import { WrongCodes } from './wrong-codes.ts';

const limits = resolveClaimLimits({ wrongCodesPerOwnerMax: 2, wrongCodesPerAddressMax: 3, wrongCodesMax: 5 });

test('an owner, an address and all together enter so many wrong codes an hour', () => {
  const clock = new TestClock();
  const wrong = new WrongCodes(clock, limits);
  const take = (owner: string, address?: string) => wrong.take({ owner, address });
  assert.deepEqual([take('ada', 'a'), take('ada', 'b'), take('ada', 'c')], [true, true, false]);
  assert.deepEqual([take('bob', 'a'), take('cem', 'a'), take('dan', 'a')], [true, true, false]);
  assert.deepEqual([take('eve', 'd'), take('fay', 'd')], [true, false]);
  clock.pass(GUESS_WINDOW_MS);
  assert.equal(take('ada', 'a'), true);
});

test('a right code costs nobody anything, and a refused one costs the others nothing', () => {
  const wrong = new WrongCodes(new TestClock(), limits);
  for (let time = 0; time < 10; time += 1) {
    assert.equal(wrong.take({ owner: 'ada', address: 'a' }), true);
    wrong.giveBack({ owner: 'ada', address: 'a' });
  }
  for (let time = 0; time < 10; time += 1) wrong.take({ owner: 'ada', address: 'a' });
  assert.equal(wrong.take({ owner: 'bob', address: 'a' }), true);
});

test('owners of a program are not counted by its address', () => {
  const wrong = new WrongCodes(new TestClock(), limits);
  for (const owner of ['a', 'b', 'c', 'd', 'e']) assert.equal(wrong.take({ owner, address: undefined }), true);
});
