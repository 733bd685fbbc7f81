/** Devices that are connected when the server ends in good order: what is known of them at the next start, without a sweep. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { LocalRequest, RunningServer, ServerEvent } from '@dunlin/server';
import { startServer } from '@dunlin/server';
import { RawClient } from '../conformance/raw-client.ts';

const data = mkdtempSync(join(tmpdir(), 'dunlin-device-stop-'));
const running = new Set<RunningServer>();
after(async () => {
  for (const server of running) await server.stop();
  rmSync(data, { recursive: true });
});

async function start(): Promise<{ server: RunningServer; events: ServerEvent[] }> {
  const events: ServerEvent[] = [];
  const server = await startServer(
    {
      listeners: [{ host: '127.0.0.1', port: 0 }],
      data,
      authentication: [{ method: 'devices' }],
      devices: {
        types: {
          sensor: {
            rules: [{ allow: ['publish', 'subscribe'], topics: 'sensors/#' }],
            presence: { topic: 'presence/{deviceId}' },
          },
          watcher: { rules: [{ allow: 'subscribe', topics: '#' }] },
        },
      },
    },
    { onEvent: (event) => events.push(event) },
  );
  running.add(server);
  return { server, events };
}

async function ask(server: RunningServer, method: LocalRequest['method'], path: string, body?: object) {
  const answer = await server.api({ method, path, ...(body !== undefined && { body }) });
  assert.ok(answer.status < 300, answer.body);
  return JSON.parse(answer.body);
}

async function open({ listeners: [{ port }] }: RunningServer): Promise<RawClient> {
  return await RawClient.open({ host: '127.0.0.1', port }, 5);
}

test('a server that stops stores and retains that its devices are disconnected, behind their wills', async () => {
  const { server, events } = await start();
  const tokens = new Map<string, string>();
  for (const id of ['a', 'b', 'c', 'w']) {
    await ask(server, 'POST', '/api/v1/devices', { id, type: id === 'w' ? 'watcher' : 'sensor' });
    tokens.set(id, (await ask(server, 'POST', `/api/v1/devices/${id}/tokens`, {})).token);
  }
  const shown = (username: string) => ({ clientId: username, username, password: tokens.get(username) });
  for (const id of ['a', 'b', 'c']) {
    const will = { topic: `sensors/${id}`, payload: 'gone', retain: true };
    await (await open(server)).connect({ ...shown(id), ...(id !== 'c' && { will }) });
  }
  await server.stop();
  assert.deepEqual(
    events.filter(({ name }) => name === 'deviceServiceFailed' || name === 'storeFailed'),
    [],
  );

  const next = await start();
  for (const id of ['a', 'b', 'c']) {
    const presence = await ask(next.server, 'GET', `/api/v1/devices/${id}/presence`);
    assert.deepEqual([presence.connected, presence.session], [false, 1]);
    assert.match(presence.reason, /the server is shutting down/);
  }
  const watcher = await open(next.server);
  await watcher.connect(shown('w'));
  await watcher.subscribe('presence/+', 'sensors/+');
  const seen = new Map<string, string>();
  while (seen.size < 5) {
    const { topic, payload, retain } = await watcher.receive();
    assert.equal(retain, true);
    seen.set(String(topic), Buffer.from(payload).toString());
  }
  for (const id of ['a', 'b', 'c']) {
    const { connected, reason } = JSON.parse(seen.get(`presence/${id}`) as string);
    assert.deepEqual([connected, reason], [false, 'the server is shutting down']);
  }
  assert.deepEqual([seen.get('sensors/a'), seen.get('sensors/b')], ['gone', 'gone']);
  await watcher.disconnect();
  await next.server.stop();
  assert.equal(
    next.events.some(({ name }) => name === 'presenceCorrected'),
    false,
  );
});
