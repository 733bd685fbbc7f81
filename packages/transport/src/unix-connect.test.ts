import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Accepting, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import { listenUnix } from './unix.ts';
import { connectUnix } from './unix-connect.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-unix-'));
after(() => rmSync(folder, { recursive: true }));

describeWire('Unix socket, connected', async () => {
  const path = join(folder, 'wire.sock');
  const accepting = await Accepting.by((options) => listenUnix({ ...options, path }));
  const [client, server] = await Promise.all([connectUnix({ path }), accepting.next()]);
  await accepting.listener.close();
  return [client, server];
});

test('says who is at the other end, and why nobody is', LIMIT, async () => {
  const path = join(folder, 'peer.sock');
  await assert.rejects(connectUnix({ path }), { code: 'ENOENT', message: /^Cannot connect to ".*peer\.sock"/ });
  const server = createServer().listen(path);
  const wire = await connectUnix({ path });
  assert.deepEqual(wire.peer, { address: 'unix', port: 0 });
  wire.destroy();
  server.close();
  await assert.rejects(connectUnix({ path, signal: AbortSignal.abort(new Error('no more')) }), /no more/);
});
