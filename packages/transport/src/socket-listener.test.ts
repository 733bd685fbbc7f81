import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Recorder } from './contract/recorder.ts';
import { Accepting, HOST, LIMIT, WAYS } from './contract/tcp.ts';
import { connectTcp, type TcpImplementation } from './tcp.ts';

for (const implementation of WAYS)
  describe(`a TCP listener: ${implementation}`, () => describeListener(implementation));

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
      message: `Cannot listen at "${HOST}:${listener.port}": another listener has the address (EADDRINUSE)`,
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

  test('tells of each that comes beyond the backlog while paused', LIMIT, async () => {
    const accepting = await Accepting.at({ implementation, backlog: 1 });
    accepting.listener.pause();
    const { port } = accepting.listener;
    const sockets: net.Socket[] = [];
    // The system may keep some of them to itself.
    while (accepting.refused.length < 2) {
      sockets.push(net.connect({ host: HOST, port }).on('error', () => {}));
      await turn();
    }
    assert.deepEqual(accepting.refused.slice(0, 2), [
      ['DUNLIN_BACKLOG', HOST],
      ['DUNLIN_BACKLOG', HOST],
    ]);
    accepting.listener.resume();
    (await accepting.next()).destroy();
    await accepting.listener.close();
    for (const socket of sockets) socket.destroy();
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
