import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError, type MqttErrorCode } from '@dunlin/client';
import { MqttError as ProtocolError } from '@dunlin/protocol';
import { localError, usageError } from './exit-codes.ts';
import { failureOf } from './failure.ts';

test('each kind of error has its exit code', () => {
  const client = (code: MqttErrorCode, reasonCode?: number) => new MqttError(code, 'text', { reasonCode });
  const cases: [unknown, number][] = [
    [usageError('a'), 1],
    [localError('a'), 3],
    [client('connection-failed'), 2],
    [client('connection-lost'), 2],
    [client('timed-out'), 2],
    [client('refused', 0x87), 135],
    [client('server-disconnected', 0x8b), 139],
    [client('server-disconnected', 0), 2],
    [client('not-supported', 0x9a), 154],
    [client('not-supported'), 1],
    [client('invalid'), 1],
    [new ProtocolError('protocol-error', 0x82, 'a'), 2],
    [new TypeError('a'), 3],
    ['text', 3],
  ];
  for (const [error, exitCode] of cases) assert.equal(failureOf(error).exitCode, exitCode, String(error));
});

test('a refused connection says how to start a server, a refusal what to check', () => {
  const cause = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
  assert.match(failureOf(new MqttError('connection-failed', 'a', { cause })).text, /npm start/);
  const unknown = Object.assign(new Error('x'), { code: 'ENOTFOUND' });
  assert.match(failureOf(new MqttError('connection-failed', 'a', { cause: unknown })).text, /-h/);
  const hints: [number, RegExp][] = [
    [0x84, /^text$/],
    [0x85, /-i/],
    [0x86, /-P/],
    [0x87, /-u/],
    [0x8e, /-i/],
    [0x97, /^text$/],
  ];
  for (const [reasonCode, expected] of hints) {
    assert.match(failureOf(new MqttError('refused', 'text', { reasonCode })).text, expected);
  }
});
