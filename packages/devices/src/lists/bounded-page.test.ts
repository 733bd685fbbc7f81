import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { boundedPage, LOOKS_MAX } from './bounded-page.ts';

const ROWS = 20_000;

async function rows(): Promise<MemoryTable<number>> {
  const table = new MemoryTable<number>({ name: 'numbers', indexes: {} });
  for (let n = 0; n < ROWS; n++) await table.put(String(n).padStart(5, '0'), n);
  return table;
}

const table = await rows();

/** Pages of the numbers that fit, with how often others had a turn and how many were looked at in between at the most. */
function pagesOf(isFit: (n: number) => boolean, limit?: number) {
  const clock = new TestClock();
  let [pauses, looks, sincePause, longest] = [0, 0, 0, 0];
  const told = { endOfTurn: (run: () => void) => clock.endOfTurn(run) };
  told.endOfTurn = (run) => {
    pauses += 1;
    sincePause = 0;
    clock.endOfTurn(run);
  };
  const next = (cursor: string | undefined) => {
    sincePause = 0;
    return boundedPage<number, number>({
      ...{ clock: told, index: 'n', cursor, limit },
      scan: (most, at) => table.scan({ limit: most, ...(at !== undefined && { cursor: at }) }),
      look({ value }) {
        looks += 1;
        sincePause += 1;
        longest = Math.max(longest, sincePause);
        return isFit(value) ? value : undefined;
      },
    });
  };
  return { next, facts: () => ({ pauses, looks, longest }) };
}

test('a page that finds few ends after so many looks, says so, and others had their turn in pieces', async () => {
  const { next, facts } = pagesOf((n) => n === 12_345);
  const found: number[] = [];
  let cursor: string | undefined;
  let early = 0;
  do {
    const before = facts().looks;
    const page = await next(cursor);
    assert.ok(facts().looks - before <= LOOKS_MAX);
    found.push(...page.items);
    if (page.endedEarly) early += 1;
    assert.equal(page.endedEarly, page.cursor !== undefined);
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual([found, facts().looks], [[12_345], ROWS]);
  assert.equal(early, ROWS / LOOKS_MAX - 1);
  assert.ok(facts().longest <= 500 && facts().pauses >= 40, JSON.stringify(facts()));
});

test('a page that is full, and the last one, did not end early; none is longer than asked for', async () => {
  const { next } = pagesOf((n) => n % 1_000 === 0, 3);
  const pages: number[][] = [];
  let cursor: string | undefined;
  do {
    const page = await next(cursor);
    assert.equal(page.endedEarly, page.items.length < 3 && page.cursor !== undefined);
    pages.push([...page.items]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(
    pages.flat(),
    Array.from({ length: 20 }, (_, n) => n * 1_000),
  );
  assert.ok(pages.every(({ length }) => length <= 3));
});

test('a small page looks at as many as a large one', async () => {
  for (const limit of [1, 3, 1_000]) {
    const { next, facts } = pagesOf((n) => n === LOOKS_MAX - 1, limit);
    const page = await next(undefined);
    assert.deepEqual([page.items, facts().looks], [[LOOKS_MAX - 1], LOOKS_MAX]);
  }
});

test('refuses a limit that is none, and a cursor of another list', async () => {
  await assert.rejects(pagesOf(() => true, 0).next(undefined), { code: 'invalid' });
  const forged = Buffer.from(JSON.stringify(['m', 'x'])).toString('base64url');
  await assert.rejects(pagesOf(() => true).next(forged), { code: 'cursor-invalid' });
});
