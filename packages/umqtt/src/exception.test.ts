import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '@dunlin/client';
import { exceptionOf, MQTTException, told } from './exception.ts';

/** What a refusal by CONNACK becomes. */
function refusal(reasonCode: number): MQTTException {
  const packet = { type: 'connack', sessionPresent: false, reasonCode, properties: {} } as const;
  const error = new MqttError('refused', 'Cannot connect: no', { reasonCode, packet });
  return exceptionOf('Cannot connect', error);
}

test('the Return Codes of CONNACK come as code and meaning', () => {
  const found = [0x84, 0x85, 0x88, 0x86, 0x87].map((reasonCode) => refusal(reasonCode));
  assert.deepEqual(
    found.map(({ code, meaning }) => [code, meaning]),
    [
      [1, 'unacceptable protocol version'],
      [2, 'client identifier rejected'],
      [3, 'server unavailable'],
      [4, 'bad user name or password'],
      [5, 'not authorized'],
    ],
  );
  assert.equal(String(found[3]), 'MQTTException: Cannot connect: bad user name or password (4)');
});

test('a subscription that the server refuses has code 128', () => {
  const packet = { type: 'suback', packetId: 1, properties: {}, reasonCodes: [0x80] } as const;
  const error = new MqttError('refused', 'Cannot subscribe: no', { reasonCode: 0x80, packet });
  const { code, message } = exceptionOf('Cannot subscribe to "a"', error);
  assert.deepEqual([code, message], [128, 'Cannot subscribe to "a": the server refused the subscription (128)']);
});

test('everything else has code -1, and says once what was attempted and what happened', () => {
  const cause = new MqttError('connection-failed', 'Cannot connect: connect ECONNREFUSED');
  const exception = exceptionOf('Cannot connect', cause);
  assert.ok(exception instanceof MQTTException && exception instanceof Error);
  assert.deepEqual([exception.code, exception.meaning], [-1, 'connect ECONNREFUSED']);
  assert.equal(exception.message, 'Cannot connect: connect ECONNREFUSED');
  assert.equal(exception.cause, cause);
  const named = new MqttError('tls', 'Cannot connect to "broker:8883": no TLS');
  assert.equal(String(exceptionOf('Cannot connect', named)), 'MQTTException: Cannot connect to "broker:8883": no TLS');
  const other = new MqttError('connection-lost', 'The connection was lost');
  assert.equal(exceptionOf('Cannot ping', other).message, 'Cannot ping: The connection was lost');
  assert.equal(refusal(0x80).code, -1);
});

test('work that fails in the client rejects with the exception, mistakes of the program stay what they are', async () => {
  assert.equal(await told('Cannot publish', () => 5), 5);
  const failure = new MqttError('queue-full', 'Cannot publish: the outbox is full');
  await assert.rejects(
    told('Cannot publish', () => Promise.reject(failure)),
    { name: 'MQTTException', code: -1, meaning: 'the outbox is full' },
  );
  const mistake = new TypeError('a number');
  await assert.rejects(
    told('Cannot publish', () => {
      throw mistake;
    }),
    (error) => error === mistake,
  );
});
