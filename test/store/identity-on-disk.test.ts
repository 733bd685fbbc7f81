/** A server with a data directory: whom a session is bound to is known after a restart as well. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Authenticator, NOBODY } from '@dunlin/broker';
import { type ConnectOptions, connect } from '@dunlin/client';
import { type RunningServer, startServer } from '@dunlin/server';

const data = mkdtempSync(join(tmpdir(), 'dunlin-identity-'));
after(() => rmSync(data, { recursive: true }));

/** Believes every name. */
const authenticator: Authenticator = {
  supports: () => false,
  authenticate: ({ connect: { username } }) => ({
    kind: 'accept',
    principal: { ...NOBODY, username, identity: `test:${username}` },
  }),
};

function start(): Promise<RunningServer> {
  return startServer({ listeners: [{ name: 'tcp', host: '127.0.0.1', port: 0 }], data }, { authenticator });
}

function connectTo({ listeners: [{ port }] }: RunningServer, username: string, options: ConnectOptions = {}) {
  const stored = {
    clientId: 'device',
    cleanStart: false,
    properties: { sessionExpiryInterval: 1_000 },
    reconnect: false as const,
  };
  return connect(`mqtt://127.0.0.1:${port}`, { ...stored, username, ...options });
}

test('refuses another identity the session with 0x85, Clean Start or not, and gives it to its own, after each restart', async () => {
  const first = await start();
  await (await connectTo(first, 'ada')).disconnect();
  await first.stop();
  // The second restart reads what was written for a session that came from the store itself.
  for (let restart = 1; restart <= 2; restart++) {
    const server = await start();
    for (const cleanStart of [false, true])
      await assert.rejects(connectTo(server, 'bob', { cleanStart }), { code: 'refused', reasonCode: 0x85 });
    const client = await connectTo(server, 'ada');
    assert.equal(client.connack?.sessionPresent, true);
    // Its connection is open when the server stops, every other time.
    if (restart === 1) await client.disconnect();
    await server.stop();
  }
});
