/** A session is for the identity that made it: nobody else takes it over, and nothing of it is disturbed by the attempt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '@dunlin/broker';
import { hashPassword } from '@dunlin/identity';
import type { ConfigurationInput } from '@dunlin/server';
import type { ConnectOptions } from '../conformance/raw-client.ts';
import { GuardedServer } from './guarded-server.ts';

const hash = await hashPassword(Buffer.from('pencil'));
const configuration: ConfigurationInput = {
  listeners: [{ name: 'tcp', allowAnonymous: true }],
  authentication: [{ method: 'users', users: ['ada', 'bob'].map((name) => ({ name, password: hash })) }],
};
const as = (username: string, more: Omit<ConnectOptions, 'clientId'> & { readonly clientId?: string } = {}) => ({
  clientId: 'pump',
  username,
  password: 'pencil',
  properties: { sessionExpiryInterval: 3600 },
  ...more,
});

for (const clean of [false, true]) {
  test(`another identity gets 0x85 for a session in use, Clean Start ${clean}; its client and will stay as they are`, async () => {
    const server = await GuardedServer.start(configuration);
    const ada = await server.open('tcp');
    await ada.connect(as('ada', { will: { topic: 'will', payload: 'gone' } }));
    await ada.subscribe(['will', 1], ['orders', 1]);
    for (const intruder of [as('bob', { clean }), { clientId: 'pump', clean }]) {
      await server.refuses(await server.open('tcp'), intruder, 0x85, 'session-bound');
      await server.refuses(await server.open('tcp', 4), { ...intruder, clientId: 'pump' }, 2, 'session-bound');
    }
    assert.equal(server.count('sessionTakenOver'), 0);
    assert.equal(server.count('willPublished'), 0);
    const bob = await server.open('tcp');
    await bob.connect(as('bob', { clientId: 'other' }));
    await bob.deliver({ topic: 'orders', payload: 'x', qos: 1 });
    // The first that comes to it is the order: no will went out.
    await ada.receive({ topic: 'orders', qos: 1 });
    const again = await server.open('tcp');
    assert.equal((await again.connect(as('ada', { clean: false }))).sessionPresent, true);
    await server.told('sessionTakenOver', { clientId: 'pump' });
    await again.disconnect();
    await bob.disconnect();
  });

  test(`another identity gets 0x85 for a stored session after a restart, Clean Start ${clean}`, async () => {
    const store = new MemoryStore();
    const first = await GuardedServer.start(configuration, { store });
    const ada = await first.open('tcp');
    await ada.connect(as('ada'));
    await ada.subscribe(['orders', 1]);
    await first.running?.stop();

    const second = await GuardedServer.start(configuration, { store });
    await second.refuses(await second.open('tcp'), as('bob', { clean }), 0x85, 'session-bound');
    const bob = await second.open('tcp');
    await bob.connect(as('bob', { clientId: 'other' }));
    await bob.deliver({ topic: 'orders', payload: 'x', qos: 1 });
    const back = await second.open('tcp');
    assert.equal((await back.connect(as('ada', { clean: false }))).sessionPresent, true);
    await back.receive({ topic: 'orders', qos: 1 });
    await back.disconnect();
    await bob.disconnect();
  });
}
