import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetainedWriter, retainedOf } from '@dunlin/broker/contract/store';
import { openEnvironment } from './testing/directory.ts';
import { dequeue, enqueue, everything, message, putSession, putSubscription } from './testing/writes.ts';

const LONGEST = 65_535;

/** Texts of 65,535 bytes that differ only at their end, in ASCII and beyond. */
const texts = ['1', '2', '3'].flatMap((end) => ['a/', 'ä'].map((part) => longest(part, end)));

function longest(part: string, end: string): string {
  const partBytes = Buffer.byteLength(part);
  const text = part.repeat(Math.floor((LONGEST - 1) / partBytes));
  return text + 'x'.repeat(LONGEST - Buffer.byteLength(text) - 1) + end;
}

for (const [name, textHash] of [
  ['hashes that differ', undefined],
  ['one hash', () => Buffer.alloc(16)],
] as const)
  test(`stores, finds and deletes topics, filters and client identifiers of 65,535 bytes (${name})`, async () => {
    const options = textHash === undefined ? {} : { textHash };
    const environment = await openEnvironment(options);
    const { store, directory } = environment;
    assert.ok(texts.every((text) => Buffer.byteLength(text) === LONGEST));
    const writer = new RetainedWriter();
    const queued = texts.map((text) => message(text, 'queued'));
    await store.commit([
      ...texts.map((text, index) => putSession(index + 1, text)),
      ...texts.map((text, index) => putSubscription(1, text, index + 1)),
      ...texts.map((text) => writer.put(text, text.slice(-1))),
      ...queued.map((said, index) => enqueue(1, index + 1, said)),
      // Twice in one batch: the later one counts.
      putSubscription(1, texts[0], 99),
      writer.put(texts[5], 'again'),
    ]);
    const again = async () => {
      const sessions = await everything(store.sessions());
      const subscriptions = sessions[0].subscriptions.map(({ filter, identifier }) => [filter, identifier]);
      const retained = retainedOf(store);
      const queue = (await store.queue(1, 0, 100)).map((one) => one.message.topic.name);
      return { clientIds: sessions.map(({ record }) => record.clientId), subscriptions, retained, queue };
    };
    const found = await again();
    assert.deepEqual(found.clientIds, texts);
    assert.deepEqual(
      found.subscriptions.sort(byFirst),
      texts.map((text, index) => [text, index === 0 ? 99 : index + 1]).sort(byFirst),
    );
    assert.deepEqual(
      found.retained.sort(byFirst),
      texts.map((text, index) => [text, index === 5 ? 'again' : text.slice(-1)]).sort(byFirst),
    );
    assert.deepEqual(found.queue, texts);
    await store.commit([
      { op: 'deleteSubscription', session: 1, filter: texts[2] },
      writer.delete(texts[3]),
      ...queued.slice(1).map((said, index) => dequeue(1, index + 2, said)),
      ...texts.slice(1).map((_, index) => ({ op: 'deleteSession' as const, session: index + 2 })),
    ]);
    const left = await again();
    assert.deepEqual(left.clientIds, [texts[0]]);
    assert.equal(left.subscriptions.length, texts.length - 1);
    assert.ok(!left.subscriptions.some(([filter]) => filter === texts[2]));
    assert.equal(left.retained.length, texts.length - 1);
    assert.deepEqual(left.queue, [texts[0]]);
    await store.commit([
      ...texts.map((filter) => ({ op: 'deleteSubscription' as const, session: 1, filter })),
      ...[...writer.byTopic.keys()].map((topic) => writer.delete(topic)),
    ]);
    assert.deepEqual([(await again()).subscriptions, (await again()).retained], [[], []]);
    assert.deepEqual((await environment.check()).problems, []);
    await environment.close();
    await openEnvironment({ directory, ...options });
  });

function byFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}
