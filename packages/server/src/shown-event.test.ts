import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import type { ServerEvent } from './events.ts';
import { startServer } from './server.ts';
import { shownEvent } from './shown-event.ts';

const SECRET = 'A-_z'.repeat(8);

test('an event without a secret is the same object', () => {
  const event: ServerEvent = { name: 'sessionCreated', clientId: 'dt_room1' };
  assert.equal(shownEvent(event), event);
});

test('a token or key as Client Identifier is in no event, whether its client is let in or not', async (t) => {
  const events: ServerEvent[] = [];
  const server = await startServer(
    {
      listeners: [
        { name: 'open', host: '127.0.0.1', port: 0, allowAnonymous: true },
        { name: 'shut', host: '127.0.0.1', port: 0, authentication: ['devices'] },
      ],
      authentication: [{ method: 'devices' }],
      devices: { types: { lamp: { credential: 'token' } } },
    },
    { onEvent: (event) => events.push(event) },
  );
  t.after(() => server.stop());
  for (const { port } of server.listeners) {
    const client = await RawClient.open({ host: '127.0.0.1', port }, 5);
    client.sendConnect({ clientId: `dt_${SECRET}` });
    await client.expect('connack');
    client.cut();
  }
  while (!events.some(({ name }) => name === 'clientDisconnected'))
    await new Promise((resolve) => setTimeout(resolve, 5));
  const text = JSON.stringify(events);
  assert.ok(['clientConnected', 'connectRefused'].every((name) => text.includes(name)));
  assert.ok(text.includes('"clientId":"dt_…"'));
  assert.ok(!text.includes(SECRET));
});
