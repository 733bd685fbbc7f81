import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryPair } from '@dunlin/transport';
import { connectOver } from './connect.ts';
import { ScriptedServer } from './contract/scripted-server.ts';
import { MqttError } from './errors.ts';

test("the wire of the caller's dial is used, within the bounds of the options", async () => {
  const [ours, theirs] = memoryPair(setImmediate);
  const server = new ScriptedServer(theirs, 5);
  let timeoutMs = 0;
  const connecting = connectOver(
    async (bounds) => {
      timeoutMs = bounds.timeoutMs;
      return ours;
    },
    { connectTimeoutMs: 4000 },
  );
  await server.next('connect');
  server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
  const client = await connecting;
  assert.equal(timeoutMs, 4000);
  await client.disconnect();
});

test('a dial that fails rejects with what it said; one that outlasts the time rejects as timed-out', async () => {
  const failed = connectOver(() => Promise.reject(new Error('no way')), {});
  await assert.rejects(failed, (error: MqttError) => error.code === 'connection-failed' && error.message === 'no way');

  const slow = connectOver(
    ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    { connectTimeoutMs: 5 },
  );
  await assert.rejects(slow, (error: MqttError) => error instanceof MqttError && error.code === 'timed-out');
});

test('nothing is dialled for options that cannot be', async () => {
  let isDialled = false;
  const connecting = connectOver(
    async () => {
      isDialled = true;
      return memoryPair(setImmediate)[0];
    },
    { keepAlive: 70_000 },
  );
  await assert.rejects(connecting);
  assert.equal(isDialled, false);
});
