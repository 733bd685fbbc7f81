import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import type { ConfigurationInput } from './configuration.ts';
import type { ServerEvent } from './events.ts';
import { startServer } from './server.ts';

const CONFIGURATION: ConfigurationInput = {
  listeners: [{ transport: 'ws', host: '127.0.0.1', port: 0, api: true }],
  authentication: [
    { method: 'devices' },
    {
      name: 'people',
      method: 'users',
      users: [{ name: 'ada', password: await hashPassword(Buffer.from('a long password')) }],
    },
  ],
  devices: { types: { lamp: { credential: 'token', claimable: true } } },
};

/** The methods that the server warns of. */
async function warnedOf(more: ConfigurationInput = {}): Promise<string[]> {
  const events: ServerEvent[] = [];
  const server = await startServer({ ...CONFIGURATION, ...more }, { onEvent: (event) => events.push(event) });
  await server.stop();
  return events.flatMap((event) => (event.name === 'ownersWithoutRules' ? [event.methods] : []));
}

test('the server says at its start that owners of devices may do everything by MQTT', async () => {
  assert.deepEqual(await warnedOf(), ['people']);
});

test('it says nothing where there are rules, no page, or nobody with a password', async () => {
  const rules = [{ deny: 'all', topics: '#', for: { groups: 'nobody' } }] as const;
  assert.deepEqual(await warnedOf({ authorization: { rules } } as ConfigurationInput), []);
  assert.deepEqual(await warnedOf({ devices: { types: { lamp: { credential: 'token' } } } }), []);
  assert.deepEqual(await warnedOf({ listeners: [{ host: '127.0.0.1', port: 0 }] }), []);
  assert.deepEqual(await warnedOf({ authentication: [{ method: 'devices' }] }), []);
});
