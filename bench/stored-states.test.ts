import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLmdb } from '@dunlin/lmdb';
import { clientIdOf, retainedTopicOf, type StoredState, scaled, writeState } from './stored-states.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-states-'));
after(() => rmSync(folder, { recursive: true, force: true }));
async function everything<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const state: StoredState = { title: '', sessions: 3, queuedEach: 4, retained: 2 };

test('writes sessions, their queues and retained messages as a server finds them', async () => {
  await writeState(folder, state);
  const environment = await openLmdb({ directory: join(folder, 'data'), durability: 'process' });
  const { store } = environment;
  const sessions = await everything(store.sessions());
  assert.deepEqual(
    sessions.map(({ record, queue, subscriptions }) => [record.clientId, queue.messages, subscriptions.length]),
    [1, 2, 3].map((number) => [clientIdOf(number), 4, 1]),
  );
  assert.deepEqual(
    [0, 1, 2].map((number) => store.retained?.get(retainedTopicOf(number))?.message.topic.name),
    [retainedTopicOf(0), retainedTopicOf(1), undefined],
  );
  assert.deepEqual((await environment.check()).problems, []);
  await environment.close();
});

test('scales to a part that is never nothing of what there was, nor something of what was not', () => {
  assert.deepEqual(scaled({ ...state, sessions: 1000, retained: 0 }, 0.01), { ...state, sessions: 10, retained: 0 });
  assert.equal(scaled(state, 0.01).sessions, 1);
});
