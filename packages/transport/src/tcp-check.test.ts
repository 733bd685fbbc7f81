import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LIMIT } from './contract/tcp.ts';
import { handlesWork } from './tcp-check.ts';

test('finds that raw handles work here, and leaves nothing open', LIMIT, async () => {
  const before = process.getActiveResourcesInfo().length;
  assert.equal(await handlesWork(), true);
  for (let turns = 0; turns < 100 && process.getActiveResourcesInfo().length > before; turns += 1) await turn();
  assert.ok(process.getActiveResourcesInfo().length <= before);
});
