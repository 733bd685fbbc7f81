import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigurationInput, completeConfiguration } from './configuration.ts';
import { checkInput } from './configuration-input.ts';

function problemsOf(input: unknown): readonly string[] {
  try {
    checkInput(input as ConfigurationInput);
  } catch (error) {
    return (error as { problems: readonly string[] }).problems;
  }
  return [];
}

test('takes what the file takes, and numbers as they are', () => {
  assert.deepEqual(
    checkInput({
      listeners: [{ port: '18830', versions: [4, '5.0'], limits: { connectionsMax: '1_000' } }],
      data: undefined,
      limits: { maximumPacketSize: '1MiB', connectTimeoutMs: 500 },
      settings: { sysIntervalS: '1min', maximumQoS: 1, retainAvailable: false },
    }),
    {
      listeners: [{ port: 18_830, versions: [4, 5], limits: { connectionsMax: 1000 } }],
      limits: { maximumPacketSize: 1024 * 1024, connectTimeoutMs: 500 },
      settings: { sysIntervalS: 60, maximumQoS: 1, retainAvailable: false },
    },
  );
});

test('leaves a complete configuration as it is', () => {
  const complete = completeConfiguration({ listeners: [{ versions: [3, 5] }], settings: { queueFull: 'drop-oldest' } });
  assert.deepEqual(completeConfiguration(checkInput(complete)), complete);
});

test('names path, value and what is allowed for every wrong key and value', () => {
  assert.deepEqual(
    problemsOf({
      listener: [],
      port: 1,
      listeners: [{ host: 5, port: 1.5, versions: [2], allowAnonymous: 'yes', name: '' }],
      limits: { queueMessageMax: 5, receiveMaximum: Number.NaN },
      log: 'loud',
      settings: [],
      data: () => {},
    }),
    [
      'listener is unknown: did you mean listeners?',
      'port is unknown: did you mean listeners[].port?',
      'listeners[0].host is 5: a text such as "localhost" is expected',
      'listeners[0].port is 1.5: a whole number from 0 to 65535 is expected',
      'listeners[0].versions[0] is 2: one of 3.1, 3.1.1, 5.0 is expected',
      'listeners[0].allowAnonymous is "yes": true or false is expected',
      'listeners[0].name is "": a text such as "plant" is expected',
      'limits.queueMessageMax is unknown: did you mean queueMessagesMax?',
      'limits.receiveMaximum is NaN: a whole number from 1 to 65535 is expected',
      'log is "loud": a group of level, format, to, file… is expected',
      'settings is a list: a group of maximumQoS, retainAvailable, wildcardSubscriptionAvailable, subscriptionIdentifierAvailable… is expected',
      'data is a function: a text such as "./data" is expected',
    ],
  );
  assert.deepEqual(problemsOf('mqtt://localhost'), [
    'the configuration is "mqtt://localhost": a group of listeners, authorities, authentication, clientIds… is expected',
  ]);
});
