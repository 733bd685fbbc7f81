import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import type { DeviceEvent } from '../events.ts';
import { TestClock } from '../testing/clock.ts';
import type { StoredToken, StoredTokens } from './stored-tokens.ts';
import { TokenUses } from './token-uses.ts';

const token: StoredToken = { id: 't1', label: '', createdAtMs: 1, hash: 'x' };

async function setUp() {
  const table = new MemoryTable<StoredTokens>({ name: 'device-tokens', indexes: {} });
  await table.put('d1', { generation: 'g', tokens: [token, { ...token, id: 't2' }] });
  const told: DeviceEvent[] = [];
  const clock = new TestClock();
  const uses = new TokenUses(table, clock, (event) => void told.push(event));
  const used = () => table.get('d1')?.value.tokens.map(({ lastUsedAtMs }) => lastUsedAtMs);
  return { table, told, uses, used, clock };
}

test('writes the last of the uses that came together, and leaves other tokens alone', async () => {
  const { uses, used } = await setUp();
  uses.note('d1', 't1', 5);
  uses.note('d1', 't1', 7);
  await uses.write();
  assert.deepEqual(used(), [7, undefined]);
});

test('writes them after ten seconds, and has a timer only until then', async () => {
  const { uses, used, clock } = await setUp();
  assert.equal(clock.timers, 0);
  uses.note('d1', 't1', 5);
  await clock.passInTurns(9_999);
  assert.deepEqual(used(), [undefined, undefined]);
  await clock.passInTurns(1);
  assert.deepEqual([used(), clock.timers], [[5, undefined], 0]);
});

test('writes nothing of a token or device that is gone', async () => {
  const { table, uses, used, told } = await setUp();
  uses.note('d1', 't3', 5);
  uses.note('d2', 't1', 5);
  await uses.write();
  assert.deepEqual([used(), table.get('d2'), told], [[undefined, undefined], undefined, []]);
});

test('gives way to whoever changes the tokens at the same time', async () => {
  const { table, uses, told } = await setUp();
  const get = table.get.bind(table);
  table.get = (key) => {
    const record = get(key);
    void table.put('d1', { generation: 'g', tokens: [token] });
    return record;
  };
  uses.note('d1', 't2', 5);
  await uses.write();
  assert.deepEqual([get('d1')?.value.tokens, told], [[token], []]);
});

test('tells of what could not be written', async () => {
  const { table, uses, told } = await setUp();
  table.put = () => Promise.reject(new Error('no room'));
  uses.note('d1', 't1', 5);
  await uses.write();
  assert.deepEqual(told, [{ name: 'deviceServiceFailed', error: 'Error: no room' }]);
});
