import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { serverAddress } from './server-url.ts';

test('host, port and credentials are read, with defaults', () => {
  assert.deepEqual(serverAddress('mqtt://localhost'), { scheme: 'mqtt', host: 'localhost', port: 1883 });
  assert.deepEqual(serverAddress('tcp://10.0.0.1:1884'), { scheme: 'mqtt', host: '10.0.0.1', port: 1884 });
  assert.deepEqual(serverAddress(new URL('mqtt://u%2f:p%40@[::1]:5')), {
    scheme: 'mqtt',
    host: '::1',
    port: 5,
    username: 'u/',
    password: 'p@',
  });
});

test('what cannot be is refused without a password in the text', () => {
  for (const url of ['', 'localhost:1883', 'mqtt://', 'mqtt://u:secret@', 'http://a', 'mqtts://a', 'mqtt://u:%zz@a']) {
    assert.throws(
      () => serverAddress(url),
      (error) => error instanceof MqttError && error.code === 'invalid' && !error.message.includes('secret'),
      url,
    );
  }
});
