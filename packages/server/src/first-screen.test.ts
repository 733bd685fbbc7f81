import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration, type PartialConfiguration } from './configuration.ts';
import { firstScreen } from './first-screen.ts';
import type { BoundListener } from './open-listener.ts';
import type { RunningServer } from './server.ts';

function screen(input: PartialConfiguration, connectionsMax = 100_000): string {
  const configuration = completeConfiguration(input);
  const listeners = configuration.listeners.map((listener): BoundListener => {
    const { name, transport, host, port } = listener;
    const addresses = host === 'localhost' ? [`127.0.0.1:${port}`, `[::1]:${port}`] : [`${host}:${port}`];
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

test('gives two commands that reach the server, with its port', () => {
  assert.match(
    screen({ listeners: [{ port: 18_830 }] }),
    /\n +npx dunlin sub -p 18830 -t .*\n +npx dunlin pub -p 18830 -t /,
  );
  assert.match(screen({}), /\n +npx dunlin sub -t /);
  assert.match(
    screen({ listeners: [{ host: '192.0.2.1', port: 5, versions: [4] }] }),
    /\n +mosquitto_sub -h 192\.0\.2\.1 -p 5 -t /,
  );
});

test('says loudly that everybody is let in', () => {
  assert.match(screen({ listeners: [{ host: '0.0.0.0', allowAnonymous: true }] }), /open to EVERYBODY/);
});

test('says where it keeps what is acknowledged, and what that survives', () => {
  assert.match(screen({ data: './data' }), /kept in ".\/data" and on its disk: it survives kill -9 and a power cut/);
  assert.match(screen({ data: './data', durability: 'process' }), /a crash of the operating system may cost all of it/);
  assert.match(screen({ data: './data', durability: 'memory' }), /Everything is in memory/);
});

test('says how many connections the open files allow where that is fewer than wanted', () => {
  assert.match(screen({}, 909), /Up to 909 connections at once: this process may open 1024 files/);
  assert.doesNotMatch(screen({ limits: { connectionsMax: 500 } }, 500), /connections at once/);
});
