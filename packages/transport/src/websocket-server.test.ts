import assert from 'node:assert/strict';
import { once } from 'node:events';
import type * as http from 'node:http';
import { request as httpRequest } from 'node:http';
import * as net from 'node:net';
import { describe, test } from 'node:test';
import * as mqtt from 'mqtt';
import { type ClientOptions, WebSocket } from 'ws';
import { Recorder } from './contract/recorder.ts';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { describeWire } from './contract/wire.ts';
import type { HttpVisit } from './http-visit.ts';
import { Authority } from './testing/certificates.ts';
import type { TlsListener } from './tls.ts';
import { listenWebSocket, type WebSocketListenOptions } from './websocket-server.ts';
import { WebSocketWire } from './websocket-wire.ts';

const ours = Authority.root('our authority');
const server = ours.issue({ name: 'broker', hosts: [HOST, 'broker.example'] });
const player = ours.issue({ name: 'player' });
const MIB = 1024 * 1024;
const OWNER = { lingerMs: 2000, wireGone: () => {} };

function listen(options: Partial<WebSocketListenOptions> = {}): Promise<Accepting<TlsListener>> {
  return Accepting.by((accepting) =>
    listenWebSocket({ host: HOST, port: 0, messageBytesMax: 64 * MIB, ...accepting, ...options }),
  );
}

interface Wishes extends ClientOptions {
  readonly path?: string;
  readonly secure?: boolean;
  readonly protocols?: string[];
  readonly servername?: string;
}

function open(accepting: Accepting<TlsListener>, wishes: Wishes = {}): WebSocket {
  const { path = '/mqtt', secure = false, protocols = ['mqtt'], ...options } = wishes;
  const url = `${secure ? 'wss' : 'ws'}://${HOST}:${accepting.listener.port}${path}`;
  const client = new WebSocket(url, protocols, { perMessageDeflate: false, ca: [ours.pem], ...options });
  client.on('error', () => {});
  client.binaryType = 'fragments';
  client.pause();
  return client;
}

async function opened(client: WebSocket): Promise<void> {
  if (client.readyState !== client.OPEN) await once(client, 'open');
}

/** The status of the answer; 101 and the wire's peer where there is a WebSocket. */
async function statusOf(accepting: Accepting<TlsListener>, wishes: Wishes = {}): Promise<number> {
  const client = open(accepting, wishes);
  const refused = new Promise<number>((resolve) => {
    client.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
  const status = await Promise.race([refused, once(client, 'open').then(() => 101)]);
  if (status === 101) (await accepting.next()).destroy();
  client.terminate();
  return status;
}

for (const secure of [false, true])
  describeWire(secure ? 'secure WebSocket server' : 'WebSocket server', async () => {
    const accepting = await listen(secure ? { tls: { credentials: [server] } } : {});
    const client = open(accepting, { secure });
    const [wire] = await Promise.all([accepting.next(), once(client, 'open')]);
    wire.admitted?.();
    await accepting.listener.close();
    return [new WebSocketWire(client, { address: 'test', port: 0 }, OWNER), wire];
  });

describe('a WebSocket listener', () => {
  test(
    'gives WebSockets at its paths only, with the subprotocol mqtt [MQTT-6.0.0-3] [MQTT-6.0.0-4]',
    LIMIT,
    async () => {
      const accepting = await listen();
      for (const path of ['/mqtt', '/', '/mqtt?x=1']) assert.equal(await statusOf(accepting, { path }), 101);
      assert.equal(await statusOf(accepting, { path: '/other' }), 404);
      assert.equal(await statusOf(accepting, { protocols: [] }), 400);
      assert.equal(await statusOf(accepting, { protocols: ['chat'] }), 400);
      for (const protocols of [['mqttv3.1'], ['chat', 'mqtt']]) {
        const client = open(accepting, { protocols });
        await once(client, 'open');
        assert.equal(client.protocol, protocols.at(-1));
        client.terminate();
        (await accepting.next()).destroy();
      }
      assert.deepEqual(
        accepting.refused.map(([code]) => code),
        ['DUNLIN_HTTP_PATH', 'DUNLIN_HTTP_SUBPROTOCOL', 'DUNLIN_HTTP_SUBPROTOCOL'],
      );
      await accepting.listener.close();
      const lenient = await listen({ subprotocolRequired: false });
      assert.equal(await statusOf(lenient, { protocols: [] }), 101);
      assert.equal(await statusOf(lenient, { protocols: ['chat'] }), 400);
      await lenient.listener.close();
    },
  );

  test('lets in pages of its own and programs, and no other page, whatever name leads to it', LIMIT, async () => {
    const accepting = await listen({ hosts: ['broker.example'] });
    const own = `${HOST}:${accepting.listener.port}`;
    const status = (origin: string, host: string) => statusOf(accepting, { headers: { Origin: origin, Host: host } });
    assert.equal(await statusOf(accepting), 101);
    assert.equal(await status(`http://${own}`, own), 101);
    assert.equal(await status('https://broker.example', 'broker.example:443'), 101);
    assert.equal(await status('http://localhost:5', 'localhost:5'), 101);
    for (const [origin, host] of [
      ['http://evil.example', own],
      ['http://evil.example', 'evil.example'],
      [`http://${HOST}:1`, own],
      ['null', own],
      [`file://${own}`, own],
    ])
      assert.equal(await status(origin, host), 403, origin);
    await accepting.listener.close();
    const listed = await listen({ origins: ['https://app.example'] });
    assert.equal(await statusOf(listed, { headers: { Origin: 'https://app.example' } }), 101);
    assert.equal(await statusOf(listed, { headers: { Origin: 'http://app.example' } }), 403);
    await listed.listener.close();
    const any = await listen({ origins: 'any' });
    assert.equal(await statusOf(any, { headers: { Origin: 'http://evil.example' } }), 101);
    await any.listener.close();
  });

  test('believes the names in its certificate, and no page that came without TLS', LIMIT, async () => {
    const accepting = await listen({ tls: { credentials: [server] } });
    const status = (Origin: string) =>
      statusOf(accepting, { secure: true, headers: { Origin, Host: 'broker.example' } });
    assert.equal(await status('https://broker.example'), 101);
    assert.equal(await status('http://broker.example'), 403);
    await accepting.listener.close();
  });

  test('answers other requests itself, or gives them to who asks for them', LIMIT, async () => {
    const accepting = await listen();
    const get = async (port: number, path: string) => (await fetch(`http://${HOST}:${port}${path}`)).status;
    assert.deepEqual(
      [await get(accepting.listener.port, '/mqtt'), await get(accepting.listener.port, '/x')],
      [426, 404],
    );
    await accepting.listener.close();
    const visits: HttpVisit[] = [];
    const request = (asked: http.IncomingMessage, response: http.ServerResponse, visit: HttpVisit): boolean => {
      visits.push(visit);
      if (asked.url !== '/x') return false;
      response.writeHead(204).end();
      return true;
    };
    const other = await listen({ request });
    assert.equal(await get(other.listener.port, '/x'), 204);
    assert.equal(await get(other.listener.port, '/mqtt'), 426);
    assert.equal(visits[0].peer.address, HOST);
    await other.listener.close();
  });

  test('says of a request whose host and whose page it is, and what a trusted proxy tells', LIMIT, async () => {
    const visits: HttpVisit[] = [];
    const request = (_: http.IncomingMessage, response: http.ServerResponse, visit: HttpVisit): boolean => {
      visits.push(visit);
      response.writeHead(204).end();
      return true;
    };
    const accepting = await listen({ request, proxy: { trusted: [HOST], forwardedFor: true } });
    const { port } = accepting.listener;
    const status = async (headers: http.OutgoingHttpHeaders): Promise<number | undefined> => {
      const asked = httpRequest({ host: HOST, port, path: '/x', headers, agent: false }).end();
      const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
      answer.resume();
      return answer.statusCode;
    };
    const told = async (headers: http.OutgoingHttpHeaders) => {
      assert.equal(await status(headers), 204);
      const { peer, isOwnHost, isFromAllowedOrigin } = visits.at(-1) as HttpVisit;
      return [peer.address, isOwnHost, isFromAllowedOrigin];
    };
    const own = `${HOST}:${port}`;
    assert.deepEqual(await told({ host: own }), [HOST, true, true]);
    assert.deepEqual(await told({ host: own, origin: `http://${own}` }), [HOST, true, true]);
    assert.deepEqual(await told({ host: own, origin: 'http://evil.example' }), [HOST, true, false]);
    assert.deepEqual(await told({ host: 'evil.example', origin: 'http://evil.example' }), [HOST, false, false]);
    assert.deepEqual(await told({ host: own, 'x-forwarded-for': '192.0.2.9' }), ['192.0.2.9', true, true]);
    assert.equal(await status({ host: own, 'x-forwarded-for': 'nobody' }), 400);
    await accepting.listener.close();
  });

  test('tells of who speaks no HTTP, or no WebSocket as it is known here', LIMIT, async () => {
    const accepting = await listen();
    const upgrade = (line: string, more: string) =>
      `${line} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: mqtt\r\n${more}\r\n`;
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    for (const [bytes, status, code] of [
      [upgrade('GET /mqtt', `${key}Sec-WebSocket-Version: 12\r\n`), 400, 'DUNLIN_HTTP_HANDSHAKE'],
      [upgrade('GET /mqtt', 'Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n'), 400, 'DUNLIN_HTTP_HANDSHAKE'],
      [upgrade('POST /mqtt', `${key}Sec-WebSocket-Version: 13\r\n`), 405, 'DUNLIN_HTTP_HANDSHAKE'],
      ['\x10\x0c\0\x04MQTT\x05', 400, 'DUNLIN_HTTP_REQUEST'],
    ] as const) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port });
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.write(bytes, 'latin1');
      await once(socket, 'close');
      const answer = Buffer.concat(chunks).toString();
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} [^]*\nSec-WebSocket-Version: 13\r\n`));
      assert.deepEqual(accepting.refused.splice(0), [[code, HOST]]);
    }
    await accepting.listener.close();
  });

  test('cuts off a request whose head does not come, or is too long', LIMIT, async () => {
    const accepting = await listen({ headersTimeoutMs: 20, headersBytesMax: 1024 });
    for (const [head, status] of [
      ['GET / HTTP/1.1\r\n', 408],
      [`GET / HTTP/1.1\r\nX: ${'x'.repeat(2000)}\r\n`, 431],
    ]) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port });
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.write(head as string);
      await once(socket, 'close');
      assert.match(Buffer.concat(chunks).toString(), new RegExp(`^HTTP/1.1 ${status} `));
    }
    assert.deepEqual(accepting.refused, Array(2).fill(['DUNLIN_HTTP_REQUEST', HOST]));
    await accepting.listener.close();
  });

  test(
    'takes no message of more than 64 KiB from a stranger, nor a part of one, and larger ones later',
    LIMIT,
    async () => {
      const accepting = await listen({ messageBytesMax: MIB });
      for (const [bytes, fin] of [
        [65 * 1024, true],
        [200 * 1024, true],
        [65 * 1024, false],
      ] as const) {
        const client = open(accepting);
        const wire = Recorder.open(await accepting.next());
        await opened(client);
        client.resume();
        client.send(Buffer.alloc(bytes), { fin });
        // The end of a message in parts never comes.
        const timer = setInterval(
          () => !fin && client.readyState === client.OPEN && client.send(Buffer.alloc(1), { fin }),
          1,
        );
        await wire.told('closed');
        clearInterval(timer);
        assert.equal((wire.error as { code?: string }).code, 'EMSGSIZE');
        assert.equal(wire.receivedBytes, 0);
        client.terminate();
      }
      const client = open(accepting);
      const wire = Recorder.open(await accepting.next());
      wire.wire.admitted?.();
      await opened(client);
      client.send(Buffer.alloc(MIB));
      await wire.until(() => wire.receivedBytes === MIB);
      client.send(Buffer.alloc(MIB + 1));
      client.resume();
      assert.equal((await once(client, 'close'))[0], 1009);
      await wire.told('closed');
      await accepting.listener.close();
    },
  );

  test('takes few empty messages from a stranger, and any number later', LIMIT, async () => {
    const accepting = await listen();
    const stranger = open(accepting);
    const refused = Recorder.open(await accepting.next());
    await opened(stranger);
    for (let count = 0; count < 17; count += 1) stranger.send(Buffer.alloc(0));
    await refused.told('closed');
    assert.equal((refused.error as { code?: string }).code, 'EPROTO');
    stranger.terminate();
    const client = open(accepting);
    const wire = Recorder.open(await accepting.next());
    await opened(client);
    for (let count = 0; count < 16; count += 1) client.send(Buffer.alloc(0));
    client.send(Buffer.from('x'));
    await wire.until(() => wire.receivedBytes === 1);
    wire.wire.admitted?.();
    for (let count = 0; count < 100; count += 1) client.send(Buffer.alloc(0));
    client.send(Buffer.from('y'));
    await wire.until(() => wire.receivedBytes === 2);
    client.terminate();
    await accepting.listener.close();
  });

  test('counts connections that have no WebSocket yet', LIMIT, async () => {
    const accepting = await listen({ connectionsMax: 1 });
    const first = net.connect({ host: HOST, port: accepting.listener.port });
    await once(first, 'connect');
    const second = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
    await once(second.resume(), 'close');
    assert.match(String(accepting.errors), /DUNLIN_CONNECTIONS_MAX/);
    first.destroy();
    await accepting.listener.close();
  });

  test('drops a connection on which nothing comes, or a body byte by byte', LIMIT, async () => {
    const accepting = await listen({
      headersTimeoutMs: 20,
      request: (request) => {
        request.resume();
        return true;
      },
    });
    for (const bytes of ['', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1']) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
      socket.write(bytes);
      await once(socket.resume(), 'close');
    }
    await accepting.listener.close();
  });

  test('ends a connection after its own answer to a request', LIMIT, async () => {
    const accepting = await listen();
    for (const path of ['/mqtt', '/x']) {
      const socket = net.connect({ host: HOST, port: accepting.listener.port });
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      await once(socket, 'end');
      assert.match(Buffer.concat(chunks).toString(), /^Connection: (?:Upgrade, )?close\r$/m);
      socket.destroy();
    }
    await accepting.listener.close();
  });

  test('bounds those who have no WebSocket yet, in all and for each address that a proxy told', LIMIT, async () => {
    const limits = { waitingMax: 4, connectionsPerAddressMax: 2 };
    const accepting = await listen({ ...limits, proxy: { trusted: [HOST], protocol: 'v1' } });
    const come = (address: string): net.Socket => {
      const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
      socket.write(`PROXY TCP4 ${address} 192.0.2.1 5 6\r\n`);
      return socket;
    };
    // Bytes that were not read make it a reset.
    const closed = (socket: net.Socket): Promise<unknown> =>
      new Promise((resolve) => socket.resume().once('close', resolve));
    const greedy = [1, 2, 3].map(() => come('192.0.2.7'));
    await Promise.race(greedy.map(closed));
    assert.match(String(accepting.errors), /from 192\.0\.2\.7: .*DUNLIN_ADDRESS_WAITING_MAX/);
    // Whoever has a WebSocket waits no more.
    for (let count = 0; count < 3; count += 1) {
      const socket = come('192.0.2.8');
      open(accepting, { createConnection: (() => socket) as never });
      (await accepting.next()).pause();
      greedy.push(socket);
    }
    // All that is left; one more takes the place of the oldest of the address that has two.
    const others = ['192.0.2.9', '192.0.2.10', '192.0.2.11'].map(come);
    await Promise.race(
      greedy
        .slice(0, 3)
        .filter(({ destroyed }) => !destroyed)
        .map(closed),
    );
    greedy.push(...others);
    assert.match(String(accepting.errors.at(-1)), /DUNLIN_WAITING_MAX/);
    assert.ok(others.every(({ destroyed }) => !destroyed));
    for (const socket of greedy) socket.destroy();
    await accepting.listener.close();
  });

  test(
    'asks whether an address is welcome before TLS and HTTP begin, and not of a proxy that tells its clients',
    LIMIT,
    async () => {
      const asked: string[] = [];
      const isWelcome = (address: string): boolean => asked.push(address) === 0;
      for (const tls of [undefined, { credentials: [server] }]) {
        const accepting = await listen({ isWelcome, ...(tls && { tls }) });
        const socket = net.connect({ host: HOST, port: accepting.listener.port }).on('error', () => {});
        await once(socket.resume(), 'close');
        await accepting.listener.close();
      }
      assert.deepEqual(asked, [HOST, HOST]);
      const behind = await listen({ isWelcome, proxy: { trusted: [HOST], forwardedFor: true } });
      assert.equal(await statusOf(behind), 101);
      assert.equal(asked.length, 2);
      await behind.listener.close();
    },
  );

  test('asks for client certificates, and serves a proxy that speaks the PROXY protocol', LIMIT, async () => {
    const tls = { credentials: [server], clientCertificate: 'required', authorities: [ours.pem] } as const;
    const accepting = await listen({ tls });
    const client = open(accepting, {
      secure: true,
      cert: player.certificate,
      key: player.key,
      servername: 'broker.example',
    });
    const wire = await accepting.next();
    assert.ok((wire.peer.certificates?.length ?? 0) > 0);
    assert.equal(wire.peer.serverName, 'broker.example');
    client.terminate();
    wire.destroy();
    await accepting.listener.close();
    const behind = await listen({ proxy: { trusted: [HOST], protocol: 'v1' } });
    const socket = net.connect({ host: HOST, port: behind.listener.port });
    socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5 6\r\n');
    const through = open(behind, { createConnection: (() => socket) as never });
    assert.deepEqual((await behind.next()).peer, { address: '192.0.2.7', port: 5, proxyAddress: HOST });
    through.terminate();
    await behind.listener.close();
  });
});

describe('a WebSocket listener behind a proxy that ends TLS', () => {
  const forwarded = { forwardedFor: true, clientCertificate: 'Client-Cert' };
  const der = Buffer.from(player.certificate.replaceAll(/-----.*-----|\s/g, ''), 'base64');

  test('takes address and certificate of the client from a trusted proxy', LIMIT, async () => {
    const accepting = await listen({ proxy: { trusted: [HOST], ...forwarded } });
    const headers = { 'X-Forwarded-For': '203.0.113.9, 192.0.2.7', 'Client-Cert': `:${der.toString('base64')}:` };
    const client = open(accepting, { headers });
    const { peer } = await accepting.next();
    assert.deepEqual(peer, { address: '192.0.2.7', port: 0, proxyAddress: HOST, certificates: [Uint8Array.from(der)] });
    client.terminate();
    assert.equal(await statusOf(accepting, { headers: { 'Client-Cert': 'forged' } }), 400);
    assert.deepEqual(accepting.refused, [['DUNLIN_HTTP_FORWARDED', HOST]]);
    await accepting.listener.close();
  });

  test('lets nobody in whose headers push those of the proxy past the limit of 100', LIMIT, async () => {
    const accepting = await listen({ proxy: { trusted: [HOST], forwardedFor: true } });
    const answerTo = async (fillers: number): Promise<string> => {
      const socket = net.connect({ host: HOST, port: accepting.listener.port });
      // Six of a WebSocket's own, then those of the client, and last that of the proxy.
      const own = ['Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
      own.push('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: mqtt');
      const filling = Array.from({ length: fillers }, (_, at) => `X-${at}: y`);
      socket.write(['GET /mqtt HTTP/1.1', ...own, ...filling, 'X-Forwarded-For: 192.0.2.7', '\r\n'].join('\r\n'));
      const [answer] = await once(socket, 'data');
      socket.destroy();
      return String(answer).slice(0, 12);
    };
    // Up to a hundred all are read.
    for (const fillers of [0, 93]) {
      assert.equal(await answerTo(fillers), 'HTTP/1.1 101');
      const { peer } = await accepting.next();
      assert.deepEqual([peer.address, peer.proxyAddress], ['192.0.2.7', HOST]);
    }
    for (const fillers of [94, 95, 100, 500]) assert.equal(await answerTo(fillers), 'HTTP/1.1 431');
    assert.deepEqual(accepting.refused, Array(4).fill(['DUNLIN_HTTP_REQUEST', HOST]));
    await accepting.listener.close();
  });

  test('takes nothing from anybody else, and says so once', LIMIT, async () => {
    const accepting = await listen({ proxy: { trusted: ['192.0.2.1'], ...forwarded } });
    for (let count = 0; count < 2; count += 1) {
      const client = open(accepting, {
        headers: { 'X-Forwarded-For': '192.0.2.7', 'Client-Cert': `:${der.toString('base64')}:` },
      });
      const { peer } = await accepting.next();
      assert.equal(peer.address, HOST);
      assert.deepEqual([peer.certificates, peer.proxyAddress], [undefined, undefined]);
      client.terminate();
    }
    assert.equal(accepting.errors.length, 1);
    assert.match(String(accepting.errors), /DUNLIN_HEADER_UNTRUSTED/);
    await accepting.listener.close();
  });

  test(
    'takes no header from behind a proxy that speaks the PROXY protocol, whatever address that tells',
    LIMIT,
    async () => {
      const accepting = await listen({ proxy: { trusted: [HOST, '192.0.2.0/24'], protocol: 'any', ...forwarded } });
      for (const [header, address] of [
        ['PROXY TCP4 192.0.2.7 192.0.2.1 5 6\r\n', '192.0.2.7'],
        ['PROXY UNKNOWN\r\n', HOST],
        ['\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', HOST],
      ]) {
        const socket = net.connect({ host: HOST, port: accepting.listener.port });
        socket.write(header);
        const client = open(accepting, {
          createConnection: (() => socket) as never,
          headers: { 'X-Forwarded-For': '203.0.113.9', 'Client-Cert': `:${der.toString('base64')}:` },
        });
        const { peer } = await accepting.next();
        assert.deepEqual([peer.address, peer.certificates], [address, undefined]);
        client.terminate();
      }
      assert.match(String(accepting.errors), /DUNLIN_HEADER_UNTRUSTED/);
      await accepting.listener.close();
    },
  );
});

test('MQTT.js connects over WebSocket, plain and secure', LIMIT, async () => {
  for (const secure of [false, true]) {
    const accepting = await listen(secure ? { tls: { credentials: [server] } } : {});
    const url = `${secure ? 'wss' : 'ws'}://${HOST}:${accepting.listener.port}/mqtt`;
    const client = mqtt.connect(url, { reconnectPeriod: 0, wsOptions: { ca: [ours.pem] } as never });
    const wire = Recorder.open(await accepting.next());
    await wire.until(() => wire.receivedBytes > 0);
    wire.call(() => wire.wire.write(Buffer.from([0x20, 2, 0, 0])));
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    await client.endAsync(true);
    await wire.told('closed');
    await accepting.listener.close();
  }
});
