import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, createClient, PLAIN, Servers } from './contract/scripted-server.ts';

test('createClient dials nothing; connect dials within the bounds of the options', async () => {
  const servers = new Servers(5, {});
  const timeouts: number[] = [];
  const options = {
    ...PLAIN,
    connectTimeoutMs: 4000,
    dial: (request: Parameters<typeof servers.dial>[0]) => {
      timeouts.push(request.timeoutMs);
      return servers.dial(request);
    },
  };
  const idle = createClient('mqtt://one', options);
  assert.deepEqual([idle.state, timeouts], ['disconnected', []]);
  const connecting = connect('mqtt://one', options);
  await servers.accept();
  const client = await connecting;
  assert.deepEqual([client.state, timeouts], ['connected', [4000]]);
  await client.disconnect();
});

test('options that cannot be throw from createClient and reject from connect, before anything is dialled', async () => {
  const options = { keepAlive: 70_000, dial: () => assert.fail('dialled') };
  assert.throws(() => createClient('mqtt://one', options), { code: 'invalid' });
  await assert.rejects(connect('mqtt://one', options), { code: 'invalid' });
});

test('a dial that fails rejects with what it said, and the client is done with', async () => {
  const states: string[] = [];
  const options = {
    ...PLAIN,
    dial: () => Promise.reject(new Error('no way')),
    on: { state: (state: string) => void states.push(state) },
  };
  await assert.rejects(connect('mqtt://one', options), { code: 'connection-failed', message: 'no way' });
  assert.deepEqual(states, ['connecting', 'disconnected']);
});
