import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MqttError } from './errors.ts';
import { checkNames, type NameKind } from './known-names.ts';
import { connect, createClient } from './node.ts';

const CASES: readonly (readonly [NameKind, string, RegExp])[] = [
  ['option', 'keepalive', /^Cannot use the option "keepalive": there is none, did you mean keepAlive\?$/],
  ['option', 'clean', /did you mean cleanStart\?$/],
  ['option', 'reconnectPeriod', /did you mean reconnect: \{ minMs, maxMs \}\?$/],
  ['option', 'toString', /: there is none, expected one of clientId, /],
  ['event', 'connect', /^Cannot use the event "connect": there is none, did you mean connected\?$/],
  ['event', 'packetsent', /did you mean packetSent\?$/],
  ['publish', 'retian', /^Cannot use the option "retian" of publish: there is none, did you mean retain\?$/],
  ['subscribe', 'rap', /did you mean retainAsPublished\?$/],
  ['filter', 'topic', /^Cannot use the option "topic" of filter: there is none, did you mean filter\?$/],
  ['reconnect', 'minM', /did you mean minMs\?$/],
  ['tls', 'rejectUnauthorised', /did you mean rejectUnauthorized\?$/],
  ['will', 'x', /: there is none, expected one of topic, payload, qos, retain, properties$/],
  ['publish', '\u001b[2J', /Cannot use the option "\\u001b\[2J" of publish/],
];

for (const [kind, name, message] of CASES) {
  test(`the ${kind} ${name} is refused with what may be meant`, () => {
    assert.throws(() => checkNames(kind, { [name]: 1 }), { code: 'invalid', message });
  });
}

test('in Node unknown options and events are refused where they are given, undefined ones are not looked at', async () => {
  const options = { keepalive: 5 } as object;
  assert.throws(() => createClient('mqtt://localhost', options), { code: 'invalid' });
  await assert.rejects(connect('mqtt://localhost', options), { code: 'invalid' });
  assert.throws(() => createClient('mqtt://localhost', { on: { connect: () => {} } as object }), { code: 'invalid' });
  const client = createClient('mqtt://localhost', { keepalive: undefined, on: { state: () => {} } } as object);
  assert.throws(() => client.on('connect' as 'connected', () => {}), { code: 'invalid' });
  client.on('connected', () => {});
});

test('options of options are looked at when the client is made, those of a function for TLS at the attempt', async () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ will: { topic: 'a', retian: true } }, /"retian" of will: there is none, did you mean retain\?/],
    [{ reconnect: { maxMS: 5 } }, /"maxMS" of reconnect: there is none, did you mean maxMs\?/],
    [{ outbox: { maxMessages: 5 } }, /"maxMessages" of outbox: there is none, expected one of messagesMax, /],
    [{ tls: { serverName: 'a' } }, /"serverName" of tls: there is none, did you mean servername\?/],
    [{ authentication: { method: 'x', verfiy: () => {} } }, /"verfiy" of authentication: .* did you mean verify\?/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => createClient('mqtts://localhost', options), { code: 'invalid', message });
  }
  createClient('mqtt://localhost', { reconnect: false, will: undefined, outbox: { bytesMax: undefined } });
  const tls = () => ({ serverName: 'a' }) as object;
  await assert.rejects(connect('mqtts://localhost', { tls }), { code: 'invalid', message: /"serverName" of tls/ });
});

test('what is no object or no function where one is expected is refused by name, and what it is instead is never shown', async () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ will: null }, 'the option "will": found null, an object is expected'],
    [{ will: { topic: 'a', properties: null } }, 'the option "properties" of will: found null, an object is expected'],
    [{ authentication: 'secret' }, 'the option "authentication": found a string, an object is expected'],
    [
      { authentication: { method: 'x', respond: {} } },
      '"respond" of authentication: found an object, a function is expected',
    ],
    [{ reconnect: true }, 'the option "reconnect": found a boolean, an object or false is expected'],
    [{ tls: 'secret' }, 'the option "tls": found a string, an object or a function is expected'],
    [{ outbox: [] }, 'the option "outbox": found a list, an object is expected'],
    [{ outbox: { store: 'secret' } }, 'the option "store" of outbox: found a string, an object is expected'],
    [{ properties: 5 }, 'the option "properties": found a number, an object is expected'],
    [{ on: null }, 'the option "on": found null, an object is expected'],
    [{ on: { state: null } }, 'the event "state": found null, a function is expected'],
    [{ log: console }, 'the option "log": found an object, a function is expected'],
    [{ environment: () => {} }, 'the option "environment": found a function, an object is expected'],
    [null, 'the options of the client: found null, an object is expected'],
    ['secret', 'the options of the client: found a string, an object is expected'],
  ];
  for (const [options, message] of wrong)
    assert.throws(
      () => createClient('mqtts://localhost', options as object),
      (error: MqttError) => {
        assert.deepEqual([error.name, error.code], ['MqttError', 'invalid']);
        assert.ok(error.message.startsWith('Cannot use ') && error.message.endsWith(message), error.message);
        return !error.message.includes('secret');
      },
    );
  const client = createClient('mqtts://localhost', { tls: () => ({}), reconnect: false, log: () => {} });
  await assert.rejects(client.publish('a', '', { properties: null } as object), {
    message: 'Cannot use the option "properties" of publish: found null, an object is expected',
  });
  await client.disconnect();
});

test('options of calls are looked at in Node, also without a connection', async () => {
  const client = createClient('mqtt://localhost');
  const misspelt = (of: string, name = 'qoss') => ({
    code: 'invalid',
    message: new RegExp(`Cannot use the option "${name}" of ${of}: there is none, `),
  });
  const options = { qoss: 1 } as object;
  await assert.rejects(client.publish('a', '', options), misspelt('publish'));
  await assert.rejects(client.subscribe('a', options), misspelt('subscribe'));
  await assert.rejects(client.subscribe(['a', { filter: 'b', ...options }]), misspelt('filter'));
  await assert.rejects(client.unsubscribe('a', options), misspelt('unsubscribe'));
  await assert.rejects(client.request('a', '', options), misspelt('request'));
  await client.disconnect();
});
