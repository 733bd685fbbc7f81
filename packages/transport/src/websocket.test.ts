import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { Recorder } from './contract/recorder.ts';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import { Authority, FOR_SERVERS } from './testing/certificates.ts';
import { connectWebSocket } from './websocket.ts';
import { listenWebSocket, type WebSocketListenOptions } from './websocket-server.ts';

const authority = Authority.root('an authority');
const credential = authority.issue({ hosts: [HOST], purposes: FOR_SERVERS });

function listen(options: Partial<WebSocketListenOptions> = {}): Promise<Accepting> {
  return Accepting.by((accepting) =>
    listenWebSocket({ host: HOST, port: 0, messageBytesMax: 2 ** 28, ...accepting, ...options }),
  );
}

for (const tls of [undefined, { authorities: [authority.pem] }]) {
  describeWire(tls === undefined ? 'ws:' : 'wss:', async () => {
    const accepting = await listen(tls === undefined ? {} : { tls: { credentials: [credential] } });
    const url = `${tls === undefined ? 'ws' : 'wss'}://${HOST}:${accepting.listener.port}/mqtt`;
    const [client, server] = await Promise.all([connectWebSocket({ url, ...(tls && { tls }) }), accepting.next()]);
    server.admitted?.();
    await accepting.listener.close();
    return [client, server];
  });
}

describe('connecting over WebSocket', () => {
  test('tells what the server answered in place of a WebSocket', LIMIT, async () => {
    const site = createServer((_, response) => response.writeHead(403).end()).listen(0, HOST);
    await once(site, 'listening');
    const url = `ws://${HOST}:${(site.address() as AddressInfo).port}/somewhere`;
    const message = /^Cannot connect to "127\.0\.0\.1:\d+\/somewhere": the server answered 403 Forbidden/;
    await assert.rejects(connectWebSocket({ url }), { code: 'DUNLIN_HTTP_STATUS', message });
    site.close();
  });

  test('shows what a server says without what a terminal would obey, and not all of it', LIMIT, async () => {
    const site = createTcpServer((socket) => {
      socket.once('data', () =>
        socket.end(`HTTP/1.1 403 \x1b]0;owned\x07${'x'.repeat(500)}\r\ncontent-length: 0\r\n\r\n`),
      );
    }).listen(0, HOST);
    await once(site, 'listening');
    const url = `ws://${HOST}:${(site.address() as AddressInfo).port}/mqtt`;
    const message = /: the server answered 403 \?\]0;owned\?x{90}, a WebSocket is expected/;
    await assert.rejects(connectWebSocket({ url }), { code: 'DUNLIN_HTTP_STATUS', message });
    site.close();
  });

  test('a message that is larger than a packet may be, and some more, breaks the connection', LIMIT, async () => {
    const server = new WebSocketServer({ host: HOST, port: 0 });
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.send(Buffer.alloc(1000 + 1_048_576));
      socket.send(Buffer.alloc(1000 + 1_048_577));
    });
    await once(server, 'listening');
    const url = `ws://${HOST}:${(server.address() as AddressInfo).port}/mqtt`;
    const recorder = Recorder.open(await connectWebSocket({ url, packetBytesMax: 1000 }));
    await recorder.told('closed');
    assert.equal(recorder.receivedBytes, 1000 + 1_048_576);
    assert.notEqual(recorder.error, undefined);
    server.close();
  });

  test('rejects where nothing listens, and where the certificate is not good', LIMIT, async () => {
    await assert.rejects(connectWebSocket({ url: `ws://${HOST}:1/mqtt` }), { code: 'ECONNREFUSED' });
    const accepting = await listen({ tls: { credentials: [credential] } });
    const url = `wss://${HOST}:${accepting.listener.port}/mqtt`;
    await assert.rejects(connectWebSocket({ url }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    await accepting.listener.close();
  });

  test('sends headers and offers the subprotocol [MQTT-6.0.0-3]', LIMIT, async () => {
    const site = createServer();
    const seen = new Promise<NodeJS.Dict<string | string[]>>((resolve) => {
      site.on('upgrade', (request, socket) => {
        resolve(request.headers);
        socket.destroy();
      });
    });
    site.listen(0, HOST);
    await once(site, 'listening');
    const url = `ws://${HOST}:${(site.address() as AddressInfo).port}/mqtt`;
    const refused = assert.rejects(connectWebSocket({ url, headers: { authorization: 'Bearer token' } }));
    const headers = await seen;
    assert.deepEqual([headers.authorization, headers['sec-websocket-protocol']], ['Bearer token', 'mqtt']);
    await refused;
    site.close();
  });

  test('gives up where the server takes the connection and says nothing', LIMIT, async () => {
    const server = createTcpServer(() => {});
    server.listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const taken = once(server, 'connection');
    const url = `ws://${HOST}:${port}/mqtt`;
    await assert.rejects(connectWebSocket({ url, timeoutMs: 50 }), {
      name: 'TransportError',
      code: 'ETIMEDOUT',
      message: new RegExp(`^Cannot connect to "${HOST}:${port}/mqtt": .*\\(ETIMEDOUT\\)$`),
    });
    const [socket] = await taken;
    // The attempt is taken back, so that the server is not held by it.
    await once(socket.resume(), 'close');
    server.close();
  });

  test('carries what the other side says first', LIMIT, async () => {
    const accepting = await listen();
    const url = `ws://${HOST}:${accepting.listener.port}/mqtt`;
    const [client, server] = await Promise.all([connectWebSocket({ url }), accepting.next()]);
    const recorder = Recorder.open(client);
    server.write(Buffer.from('hello'));
    await recorder.until(() => recorder.bytes.toString() === 'hello');
    client.destroy();
    await recorder.told('closed');
    await accepting.listener.close();
  });
});
