import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectPacket } from '@dunlin/protocol';
import { AnonymousAuthenticator, NOBODY } from './anonymous.ts';

const connect: ConnectPacket = {
  type: 'connect',
  protocolVersion: 5,
  bridge: false,
  clientId: 'a',
  cleanStart: true,
  keepAlive: 0,
  username: 'Ada',
  password: Buffer.from('any'),
  properties: {},
};

test('accepts a client for ever, and gives it no name that nobody has checked', () => {
  const peer = { address: '127.0.0.1', port: 1 };
  const request = {
    peer,
    listener: 'tcp',
    connect,
    data: undefined,
    state: undefined,
    current: undefined,
    gone: new AbortController().signal,
  };
  assert.deepEqual(new AnonymousAuthenticator().authenticate(request), {
    kind: 'accept',
    principal: NOBODY,
  });
});

test('supports no Authentication Method [MQTT-4.12.0-1]', () => {
  assert.equal(new AnonymousAuthenticator().supports('SCRAM-SHA-256'), false);
});
