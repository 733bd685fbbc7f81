import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Recorder } from './contract/recorder.ts';
import { Accepting, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import { NetWire } from './tcp-net.ts';
import { listenUnix, type UnixListenOptions } from './unix.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-unix-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;

function free(): string {
  sockets += 1;
  return join(folder, `${sockets}.sock`);
}

function listen(options: Partial<UnixListenOptions> & { path: string }): Promise<Accepting> {
  return Accepting.by((accepting) => listenUnix({ ...accepting, ...options }));
}

describeWire('Unix socket', async () => {
  const path = free();
  const accepting = await listen({ path });
  const socket = net.connect({ path, allowHalfOpen: true });
  socket.pause();
  await once(socket, 'connect');
  const server = await accepting.next();
  await accepting.listener.close();
  return [new NetWire(socket, { lingerMs: 2000, wireGone: () => {} }), server];
});

describe('a listener at a Unix socket', () => {
  test('says where it listens and who comes, and removes its file', LIMIT, async () => {
    const path = free();
    const accepting = await listen({ path });
    assert.deepEqual([accepting.listener.address, accepting.listener.port], [path, 0]);
    assert.equal(statSync(path).mode & 0o777, 0o660);
    const socket = net.connect({ path });
    const wire = await accepting.next();
    assert.deepEqual(wire.peer, { address: 'unix', port: 0 });
    await accepting.listener.close();
    await accepting.listener.close();
    assert.ok(!existsSync(path));
    const recorder = Recorder.open(wire);
    socket.end('still here');
    await recorder.told('ended');
    assert.equal(recorder.bytes.toString(), 'still here');
    recorder.call(() => wire.close());
    await recorder.told('closed');
  });

  test('has the permissions that are asked for', LIMIT, async () => {
    const path = free();
    const { listener } = await listen({ path, mode: 0o600 });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await listener.close();
  });

  test('takes the place of a socket at which nobody answers', LIMIT, async () => {
    const path = free();
    const stale = await listen({ path });
    // What a process leaves that was killed: the file of a socket that nobody has.
    const moved = net.createServer().listen(join(folder, 'moved'));
    await once(moved, 'listening');
    await stale.listener.close();
    const { renameSync } = await import('node:fs');
    renameSync(join(folder, 'moved'), path);
    await new Promise((resolve) => moved.close(resolve));
    assert.ok(existsSync(path));
    const accepting = await listen({ path });
    const socket = net.connect({ path });
    (await accepting.next()).destroy();
    socket.destroy();
    await accepting.listener.close();
  });

  test('leaves a socket at which somebody answers, and a file that is none', LIMIT, async () => {
    const path = free();
    const first = await listen({ path });
    await assert.rejects(listen({ path }), {
      code: 'EADDRINUSE',
      message: `Cannot listen at "${path}": another listener has the address (EADDRINUSE)`,
    });
    await first.listener.close();
    const file = free();
    writeFileSync(file, 'precious');
    await assert.rejects(listen({ path: file }), { code: 'EEXIST' });
    assert.ok(existsSync(file));
  });

  test('leaves the file of another that took its place', LIMIT, async () => {
    const path = free();
    const first = await listen({ path });
    rmSync(path);
    const second = await listen({ path });
    await first.listener.close();
    assert.ok(existsSync(path));
    await second.listener.close();
    assert.ok(!existsSync(path));
  });

  test('says that the folder is missing', LIMIT, async () => {
    await assert.rejects(listen({ path: join(folder, 'none', 'x.sock') }), { name: 'TransportError' });
  });

  test('knows who comes through a proxy that is trusted', LIMIT, async () => {
    const path = free();
    const accepting = await listen({ path, proxy: { protocol: 'v1', trusted: ['unix'] } });
    const socket = net.connect({ path });
    socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5 6\r\n');
    const { peer } = await accepting.next();
    assert.deepEqual(peer, { address: '192.0.2.7', port: 5, proxyAddress: 'unix' });
    socket.destroy();
    await accepting.listener.close();
  });
});
