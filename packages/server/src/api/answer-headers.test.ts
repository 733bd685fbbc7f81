import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestIds } from './answer-headers.ts';

test('ids of requests are unlike one another, also those of another start', () => {
  const [one, other] = [requestIds(), requestIds()];
  const ids = [one(), one(), other(), other()];
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[\da-f]{12}-\d+$/);
});
