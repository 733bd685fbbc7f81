import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import * as tls from 'node:tls';
import fc from 'fast-check';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { Authority } from './testing/certificates.ts';
import type { TlsListener } from './tls.ts';
import { listenWebSocket } from './websocket-server.ts';

const authority = Authority.root('our authority');
const credentials = [authority.issue({ name: 'broker', hosts: [HOST] })];
const MIB = 1024 * 1024;
const GET = 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n';

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

async function listen(t: TestContext, answer: Answer, isSecure = false): Promise<Accepting<TlsListener>> {
  const request = (...asked: Parameters<Answer>): boolean => {
    answer(...asked);
    return true;
  };
  const listening = await Accepting.by((accepting) =>
    listenWebSocket({
      host: HOST,
      port: 0,
      messageBytesMax: MIB,
      ...(isSecure && { tls: { credentials } }),
      ...accepting,
      request,
    }),
  );
  t.after(() => listening.listener.close());
  return listening;
}

function connect({ listener }: Accepting<TlsListener>): net.Socket {
  return net.connect(listener.port, HOST).on('error', () => {});
}

function connectBy(isSecure: boolean, { listener }: Accepting<TlsListener>): net.Socket {
  if (!isSecure) return connect({ listener } as Accepting<TlsListener>);
  return tls.connect({ port: listener.port, host: HOST, ca: authority.pem }).on('error', () => {});
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

for (const isSecure of [false, true])
  describe(`what a connection brings faster than it is read${isSecure ? ', over TLS' : ''}`, () => {
    test('is left to the client while nobody reads the body, and comes when somebody does', LIMIT, async (t) => {
      const BYTES = 16 * MIB;
      const { promise: asked, resolve } = Promise.withResolvers<http.IncomingMessage>();
      const accepting = await listen(
        t,
        (request, response) => {
          resolve(request);
          request.on('end', () => response.end());
        },
        isSecure,
      );
      const socket = connectBy(isSecure, accepting);
      t.after(() => socket.destroy());
      socket.write(`POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${BYTES}\r\n\r\n`);
      socket.write(Buffer.alloc(BYTES, `${'x'.repeat(4092)}\r\n\r\n`));
      const request = await asked;
      await settled(() => request.socket.bytesRead);
      assert.ok(request.readableLength <= 256 * 1024, `${request.readableLength} bytes of the body are kept`);
      assert.ok(request.socket.bytesRead <= MIB, `${request.socket.bytesRead} bytes were read`);
      let bytes = 0;
      for await (const part of request) bytes += part.length;
      assert.equal(bytes, BYTES);
    });

    test('is left to the client while a body in chunks is read bit by bit', LIMIT, async (t) => {
      const BYTES = 2 * MIB;
      let kept = 0;
      const body = Promise.withResolvers<number>();
      const accepting = await listen(
        t,
        (request, response) => {
          let bytes = 0;
          request.on('data', (part) => {
            bytes += part.length;
            kept = Math.max(kept, request.socket.bytesRead - bytes);
          });
          request.on('end', () => {
            response.end();
            body.resolve(bytes);
          });
        },
        isSecure,
      );
      const socket = connectBy(isSecure, accepting);
      t.after(() => socket.destroy());
      socket.write('POST /other HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${BYTES.toString(16)}\r\n`);
      socket.write(Buffer.alloc(BYTES, '\r\n\r\n'));
      socket.write('\r\n0\r\n\r\n');
      assert.equal(await body.promise, BYTES);
      assert.ok(kept <= 512 * 1024, `${kept} bytes are kept`);
    });

    test('is read over many turns where it comes in chunks of a byte', LIMIT, async (t) => {
      const COUNT = 50_000;
      let [bytes, sameTurn, most] = [0, 0, 0];
      const done = Promise.withResolvers<void>();
      const accepting = await listen(
        t,
        (request, response) => {
          request.on('data', (part) => {
            if (sameTurn === 0) setImmediate(() => (sameTurn = 0));
            most = Math.max(most, ++sameTurn);
            bytes += part.length;
          });
          request.on('end', () => {
            response.end();
            done.resolve();
          });
        },
        isSecure,
      );
      const socket = connectBy(isSecure, accepting);
      t.after(() => socket.destroy());
      socket.write('POST /other HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${'1\r\nx\r\n'.repeat(COUNT)}0\r\n\r\n`);
      await done.promise;
      assert.equal(bytes, COUNT);
      // A read brings more than ten thousand. Two turns may fall into one of this test's.
      assert.ok(most <= 5_000, `${most} in one turn`);
    });

    test('is left to the client while an answer is awaited', LIMIT, async (t) => {
      const { promise: asked, resolve } = Promise.withResolvers<http.ServerResponse>();
      const accepting = await listen(t, (_, response) => resolve(response), isSecure);
      const socket = connectBy(isSecure, accepting);
      t.after(() => socket.destroy());
      socket.write(GET);
      socket.write(Buffer.alloc(16 * MIB, GET));
      const response = await asked;
      const { socket: from } = response.req;
      await settled(() => from.bytesRead);
      assert.ok(from.bytesRead <= MIB, `${from.bytesRead} bytes were read`);
    });
  });

describe('requests cut in any pieces', () => {
  test('are those that a plain server of Node takes, with the same bodies and answers in order', LIMIT, async (t) => {
    const [paced, plain] = await bothServers(t);
    const requests = fc.array(REQUEST, { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(requests, CUTS, fc.boolean(), async (sent, cuts, isSecond) => {
        const stream = sent.join('') + (isSecond ? LAST : LAST.replace('GET', 'HEAD'));
        const expected = await told(plain, [stream]);
        assert.deepEqual(await told(paced, piecesOf(stream, cuts)), expected);
        assert.equal(expected.begun.length, sent.length + 1);
      }),
      { numRuns: 40 },
    );
  });

  test('are none that a plain server of Node would not take, whatever is wrong with them', LIMIT, async (t) => {
    const [paced, plain] = await bothServers(t);
    const wrong = fc.array(fc.tuple(fc.nat(2_000), WRONG), { minLength: 1, maxLength: 3 });
    const requests = fc.array(REQUEST, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(requests, wrong, CUTS, async (sent, inserted, cuts) => {
        let stream = sent.join('');
        for (const [place, text] of inserted) {
          const [at, lines] = [place % stream.length, stream.indexOf('\r\n', place % stream.length) + 2];
          stream = stream.slice(0, lines > 1 ? lines : at) + text + stream.slice(lines > 1 ? lines : at);
        }
        const { begun } = await told(plain, [stream]);
        const { begun: begunPaced } = await told(paced, piecesOf(stream, cuts));
        assert.deepEqual(begunPaced, begun.slice(0, begunPaced.length));
      }),
      { numRuns: 40 },
    );
  });

  test('come also where the client has sent its end behind them', LIMIT, async (t) => {
    const [paced] = await bothServers(t);
    const body = '\r\n\r\n'.repeat(5_000);
    const post = `POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const { begun } = await told(paced, [GET.repeat(50) + post]);
    assert.deepEqual(begun, [...Array(50).fill('GET /other'), 'POST /other']);
  });
});

/** Text of bodies, most of which would be something else in another place. */
const BODY = fc
  .array(fc.constantFrom('\r\n\r\n', '\r\n', '\r', GET, '0\r\n\r\n', 'ab', '\xff', 'x'.repeat(300)), { maxLength: 5 })
  .map((parts) => parts.join(''));
const CHUNKED = 'POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';
const REQUEST = fc.oneof(
  fc.constantFrom(GET, `\r\n\r\n${GET}`, GET.replace('GET', 'HEAD'), GET.replace('/other', `/${'y'.repeat(200)}`)),
  fc
    .tuple(fc.constantFrom('GET', 'POST'), fc.constantFrom('', 'Expect: 100-continue\r\n'), BODY)
    .map(
      ([method, more, body]) =>
        `${method} /counted HTTP/1.1\r\nHost: a\r\n${more}content-LENGTH:  ${body.length} \r\n\r\n${body}`,
    ),
  fc
    .tuple(
      fc.array(
        BODY.filter((body) => body !== ''),
        { maxLength: 3 },
      ),
      fc.constantFrom('', 'X: y\r\n'),
      fc.constantFrom('', ';a=b'),
    )
    .map(([bodies, trailer, extension]) => {
      const chunks = bodies.map((body) => `${body.length.toString(16)}${extension}\r\n${body}\r\n`);
      return `${CHUNKED}\r\n${chunks.join('')}0\r\n${trailer}\r\n`;
    }),
);
const WRONG = fc.constantFrom(
  'Connection: close\r\n',
  'Connection: Upgrade\r\nUpgrade: x\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 18446744073709551615\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip\r\n',
  'Expect: wonders\r\n',
  'CONNECT a:1 HTTP/1.1\r\n\r\n',
  'GET /\n\r\n',
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' x\r\n',
  `${'X: y\r\n'.repeat(200)}`,
);
const CUTS = fc.array(fc.nat(4_000), { maxLength: 6 });

function piecesOf(stream: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map((cut) => cut % stream.length), stream.length].sort((a, b) => a - b);
  return places.slice(1).map((place, at) => stream.slice(places[at], place));
}

interface Taking {
  readonly port: number;
  begun: string[];
}

/** One that paces, and one of Node alone, which answer alike: what was asked, and its body. */
async function bothServers(t: TestContext): Promise<[paced: Taking, plain: Taking]> {
  const answerOf =
    (taking: () => Taking): Answer =>
    async (request, response) => {
      taking().begun.push(`${request.method} ${request.url}`);
      request.setEncoding('latin1').on('error', () => {});
      response.sendDate = false;
      let body = '';
      for await (const part of request) body += part;
      response.end(JSON.stringify([request.method, request.url, body]));
    };
  const ignoring =
    (answer: Answer): Answer =>
    (...asked) =>
      void Promise.resolve(answer(...asked) as unknown).catch(() => {});
  const accepting = await listen(t, ignoring(answerOf(() => paced)));
  const server = http.createServer({ keepAliveTimeout: 5_000 }, ignoring(answerOf(() => plain)));
  server.on('upgrade', (_, socket) => socket.destroy());
  server.maxRequestsPerSocket = 1_000;
  server.listen(0, HOST);
  await once(server, 'listening');
  t.after(() => server.close());
  const paced: Taking = { port: accepting.listener.port, begun: [] };
  const plain: Taking = { port: (server.address() as net.AddressInfo).port, begun: [] };
  return [paced, plain];
}

/** Sends the pieces, and the end; what the server began meanwhile, and all that it answered. */
async function told(taking: Taking, pieces: readonly string[]): Promise<{ begun: string[]; answers: string }> {
  taking.begun = [];
  const socket = net.connect({ port: taking.port, host: HOST, allowHalfOpen: true }).on('error', () => {});
  socket.setNoDelay().setEncoding('latin1');
  let answers = '';
  socket.on('data', (part) => {
    answers += part;
  });
  socket.on('end', () => socket.end());
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
    for (let count = 0; count < 3; count += 1) await turn();
  }
  const isLast = pieces.join('').endsWith(LAST.slice(3));
  if (!isLast) socket.end();
  if (!socket.closed) await once(socket, 'close');
  return { begun: taking.begun, answers };
}

/** Waits until a number has stood still for as many turns as a busy machine needs to bring what is under way. */
async function settled(number: () => number): Promise<void> {
  for (let still = 0, before = -1; still < 2_000; still += 1) {
    if (number() !== before) still = 0;
    before = number();
    await turn();
  }
}
