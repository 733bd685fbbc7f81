import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deviceDirectory, startDevices } from '../contract/device-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import type { ApiFlags } from './api-flags.ts';
import { openApi } from './api-ways.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-ways-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function open(said: Partial<ApiFlags>, environment: Record<string, string> = {}) {
  const terminal = new RecordedTerminal();
  Object.assign(terminal.environment, environment);
  return openApi({ json: false, plainHttp: false, ...said }, terminal);
}

test('the key of a URL is that of the file, else of the environment, and has to look like one', async () => {
  const directory = deviceDirectory();
  await using server = await startDevices(directory);
  const made = await server.api({
    method: 'POST',
    path: '/api/v1/keys',
    body: { name: 't', scopes: ['devices:read'] },
  });
  const { key } = JSON.parse(made.body);
  const url = new URL(`http://127.0.0.1:${server.listeners[1].port}`);
  const keyFile = join(scratch, 'key');
  writeFileSync(keyFile, `${key}\r\n`);
  for (const api of [await open({ url, keyFile }), await open({ url }, { DUNLIN_API_KEY: key })]) {
    assert.deepEqual(await api.ask('GET', '/api/v1/devices'), { items: [] });
    await api.close();
  }
  await assert.rejects(open({ url }), {
    exitCode: 1,
    message: /expected an API key, in --api-key-file FILE or in \$DUNLIN_API_KEY$/,
  });
  await assert.rejects(
    open({ url }, { DUNLIN_API_KEY: 'pass\nword' }),
    (error: Error) => !error.message.includes('word'),
  );
  await assert.rejects(open({ url, keyFile: join(scratch, 'none') }), {
    exitCode: 3,
    message: /^Cannot read the API key from /,
  });
});

test('a key goes over the network without encryption only where that was asked for', async () => {
  const environment = { DUNLIN_API_KEY: 'dk_0123456789abcdef_x' };
  const url = new URL('http://mqtt.example');
  await assert.rejects(open({ url }, environment), {
    exitCode: 1,
    message: /https:\/\/ is expected, or --plain-http$/,
  });
  await (await open({ url, plainHttp: true }, environment)).close();
  for (const here of ['http://localhost:1', 'http://[::1]:1', 'http://127.1.2.3:1'])
    await (await open({ url: new URL(here) }, environment)).close();
  await assert.rejects(open({ url: new URL('http://127.0.0.1.evil.example') }, environment), { exitCode: 1 });
});

test('a configuration that is wrong, or a store that is not, is told of', async () => {
  const directory = deviceDirectory();
  const config = join(directory, 'dunlin.yaml');
  writeFileSync(join(directory, 'ca.key'), 'no key');
  await assert.rejects(open({ config }), { exitCode: 3, message: /devices\.authority/ });
  writeFileSync(config, 'data: data\n');
  await assert.rejects(open({ config }), { exitCode: 3, message: /there is no key devices, which is expected/ });
});

test('one who comes while another has the store is answered by the other', async () => {
  const config = join(deviceDirectory(), 'dunlin.yaml');
  const first = await open({ config });
  const second = await open({ config });
  assert.deepEqual([first.isStopped, second.isStopped], [true, false]);
  assert.deepEqual(await second.ask('GET', '/api/v1/devices'), { items: [] });
  await second.close();
  await first.close();
});
