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
      'Cannot connect to "mqtt://broker:1883": a browser has WebSocket only, use wss://broker/mqtt or ws:',
    ],
    ['wss://broker', { tls: { rejectUnauthorized: false } }, /certificates are the browser's own, not of options\.tls/],
  ] as const) {
    await assert.rejects(browser.connect(url, options), { code: 'invalid', message });
  }
});
