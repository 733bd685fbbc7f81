import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEnvironment } from './testing/directory.ts';
import { everything, putSession, putSubscription } from './testing/writes.ts';

test('walks over more sessions than a page holds, in order, whatever is written meanwhile', async () => {
  const { store } = await openEnvironment();
  const numbers = Array.from({ length: 2_000 }, (_, index) => index + 1);
  await store.commit(numbers.flatMap((number) => [putSession(number), putSubscription(number, `filter/${number}`)]));
  const seen: number[] = [];
  for await (const { record, subscriptions } of store.sessions()) {
    if (record.number === 300) await store.commit([{ op: 'deleteSession', session: 1_500 }, putSession(3_000)]);
    assert.deepEqual(
      subscriptions.map(({ filter }) => filter),
      [`filter/${record.number}`],
    );
    seen.push(record.number);
  }
  assert.deepEqual(seen, numbers);
  assert.equal((await everything(store.sessions())).length, 2_000);
});
