import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { WireHandler } from '@dunlin/transport';
import { WebSocket, WebSocketServer } from 'ws';
import { BrowserWire, type PageWebSocket } from './browser-wire.ts';

const HOST = '127.0.0.1';
const LIMIT = { timeout: 20_000 };

interface Told extends WireHandler {
  readonly texts: string[];
  readonly end: Promise<Error | undefined>;
}

function handler(): Told {
  const texts: string[] = [];
  const { promise: end, resolve } = Promise.withResolvers<Error | undefined>();
  return {
    texts,
    end,
    received: (chunk) => texts.push(Buffer.from(chunk).toString()),
    ended: () => {},
    drained: () => texts.push('drained'),
    closed: resolve,
  };
}

/** A wire over what `ws` has of a browser's WebSocket, and the server's end of it. */
async function connected(): Promise<{ wire: BrowserWire; socket: WebSocket; server: WebSocket }> {
  const listener = new WebSocketServer({ host: HOST, port: 0 });
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const socket = new WebSocket(`ws://${HOST}:${(listener.address() as AddressInfo).port}`);
  // `ws` throws where nobody hears an error.
  socket.on('error', () => {});
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  const [server] = (await accepted) as [WebSocket];
  listener.close();
  return { wire: new BrowserWire(socket as unknown as PageWebSocket), socket, server };
}

/** Sends each in a message of its own, and settles when they have come. */
async function sendAll(server: WebSocket, socket: WebSocket, texts: readonly string[]): Promise<void> {
  let left = texts.length;
  const came = new Promise<void>((resolve) => {
    socket.on('message', () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  for (const text of texts) server.send(Buffer.from(text));
  await came;
}

test('carries bytes both ways, and tells a close in order once all is told', LIMIT, async () => {
  const { wire, server } = await connected();
  const told = handler();
  wire.open(told);
  server.on('message', (data) => server.send(data));
  assert.equal(wire.write(Buffer.from('there and back')), true);
  await once(server, 'message');
  server.close();
  assert.equal(await told.end, undefined);
  assert.deepEqual(told.texts, ['there and back']);
});

test('keeps what comes before it is opened and while it is paused, and the end behind it', LIMIT, async () => {
  const { wire, socket, server } = await connected();
  const told = handler();
  await sendAll(server, socket, ['one']);
  wire.open(told);
  wire.pause();
  await sendAll(server, socket, ['two', 'three']);
  server.close();
  await once(socket, 'close');
  assert.deepEqual(told.texts, []);
  wire.resume();
  assert.equal(await told.end, undefined);
  assert.deepEqual(told.texts, ['one', 'two', 'three']);
});

test('pausing within a message keeps the next ones', LIMIT, async () => {
  const { wire, socket, server } = await connected();
  const told = handler();
  const { received } = told;
  let pauses = true;
  wire.open({
    ...told,
    received: (chunk) => {
      received(chunk);
      if (pauses) wire.pause();
    },
  });
  await sendAll(server, socket, ['one', 'two']);
  assert.deepEqual(told.texts, ['one']);
  pauses = false;
  wire.resume();
  server.close();
  await told.end;
  assert.deepEqual(told.texts, ['one', 'two']);
});

test('ends a server that sends text [MQTT-6.0.0-1]', LIMIT, async () => {
  const { wire, server } = await connected();
  const told = handler();
  wire.open(told);
  const closed = once(server, 'close');
  server.send('text');
  assert.match(String(await told.end), /a text message came, binary is expected/);
  await closed;
  assert.deepEqual(told.texts, []);
});

test('a connection that breaks is told with an error, also while it is paused', LIMIT, async () => {
  const { wire, socket, server } = await connected();
  const told = handler();
  wire.open(told);
  wire.pause();
  await sendAll(server, socket, ['never told']);
  server.terminate();
  assert.match(String(await told.end), /the connection broke/);
  assert.deepEqual(told.texts, []);
});

test('takes more than the browser should hold, and says when that has left', LIMIT, async () => {
  const { wire, server } = await connected();
  const told = handler();
  const drained = new Promise<void>((resolve) => {
    wire.open({ ...told, drained: resolve });
  });
  server.pause();
  const chunk = new Uint8Array(1_000_000);
  let writes = 1;
  while (wire.write(chunk)) {
    writes += 1;
    assert.ok(writes < 100);
  }
  assert.equal(wire.write(chunk), false);
  server.resume();
  await drained;
  assert.equal(wire.write(Buffer.from('more')), true);
  wire.destroy();
});

test('says goodbye with 1000 behind what was written, and tells nothing that still comes', LIMIT, async () => {
  const { wire, server } = await connected();
  const told = handler();
  wire.open(told);
  const got = once(server, 'message');
  const closed = once(server, 'close');
  wire.write(Buffer.from('last words'));
  wire.close();
  server.send(Buffer.from('too late'));
  assert.equal(String((await got)[0]), 'last words');
  assert.equal((await closed)[0], 1000);
  assert.equal(await told.end, undefined);
  assert.deepEqual(told.texts, []);
});

test('gives up on a server that does not answer the goodbye', LIMIT, async () => {
  const { wire, server } = await connected();
  const told = handler();
  wire.open(told);
  server.pause();
  wire.close();
  assert.equal(await told.end, undefined);
  server.terminate();
});

test('destroyed, it is gone at once and without an error', LIMIT, async () => {
  const { wire, server } = await connected();
  const told = handler();
  wire.open(told);
  wire.destroy();
  wire.destroy();
  assert.equal(await told.end, undefined);
  server.terminate();
});
