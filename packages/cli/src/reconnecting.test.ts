import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '@dunlin/client';
import { reconnecting } from './reconnecting.ts';

test('the first loss and the connection after it are told, attempts in between are not', () => {
  const lines: string[] = [];
  const { on } = reconnecting((line) => lines.push(line));
  const connected = () => on.connected?.(undefined as never);
  const attempt = (count: number) =>
    on.reconnecting?.({ attempt: count, delayMs: 1, error: new MqttError('connection-lost', `loss ${count}`) });
  connected();
  assert.deepEqual(lines, []);
  attempt(1);
  attempt(2);
  connected();
  attempt(1);
  assert.deepEqual(lines, ['loss 1; connecting again', 'Connected again', 'loss 1; connecting again']);
});
