import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Recorder } from './contract/recorder.ts';
import { HOST, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import { WebSocketWire } from './websocket-wire.ts';

const PEER = { address: 'test', port: 0 };
const OWNER = { lingerMs: 2000, wireGone: () => {} };

/** A wire of the server and the bare client at its other end. */
async function connected(lingerMs = 2000): Promise<{ wire: WebSocketWire; client: WebSocket; close: () => void }> {
  const server = new WebSocketServer({ host: HOST, port: 0 });
  await once(server, 'listening');
  const accepted = new Promise<WebSocketWire>((resolve) => {
    server.on('connection', (socket: WebSocket) => {
      socket.binaryType = 'fragments';
      resolve(new WebSocketWire(socket, PEER, { ...OWNER, lingerMs }));
    });
  });
  const client = new WebSocket(`ws://${HOST}:${(server.address() as AddressInfo).port}`, { perMessageDeflate: false });
  client.on('error', () => {});
  client.binaryType = 'fragments';
  client.pause();
  const [wire] = await Promise.all([accepted, once(client, 'open')]);
  return { wire, client, close: () => server.close() };
}

describeWire('WebSocket', async () => {
  const { wire, client, close } = await connected();
  close();
  return [new WebSocketWire(client, PEER, OWNER), wire];
});

describe('a WebSocket wire', () => {
  test('takes frames that are not packets, fragments of messages too', LIMIT, async () => {
    const { wire, client, close } = await connected();
    const recorder = Recorder.open(wire);
    client.send(Buffer.from('a'), { fin: false });
    client.ping();
    client.send(Buffer.from('b'), { fin: false });
    client.send(Buffer.from('c'), { fin: true });
    client.send(Buffer.alloc(0));
    client.send(Buffer.from('d'));
    await recorder.until(() => recorder.receivedBytes === 4);
    assert.equal(recorder.bytes.toString(), 'abcd');
    client.close();
    client.resume();
    await recorder.told('closed');
    assert.deepEqual([recorder.events, recorder.error], [['ended', 'closed'], undefined]);
    close();
  });

  test('ends a peer that sends text [MQTT-6.0.0-1]', LIMIT, async () => {
    const { wire, client, close } = await connected();
    const recorder = Recorder.open(wire);
    client.resume();
    client.send('text');
    const [code] = await once(client, 'close');
    await recorder.told('closed');
    assert.equal(code, 1003);
    assert.deepEqual([recorder.receivedBytes, recorder.events], [0, ['closed']]);
    assert.equal((recorder.error as { code?: string }).code, 'EPROTO');
    close();
  });

  test('says goodbye with 1000, and gives up on a peer that does not answer', LIMIT, async () => {
    const first = await connected();
    const left = Recorder.open(first.wire);
    first.client.resume();
    left.call(() => first.wire.close());
    assert.equal((await once(first.client, 'close'))[0], 1000);
    await left.told('closed');
    first.close();
    const second = await connected(20);
    const right = Recorder.open(second.wire);
    right.call(() => second.wire.close());
    await right.told('closed');
    assert.equal(right.error, undefined);
    second.client.terminate();
    second.close();
  });

  test('tells ECONNRESET where no close frame came, and the fault where the frames are none', LIMIT, async () => {
    const first = await connected();
    const left = Recorder.open(first.wire);
    first.client.terminate();
    await left.told('closed');
    assert.equal((left.error as { code?: string }).code, 'ECONNRESET');
    first.close();
    const second = await connected();
    const right = Recorder.open(second.wire);
    (second.client as unknown as { _socket: Socket })._socket.write(Buffer.from([0xf2, 0x80, 0, 0, 0, 0]));
    second.client.resume();
    await right.told('closed');
    assert.match(String((right.error as { code?: string }).code), /^WS_ERR_/);
    second.close();
  });

  test('gives up on a peer that sends what is no frame and then does not answer', LIMIT, async () => {
    const { wire, client, close } = await connected(20);
    const recorder = Recorder.open(wire);
    client.pause();
    (client as unknown as { _socket: Socket })._socket.write(Buffer.from([0xf2, 0x80, 0, 0, 0, 0]));
    await recorder.told('closed');
    assert.match(String((recorder.error as { code?: string }).code), /^WS_ERR_/);
    client.terminate();
    close();
  });

  test('holds what was read along when it is paused within, and tells it before the end', LIMIT, async () => {
    const { wire, client, close } = await connected();
    const recorder = Recorder.open(wire);
    recorder.onReceived = () => wire.pause();
    for (const text of ['one', 'two', 'three']) client.send(Buffer.from(text));
    client.close();
    await recorder.until(() => recorder.receivedBytes === 3);
    for (let count = 0; count < 3; count += 1) await new Promise((resolve) => setImmediate(resolve));
    recorder.onReceived = () => {};
    recorder.call(() => wire.resume());
    client.resume();
    await recorder.told('closed');
    assert.equal(recorder.bytes.toString(), 'onetwothree');
    assert.deepEqual(recorder.events, ['ended', 'closed']);
    close();
  });
});
