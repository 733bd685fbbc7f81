import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Recorder } from './contract/recorder.ts';
import { describeWire } from './contract/wire.ts';
import { connectTcp, listenTcp, type TcpImplementation, type TcpListenOptions } from './tcp.ts';
import { handlesWork } from './tcp-check.ts';
import { NetWire } from './tcp-net.ts';
import type { Listener, Wire } from './wire.ts';

const HOST = '127.0.0.1';
const LIMIT = { timeout: 20_000 };
const WAYS: readonly TcpImplementation[] = ['net', 'handle'];

/** A listener which keeps what it accepts. */
class Accepting {
  readonly wires: Wire[] = [];
  readonly errors: Error[] = [];
  listener!: Listener;
  #waiting: ((wire: Wire) => void)[] = [];

  static async at(options: Partial<TcpListenOptions>): Promise<Accepting> {
    const self = new Accepting();
    self.listener = await listenTcp({
      host: HOST,
      port: 0,
      accept: (wire) => self.#accept(wire),
      onError: (error) => self.errors.push(error),
      ...options,
    });
    return self;
  }

  next(): Promise<Wire> {
    const wire = this.wires.shift();
    return wire === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(wire);
  }

  #accept(wire: Wire): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.wires.push(wire);
    else resolve(wire);
  }
}

for (const implementation of WAYS) {
  describeWire(`TCP, ${implementation}`, async () => {
    const accepting = await Accepting.at({ implementation });
    const [client, server] = await Promise.all([
      connectTcp({ host: HOST, port: accepting.listener.port, implementation }),
      accepting.next(),
    ]);
    await accepting.listener.close();
    return [client, server];
  });
  describe(`TCP, ${implementation}`, () => {
    describePeers(implementation);
    describeListener(implementation);
    describeConnect(implementation);
  });
}

/** A raw socket of `node:net` joined to a wire. */
async function withRawPeer(
  implementation: TcpImplementation,
  options: Partial<TcpListenOptions> = {},
): Promise<{ wire: Wire; socket: net.Socket }> {
  const accepting = await Accepting.at({ implementation, ...options });
  const socket = net.connect({ host: HOST, port: accepting.listener.port, allowHalfOpen: true });
  socket.on('error', () => {});
  const wire = await accepting.next();
  await accepting.listener.close();
  return { wire, socket };
}

function describePeers(implementation: TcpImplementation): void {
  test('stays writable after the peer has sent its last', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    const recorder = Recorder.open(wire);
    const answer: Buffer[] = [];
    socket.on('data', (chunk) => answer.push(chunk));
    socket.end('question');
    await recorder.told('ended');
    assert.equal(recorder.bytes.toString(), 'question');
    recorder.call(() => wire.write(Buffer.from('late ')));
    await turn();
    recorder.call(() => wire.write(Buffer.from('answer')));
    recorder.call(() => wire.close());
    await Promise.all([recorder.told('closed'), once(socket, 'close')]);
    assert.equal(Buffer.concat(answer).toString(), 'late answer');
    assert.equal(recorder.error, undefined);
  });

  test('tells ECONNRESET when the peer resets', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    const recorder = Recorder.open(wire);
    socket.resetAndDestroy();
    await recorder.told('closed');
    assert.deepEqual(recorder.events, ['closed']);
    assert.equal((recorder.error as { code?: string }).code, 'ECONNRESET');
    assert.match(String(recorder.error), /The connection broke: the peer reset the connection \(ECONNRESET\)/);
  });

  test('gives up after lingerMs on a peer that does not close', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation, { lingerMs: 20 });
    const recorder = Recorder.open(wire);
    recorder.call(() => wire.close());
    await recorder.told('closed');
    assert.equal(recorder.error, undefined);
    socket.destroy();
  });

  test('gives up after lingerMs on a peer that does not read, and says so', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation, { lingerMs: 20 });
    socket.pause();
    const recorder = Recorder.open(wire);
    for (let count = 0; count < 64 && recorder.call(() => wire.write(Buffer.alloc(1024 * 1024))); count += 1);
    assert.ok(wire.pendingBytes > 0);
    recorder.call(() => wire.close());
    await recorder.told('closed');
    assert.match(String(recorder.error), /Cannot send the rest: no answer in time \(ETIMEDOUT\)/);
    socket.destroy();
  });

  test('reads and drops input while closing, also where it was paused', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation, { lingerMs: 3_600_000 });
    const recorder = Recorder.open(wire);
    recorder.call(() => wire.pause());
    const answer: Buffer[] = [];
    socket.on('data', (chunk) => answer.push(chunk));
    socket.end(Buffer.alloc(8 * 1024 * 1024));
    await turn();
    recorder.call(() => wire.write(Buffer.from('last')));
    recorder.call(() => wire.close());
    await Promise.all([recorder.told('closed'), once(socket, 'close')]);
    assert.equal(Buffer.concat(answer).toString(), 'last');
    assert.deepEqual([recorder.events, recorder.error], [['closed'], undefined]);
  });

  test('closes the connection even if it was never opened', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    wire.close();
    socket.resume();
    await once(socket, 'end');
    socket.end();
    await Recorder.open(wire).told('closed');
  });

  test('knows the peer by address and port', LIMIT, async () => {
    const { wire, socket } = await withRawPeer(implementation);
    assert.deepEqual(wire.peer, { address: HOST, port: socket.localPort });
    wire.destroy();
    assert.equal(wire.peer.address, HOST);
    socket.destroy();
  });

  test('shows an IPv4 peer of an IPv6 listener as IPv4', LIMIT, async (context) => {
    const accepting = await Accepting.at({ implementation, host: '::' }).catch(() => undefined);
    if (accepting === undefined) return context.skip('no IPv6 here');
    assert.equal(accepting.listener.address, `[::]:${accepting.listener.port}`);
    const socket = net.connect({ host: HOST, port: accepting.listener.port });
    const wire = await accepting.next();
    assert.equal(wire.peer.address, HOST);
    await accepting.listener.close();
    wire.destroy();
    socket.destroy();
  });
}

function describeListener(implementation: TcpImplementation): void {
  test('says where it listens, and frees the address while open wires stay', LIMIT, async () => {
    const first = await Accepting.at({ implementation });
    const { port } = first.listener;
    assert.equal(first.listener.address, `${HOST}:${port}`);
    const [client, wire] = await Promise.all([connectTcp({ host: HOST, port, implementation }), first.next()]);
    await first.listener.close();
    await first.listener.close();
    await assert.rejects(connectTcp({ host: HOST, port, implementation }), { code: 'ECONNREFUSED' });
    const second = await Accepting.at({ implementation, port });
    await second.listener.close();
    const [left, right] = [Recorder.open(client), Recorder.open(wire)];
    left.call(() => client.write(Buffer.from('still here')));
    await right.until(() => right.receivedBytes === 10);
    left.call(() => client.destroy());
    right.call(() => wire.destroy());
    await Promise.all([left.told('closed'), right.told('closed')]);
  });

  test('says which address is taken', LIMIT, async () => {
    const { listener } = await Accepting.at({ implementation });
    await assert.rejects(Accepting.at({ implementation, port: listener.port }), {
      name: 'TransportError',
      code: 'EADDRINUSE',
      message: `Cannot listen at "${HOST}:${listener.port}": the port is taken (EADDRINUSE)`,
    });
    await listener.close();
  });

  test('shares a port with another listener when both say so', LIMIT, async (context) => {
    const first = await Accepting.at({ implementation, reusePort: true }).catch(() => undefined);
    if (first === undefined) return context.skip('no port sharing here');
    const second = await Accepting.at({ implementation, reusePort: true, port: first.listener.port });
    assert.equal(second.listener.port, first.listener.port);
    await first.listener.close();
    const client = await connectTcp({ host: HOST, port: second.listener.port, implementation });
    (await second.next()).destroy();
    client.destroy();
    await second.listener.close();
  });

  test('accepts nothing while paused, and everything afterwards', LIMIT, async () => {
    const accepting = await Accepting.at({ implementation });
    accepting.listener.pause();
    const socket = net.connect({ host: HOST, port: accepting.listener.port });
    await once(socket, 'connect');
    for (let turns = 0; turns < 10; turns += 1) await turn();
    assert.equal(accepting.wires.length, 0);
    accepting.listener.resume();
    const recorder = Recorder.open(await accepting.next());
    socket.end('hello');
    await recorder.told('ended');
    assert.equal(recorder.bytes.toString(), 'hello');
    recorder.call(() => recorder.wire.close());
    await recorder.told('closed');
    await accepting.listener.close();
  });

  test('drops connections above its limit, says so once, and takes new ones when there is room', LIMIT, async () => {
    const accepting = await Accepting.at({ implementation, connectionsMax: 1 });
    const { port } = accepting.listener;
    const open = (): net.Socket => net.connect({ host: HOST, port }).on('error', () => {});
    const first = open();
    const wire = Recorder.open(await accepting.next());
    for (let refused = 0; refused < 3; refused += 1) await once(open().resume(), 'close');
    assert.equal(accepting.wires.length, 0);
    assert.deepEqual(
      accepting.errors.map((error) => error.message),
      ['Cannot accept a connection: the limit of open connections is reached (DUNLIN_CONNECTIONS_MAX)'],
    );
    wire.call(() => wire.wire.destroy());
    await wire.told('closed');
    const third = open();
    (await accepting.next()).destroy();
    await accepting.listener.close();
    first.destroy();
    third.destroy();
  });

  test('leaves no handle behind after a thousand connections', { timeout: 60_000 }, async () => {
    const accepting = await Accepting.at({ implementation });
    const before = tcpHandles();
    for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 50 }, () => visit(accepting)));
    // The last ones are closed by the event loop after they told so.
    for (let turns = 0; turns < 100 && tcpHandles() > before; turns += 1) await turn();
    assert.ok(tcpHandles() <= before);
    await accepting.listener.close();
  });

  async function visit(accepting: Accepting): Promise<void> {
    const [client, server] = await Promise.all([
      connectTcp({ host: HOST, port: accepting.listener.port, implementation }),
      accepting.next(),
    ]);
    const [left, right] = [Recorder.open(client), Recorder.open(server)];
    left.call(() => client.write(Buffer.from('hello')));
    await right.until(() => right.receivedBytes === 5);
    left.call(() => client.close());
    right.call(() => server.close());
    await Promise.all([left.told('closed'), right.told('closed')]);
  }
}

function tcpHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
}

function describeConnect(implementation: TcpImplementation): void {
  test('says that nothing listens', LIMIT, async () => {
    const { listener } = await Accepting.at({ implementation });
    const { port } = listener;
    await listener.close();
    await assert.rejects(connectTcp({ host: HOST, port, implementation }), {
      name: 'TransportError',
      code: 'ECONNREFUSED',
      message: `Cannot connect to "${HOST}:${port}": nothing listens there (ECONNREFUSED)`,
    });
  });

  test('refuses a port that cannot be, in the words of a TransportError', LIMIT, async () => {
    const wrong = { name: 'TransportError', code: 'ERR_SOCKET_BAD_PORT' };
    await assert.rejects(connectTcp({ host: HOST, port: 65536, implementation }), wrong);
    await assert.rejects(Accepting.at({ implementation, port: -1 }), wrong);
  });

  test('finds the address of a name that answers', LIMIT, async () => {
    const accepting = await Accepting.at({ implementation });
    const [client, server] = await Promise.all([
      connectTcp({ host: 'localhost', port: accepting.listener.port, implementation }),
      accepting.next(),
    ]);
    client.destroy();
    server.destroy();
    await accepting.listener.close();
  });

  test('gives up when aborted, before and meanwhile', LIMIT, async () => {
    const accepting = await Accepting.at({ implementation });
    const { port } = accepting.listener;
    const reason = new Error('no longer wanted');
    await assert.rejects(connectTcp({ host: HOST, port, signal: AbortSignal.abort(reason), implementation }), reason);
    const abort = new AbortController();
    const attempt = connectTcp({ host: HOST, port, signal: abort.signal, implementation });
    abort.abort(reason);
    await assert.rejects(attempt, reason);
    for (const wire of accepting.wires) wire.destroy();
    await accepting.listener.close();
  });

  test('gives up after timeoutMs', LIMIT, async () => {
    // Documentation address (RFC 5737): nobody answers, or the system says at once that there is no way.
    const attempt = connectTcp({ host: '192.0.2.1', port: 1883, timeoutMs: 20, implementation });
    await assert.rejects(attempt, { name: 'TransportError', code: /^E(TIMEDOUT|NETUNREACH|HOSTUNREACH|CONNREFUSED)$/ });
  });
}

test('raw handles work here, so auto takes them', LIMIT, async () => {
  assert.equal(await handlesWork(), true);
  const accepting = await Accepting.at({});
  const socket = net.connect({ host: HOST, port: accepting.listener.port });
  const wire = await accepting.next();
  assert.ok(!(wire instanceof NetWire));
  wire.destroy();
  socket.destroy();
  await accepting.listener.close();
});

test('DUNLIN_TCP=net turns auto into net', LIMIT, async () => {
  process.env.DUNLIN_TCP = 'net';
  try {
    const accepting = await Accepting.at({});
    const client = await connectTcp({ host: HOST, port: accepting.listener.port });
    const server = await accepting.next();
    assert.ok(client instanceof NetWire && server instanceof NetWire);
    client.destroy();
    server.destroy();
    await accepting.listener.close();
  } finally {
    delete process.env.DUNLIN_TCP;
  }
});

test('a raw handle reads what the peer sent before its reset, although a write fails first', LIMIT, async () => {
  const { wire, socket } = await withRawPeer('handle');
  const recorder = Recorder.open(wire);
  recorder.call(() => wire.pause());
  socket.write('goodbye', () => socket.resetAndDestroy());
  await once(socket, 'close');
  for (let tries = 0; tries < 100; tries += 1) {
    recorder.call(() => wire.write(Buffer.from('anyone?')));
    await turn();
  }
  recorder.call(() => wire.resume());
  await recorder.told('closed');
  assert.equal(recorder.bytes.toString(), 'goodbye');
  assert.match(String(recorder.error), /\((ECONNRESET|EPIPE)\)/);
});

test('a raw handle keeps the bytes of an unfinished write from the garbage collector', LIMIT, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { wire, socket } = await withRawPeer('handle');
  const recorder = Recorder.open(wire);
  let sent = 0;
  do sent += 1;
  while (sent < 64 && recorder.call(() => wire.write(Buffer.alloc(1024 * 1024, 7))));
  for (let more = 0; more < 4; more += 1, sent += 1) recorder.call(() => wire.write(Buffer.alloc(1024 * 1024, 7)));
  assert.ok(wire.pendingBytes > 0);
  for (let rounds = 0; rounds < 4; rounds += 1) {
    collect();
    await turn();
  }
  const others = Array.from({ length: sent }, () => Buffer.alloc(1024 * 1024, 8));
  let received = 0;
  socket.on('data', (chunk) => {
    assert.ok(chunk.every((byte) => byte === 7));
    received += chunk.length;
    if (received === sent * 1024 * 1024) socket.end();
  });
  await recorder.told('ended');
  recorder.call(() => wire.close());
  await recorder.told('closed');
  assert.equal(received, others.length * 1024 * 1024);
});

test('a raw handle resets a peer that has not read what is dropped', LIMIT, async () => {
  const { wire, socket } = await withRawPeer('handle');
  for (let count = 0; count < 64 && wire.write(Buffer.alloc(1024 * 1024)); count += 1);
  assert.ok(wire.pendingBytes > 0);
  wire.destroy();
  const failed = once(socket, 'error');
  socket.resume();
  assert.equal(((await failed)[0] as { code?: string }).code, 'ECONNRESET');
});
