import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import type { TlsListener } from './tls.ts';
import { listenWebSocket } from './websocket-server.ts';

const GET = 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(t: TestContext, answer: Answer): Promise<Accepting<TlsListener>> {
  const request = (...asked: Parameters<Answer>): boolean => {
    answer(...asked);
    return true;
  };
  const listening = await Accepting.by((accepting) =>
    listenWebSocket({ host: HOST, port: 0, messageBytesMax: 1_024 * 1_024, ...accepting, request }),
  );
  t.after(() => listening.listener.close());
  return listening;
}

function connect({ listener }: Accepting<TlsListener>): net.Socket {
  return net.connect(listener.port, HOST).on('error', () => {});
}

/** Reads until the server ends the connection. */
async function answersTo(accepting: Accepting<TlsListener>, ...parts: readonly string[]): Promise<string> {
  const socket = connect(accepting).setNoDelay();
  const all = text(socket);
  for (const part of parts) {
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return await all;
}

const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
const countOf = (all: string, part: string | RegExp): number => all.split(part).length - 1;

describe('requests sent without waiting for answers', () => {
  test('begin in many turns, and each when the one before is answered', LIMIT, async (t) => {
    const [perTurn, open] = [[0], { now: 0, most: 0 }];
    const accepting = await listen(t, (_, response) => {
      if (perTurn.at(-1) === 0) setImmediate(() => perTurn.push(0));
      perTurn[perTurn.length - 1] += 1;
      open.most = Math.max(open.most, ++open.now);
      response.on('close', () => {
        open.now -= 1;
      });
      response.end('x');
    });
    const all = await answersTo(accepting, GET.repeat(499) + LAST);
    assert.equal(countOf(all, '200 OK'), 500);
    assert.equal(open.most, 1);
    // Two turns of it may fall into one of this test's.
    assert.ok(Math.max(...perTurn) <= 40, `${Math.max(...perTurn)} in one turn`);
  });

  test('are left unread behind an answer that closes the connection', LIMIT, async (t) => {
    let begun = 0;
    const accepting = await listen(t, (_, response) => {
      begun += 1;
      response.writeHead(429, begun === 3 ? { Connection: 'close' } : {}).end();
    });
    assert.equal(countOf(await answersTo(accepting, GET.repeat(1_000)), 'HTTP/1.1 429'), 3);
    assert.equal(begun, 3);
  });

  test('wait while the client reads no answers, and go on when it does', LIMIT, async (t) => {
    const answer = 'x'.repeat(256 * 1_024);
    let begun = 0;
    const accepting = await listen(t, (_, response) => {
      begun += 1;
      response.end(answer);
    });
    const socket = connect(accepting).pause();
    socket.write(GET.repeat(199) + LAST);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(begun < 200);
    assert.ok((await text(socket)).length > 200 * answer.length);
    assert.equal(begun, 200);
  });

  test('have bodies, whole or in chunks, cut anywhere', LIMIT, async (t) => {
    const bodies: string[] = [];
    let count = 0;
    const accepting = await listen(t, async (request, response) => {
      const place = count++ % 4;
      bodies[place] = await text(request);
      response.end('x');
    });
    const body = 'a\r\n\r\nb\r\n';
    const post = `POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const chunked = `POST /other HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n${body}\r\n0\r\n\r\n`;
    const stream = post + chunked + post + LAST;
    for (let cut = 0; cut < stream.length; cut += 1) {
      const all = await answersTo(accepting, stream.slice(0, cut), stream.slice(cut));
      assert.equal(countOf(all, '200 OK'), 4, `cut at ${cut}`);
      assert.deepEqual(bodies.splice(0), [body, body, body, '']);
    }
  });

  test('may have a WebSocket behind them, and it gets what came with it', LIMIT, async (t) => {
    const accepting = await listen(t, (_, response) => response.end('x'));
    const socket = connect(accepting);
    const upgrade =
      'GET /mqtt HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n';
    // A message of the two bytes of a PINGREQ, with a mask of zeros.
    const frame = Buffer.from([0x82, 0x82, 0, 0, 0, 0, 0xc0, 0]);
    socket.write(Buffer.concat([Buffer.from(GET.repeat(3) + upgrade), frame, frame]));
    const wire = await accepting.next();
    const received: number[] = [];
    await new Promise<void>((resolve) => {
      wire.open({
        received(bytes) {
          received.push(...bytes);
          if (received.length === 4) resolve();
        },
        drained() {},
        ended() {},
        closed() {},
      });
    });
    assert.deepEqual(received, [0xc0, 0, 0xc0, 0]);
    wire.destroy();
    socket.destroy();
    await once(socket, 'close');
  });

  test('that expect what nobody knows are the last ones', LIMIT, async (t) => {
    const accepting = await listen(t, (_, response) => response.end('x'));
    const unknown = GET.replace('\r\n\r\n', '\r\nExpect: wonders\r\n\r\n');
    assert.equal(countOf(await answersTo(accepting, unknown.repeat(100)), 'HTTP/1.1 417'), 1);
  });
});
