import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkPool } from './chunks.ts';

test('puts values into one chunk until it is full', () => {
  const values = new ChunkPool().open();
  const first = values.room(1_000);
  first.used += 1_000;
  assert.equal(values.room(100_000), first);
  first.used += 100_000;
  assert.notEqual(values.room(200_000), first);
});

test('gives what is too large a chunk of its own, and goes on in the former', () => {
  const values = new ChunkPool().open();
  const first = values.room(10);
  first.used += 10;
  const large = values.room(1_000_000);
  assert.equal(large.bytes.length, 1_000_000);
  assert.equal(values.room(10), first);
});

test('uses chunks again once their transaction is over, not before', () => {
  const pool = new ChunkPool();
  const [a, b] = [pool.open(), pool.open()];
  const first = a.room(10);
  first.used = 10;
  assert.notEqual(b.room(10), first);
  a.release();
  const again = pool.open().room(10);
  assert.equal(again, first);
  assert.equal(again.used, 0);
});
