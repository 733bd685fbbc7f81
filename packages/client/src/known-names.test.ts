import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNames, type NameKind } from './known-names.ts';
import { connect, createClient } from './node.ts';

const CASES: readonly (readonly [NameKind, string, RegExp])[] = [
  ['option', 'keepalive', /^Cannot use the option "keepalive": there is none, did you mean keepAlive\?$/],
  ['option', 'clean', /did you mean cleanStart\?$/],
  ['option', 'reconnectPeriod', /did you mean reconnect: \{ minMs, maxMs \}\?$/],
  ['option', 'toString', /: there is none, expected one of clientId, /],
  ['event', 'connect', /^Cannot use the event "connect": there is none, did you mean connected\?$/],
  ['event', 'packetsent', /did you mean packetSent\?$/],
];

for (const [kind, name, message] of CASES) {
  test(`the ${kind} ${name} is refused with what may be meant`, () => {
    assert.throws(() => checkNames(kind, [name]), { code: 'invalid', message });
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
