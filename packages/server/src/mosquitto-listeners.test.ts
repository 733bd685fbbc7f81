import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListenerConfiguration } from './configuration.ts';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { importMosquitto } from './mosquitto-import.ts';

function imported(...lines: string[]) {
  const { yaml, remarks } = importMosquitto(lines.join('\n'), 'm.conf');
  const configuration = completeConfiguration(parseConfiguration(yaml, 'dunlin.yaml'));
  return { ...configuration, remarks: remarks.map(({ text }) => text) };
}

function places(listeners: readonly ListenerConfiguration[]): unknown[] {
  return listeners.map(({ transport, host, port }) => `${transport} ${host} ${port}`);
}

test('listens on loopback where nothing speaks of a listener, else at every address', () => {
  assert.deepEqual(places(imported('').listeners), ['tcp localhost 1883']);
  assert.deepEqual(places(imported('max_connections 3').listeners), ['tcp :: 1883']);
  assert.deepEqual(places(imported('port 1884', 'bind_address 10.0.0.1').listeners), ['tcp 10.0.0.1 1884']);
  const { listeners } = imported(
    'listener 1',
    'listener 2 127.0.0.1',
    'listener 3 # all',
    'listener 4',
    'socket_domain ipv4',
  );
  assert.deepEqual(places(listeners), ['tcp :: 1', 'tcp 127.0.0.1 2', 'tcp :: 3', 'tcp 0.0.0.0 4']);
});

test('stays on this machine where Mosquitto has one interface alone', () => {
  const { listeners, remarks } = imported('allow_anonymous true', 'listener 1', 'bind_interface eth0');
  assert.deepEqual(places(listeners), ['tcp localhost 1']);
  assert.match(remarks.join(), /^bind_interface is not carried: .* until its host is an address of the interface$/);
});

test('carries Unix sockets, and asks for a path beside port 0', () => {
  const { listeners } = imported('listener 0 /run/m.sock');
  assert.deepEqual([listeners[0].transport, listeners[0].path], ['unix', '/run/m.sock']);
  assert.throws(() => imported('listener 0'), /m\.conf:1: listener is "0": a port, or 0 and the path of a Unix socket/);
});

test('carries WebSocket with its origins, of which Mosquitto allows any', () => {
  const lines = [
    'listener 1',
    'protocol websockets',
    'listener 2',
    'protocol websockets',
    'websockets_origin https://a.example',
  ];
  const { listeners } = imported(...lines, 'websockets_origin https://b.example');
  assert.deepEqual(places(listeners), ['ws :: 1', 'ws :: 2']);
  assert.deepEqual(
    listeners.map(({ origins }) => origins),
    [['any'], ['https://a.example', 'https://b.example']],
  );
});

test('carries TLS, client certificates and revocation lists, each pair of files as one authority', () => {
  const tls = ['certfile /c.pem', 'keyfile /k.pem'];
  const mutual = [...tls, 'cafile /ca.pem', 'require_certificate true', 'crlfile /ca.crl'];
  const web = ['listener 2', 'protocol websockets', ...tls, 'tls_version tlsv1.3', 'cafile /other.pem'];
  const { listeners, authorities, remarks } = imported(
    'allow_anonymous true',
    'listener 1',
    ...mutual,
    ...web,
    'listener 3',
    ...mutual,
  );
  assert.deepEqual(places(listeners), ['tls :: 1', 'wss :: 2', 'tls :: 3']);
  const files = { certificate: '/c.pem', key: '/k.pem' };
  const asked = { ...files, clientCertificate: 'required', authorities: ['clients'] };
  assert.deepEqual(
    listeners.map((listener) => listener.tls),
    [asked, { ...files, minVersion: '1.3' }, asked],
  );
  const authority = { name: 'clients', certificate: '/ca.pem', crl: '/ca.crl', crlExpired: 'refuse' };
  assert.deepEqual(authorities, [authority]);
  const believed = 'a user name counts for nothing: without a password_file Mosquitto believes any name';
  assert.deepEqual(remarks, [
    ...Array(3).fill(believed),
    // The others ask for a certificate.
    'the listener at [::]:2 is open to the network, and lets everybody in without a password',
    'cafile: without require_certificate no client is asked for one',
  ]);
});

test('refuses half of a pair, and client certificates without an authority', () => {
  assert.throws(
    () => imported('listener 1', 'certfile /c'),
    /:2: certfile stands alone: certfile and keyfile are expected/,
  );
  assert.throws(
    () => imported('listener 1', 'certfile /c', 'keyfile /k', 'capath /cas', 'require_certificate true'),
    /m\.conf:5: require_certificate is true: a cafile is expected for the same listener/,
  );
});

test('says that TLS 1.1 is over', () => {
  const lines = ['allow_anonymous true', 'listener 1 127.0.0.1', 'certfile /c', 'keyfile /k', 'tls_version tlsv1.1'];
  const { listeners, remarks } = imported(...lines);
  assert.equal(listeners[0].tls?.minVersion, undefined);
  assert.deepEqual(remarks, ['tls_version is not carried: TLS 1.2 is the oldest that is served']);
});

test('carries versions and the number of connections, and of the PROXY protocol says what to name', () => {
  const lines = ['listener 1', 'accept_protocol_versions 4, 5', 'enable_proxy_protocol 2', 'max_connections 7'];
  const { listeners, remarks } = imported(...lines, 'listener 2', 'max_connections -1');
  assert.deepEqual(listeners[0].versions, [4, 5]);
  assert.equal(listeners[0].proxy, undefined, 'nobody is believed who was not named');
  assert.deepEqual(
    listeners.map(({ limits }) => limits),
    [{ connectionsMax: 7 }, {}],
  );
  assert.match(remarks.join(), /enable_proxy_protocol is not carried: .*the addresses of your proxies/);
  assert.throws(() => imported('listener 1', 'accept_protocol_versions 6'), /a list of 3, 4 and 5 is expected/);
});
