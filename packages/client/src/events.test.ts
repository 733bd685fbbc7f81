import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Listeners } from './events.ts';

type Events = { said: (text: string, count: number) => void };

test('listeners are told in order, once each, until they are taken away', () => {
  const listeners = new Listeners<Events>();
  const told: string[] = [];
  const first = (text: string): void => void told.push(`1 ${text}`);
  const off = listeners.on('said', first);
  listeners.on('said', first);
  const offSecond = listeners.on('said', (text, count) => void told.push(`2 ${text} ${count}`));
  listeners.emit('said', 'a', 5);
  off();
  off();
  listeners.emit('said', 'b', 6);
  assert.deepEqual(told, ['1 a', '2 a 5', '2 b 6']);
  assert.equal(listeners.has('said'), true);
  offSecond();
  assert.equal(listeners.has('said'), false);
});

test('a listener may take itself away while it is told', () => {
  const listeners = new Listeners<{ said: () => void }>();
  let count = 0;
  const off = listeners.on('said', () => {
    count += 1;
    off();
  });
  listeners.on('said', () => {
    count += 1;
  });
  listeners.emit('said');
  listeners.emit('said');
  assert.equal(count, 3);
});
