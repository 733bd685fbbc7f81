import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Recorder } from './contract/recorder.ts';
import { HOST, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import { openWebSocket, type StandardWebSocket } from './websocket-client.ts';
import { WebSocketWire } from './websocket-wire.ts';
import type { Wire } from './wire.ts';

const PEER = { address: 'test', port: 0 };
const OWNER = { lingerMs: 2000, wireGone: () => {} };

/** A server for one WebSocket and a client's socket that is on its way to it. */
async function begun(): Promise<{ client: WebSocket; accepted: Promise<WebSocket>; port: number }> {
  const server = new WebSocketServer({ host: HOST, port: 0 });
  await once(server, 'listening');
  const accepted = once(server, 'connection').then(([socket]) => {
    server.close();
    return socket as WebSocket;
  });
  const { port } = server.address() as AddressInfo;
  return { client: new WebSocket(`ws://${HOST}:${port}/mqtt`, { perMessageDeflate: false }), accepted, port };
}

async function connected(lingerMs?: number): Promise<{ wire: Wire; server: WebSocket; port: number }> {
  const { client, accepted, port } = await begun();
  const bounds = lingerMs === undefined ? {} : { lingerMs };
  const [wire, server] = await Promise.all([openWebSocket(client as unknown as StandardWebSocket, bounds), accepted]);
  return { wire, server, port };
}

describeWire('WebSocket of a client', async () => {
  const { client, accepted } = await begun();
  const server = accepted.then((socket) => {
    socket.binaryType = 'fragments';
    return new WebSocketWire(socket, PEER, OWNER);
  });
  return Promise.all([openWebSocket(client as unknown as StandardWebSocket, {}), server]);
});

describe('a WebSocket wire of a client', () => {
  test('tells the server by its URL', LIMIT, async () => {
    const { wire, port } = await connected();
    assert.deepEqual(wire.peer, { address: HOST, port });
    wire.destroy();
  });

  test('ends a server that sends text [MQTT-6.0.0-1]', LIMIT, async () => {
    const { wire, server } = await connected();
    const recorder = Recorder.open(wire);
    server.send('text');
    await recorder.told('closed');
    assert.deepEqual([recorder.receivedBytes, recorder.events], [0, ['closed']]);
    assert.equal((recorder.error as { code?: string }).code, 'EPROTO');
  });

  test('says goodbye with 1000, and gives up on a server that does not answer', LIMIT, async () => {
    const first = await connected();
    const left = Recorder.open(first.wire);
    left.call(() => first.wire.close());
    assert.equal((await once(first.server, 'close'))[0], 1000);
    await left.told('closed');
    assert.equal(left.error, undefined);

    const second = await connected(20);
    const right = Recorder.open(second.wire);
    second.server.pause();
    right.call(() => second.wire.close());
    await right.told('closed');
    second.server.terminate();
  });

  test('a connection that breaks is told with an error', LIMIT, async () => {
    const { wire, server } = await connected();
    const recorder = Recorder.open(wire);
    server.terminate();
    await recorder.told('closed');
    assert.deepEqual([recorder.events, (recorder.error as { code?: string }).code], [['closed'], 'ECONNRESET']);
  });
});

describe('opening a WebSocket', () => {
  test('rejects where no WebSocket comes about, with what is known', LIMIT, async () => {
    const socket = new WebSocket(`ws://${HOST}:1/`) as unknown as StandardWebSocket;
    await assert.rejects(
      openWebSocket(socket, {}, () => 'as it is'),
      { code: 'ECONNREFUSED', message: 'as it is' },
    );
  });

  test('rejects at the signal', LIMIT, async () => {
    const { createServer } = await import('node:net');
    const silent = createServer().listen(0, HOST);
    await once(silent, 'listening');
    const url = `ws://${HOST}:${(silent.address() as AddressInfo).port}/`;
    const make = (): StandardWebSocket => new WebSocket(url) as unknown as StandardWebSocket;
    const bounds = new AbortController();
    const opening = openWebSocket(make(), { signal: bounds.signal });
    bounds.abort(new Error('no more'));
    await assert.rejects(opening, /no more/);
    silent.close();
  });
});
