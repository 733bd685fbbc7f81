/** The guide to the client and its README: every example runs, and what they say of options is what the code has. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '@dunlin/client';
import { nodeDial } from '@dunlin/client/node';
import { hashPassword } from '@dunlin/identity';
import { startServer } from '@dunlin/server';
import { SYSTEM } from '../../packages/client/src/environment.ts';
import { settingsOf } from '../../packages/client/src/settings.ts';
import { makePki } from '../pki/pki.ts';
import { Program } from './local-broker.ts';

const HOST = '127.0.0.1';
const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = await readFile(join(root, 'docs/guide/client.md'), 'utf8');

const examplesOf = (text: string): string[] => [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code);

/** A folder where programs find the packages. */
async function scratch(): Promise<string> {
  await mkdir(join(root, '.dunlin'), { recursive: true });
  const folder = await mkdtemp(join(root, '.dunlin', 'client-guide-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server over TCP and, for certificates of `tls/` in the folder, over TLS. */
async function serverAt(folder: string) {
  await mkdir(join(folder, 'tls'));
  const pki = makePki(join(folder, 'tls'));
  const tls = { certificate: pki.path('server.pem'), key: pki.path('server.key') };
  const players = { ...tls, clientCertificate: 'required', authorities: ['devices'] } as const;
  const server = await startServer({
    listeners: [
      { name: 'tcp', host: HOST, port: 0, allowAnonymous: true, authentication: ['users', 'anonymous'] },
      { name: 'tls', transport: 'tls', host: HOST, port: 0, tls: players, authentication: ['certificate'] },
      { name: 'users', transport: 'tls', host: HOST, port: 0, tls, authentication: ['users'] },
    ],
    authorities: [{ name: 'devices', certificate: pki.path('ca.pem') }],
    authentication: [
      { method: 'certificate', match: 'none' },
      { method: 'anonymous' },
      { method: 'users', users: [{ name: 'ada', password: await hashPassword(Buffer.from('pencil')) }] },
    ],
  });
  after(() => server.stop());
  const [tcp, mutual, users] = server.listeners.map(({ port }) => port);
  return { tcp, mutual, users, pki };
}

test('the examples of the client guide run', async () => {
  const folder = await scratch();
  const { tcp, mutual, pki } = await serverAt(folder);
  await writeFile(join(folder, 'tls', 'player.pem'), pki.text('good.pem'));
  await writeFile(join(folder, 'tls', 'player.key'), pki.text('good.key'), { mode: 0o600 });
  const outputs: string[] = [];
  for (const [index, code] of examplesOf(guide).entries()) {
    const here = code
      .replaceAll('mqtt://localhost:1883', `mqtt://${HOST}:${tcp}`)
      .replaceAll('mqtts://localhost:8883', `mqtts://${HOST}:${mutual}`)
      .replaceAll("'tls/", `'${folder}/tls/`)
      .replaceAll("'kitchen.outbox'", `'${folder}/kitchen.outbox'`)
      .replaceAll("'views.seen'", `'${folder}/views.seen'`);
    const file = join(folder, `example-${index}.ts`);
    await writeFile(file, here);
    outputs.push(await new Program(process.execPath, ['--conditions=@dunlin/source', file]).output());
  }
  assert.deepEqual(outputs, [
    "room/1/temperature { value: 22.5, unit: 'C' }\n",
    '',
    'connected\n',
    'connected\n',
    '',
    '',
    '',
    '',
    '',
    '{ playing: true }\n',
    '42 does play\n',
    "player/42/status player/+/status { key: '7' }\n",
    '42 true\n{ playing: true }\n',
    '1\n',
  ]);
});

test('the longer example of the README runs as it stands, but for host and port', async () => {
  const folder = await scratch();
  const { tcp, users, pki } = await serverAt(folder);
  const [, code] = examplesOf(await readFile(join(root, 'packages/client/README.md'), 'utf8'));
  assert.ok(code.includes('mqtts://broker:8883'));
  const file = join(folder, 'readme.ts');
  await writeFile(file, code.replace('broker:8883', `${HOST}:${users}`));
  await using peer = await connect(`mqtt://${HOST}:${tcp}`);
  const responding = await peer.respond('player/42/request', (request) => ({ done: request.json() }));
  // The loop of the example begins behind its own publish.
  const publishing = setInterval(() => void peer.publish('sensors/room1/temperature', { value: 23 }), 20);
  const node = `NODE_EXTRA_CA_CERTS="${pki.path('ca.pem')}" exec "${process.execPath}"`;
  const program = new Program('bash', ['-c', `${node} --conditions=@dunlin/source "${file}"`]);
  await program
    .shows("sensors/room1/temperature { value: 23 }\n{ done: { action: 'play' } }\n")
    .finally(() => clearInterval(publishing));
  await responding.unsubscribe();
  const reply = await askUntilHeard(peer);
  assert.deepEqual(reply, { seen: 'next' });
  const statuses = await peer.subscribe('status/hall', { qos: 1 });
  program.kill('SIGKILL');
  for await (const status of statuses) {
    assert.equal(status.text(), 'offline');
    break;
  }
});

/** Requests until somebody subscribes to them. */
async function askUntilHeard(client: Awaited<ReturnType<typeof connect>>): Promise<unknown> {
  for (;;) {
    try {
      return (await client.request('player/7/request', JSON.stringify('next'), { timeoutMs: 5000 })).json();
    } catch (error) {
      assert.equal((error as { reasonCode?: number }).reasonCode, 0x10);
    }
  }
}

test('every option of the client is in the guide', async () => {
  const options = await readFile(join(root, 'packages/client/src/options.ts'), 'utf8');
  for (const name of ['ClientOptions', 'ReconnectOptions', 'OutboxOptions']) {
    const body = new RegExp(`interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(options)?.[1] ?? '';
    const names = [...body.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, option]) => option);
    assert.ok(names.length > 3, name);
    for (const option of names) assert.ok(new RegExp(`\`(?:outbox\\.)?${option}[.\`:]`).test(guide), option);
  }
});

test('every limit in the guide has the default that the code has', () => {
  const settings = settingsOf({ dial: nodeDial(), environment: SYSTEM }, 'mqtt://localhost', {});
  const flat: Readonly<Record<string, unknown>> = {
    ...settings,
    ...Object.fromEntries(Object.entries(settings.outbox).map(([name, value]) => [`outbox.${name}`, value])),
  };
  const table = guide.split(/^## /m).find((section) => section.startsWith('Limits\n')) ?? '';
  const rows = [...table.matchAll(/^\| `([\w.]+)` \| (\d+|none)\b/gm)];
  const told = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  const limits = Object.entries(flat).filter(([, value]) => typeof value === 'number');
  const none = Object.keys(told).filter((name) => flat[name] === undefined);
  assert.deepEqual(none, ['operationTimeoutMs']);
  assert.deepEqual(told, {
    ...Object.fromEntries(limits.map(([name, value]) => [name, String(value)])),
    operationTimeoutMs: 'none',
  });
});
