import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MasterKey, newAuthority } from '@dunlin/devices';
import { PasswordVerifier } from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import { openDevices } from './configured-devices.ts';
import { completeDevices, type DevicesInput } from './device-configuration.ts';
import { MemoryTables } from './memory-tables.ts';
import { systemClock } from './system-clock.ts';

const bytes = randomBytes(32);
const directory = mkdtempSync(join(tmpdir(), 'dunlin-devices-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const { issuing } = newAuthority({ name: 'Test', nowMs: Date.now(), masterKey: new MasterKey(bytes, 'a test') });
const file = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(directory, name), text, { mode });
  return join(directory, name);
};
const authority = { certificate: file('ca.pem', issuing.certificate), key: file('ca.key', issuing.key) };
const masterKey = { file: file('master.key', `${bytes.toString('base64')}\n`) };

async function open(input: DevicesInput | undefined) {
  const parts = { tables: new MemoryTables(), clock: systemClock, tell: () => {} };
  const devices = input && completeDevices(input);
  return openDevices(
    { devices, data: undefined, settings: {} },
    { ...parts, verifier: new PasswordVerifier({ clock: systemClock }) },
  );
}

test('there is a service where the configuration has one, with an authority where it names one', async () => {
  assert.equal(await open(undefined), undefined);
  const plain = await open({});
  assert.deepEqual([plain?.issuing, plain?.revocationSources], [undefined, []]);
  await plain?.close();
  const service = await open({ authority, masterKey });
  assert.equal(service?.issuing?.authority.name, 'devices');
  assert.equal(service?.revocationSources.length, 1);
  await service?.close();
});

for (const [what, input, problem] of [
  ['types', { types: { oven: { presence: { topic: 'a/#' } } } }, /devices\.types\.oven/],
  [
    'a master key that is missing',
    { authority, masterKey: { file: join(directory, 'none') } },
    /^devices\.masterKey: Cannot take the master key from .*: there is no such file; the one that .*ca\.key was encrypted under is expected: restore your copy/,
  ],
  [
    'a master key that others may read',
    { authority, masterKey: { file: file('open.key', 'x', 0o644) } },
    /^devices\.masterKey: /,
  ],
  [
    'another master key',
    { authority, masterKey: { file: file('other.key', randomBytes(32).toString('base64')) } },
    /^devices\.authority: .*master key/,
  ],
  [
    'a certificate that is none',
    { authority: { ...authority, certificate: file('no.pem', 'x') }, masterKey },
    /^devices\.authority: /,
  ],
] as const)
  test(`${what}: the start ends with what is wrong`, async () => {
    await assert.rejects(open(input), (error: ConfigurationError) => {
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.problems.join('\n'), problem);
      return true;
    });
  });

/** Modules that a server of this configuration has loaded when it runs. */
function loadedBy(configuration: object): string {
  const program = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
const { startServer } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))});
const server = await startServer(${JSON.stringify(configuration)});
await server.stop();
console.log(loaded.join('\\n'));`;
  const words = ['--conditions=@dunlin/source', '--input-type=module', '--eval', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('a server without devices and API loads neither their service nor Fastify, nor checks of schemas', () => {
  const listeners = [{ port: 0 }, { name: 'web', transport: 'ws', port: 0 }];
  const heavy = [
    /devices\/src\/(service|index)\.ts$/m,
    /node_modules\/fastify\//,
    /node_modules\/ajv\//,
    /node_modules\/typebox\//,
  ];
  const without = loadedBy({ listeners });
  for (const one of heavy) assert.doesNotMatch(without, one);
  const api = [listeners[0], { ...listeners[1], api: true }];
  const withAll = loadedBy({
    listeners: api,
    authentication: [{ method: 'devices' }],
    devices: { types: { lamp: {} } },
  });
  for (const one of heavy.slice(0, 2)) assert.match(withAll, one);
});
