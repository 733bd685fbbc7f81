/** The WebSocket of the harness: a scripted server breaks the standard in one way each, and the client must notice. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { test } from 'node:test';
import { ServerFault } from './parser.ts';
import { RawClient } from './raw-client.ts';
import { connect, hex } from './wire.ts';

/** A server that opens a WebSocket with this subprotocol, answers the first frame with `frames`, and ends. */
async function scripted(frames: Buffer, subprotocol = 'mqtt') {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(request.toString())?.[1];
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
      const head = [...lines, `Sec-WebSocket-Accept: ${accept}`, `Sec-WebSocket-Protocol: ${subprotocol}`, '', ''];
      socket.write(head.join('\r\n'));
      socket.once('data', () => socket.end(frames));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const open = () => RawClient.open({ transport: 'ws', host: '127.0.0.1', port }, 4);
  return { open, stop: () => server.close() };
}

const faults: [what: string, frames: string, message: RegExp][] = [
  ['a text frame', '81 04 20 02 00 00', /opcode 1, not binary \[MQTT-6\.0\.0-1\]/],
  ['a masked frame', '82 84 00 00 00 00 20 02 00 00', /a frame of the server is masked/],
  ['a reserved bit', 'c2 04 20 02 00 00', /a reserved bit of a frame is set/],
  ['a continuation of nothing', '80 04 20 02 00 00', /opcode 0, not binary/],
  ['a message within a message', '02 02 20 02 82 02 00 00', /opcode 2, not binary/],
  ['a ping in fragments', '09 00', /a control frame is too long/],
];
for (const [what, frames, message] of faults)
  test(`notices ${what} of a server`, async () => {
    const { open, stop } = await scripted(hex(frames));
    const client = await open();
    client.send(connect({ clientId: 'a' }));
    await assert.rejects(
      client.expect('connack'),
      (error) => error instanceof ServerFault && message.test(error.message),
    );
    client.socket.destroy();
    stop();
  });

test('notices a server that selects another subprotocol', async () => {
  const { open, stop } = await scripted(Buffer.alloc(0), 'chat');
  await assert.rejects(open(), /subprotocol chat, not mqtt \[MQTT-6\.0\.0-4\]/);
  stop();
});

test('reads packets from fragments, with a ping between them, up to the close frame', async () => {
  const { open, stop } = await scripted(hex('02 01 20  89 00  00 01 02  80 02 00 00  88 02 03 e8'));
  const client = await open();
  client.send(connect({ clientId: 'a' }));
  await client.expect('connack', { code: 0 });
  await client.expectClose();
  client.socket.destroy();
  stop();
});
