import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBrokerUrl } from './broker-url.ts';

test('server, credentials and topic are read', () => {
  assert.deepEqual(readBrokerUrl('mqtt://host/a/#'), { host: 'host', topic: 'a/#' });
  assert.deepEqual(readBrokerUrl('mqtt://u:p%40s%3A@10.0.0.1:1884/a b%20'), {
    host: '10.0.0.1',
    port: 1884,
    username: 'u',
    password: 'p@s:',
    topic: 'a b%20',
  });
  assert.deepEqual(readBrokerUrl('mqtt://u@[::1]:5//x'), { host: '::1', port: 5, username: 'u', topic: '/x' });
  assert.deepEqual(readBrokerUrl('mqtt://host'), { host: 'host' });
  assert.deepEqual(readBrokerUrl('mqtt://:p@host/'), { host: 'host', username: '', password: 'p' });
});

test('what cannot be is refused, and no password repeated', () => {
  const wrong = [
    'host/a',
    'mqtt://',
    'mqtt:///a',
    'mqtts://u:secret@host/a',
    'mqtt://u:secret@host:0/a',
    'mqtt://u:secret%@host/a',
    'mqtt://u:secret@host:99999/a',
  ];
  for (const url of wrong) {
    assert.throws(
      () => readBrokerUrl(url),
      (error: Error) => /^Cannot use the URL/.test(error.message) && !error.message.includes('secret'),
      url,
    );
  }
});
