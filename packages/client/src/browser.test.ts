import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as browser from './browser.ts';
import { debugNames } from './environment-browser.ts';
import * as node from './index.ts';

test('browsers get the same names as Node', () => {
  assert.deepEqual(Object.keys(browser).sort(), Object.keys(node).sort());
});

test('what a browser cannot do says what can be done instead', async () => {
  for (const [url, options, message] of [
    [
      'mqtt://broker:1883',
      {},
      'Cannot connect to "mqtt://broker:1883": a browser has WebSocket only, expected a URL such as wss://broker/mqtt',
    ],
    ['wss://broker', { tls: { rejectUnauthorized: false } }, /a browser has certificates of its own, not those of tls/],
  ] as const) {
    await assert.rejects(browser.connect(url, options), { code: 'invalid', message });
  }
});

test('a page names in its storage what shall log; where it is denied that, nothing does', () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  const storage = (get: () => unknown) =>
    Object.defineProperty(globalThis, 'localStorage', { get, configurable: true });
  storage(() => ({ debug: 'dunlin:*' }));
  assert.equal(debugNames(), 'dunlin:*');
  storage(() => undefined);
  assert.equal(debugNames(), undefined);
  storage(() => {
    throw new Error('denied');
  });
  assert.equal(debugNames(), undefined);
  if (before === undefined) Reflect.deleteProperty(globalThis, 'localStorage');
  else Object.defineProperty(globalThis, 'localStorage', before);
});
