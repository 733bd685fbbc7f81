import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError, type MqttErrorDetails } from './errors.ts';
import { mayRetry, referredTo } from './retry-verdict.ts';

const error = (code: MqttError['code'], reasonCode?: number) => new MqttError(code, 'x', { reasonCode });

test('refusals that stay as they are end the client; others are tried again', () => {
  const lasting = [0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x90, 0x95, 0x99, 0x9a, 0x9b];
  for (let code = 0x80; code <= 0xa2; code++) {
    assert.equal(mayRetry(error('refused', code), false), !lasting.includes(code), code.toString(16));
  }
});

test('credentials that are asked for anew may be better the next time', () => {
  for (const code of [0x86, 0x87]) assert.equal(mayRetry(error('refused', code), true), true);
  assert.equal(mayRetry(error('refused', 0x84), true), false);
});

test('a session taken over is left to the other client; every other DISCONNECT passes', () => {
  assert.equal(mayRetry(error('server-disconnected', 0x8e), false), false);
  for (const code of [0x8b, 0x98, 0x87]) assert.equal(mayRetry(error('server-disconnected', code), false), true);
});

test('what comes from outside passes; mistakes and faults of the server do not', () => {
  const passing = ['connection-failed', 'connection-lost', 'timed-out', 'not-loaded', 'tls'] as const;
  for (const code of [...passing, 'malformed-packet', 'packet-too-large'] as const) {
    assert.equal(mayRetry(error(code), false), true);
  }
  for (const code of ['invalid', 'protocol-error', 'outbox-failed', 'not-supported'] as const) {
    assert.equal(mayRetry(error(code), true), false);
  }
});

test('a reference is a host with or without a port, and the first of several; anything else is not followed', () => {
  const url = new URL('mqtts://user:secret@one:8883/path');
  const by = (serverReference: string | undefined, reasonCode = 0x9c) => {
    const packet: MqttErrorDetails['packet'] = {
      type: 'disconnect',
      reasonCode,
      properties: serverReference === undefined ? {} : { serverReference },
    };
    return referredTo(new MqttError('server-disconnected', 'x', { reasonCode, packet }), url);
  };
  assert.equal(String(by('two')?.url), 'mqtts://user:secret@two/path');
  assert.equal(by('two:99 three')?.url.host, 'two:99');
  assert.equal(by('[2001:db8::1]:99')?.url.host, '[2001:db8::1]:99');
  assert.deepEqual([by('two', 0x9c)?.isForGood, by('two', 0x9d)?.isForGood], [false, true]);
  for (const bad of ['', undefined, 'mqtt://two', 'user@two', 'two/path', 'two?x', 'two:123456', ' two', 'a\nb']) {
    assert.equal(by(bad), undefined, bad);
  }
  assert.equal(by('two', 0x8b), undefined);
});
