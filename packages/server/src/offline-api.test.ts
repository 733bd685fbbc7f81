import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigurationError } from './configuration.ts';
import { readConfigurationFile } from './configuration-file.ts';
import { askServer } from './control-client.ts';
import { openOfflineApi } from './offline-api.ts';
import { startServer } from './server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-offline-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const file = join(scratch, 'dunlin.yaml');
writeFileSync(
  file,
  `listeners: [{ port: 0 }]
data: data
authentication: [{ name: fleet, method: devices }]
devices:
  types:
    lamp:
      commands: { blink: { topic: 'lamps/{deviceId}', payload: { id: '{commandId}' } } }
`,
);
const nothing = (): void => {};

test('what the API does while no server runs is there when one starts', async () => {
  const offline = await openOfflineApi(undefined, file, nothing);
  const added = await offline.request({ method: 'POST', path: '/api/v1/devices', body: { id: 'l1', type: 'lamp' } });
  assert.equal(added.status, 201);
  const queued = await offline.request({
    method: 'POST',
    path: '/api/v1/devices/l1/commands/blink',
    body: { id: 'b1' },
  });
  assert.equal(JSON.parse(queued.body).state, 'queued');
  await offline.close();
  const server = await startServer(readConfigurationFile(file));
  try {
    const { status, body } = await server.api({ method: 'GET', path: '/api/v1/commands/b1' });
    assert.deepEqual([status, JSON.parse(body).deviceId], [200, 'l1']);
    const { body: audit } = await server.api({ method: 'GET', path: '/api/v1/audit' });
    assert.deepEqual(
      JSON.parse(audit).items.map(({ by, action }: Record<string, string>) => `${by} ${action}`),
      ['offline command.request', 'offline device.add'],
    );
  } finally {
    await server.stop();
  }
});

test('nothing is told from its closing on', async () => {
  const told: string[] = [];
  const offline = await openOfflineApi(undefined, file, ({ name }) => void told.push(name));
  const closed = offline.close();
  const before = told.length;
  await closed;
  assert.equal(told.length, before);
});

test('has the store for itself meanwhile, and answers others by the control socket', async () => {
  const offline = await openOfflineApi(undefined, file, nothing);
  try {
    await assert.rejects(openOfflineApi(undefined, file, nothing), { code: 'locked' });
    const request = { command: 'api', method: 'GET', path: '/api/v1/devices/l1' } as const;
    assert.equal((await askServer(join(scratch, 'data'), request))?.result.status, 200);
  } finally {
    await offline.close();
  }
});

test('a configuration without devices, or that keeps nothing, is refused before anything is opened', async () => {
  const other = join(scratch, 'other.yaml');
  writeFileSync(other, 'data: none\n');
  await assert.rejects(openOfflineApi(undefined, other, nothing), (error: ConfigurationError) => {
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /other\.yaml: there is no key devices/);
    return true;
  });
  writeFileSync(other, 'durability: memory\ndevices: { types: { lamp: {} } }\nauthentication: [{ method: devices }]\n');
  await assert.rejects(openOfflineApi(undefined, other, nothing), /durability is "memory", so there is no store/);
});
