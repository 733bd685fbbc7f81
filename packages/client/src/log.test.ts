import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import type { ClientEvents } from './client-api.ts';
import { Listeners } from './events.ts';
import { Log, withoutSecrets } from './log.ts';

/** Lets the part be loaded, and lines be told. */
const told = () => import('./log-lines.ts').then(() => new Promise(setImmediate));

test('packets are told where somebody wants to know, and with lines of all else to a hook, in their order', async () => {
  const listeners = new Listeners<ClientEvents>();
  const lines: string[] = [];
  const silent = new Log(undefined, '', listeners);
  assert.equal(silent.isOpen, false);
  const off = listeners.on('packetSent', ({ type }) => void lines.push(type));
  assert.equal(silent.isOpen, true);
  silent.sent({ type: 'pingreq' });
  off();
  const log = new Log(({ level, text }) => void lines.push(`${level} ${text}`), undefined, listeners);
  assert.equal(log.isOpen, true);
  log.line('info', 'hello');
  log.received({ type: 'pingresp' });
  await told();
  assert.deepEqual(lines, ['pingreq', 'info hello', 'debug < PINGRESP']);
});

test('lines are on the console where this client is named', async () => {
  const debug = mock.method(console, 'debug', () => {});
  for (const names of ['dunlin:*', 'other']) new Log(undefined, names, new Listeners()).line('info', names);
  await told();
  debug.mock.restore();
  assert.deepEqual(
    debug.mock.calls.map((call) => call.arguments),
    [['dunlin:client dunlin:*']],
  );
});

test('no secret is told', () => {
  const connect: Packet = {
    type: 'connect',
    protocolVersion: 5,
    bridge: false,
    clientId: 'c',
    cleanStart: true,
    keepAlive: 0,
    password: Uint8Array.of(1),
    properties: { authenticationMethod: 'M', authenticationData: Uint8Array.of(2) },
  };
  const shown = withoutSecrets(connect);
  assert.deepEqual(shown.type === 'connect' && [shown.password?.length, shown.properties], [
    0,
    { authenticationMethod: 'M' },
  ]);
  assert.equal(connect.password?.length, 1);
});
