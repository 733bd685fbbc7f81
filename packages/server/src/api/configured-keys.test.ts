/** API keys of the configuration, and what guessing keys leads to, on a server with everything in memory. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ConfigurationInput } from '../configuration.ts';
import { askServer } from '../control-client.ts';
import type { ServerEvent } from '../events.ts';
import { type RunningServer, startServer } from '../server.ts';
import { readConfiguredKeys } from './configured-keys.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-keys-'));
const running: RunningServer[] = [];
after(async () => {
  for (const server of running) await server.stop();
  rmSync(directory, { recursive: true });
});

const key = randomBytes(32).toString('hex');
const sha256 = createHash('sha256').update(key).digest('hex');

function fileOf(text: string): string {
  const file = join(directory, randomBytes(6).toString('hex'));
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function start(more: ConfigurationInput) {
  const events: ServerEvent[] = [];
  const server = await startServer(
    { listeners: [{ name: 'web', transport: 'ws', host: '127.0.0.1', port: 0, api: true }], ...more },
    { onEvent: (event) => events.push(event) },
  );
  running.push(server);
  const get = async (path: string, shown?: string) => {
    const headers = shown === undefined ? {} : { authorization: `Bearer ${shown}` };
    const answer = await fetch(`http://127.0.0.1:${server.listeners[0].port}${path}`, { headers });
    return { status: answer.status, body: (await answer.json()) as { code?: string; items?: { by: string }[] } };
  };
  return { server, events, get };
}

test('a key of the configuration counts by its hash and from a file, for its scopes', async () => {
  const other = randomBytes(24).toString('base64');
  const { get, server } = await start({
    api: {
      keys: [
        { name: 'shop', sha256: sha256.toUpperCase(), scopes: ['keys:write', 'audit:read'] },
        { name: 'watch', file: fileOf(`${other}\n`), scopes: ['audit:read'] },
      ],
    },
  });
  assert.equal((await get('/api/v1/keys', key)).status, 200);
  assert.equal((await get('/api/v1/audit', other)).status, 200);
  assert.deepEqual((({ status, body }) => [status, body.code])(await get('/api/v1/keys', other)), [
    403,
    'scope-missing',
  ]);
  assert.equal((await get('/api/v1/keys', sha256)).status, 401);
  const url = `http://127.0.0.1:${server.listeners[0].port}/api/v1/keys`;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'made', scopes: ['audit:read'] });
  assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 201);
  assert.equal((await get('/api/v1/audit', key)).body.items?.[0].by, 'configured-key:shop');
});

test('a file that holds no key is named, and what it holds is not', () => {
  const file = fileOf('s3cret');
  const entry = { name: 'a', scopes: [] };
  assert.throws(() => readConfiguredKeys([{ ...entry, file }]), {
    name: 'ConfigurationError',
    message: `api.keys[0].file: what ${file} holds is no API key: one line of 32 to 256 visible ASCII characters is expected`,
  });
  assert.throws(() => readConfiguredKeys([{ ...entry, file: `${file}-missing` }]), /ENOENT|missing/);
});

test('keys of the configuration that contradict themselves are named', async () => {
  const scopes = ['audit:read'] as const;
  const wrong: [object[], RegExp][] = [
    [[{ name: 'a', scopes }], /^api\.keys\[0\] has neither sha256 nor file: one is expected$/],
    [[{ name: 'a', scopes, sha256, file: 'f' }], /^api\.keys\[0\] has sha256 and file: one is expected$/],
    [[{ name: 'a', scopes, sha256: 's3cret' }], /^api\.keys\[0\]\.sha256 is no SHA-256: 64 hexadecimal digits are/],
    [[{ name: 'a b', scopes, sha256 }], /^api\.keys\[0\]\.name is "a b"/],
    [[1, 2].map(() => ({ name: 'a', scopes, sha256 })), /^api\.keys\[1\]\.name is "a": a name that no other entry has/],
    [[{ name: 'a', scopes: ['all'], sha256 }], /^api\.keys\[0\]\.scopes\[0\] is "all": one of devices:read, /],
  ];
  for (const [keys, message] of wrong)
    await assert.rejects(start({ api: { keys } } as ConfigurationInput), { name: 'ConfigurationError', message });
});

test('wrong API keys are failures of their address: its answers are delayed, then it is banned', async () => {
  const { get, events } = await start({
    api: { keys: [{ name: 'shop', sha256, scopes: ['audit:read'] }] },
    guard: { trusted: ['192.0.2.1'], addressDelayAfter: 1, delayMaxMs: 1, addressBanAfter: 4 },
  });
  for (let guess = 0; guess < 3; guess++)
    assert.deepEqual((await get('/api/v1/audit', randomBytes(32).toString('hex'))).status, 401);
  assert.equal((await get('/api/v1/audit', key)).status, 200);
  assert.equal((await get('/api/v1/audit')).body.code, 'key-missing');
  assert.equal((await get('/api/v1/audit', 'x')).status, 401);
  const { name, address, listener, failures } = events.find((event) => event.name === 'addressBanned') as never;
  assert.deepEqual([name, address, listener, failures], ['addressBanned', '127.0.0.1', 'web', 4]);
  // The connection stays, the next one is not taken at all.
  const refused = await get('/api/v1/audit', key).catch(() => 'not taken');
  assert.ok(refused === 'not taken' || (refused as { body: { code: string } }).body.code === 'address-banned');
});

test('the first key of a server with a data directory is made through its control socket, and outlives it', async () => {
  const data = join(directory, 'data');
  const first = await start({ data });
  const made = await askServer(data, {
    command: 'api',
    ...{ method: 'POST', path: '/api/v1/keys', body: { name: 'first', scopes: ['keys:write'] } },
  });
  assert.ok(made !== undefined);
  const { key: shown } = JSON.parse(made.result.body as string);
  assert.equal((await first.get('/api/v1/keys', shown)).status, 200);
  await first.server.stop();
  const { get } = await start({ data });
  assert.equal((await get('/api/v1/keys', shown)).status, 200);
});
