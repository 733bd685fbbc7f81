import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { Key } from './keys.ts';
import { formatOf, readMeta, writeMeta } from './meta.ts';
import { newDirectory } from './testing/directory.ts';

test('keeps items by name, and says which one cannot be read', async () => {
  const directory = newDirectory();
  mkdirSync(directory);
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: 1024 ** 2 });
  assert.equal(readMeta(database, 'run'), undefined);
  assert.equal(formatOf(database).isEmpty, true);
  await writeMeta(database, 'run', { isClean: true });
  await formatOf(database).write(7);
  assert.deepEqual(readMeta(database, 'run'), { isClean: true });
  const { version, isEmpty } = formatOf(database);
  assert.deepEqual([version, isEmpty], [7, false]);
  await database.transaction((transaction) => {
    const chunk = transaction.room(1);
    chunk.bytes.set([0x7b], chunk.used);
    chunk.start = chunk.used;
    chunk.used += 1;
    chunk.end = chunk.used;
    transaction.put(new Key().meta('run'), chunk);
  });
  assert.throws(() => readMeta(database, 'run'), { code: 'damaged', message: /its item "run" is not JSON/ });
  await database.close();
});
