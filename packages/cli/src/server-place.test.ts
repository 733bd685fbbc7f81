import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBrokerUrl } from './broker-url.ts';
import { type ConnectionFlags, newConnectionFlags } from './connection-flags.ts';
import { isTls, placeUrl, serverPlace, urlPlace } from './server-place.ts';

const place = (flags: Partial<ConnectionFlags>) => serverPlace({ ...newConnectionFlags(), ...flags });
const href = (flags: Partial<ConnectionFlags>) => placeUrl(place(flags)).href;

test('a server is found at the port of its transport, by flags or URL', () => {
  assert.equal(href({}), 'mqtt://localhost:1883');
  assert.equal(href({ host: 'h', port: 5 }), 'mqtt://h:5');
  assert.equal(href({ tls: { caFile: 'f' } }), 'mqtts://localhost:8883');
  assert.equal(href({ port: 8883 }), 'mqtts://localhost:8883');
  assert.equal(href({ ws: true }), 'ws://localhost/mqtt');
  assert.equal(href({ ws: true, tls: { checkHost: false }, port: 9001 }), 'wss://localhost:9001/mqtt');
  assert.equal(href({ unix: '/run/a b#?.sock' }), 'mqtt+unix:///run/a%20b%23%3F.sock');
  assert.equal(href({ url: readBrokerUrl('wss://u:p@h/x?y=1') }), 'wss://h/x?y=1');
  assert.equal(href({ url: readBrokerUrl('mqtt://h:1/t'), port: 2 }), 'mqtt://h:2');
  assert.equal(href({ url: readBrokerUrl('mqtt+unix:///run/s') }), 'mqtt+unix:///run/s');
});

test('addresses and names of other scripts can be said in a URL, and what is neither is refused', () => {
  assert.equal(href({ host: '::1' }), 'mqtt://[::1]:1883');
  assert.equal(href({ host: 'fe80::1%eth0' }), 'mqtt://[fe80::1]:1883');
  assert.equal(href({ host: 'münchen.example' }), 'mqtt://xn--mnchen-3ya.example:1883');
  assert.equal(href({ host: 'my_broker' }), 'mqtt://my_broker:1883');
  for (const host of ['a b', 'a/b', 'u@h', '']) assert.throws(() => href({ host }), /Cannot connect to the host/, host);
});

test('a URL of the client is a place again', () => {
  const flags: Partial<ConnectionFlags>[] = [
    {},
    { host: '::1', port: 5 },
    { ws: true },
    { ws: true, port: 80 },
    { unix: '/run/a b#?%41.sock' },
    { url: readBrokerUrl('wss://h/x?y=1') },
  ];
  for (const one of flags) assert.deepEqual(urlPlace(placeUrl(place(one))), place(one));
});

test('mqtts and wss are encrypted', () => {
  assert.deepEqual(
    ['mqtt', 'mqtts', 'ws', 'wss'].map((scheme) => isTls(place({ url: readBrokerUrl(`${scheme}://h`) }))),
    [false, true, false, true],
  );
});
