import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from './contract/samples.ts';
import type { Retained } from './ports.ts';
import { OneTopic, RetainedWalk } from './retained-walk.ts';

function retained(topic: string): Retained {
  return { message: sampleMessage(topic), sequence: 1 };
}

test('reads nothing before it is ready, and stays ready from then on', () => {
  let isReady = false;
  let begun = 0;
  const begin = () => {
    begun += 1;
    return new OneTopic(() => retained('a'));
  };
  const walk = new RetainedWalk(
    begin,
    () => isReady,
    (found) => found,
  );
  assert.deepEqual([walk.next(5), walk.isReady, walk.isDone, begun], [undefined, false, false, 0]);
  isReady = true;
  assert.equal(walk.next(5)?.message.topic.name, 'a');
  isReady = false;
  assert.deepEqual([walk.isReady, walk.isDone, begun], [true, true, 1]);
});

test('passes over what is not current', () => {
  const walk = new RetainedWalk(
    () => new OneTopic(() => retained('a')),
    () => true,
    () => undefined,
  );
  assert.deepEqual([walk.next(5), walk.isDone], [undefined, true]);
});

test('a filter without a wildcard is looked up once', () => {
  let reads = 0;
  const one = new OneTopic(() => {
    reads += 1;
    return undefined;
  });
  assert.deepEqual([one.isDone, one.next(), one.isDone, one.next(), reads], [false, undefined, true, undefined, 1]);
});

test('passes a pause on, once it reads', () => {
  let pauses = 0;
  const cursor = { isDone: false, next: () => undefined, pause: () => (pauses += 1) };
  const walk = new RetainedWalk(
    () => cursor,
    () => true,
    (found) => found,
  );
  walk.pause();
  walk.next(5);
  walk.pause();
  assert.equal(pauses, 1);
});
