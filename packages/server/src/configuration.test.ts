import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, completeConfiguration, mergeConfigurations } from './configuration.ts';

test('listens on loopback at 1883 for every version when nothing is given', () => {
  const { listeners, data, log } = completeConfiguration();
  assert.deepEqual(listeners, [
    {
      name: 'tcp',
      transport: 'tcp',
      host: 'localhost',
      port: 1883,
      path: undefined,
      mode: '0660',
      paths: ['/mqtt', '/'],
      origins: ['own'],
      hosts: [],
      versions: [3, 4, 5],
      tls: undefined,
      proxy: undefined,
      authentication: undefined,
      allowAnonymous: false,
      api: false,
      limits: {},
    },
  ]);
  assert.equal(data, undefined);
  assert.deepEqual(log, { level: 'info', format: 'auto', to: ['stderr'], file: undefined });
});

test('gives listeners without a name one of their own', () => {
  const { listeners } = completeConfiguration({ listeners: [{}, { port: 1 }, { name: 'plant', port: 2 }] });
  assert.deepEqual(
    listeners.map((listener) => listener.name),
    ['tcp', 'tcp-2', 'plant'],
  );
});

test('refuses two listeners of one name, and none at all', () => {
  assert.throws(
    () =>
      completeConfiguration({
        listeners: [
          { name: 'a', port: 0 },
          { name: 'a', port: 0 },
        ],
      }),
    new ConfigurationError(['listeners[1].name is "a": a name that no other listener has is expected']),
  );
  assert.throws(() => completeConfiguration({ listeners: [] }), ConfigurationError);
});

test('refuses two listeners at one address and port', () => {
  const taken = (one: string, other: string): boolean => {
    try {
      completeConfiguration({ listeners: [{ host: one }, { host: other }] });
      return false;
    } catch (error) {
      assert.match(
        (error as Error).message,
        /^listeners\[1\] is at .*: another address or port than that of listeners\[0\], /,
      );
      return true;
    }
  };
  for (const [one, other] of [
    ['localhost', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '10.0.0.1'],
    ['broker.local', 'broker.local'],
  ])
    assert.ok(taken(one, other) && taken(other, one), `${one} and ${other}`);
  assert.ok(!taken('127.0.0.1', '::1'));
  assert.ok(!taken('0.0.0.0', '::1'));
  completeConfiguration({ listeners: [{ port: 0 }, { port: 0 }] });
});

test('refuses outboxBytesMax above outboxBytesHardMax, the default too', () => {
  assert.throws(
    () => completeConfiguration({ limits: { outboxBytesMax: 32 * 1024 * 1024 } }),
    new ConfigurationError(['limits.outboxBytesMax is 32 MiB: at most limits.outboxBytesHardMax, 16 MiB, is expected']),
  );
  assert.throws(() => completeConfiguration({ limits: { outboxBytesHardMax: 8192 } }), ConfigurationError);
});

test('puts later values over earlier ones, listeners by their place', () => {
  const merged = mergeConfigurations(
    { listeners: [{ host: '::1', port: 1 }, { port: 2 }], limits: { sessionsMax: 5, queueMessagesMax: 6 }, data: 'a' },
    { listeners: [{ port: 9 }], limits: { sessionsMax: 7 }, log: { level: 'warn' } },
  );
  assert.deepEqual(merged.listeners, [{ host: '::1', port: 9 }, { port: 2 }]);
  assert.deepEqual(merged.limits, { sessionsMax: 7, queueMessagesMax: 6 });
  assert.equal(merged.data, 'a');
  assert.deepEqual(merged.log, { level: 'warn' });
  assert.equal(mergeConfigurations({}, {}).listeners, undefined);
});
