import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostOf, schemeOf, webSocketUrl } from './server-url.ts';

test('scheme and host come without what belongs to the form of a URL', () => {
  assert.equal(schemeOf(new URL('mqtt+unix:///run/dunlin.sock')), 'mqtt+unix');
  assert.equal(hostOf(new URL('mqtt://broker.example:1')), 'broker.example');
  assert.equal(hostOf(new URL('mqtts://[::1]')), '::1');
  assert.throws(() => hostOf(new URL('mqtt:///path')), { code: 'invalid', message: /it has no host/ });
});

test('a WebSocket is opened at /mqtt where no path is said, and never with a password in its URL', () => {
  assert.equal(webSocketUrl(new URL('ws://broker')), 'ws://broker/mqtt');
  assert.equal(webSocketUrl(new URL('wss://user:secret@broker:8084/a/b?c=d#e')), 'wss://broker:8084/a/b?c=d');
});
