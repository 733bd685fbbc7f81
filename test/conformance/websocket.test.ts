/** MQTT 5.0 and 3.1.1, section 6: MQTT over WebSocket. */

import assert from 'node:assert/strict';
import { openCarrier } from './channel.ts';
import { conformance, type Scene, section } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { BINARY, CONTINUATION, PING, TEXT, upgrade, WebSocketStream } from './websocket-stream.ts';
import * as wire from './wire.ts';

const settings = { webSocket: true } as const;
const VERSIONS = [4, 5] as const;

function webSocketOf(client: RawClient): WebSocketStream {
  assert.ok(client.socket instanceof WebSocketStream);
  return client.socket;
}

/** What an upgrade with these subprotocols is answered; the connection is closed behind it. */
async function answerTo(scene: Scene, subprotocols: readonly string[]) {
  const { stream } = await openCarrier(scene.target);
  try {
    return await upgrade(stream, { host: scene.target.host, subprotocols });
  } finally {
    stream.destroy();
  }
}

section('6 WebSocket: data frames', () => {
  const texts: Record<string, (socket: WebSocketStream) => void> = {
    'a text frame': (socket) => socket.sendFrame(TEXT, wire.publish(4, { topic: 'a' })),
    'a text frame that is no UTF-8': (socket) => socket.sendFrame(TEXT, wire.pingreq()),
    'an empty text frame': (socket) => socket.sendFrame(TEXT),
    'a text message in fragments': (socket) => {
      socket.sendFrame(TEXT, Buffer.from('te'), false);
      socket.sendFrame(CONTINUATION, Buffer.from('xt'));
    },
  };
  for (const [what, send] of Object.entries(texts))
    conformance(['MQTT-6.0.0-1', 'MQTT311-6.0.0-1'], `closes on ${what}`, { settings }, async (scene) => {
      for (const version of VERSIONS) {
        const topic = scene.name();
        const watcher = await scene.subscriber(version, topic);
        const client = await scene.connect(version, { will: { topic, payload: 'text' } });
        send(webSocketOf(client));
        await client.expectClose([0x81, 0x82]);
        await watcher.expect('publish', { topic, payload: 'text' });
      }
    });

  conformance(
    ['MQTT-6.0.0-1', 'MQTT311-6.0.0-1'],
    'takes no CONNECT from a text frame',
    { settings },
    async (scene) => {
      for (const version of VERSIONS) {
        const client = await scene.open(version);
        webSocketOf(client).sendFrame(TEXT, wire.connect({ version, clientId: scene.name() }));
        await client.expectClose();
        assert.deepEqual(client.received, []);
      }
    },
  );

  conformance(
    ['MQTT-6.0.0-1', 'MQTT311-6.0.0-1'],
    'answers pings of the WebSocket, which are no data frames',
    { settings },
    async (scene) => {
      const client = await scene.connect(5);
      const socket = webSocketOf(client);
      socket.sendFrame(PING, Buffer.from('one'));
      await client.expectNothing();
      assert.deepEqual(socket.pongs.map(String), ['one']);
    },
  );
});

section('6 WebSocket: frames and packets', () => {
  const exchange = (scene: Scene, version: wire.Version, topic: string): Buffer =>
    Buffer.concat([
      wire.connect({ version, clientId: scene.name() }),
      wire.subscribe(version, 1, [[topic, 0]]),
      wire.publish(version, { topic, payload: 'framed' }),
      wire.pingreq(),
    ]);
  const ways: Record<string, (socket: WebSocketStream, bytes: Buffer) => void> = {
    'many packets in one frame': (socket, bytes) => socket.sendFrame(BINARY, bytes),
    'every byte in a frame of its own': (socket, bytes) => {
      for (const byte of bytes) socket.sendFrame(BINARY, Buffer.of(byte));
    },
    'one message in a fragment for each byte': (socket, bytes) => {
      bytes.forEach((byte, at) => {
        socket.sendFrame(at === 0 ? BINARY : CONTINUATION, Buffer.of(byte), at === bytes.length - 1);
      });
    },
    'frames that end within packets, empty frames and pings between them': (socket, bytes) => {
      for (let at = 0; at < bytes.length; at += 7) {
        socket.sendFrame(BINARY);
        socket.sendFrame(BINARY, bytes.subarray(at, at + 3), false);
        socket.sendFrame(PING);
        socket.sendFrame(CONTINUATION, bytes.subarray(at + 3, at + 7));
      }
    },
  };
  for (const [what, send] of Object.entries(ways))
    conformance(['MQTT-6.0.0-2', 'MQTT311-6.0.0-2'], `reads ${what}`, { settings }, async (scene) => {
      for (const version of VERSIONS) {
        const topic = scene.name();
        const client = await scene.open(version);
        send(webSocketOf(client), exchange(scene, version, topic));
        await client.expect('connack', { code: 0 });
        await client.find('suback', { id: 1 });
        await client.find('publish', { topic, payload: 'framed' });
        await client.find('pingresp');
        await client.expectNothing();
      }
    });

  conformance(
    ['MQTT-6.0.0-2', 'MQTT311-6.0.0-2'],
    'splits a frame anywhere between two packets',
    { settings },
    async (scene) => {
      for (const version of VERSIONS) {
        const topic = scene.name();
        const client = await scene.subscriber(version, topic);
        const two = Buffer.concat(['one', 'two'].map((payload) => wire.publish(version, { topic, payload })));
        for (let at = 1; at < two.length; at++) {
          webSocketOf(client).sendFrame(BINARY, two.subarray(0, at));
          webSocketOf(client).sendFrame(BINARY, two.subarray(at));
          await client.expect('publish', { payload: 'one' });
          await client.expect('publish', { payload: 'two' });
        }
      }
    },
  );

  conformance(
    ['MQTT-6.0.0-2', 'MQTT311-6.0.0-2'],
    'takes a packet that is larger than the frames it comes in',
    { settings },
    async (scene) => {
      const topic = scene.name();
      const client = await scene.subscriber(5, topic);
      const payload = 'x'.repeat(300_000);
      const packet = wire.publish(5, { topic, payload });
      for (let at = 0; at < packet.length; at += 50_000)
        webSocketOf(client).sendFrame(BINARY, packet.subarray(at, at + 50_000));
      await client.expect('publish', { topic, payload });
    },
  );
});

section('6 WebSocket: subprotocol', () => {
  conformance(['MQTT-6.0.0-4', 'MQTT311-6.0.0-4'], 'selects the subprotocol mqtt', { settings }, async (scene) => {
    for (const offered of [['mqtt'], ['chat', 'mqtt'], ['mqtt', 'superchat']]) {
      const { status, headers } = await answerTo(scene, offered);
      assert.deepEqual([status, headers.get('sec-websocket-protocol')], [101, 'mqtt'], offered.join());
    }
  });

  conformance(
    ['MQTT-6.0.0-3', 'MQTT311-6.0.0-3'],
    'opens no WebSocket for a client that offers other subprotocols or none (choice)',
    { settings },
    async (scene) => {
      for (const offered of [[], ['chat'], ['MQTT']]) {
        const { status } = await answerTo(scene, offered);
        assert.equal(status, 400, offered.join());
      }
    },
  );
});
