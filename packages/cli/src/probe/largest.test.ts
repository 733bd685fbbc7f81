import assert from 'node:assert/strict';
import { test } from 'node:test';
import { largest } from './largest.ts';

test('every bound from none to all is found', async () => {
  for (let limit = 4; limit <= 40; limit++) {
    const found = await largest(5, 40, async (value) => value <= limit);
    assert.deepEqual(found, { value: limit, isExact: limit < 40 }, String(limit));
  }
});

test('the search is by halving', async () => {
  let tries = 0;
  await largest(1, 1_000_000, async (value) => {
    tries += 1;
    return value <= 777_777;
  });
  assert.ok(tries <= 23, String(tries));
});

test('where nothing works two tries tell', async () => {
  const tried: number[] = [];
  const found = await largest(5, 1000, async (value) => {
    tried.push(value);
    return false;
  });
  assert.deepEqual([found, tried], [{ value: 4, isExact: true }, [1000, 5]]);
});

test('what breaks off keeps what was found, and without that tells why', async () => {
  const broken = new Error('over');
  let tries = 0;
  const found = await largest(1, 1000, async (value) => {
    tries += 1;
    if (tries > 4) throw broken;
    return value <= 600;
  });
  assert.deepEqual(found, { value: 500, isExact: false });
  await assert.rejects(
    largest(1, 10, () => Promise.reject(broken)),
    broken,
  );
});
