import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as browser from './browser.ts';
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
