import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as net from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { Authority } from './testing/certificates.ts';
import type { TlsListener } from './tls.ts';
import { listenWebSocket, type WebSocketListenOptions } from './websocket-server.ts';

const authority = Authority.root('our authority');
const credentials = [authority.issue({ name: 'broker', hosts: [HOST] })];
const MIB = 1024 * 1024;
const POST = 'POST /other HTTP/1.1\r\nHost: a\r\n';
const FOREVER_MS = 3_600_000;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Wishes extends Partial<WebSocketListenOptions> {
  readonly isSecure?: boolean;
  readonly answer?: Answer;
}

async function connected(t: TestContext, { isSecure = false, answer, ...options }: Wishes) {
  const request: WebSocketListenOptions['request'] = (...asked) => {
    answer?.(...(asked as unknown as Parameters<Answer>));
    return answer !== undefined;
  };
  const accepting: Accepting<TlsListener> = await Accepting.by((accepting) =>
    listenWebSocket({
      host: HOST,
      port: 0,
      messageBytesMax: MIB,
      ...(isSecure && { tls: { credentials } }),
      ...accepting,
      request,
      ...options,
    }),
  );
  const place = { port: accepting.listener.port, host: HOST, allowHalfOpen: true };
  const socket = isSecure ? tls.connect({ ...place, ca: authority.pem }) : net.connect(place);
  t.after(() => {
    socket.destroy();
    return accepting.listener.close();
  });
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  // What the closing end does not take may come back as a reset.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return { accepting, socket, closed };
}

/** Sends it all before it reads anything, and then to the end of the answer. */
async function answerAfter(socket: net.Socket, parts: readonly (string | Buffer)[]): Promise<string> {
  let answer = '';
  for (const part of parts) await new Promise<void>((resolve) => socket.write(part, () => resolve()));
  socket.on('data', (bytes) => {
    answer += bytes;
  });
  await once(socket, 'end');
  return answer;
}

const TOO_LARGE: Answer = (_, response) => response.writeHead(413, { Connection: 'close' }).end('too large');
const REST = Buffer.alloc(4 * MIB, 'x');
const UPGRADE = 'GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

for (const isSecure of [false, true])
  describe(`a client that sends on gets the last answer of its connection${isSecure ? ', over TLS' : ''}`, () => {
    for (const [what, first, status, answer] of [
      ['413, with a body that nobody reads', `${POST}Content-Length: 100000000\r\n\r\n`, 413, TOO_LARGE],
      ['413, with a body in chunks', `${POST}Transfer-Encoding: chunked\r\n\r\n5f5e100\r\n`, 413, TOO_LARGE],
      ['that to what is no HTTP', '\0\r\n', 400, undefined],
      ['that to a head that is too long', `GET / HTTP/1.1\r\nX: ${'x'.repeat(64 * 1024)}\r\n`, 431, undefined],
      ['that to a WebSocket at no path', UPGRADE, 404, undefined],
    ] as const)
      test(what, LIMIT, async (t) => {
        const { socket, closed } = await connected(t, { isSecure, answer, lingerMs: FOREVER_MS });
        const told = await answerAfter(socket, [first, REST]);
        assert.match(told, new RegExp(`^HTTP/1.1 ${status} `));
        assert.match(told, /\r\n\r\n./);
        socket.end();
        await closed;
      });

    test('and no more of what it sends is dropped than a limit says', LIMIT, async (t) => {
      const { accepting, socket, closed } = await connected(t, {
        isSecure,
        answer: TOO_LARGE,
        lingerMs: FOREVER_MS,
        droppedBytesMax: MIB,
      });
      socket.resume();
      socket.write(`${POST}Content-Length: 100000000\r\n\r\n`);
      await once(socket, 'end');
      socket.write(Buffer.alloc(64 * MIB));
      await closed;
      assert.deepEqual(accepting.refused, [['DUNLIN_HTTP_SENDING', HOST]]);
    });

    test('and is closed when it does not close itself', LIMIT, async (t) => {
      const { accepting, socket, closed } = await connected(t, { isSecure, answer: TOO_LARGE, lingerMs: 20 });
      socket.resume();
      socket.write(`${POST}Content-Length: 100000000\r\n\r\n`);
      await once(socket, 'end');
      // Who writes to what is closed is told so.
      const writing = setInterval(() => socket.write('x'), 10);
      t.after(() => clearInterval(writing));
      await closed;
      assert.deepEqual(accepting.refused, []);
    });
  });

test(
  'an answer that has begun has no other put into it where the rest of its request cannot be read',
  LIMIT,
  async (t) => {
    const { accepting, socket, closed } = await connected(t, {
      answer: (request, response) => {
        request.on('error', () => {});
        response.write('begun');
      },
    });
    let answer = '';
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        answer += bytes;
        socket.write('no length of a chunk\r\n');
      });
    socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    await Promise.race([once(socket, 'end'), closed]);
    assert.match(answer, /^HTTP\/1.1 200 [\s\S]*begun/);
    assert.equal(answer.split('HTTP/1.1').length, 2);
    assert.deepEqual(accepting.refused, []);
  },
);
