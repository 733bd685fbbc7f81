import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostAndPort } from './address.ts';
import { completeConfiguration, type PartialConfiguration } from './configuration.ts';
import { firstScreen } from './first-screen.ts';
import type { BoundListener } from './open-listener.ts';
import type { RunningServer } from './server.ts';

function screen(input: PartialConfiguration, connectionsMax = 100_000): string {
  const configuration = completeConfiguration(input);
  const listeners = configuration.listeners.map((listener): BoundListener => {
    const { name, transport, host, port, path } = listener;
    if (transport === 'unix') return { name, transport, host, port, addresses: [`${path}`], configuration: listener };
    const addresses = host === 'localhost' ? [`127.0.0.1:${port}`, `[::1]:${port}`] : [hostAndPort(host, port)];
    return { name, transport, host, port, addresses, configuration: listener };
  });
  return firstScreen('Dunlin', {
    configuration,
    listeners,
    connectionsMax,
    fileLimit: 1024,
  } as unknown as RunningServer);
}

test('says what listens where and for whom, and that everything is in memory', () => {
  const text = screen({});
  assert.match(
    text,
    /MQTT 3\.1, 3\.1\.1, 5\.0 at mqtt:\/\/localhost:1883 \(127\.0\.0\.1:1883 and \[::1\]:1883\), open to this machine alone/,
  );
  assert.match(text, /Everything is in memory/);
  assert.doesNotMatch(text, /--data/);
});

test('says how each listener is reached', () => {
  const tls = { certificate: 'a', key: 'b' };
  const text = screen({
    listeners: [{ transport: 'tls', tls }, { transport: 'ws' }, { transport: 'wss', paths: ['/x'], tls }],
  });
  for (const url of ['mqtts://localhost:8883', 'ws://localhost:8080/mqtt', 'wss://localhost:8443/x'])
    assert.ok(text.includes(` at ${url} `), text);
});

test('says where the HTTP API is, and the page of owners where devices can be claimed', () => {
  const listeners = [{ transport: 'ws', port: 8081, api: true }, { port: 1883 }] as const;
  const devices = (claimable: boolean) => ({ types: { frame: { credential: 'token', claimable } } }) as const;
  assert.match(
    screen({ listeners, devices: devices(false) }),
    /\n {2}HTTP API at http:\/\/localhost:8081\/api\/v1, asks for an API key\n/,
  );
  assert.match(
    screen({ listeners, devices: devices(true) }),
    /asks for an API key; owners of devices sign in at http:\/\/localhost:8081\/claim\n/,
  );
  assert.doesNotMatch(screen({ listeners: [{ transport: 'ws' }] }), /HTTP API/);
  const tls = { certificate: 'a', key: 'b' };
  assert.match(
    screen({ listeners: [{ transport: 'wss', api: true, tls }] }),
    /HTTP API at https:\/\/localhost:8443\/api\/v1,/,
  );
});

test('gives commands that reach the server, with its port', () => {
  assert.match(
    screen({ listeners: [{ port: 18_830 }] }),
    /\n +dunlin sub -p 18830 -t .*\n +dunlin pub -p 18830 -t .*\n.*\n +mosquitto_sub -p 18830 -t .*\n +mosquitto_pub -p 18830 -t /,
  );
  assert.match(screen({}), /\n +dunlin sub -t /);
  assert.match(
    screen({ listeners: [{ host: '192.0.2.1', port: 5, versions: [4] }] }),
    /\n +mosquitto_sub -h 192\.0\.2\.1 -p 5 -t /,
  );
});

test('says loudly that everybody is let in', () => {
  assert.match(screen({ listeners: [{ host: '0.0.0.0', allowAnonymous: true }] }), /open to EVERYBODY/);
});

test('says where it keeps what is acknowledged, and what that survives', () => {
  assert.match(screen({ data: './data' }), /kept in "\/.*\/data" and on its disk: it survives kill -9 and a power cut/);
  assert.match(screen({ data: './data', durability: 'process' }), /a crash of the operating system may cost all of it/);
  assert.match(screen({ data: './data', durability: 'memory' }), /Everything is in memory/);
});

test('says how many connections the open files allow where that is fewer than wanted', () => {
  assert.match(screen({}, 909), /Up to 909 connections at once: this process may open 1024 files/);
  assert.doesNotMatch(screen({ limits: { connectionsMax: 500 } }, 500), /connections at once/);
});

const tls = { certificate: 'none.pem', key: 'none.key' };
const asks = [{ method: 'passwordFile', file: 'passwords' }] as const;

test('says of every kind of listener where it is, and whom it lets in', () => {
  const text = screen({
    authentication: asks,
    listeners: [
      { transport: 'tls', host: '::', tls },
      { transport: 'ws', host: 'localhost' },
      { transport: 'wss', host: '192.0.2.1', paths: ['/mqtt'], tls },
      { transport: 'unix', path: '/run/mqtt.sock' },
      { host: '192.0.2.1', proxy: { trusted: ['192.0.2.2'], protocol: 'v2' } },
    ],
  });
  const all = 'MQTT 3.1, 3.1.1, 5.0 at';
  const [, ...lines] = text.split('\n  ').slice(0, 6);
  assert.deepEqual(
    lines.map((line) => line.trim()),
    [
      `${all} mqtts://[::]:8883, asks who you are: passwords`,
      `${all} ws://localhost:8080/mqtt and ws://localhost:8080/ (127.0.0.1:8080 and [::1]:8080), asks who you are: passwords`,
      `${all} wss://192.0.2.1:8443/mqtt, asks who you are: passwords`,
      `${all} the socket /run/mqtt.sock, asks who you are: passwords`,
      `${all} mqtt://192.0.2.1:1883 behind a proxy (PROXY protocol), asks who you are: passwords`,
    ],
  );
});

test('says that who is let in may do everything where there are no rules', () => {
  assert.match(screen({ authentication: asks }), /Whoever is let in may do EVERYTHING: there are no rules/);
  assert.doesNotMatch(screen({ authentication: asks, authorization: { rulesFile: 'rules.yaml' } }), /EVERYTHING/);
  assert.doesNotMatch(screen({}), /EVERYTHING/);
  // Devices may do what their type allows.
  const devices = { method: 'devices' } as const;
  assert.doesNotMatch(screen({ authentication: [devices], devices: {} }), /EVERYTHING/);
  assert.match(screen({ authentication: [devices, ...asks], devices: {} }), /EVERYTHING/);
});

test('gives no commands where no tool can get in', () => {
  assert.match(screen({}), /Try it/);
  assert.doesNotMatch(screen({ listeners: [{ transport: 'ws' }] }), /Try it/);
});

test('with devices alone it says how the first one is made, by the data directory', () => {
  const authentication = [{ method: 'devices' }] as const;
  const camera = { credential: 'token', requiredAttributes: ['space'] } as const;
  const frame = { credential: 'certificate' } as const;
  const text = screen({ authentication, data: '/a b', devices: { types: { camera } } });
  assert.match(
    text,
    /Add a device in another terminal:\n +dunlin device add ID --type camera --attribute space=VALUE --data '\/a b'\n +dunlin device token ID --data '\/a b'\n/,
  );
  assert.doesNotMatch(text, /Try it|greetings/);
  const authority = { certificate: 'ca.pem', key: 'ca.key' };
  const masterKey = { environment: 'KEY' };
  const input = { authentication, data: '/a', authorities: [{ name: 'devices', certificate: 'ca.pem' }] } as const;
  assert.match(
    screen({ ...input, devices: { types: { frame }, authority, masterKey } }),
    /dunlin device cert ID --out FOLDER --data \/a\n/,
  );
  assert.doesNotMatch(screen({ ...input, devices: { types: { frame } } }), /device cert/);
  // Nothing reaches a server in memory that way.
  assert.doesNotMatch(screen({ ...input, durability: 'memory', devices: { types: { camera } } }), /device add/);
});

test('gives nothing to type where the rules cannot be read any more', () => {
  assert.doesNotMatch(screen({ authentication: asks, authorization: { rulesFile: 'none.yaml' } }), /Try it/);
});
