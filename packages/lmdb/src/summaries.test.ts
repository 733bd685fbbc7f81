import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { Key, SessionPart } from './keys.ts';
import { Summaries } from './summaries.ts';
import { newDirectory } from './testing/directory.ts';
import { entry, message } from './testing/writes.ts';
import { decodeSummary } from './values.ts';

function open(): Database {
  const directory = newDirectory();
  mkdirSync(directory);
  return new Database({ path: dataFile(directory), flush: false, mapBytes: 1024 ** 2 });
}

const said = message('a');

test('writes one summary for each session a batch touched, and finds it again', async () => {
  const database = open();
  const summaries = new Summaries(database);
  let puts = 0;
  for (const session of [1, 2]) summaries.load(session);
  await database.transaction((transaction) => {
    summaries.create(1);
    for (let position = 1; position <= 100; position++) summaries.add(1, entry(position, said));
    summaries.remove(1, entry(7, said));
    summaries.flush({
      ...transaction,
      put: (...put) => {
        puts += 1;
        transaction.put(...put);
      },
    });
  });
  assert.equal(puts, 1);
  const value = database.get(new Key().sessionPart(1, SessionPart.summary)) as Buffer;
  assert.deepEqual(decodeSummary(value), { messages: 99, bytes: 99 * said.heldBytes, shares: 0, lastPosition: 100 });
  const later = new Summaries(database);
  later.load(1);
  later.load(2);
  assert.deepEqual([later.has(1), later.has(2), later.has(3)], [true, false, false]);
  await database.close();
});

test('takes nothing for a session that is not there, or gone', async () => {
  const database = open();
  const summaries = new Summaries(database);
  summaries.load(1);
  assert.equal(summaries.add(1, entry(1, said)), false);
  summaries.create(1);
  assert.equal(summaries.add(1, entry(1, said)), true);
  summaries.delete(1);
  assert.equal(summaries.remove(1, entry(1, said)), false);
  await database.transaction((transaction) => summaries.flush(transaction));
  assert.equal(database.get(new Key().sessionPart(1, SessionPart.summary)), undefined);
  await database.close();
});

test('never counts below nothing', async () => {
  const database = open();
  const summaries = new Summaries(database);
  summaries.load(1);
  summaries.create(1);
  summaries.remove(1, { ...entry(1, said), share: 's' });
  await database.transaction((transaction) => summaries.flush(transaction));
  const value = database.get(new Key().sessionPart(1, SessionPart.summary)) as Buffer;
  assert.deepEqual(decodeSummary(value), { messages: 0, bytes: 0, shares: 0, lastPosition: 0 });
  await database.close();
});
