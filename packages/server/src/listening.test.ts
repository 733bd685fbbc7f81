import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TransportError, type Wire } from '@dunlin/transport';
import { completeConfiguration, type ListenerConfiguration } from './configuration.ts';
import { checkReach, type ListenOptions, listenAt, ServerStartError } from './listening.ts';

const options: ListenOptions = {
  backlog: 16,
  waitingMax: 16,
  connectionsPerAddressMax: 16,
  isWelcome: () => true,
  isSpareFile: () => true,
  accept: (wire) => wire.destroy(),
  onError: () => {},
  onRefused: () => {},
  tls: undefined,
  maximumPacketSize: 1024,
  httpRequest: undefined,
};

function entry(listener: Partial<ListenerConfiguration>): ListenerConfiguration {
  return completeConfiguration({ listeners: [listener] }).listeners[0];
}

test('opens localhost at the loopback addresses of the machine, at one free port', async () => {
  const listeners = await listenAt(entry({ port: 0 }), options);
  try {
    assert.ok(listeners.length >= 1 && listeners.length <= 2);
    const [{ port }] = listeners;
    assert.ok(port > 0);
    for (const { address } of listeners) assert.ok([`127.0.0.1:${port}`, `[::1]:${port}`].includes(address), address);
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
  }
});

test('explains that a port is in use and what to do, and leaves nothing open', async () => {
  const [holder] = await listenAt(entry({ host: '127.0.0.1', port: 0 }), options);
  const { port } = holder;
  await assert.rejects(listenAt(entry({ port }), options), (error: unknown) => {
    assert.ok(error instanceof ServerStartError);
    assert.equal(error.code, 'EADDRINUSE');
    assert.match(
      error.message,
      new RegExp(`^Cannot listen at localhost:${port}: port ${port} is in use, perhaps by another broker`),
    );
    // A program that called startServer has no flags to be told of.
    assert.doesNotMatch(error.message, /--/);
    assert.equal(error.listener, 'tcp');
    assert.ok(error.cause instanceof TransportError);
    return true;
  });
  await holder.close();
  const again = await listenAt(entry({ port }), options);
  await Promise.all(again.map((listener) => listener.close()));
});

test('explains an address that this machine does not have', async () => {
  await assert.rejects(listenAt(entry({ host: '192.0.2.1', port: 0 }), options), {
    code: 'EADDRNOTAVAIL',
    message: /^Cannot listen at 192\.0\.2\.1:0: this machine has no such address\./,
  });
});

test('refuses an address that others can reach unless everybody is welcome', () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'broker.local'])
    assert.throws(() => checkReach(entry({ host })), {
      code: 'listener-open-to-all',
      message: /Expected is authentication, the host localhost, or allowAnonymous: true in its entry\.$/,
    });
  checkReach(entry({ host: '0.0.0.0', allowAnonymous: true }));
  checkReach(entry({ host: '127.0.0.1' }));
});

test('serves WebSockets at the paths of the entry, and hands other requests on', async () => {
  const asked: string[] = [];
  const wires: Wire[] = [];
  const listeners = await listenAt(entry({ host: '127.0.0.1', port: 0, transport: 'ws', paths: ['/here'] }), {
    ...options,
    accept: (wire) => wires.push(wire),
    httpRequest: (request, response, listener) => {
      asked.push(`${listener} ${request.url}`);
      response.end('handled');
      return true;
    },
  });
  try {
    const place = `127.0.0.1:${listeners[0].port}`;
    assert.equal(await (await fetch(`http://${place}/api?x=1`)).text(), 'handled');
    assert.deepEqual(asked, ['ws /api?x=1']);
    const socket = new WebSocket(`ws://${place}/here`, 'mqtt');
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    assert.equal(wires.length, 1);
  } finally {
    for (const wire of wires) wire.destroy();
    await Promise.all(listeners.map((listener) => listener.close()));
  }
});

test('takes at a Unix socket what a proxy says, where who may open it is trusted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-listening-'));
  const path = join(folder, 'proxied');
  const accepted = Promise.withResolvers<Wire>();
  const [listener] = await listenAt(
    entry({ transport: 'unix', path, proxy: { trusted: ['unix'], protocol: 'v1', forwardedFor: false } }),
    { ...options, accept: accepted.resolve },
  );
  const socket = connect({ path });
  try {
    socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5 6\r\n');
    assert.deepEqual((await accepted.promise).peer, { address: '192.0.2.7', port: 5, proxyAddress: 'unix' });
  } finally {
    socket.destroy();
    await listener.close();
    rmSync(folder, { recursive: true });
  }
});

test('explains what is wrong with the place of a Unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-listening-'));
  const at = (name: string): Promise<unknown> =>
    listenAt(entry({ transport: 'unix', path: join(folder, name) }), options);
  try {
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(at('file'), { code: 'EEXIST', message: /file": a file that is no socket is there\.$/ });
    await assert.rejects(at('no/where'), {
      code: 'EACCES',
      message: /where": the folder ".*no" is not there, or this/,
    });
    const [holder] = await listenAt(entry({ transport: 'unix', path: join(folder, 'taken') }), options);
    await assert.rejects(at('taken'), {
      code: 'EADDRINUSE',
      message: /taken": another program listens at this socket\.$/,
    });
    await holder.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
