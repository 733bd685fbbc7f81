import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBrokerUrl, shownUrl } from './broker-url.ts';

test('server, credentials and topic are read', () => {
  const scheme = 'mqtt';
  assert.deepEqual(readBrokerUrl('mqtt://host/a/#'), { scheme, host: 'host', topic: 'a/#' });
  assert.deepEqual(readBrokerUrl('mqtt://u:p%40s%3A@10.0.0.1:1884/a b%20'), {
    scheme,
    host: '10.0.0.1',
    port: 1884,
    username: 'u',
    password: 'p@s:',
    topic: 'a b%20',
  });
  assert.deepEqual(readBrokerUrl('mqtt://u@[::1]:5//x'), { scheme, host: '::1', port: 5, username: 'u', topic: '/x' });
  assert.deepEqual(readBrokerUrl('mqtt://host'), { scheme, host: 'host' });
  assert.deepEqual(readBrokerUrl('mqtt://:p@host/'), { scheme, host: 'host', username: '', password: 'p' });
});

test('every transport has its scheme; a WebSocket and a Unix socket have a path where others have a topic', () => {
  assert.deepEqual(readBrokerUrl('mqtts://h/t'), { scheme: 'mqtts', host: 'h', topic: 't' });
  assert.deepEqual(readBrokerUrl('ws://u:p@h:8080/a/mqtt?x=1'), {
    scheme: 'ws',
    host: 'h',
    port: 8080,
    username: 'u',
    password: 'p',
    path: '/a/mqtt?x=1',
  });
  assert.deepEqual(readBrokerUrl('wss://h'), { scheme: 'wss', host: 'h' });
  assert.deepEqual(readBrokerUrl('mqtt+unix://u@/run/mqtt.sock'), {
    scheme: 'mqtt+unix',
    host: '',
    username: 'u',
    path: '/run/mqtt.sock',
  });
});

test('what cannot be is refused, and no password repeated', () => {
  const wrong = [
    'host/a',
    'mqtt://',
    'mqtt:///a',
    'http://u:secret@host/a',
    'mqtt+unix://u:secret@host/run/s',
    'mqtt+unix://',
    'ws:///path',
    'mqtt://u:secret@host:0/a',
    'mqtt://u:secret%@host/a',
    'mqtt://u:secret@host:99999/a',
    'mqtt://u:a/secret@host/a',
    'mqtt://u:a@secret@host/a',
    'mqtt://u:secret',
    'mqtt:u:secret@host',
    'u:secret@host',
    'MQTT://u:secret@host',
    'ws://host:0/mqtt?token=secret',
  ];
  for (const url of wrong) {
    assert.throws(
      () => readBrokerUrl(url),
      (error: Error) => /^Cannot use the URL/.test(error.message) && !error.message.includes('secret'),
      url,
    );
  }
});

test('a URL is shown without its secrets', () => {
  assert.equal(shownUrl('wss://u:p@h:1/mqtt?token=t'), 'wss://u:(hidden)@h:1/mqtt?(hidden)');
  assert.equal(shownUrl('mqtt://h:1/a@b?c'), 'mqtt://h:1/a@b?c');
  assert.equal(shownUrl('mqtt://u:p/q@h'), 'mqtt://(hidden)@h');
  assert.equal(shownUrl('mqtt://u:p'), 'mqtt://u:(hidden)');
  assert.equal(shownUrl('host/a'), 'host/a');
});
