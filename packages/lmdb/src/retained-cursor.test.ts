import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOf, RetainedWriter } from '@dunlin/broker/contract/store';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { Key, retainedKey, textHash } from './keys.ts';
import { openEnvironment } from './testing/directory.ts';
import { encodePresence } from './values.ts';

test('walks over more than a page holds, large messages too', async () => {
  const { store } = await openEnvironment();
  const writer = new RetainedWriter();
  const topics = Array.from({ length: 1_200 }, (_, index) => `t/${String(index).padStart(5, '0')}`);
  await store.commit(topics.map((topic) => writer.put(topic, 'x'.repeat(20_000))));
  assert.deepEqual(
    allOf(store.retained.cursor('#')).map(([topic]) => topic),
    topics,
  );
});

test('finds topics that are cut in their keys by what was cut off, and nothing else that shares it', async () => {
  for (const textHash of [undefined, () => Buffer.alloc(16)]) {
    const { store } = await openEnvironment(textHash && { textHash });
    const writer = new RetainedWriter();
    const long = 'x'.repeat(1_500);
    await store.commit(['y', 'z', 'z/y'].map((end) => writer.put(`a/${long}/${end}`, end)));
    for (const filter of ['a/+/z', `a/${long}/+`, `a/${long}/z/#`, '+/+/+/#', 'a/+/x'])
      assert.deepEqual(
        allOf(store.retained.cursor(filter)).map(([topic]) => topic),
        writer.matching(filter),
        filter.slice(0, 10),
      );
  }
});

test('goes past what lies under topics that do not match without looking at it', async () => {
  const { store } = await openEnvironment();
  const writer = new RetainedWriter();
  const names = ['a', 'b', 'c'];
  await store.commit(names.flatMap((name) => Array.from({ length: 2_000 }, (_, i) => writer.put(`${name}/${i}/deep`))));
  await store.commit(names.map((name) => writer.put(`${name}/x`)));
  const cursor = store.retained.cursor('+/x');
  const found: string[] = [];
  let looks = 0;
  for (; !cursor.isDone; looks += 16) {
    const retained = cursor.next(16);
    if (retained !== undefined) found.push(retained.message.topic.name);
  }
  assert.deepEqual(found, ['a/x', 'b/x', 'c/x']);
  assert.ok(looks < 200, `${looks} looks at 6,003 topics`);
});

test('reads again what was changed after its page was read', async () => {
  const { store } = await openEnvironment();
  const writer = new RetainedWriter();
  const topics = ['a', 'b', 'c', 'd', 'e'];
  await store.commit(topics.map((topic) => writer.put(topic, 'old')));
  const cursor = store.retained.cursor('+');
  assert.equal(cursor.next(100)?.message.topic.name, 'a');
  await store.commit([writer.put('b', 'new'), writer.delete('c'), writer.put('bb', 'more'), writer.put('a', 'new')]);
  assert.deepEqual(allOf(cursor), [
    ['b', 'new'],
    ['bb', 'more'],
    ['d', 'old'],
    ['e', 'old'],
  ]);
});

test('names the key of a value that it cannot read', async () => {
  const environment = await openEnvironment();
  const { directory } = environment;
  const writer = new RetainedWriter();
  await environment.store.commit([writer.put('a/b'), writer.put('a/c')]);
  await environment.close();
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: 1024 ** 2 });
  const key = retainedKey(new Key(), Buffer.from('a/b'), 0, textHash);
  await database.transaction((transaction) => transaction.put(key, encodePresence(transaction)));
  await database.close();
  const { store } = await openEnvironment({ directory });
  const expected = {
    code: 'damaged',
    message: /^Cannot read retained "a\\u0000b": it ends after 1 bytes.*restore a backup$/,
  };
  assert.throws(() => store.retained.cursor('a/+').next(10), expected);
  assert.throws(() => store.retained.get('a/b'), expected);
});
