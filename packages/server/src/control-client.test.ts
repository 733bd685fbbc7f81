import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askServer } from './control-client.ts';
import { ControlError } from './control-protocol.ts';
import { ControlSocket, type ControlTable } from './control-socket.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-ask-'));
const closers: (() => unknown)[] = [];
let directories = 0;

after(async () => {
  for (const close of closers) await close();
  rmSync(scratch, { recursive: true, force: true });
});

function newDirectory(name = ''): string {
  directories += 1;
  const path = join(scratch, `${directories}${name}`);
  mkdirSync(path);
  return path;
}

const hello = async () => ({ pid: 4711, version: '1.2.3', commands: [] });

async function serving(commands: ControlTable, directory = newDirectory()): Promise<string> {
  const control = await ControlSocket.open({ directory, commands: { hello, ...commands } });
  closers.push(() => control?.close());
  return directory;
}

/** Something else than a server of ours. */
async function strange(answer: (server: Server) => void): Promise<string> {
  const directory = newDirectory();
  const server = createServer();
  answer(server);
  await new Promise<void>((resolve) => server.listen(join(directory, 'control'), resolve));
  closers.push(() => server.close());
  return directory;
}

test('brings the result, and who gave it', async () => {
  const directory = await serving({ 'store-stats': async () => ({ keys: 5 }) });
  const answer = await askServer(directory, { command: 'store-stats' });
  assert.deepEqual(answer, { server: { pid: 4711, version: '1.2.3' }, result: { keys: 5 } });
});

test('brings a refusal with its code', async () => {
  const refuse = async () => {
    throw new ControlError('not-openable', 'Cannot back up');
  };
  const directory = await serving({ 'store-backup': refuse });
  await assert.rejects(askServer(directory, { command: 'store-backup', to: '/x' }), {
    code: 'not-openable',
    message: 'Cannot back up',
  });
  // A server of an older version.
  await assert.rejects(askServer(directory, { command: 'store-check' }), { code: 'unknown-command' });
});

test('finds nobody where there is no socket, no directory, or a dead socket', async () => {
  const directory = newDirectory();
  assert.equal(await askServer(directory, { command: 'hello' }), undefined);
  for (const name of ['none', `none${'d'.repeat(120)}`])
    assert.equal(await askServer(join(directory, name), { command: 'hello' }), undefined);
  writeFileSync(join(directory, 'control'), '');
  assert.equal(await askServer(directory, { command: 'hello' }), undefined);
  assert.equal(await askServer(join(directory, 'control'), { command: 'hello' }), undefined);
});

test('says that a server does not answer, ends the connection or answers something else', async () => {
  const silent = await strange((server) => server.on('connection', (socket) => socket.on('error', () => undefined)));
  await assert.rejects(askServer(silent, { command: 'hello' }, 20), {
    code: 'unreachable',
    message: `Cannot reach the server of ${silent}: it does not answer`,
  });
  const ending = await strange((server) => server.on('connection', (socket) => socket.resume().end()));
  await assert.rejects(askServer(ending, { command: 'hello' }), { code: 'unreachable' });
  const other = await strange((server) => server.on('connection', (socket) => socket.resume().end('HTTP/1.1 400\n')));
  await assert.rejects(askServer(other, { command: 'hello' }), { code: 'unreachable', message: /JSON/ });
});

test('says that the connection was lost where a server that had answered goes away', async () => {
  const hello = `${JSON.stringify({ result: { pid: 1, version: '0' } })}\n`;
  for (const leave of ['end', 'destroy'] as const) {
    const dying = await strange((server) =>
      server.on('connection', (socket) => {
        socket.once('data', () => socket.write(hello, () => socket.once('data', () => socket[leave]())));
        socket.on('error', () => undefined);
      }),
    );
    await assert.rejects(askServer(dying, { command: 'store-check' }), {
      code: 'connection-lost',
      message: /^Cannot say what the server of .* did: the connection to it was lost \(.+\)$/,
    });
  }
});

test('reaches a server whose directory has a long path', { skip: !existsSync('/proc/self/fd') }, async () => {
  const directory = await serving({}, newDirectory('d'.repeat(120)));
  assert.equal((await askServer(directory, { command: 'hello' }))?.server.pid, 4711);
});
