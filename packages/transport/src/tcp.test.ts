import assert from 'node:assert/strict';
import * as net from 'node:net';
import { describe, test } from 'node:test';
import { Accepting, HOST, LIMIT, WAYS } from './contract/tcp.ts';
import { connectTcp, type TcpImplementation } from './tcp.ts';
import { NetWire } from './tcp-net.ts';

for (const implementation of WAYS)
  describe(`connecting over TCP: ${implementation}`, () => describeConnect(implementation));

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

  test(
    'connects from the address of this machine that is asked for, and says when it has none such',
    LIMIT,
    async () => {
      const accepting = await Accepting.at({ implementation });
      const { port } = accepting.listener;
      const [client, server] = await Promise.all([
        connectTcp({ host: HOST, port, localAddress: HOST, implementation }),
        accepting.next(),
      ]);
      assert.equal(server.peer.address, HOST);
      client.destroy();
      server.destroy();
      const foreign = connectTcp({ host: HOST, port, localAddress: '192.0.2.1', implementation });
      await assert.rejects(foreign, { name: 'TransportError', code: 'EADDRNOTAVAIL' });
      await accepting.listener.close();
    },
  );

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

test('auto takes raw handles where they work', LIMIT, async () => {
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
