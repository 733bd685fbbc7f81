/** MQTT over WebSocket, as the client speaks it (section 6). */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { encodePacket, type ProtocolVersion } from '@dunlin/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { connect } from '../node.ts';

/** The client on its way to a server that knows WebSocket alone, and the server's end of it. */
async function dial(protocolVersion: ProtocolVersion) {
  const offered: string[] = [];
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (protocols) => {
      offered.push(...protocols);
      return offered[0];
    },
  });
  await once(server, 'listening');
  const connecting = connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    protocolVersion,
    reconnect: false,
  });
  connecting.catch(() => {});
  const [socket]: WebSocket[] = await once(server, 'connection');
  after(() => {
    socket.terminate();
    server.close();
  });
  const [first, isBinary]: [Buffer, boolean] = (await once(socket, 'message')) as never;
  const connack = encodePacket(
    { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} },
    protocolVersion,
  );
  return { socket, offered, connecting, first, isBinary, connack: Buffer.from(connack) };
}

for (const protocolVersion of [4, 5] as const) {
  test(`the client offers the subprotocol and sends binary frames, level ${protocolVersion} [MQTT-6.0.0-1, MQTT-6.0.0-3, MQTT311-6.0.0-1, MQTT311-6.0.0-3]`, async () => {
    const { offered, first, isBinary } = await dial(protocolVersion);
    assert.deepEqual(offered, ['mqtt']);
    assert.equal(isBinary, true);
    assert.equal(first[0], 0x10);
  });

  test(`packets of the server may begin and end anywhere in its frames, level ${protocolVersion} [MQTT-6.0.0-2, MQTT311-6.0.0-2]`, async () => {
    const { socket, connecting, connack } = await dial(protocolVersion);
    const topics = ['a', 'b'].map((topic) =>
      encodePacket(
        {
          type: 'publish',
          topic,
          payload: new Uint8Array(0),
          qos: 0,
          dup: false,
          retain: false,
          packetId: 0,
          properties: {},
        },
        protocolVersion,
      ),
    );
    const bytes = Buffer.concat([connack, ...topics]);
    socket.send(bytes.subarray(0, 1));
    socket.send(bytes.subarray(1, connack.length + 2));
    await using client = await connecting;
    const seen: string[] = [];
    const both = new Promise<void>((resolve) => {
      client.on('message', ({ topic }) => {
        if (seen.push(topic) === 2) resolve();
      });
    });
    socket.send(bytes.subarray(connack.length + 2));
    await both;
    assert.deepEqual(seen, ['a', 'b']);
  });

  test(`a frame of text ends the connection, level ${protocolVersion} [MQTT-6.0.0-1, MQTT311-6.0.0-1]`, async () => {
    const { socket, connecting, connack } = await dial(protocolVersion);
    socket.send(connack);
    const client = await connecting;
    const closed = once(socket, 'close');
    socket.send('text');
    const { by, error } = await client.closed;
    assert.deepEqual([by, error?.code], ['network', 'connection-lost']);
    assert.match(error?.message ?? '', /text/);
    await closed;
  });
}
