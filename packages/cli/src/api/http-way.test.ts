import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { after, test } from 'node:test';
import { createAuthority, issueServerCertificate } from '@dunlin/devices';
import { ConnectionLostError } from '../exit-codes.ts';
import { HttpWay } from './http-way.ts';

const KEY = 'dk_0123456789abcdef_secret';
const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))));

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const echo: RequestListener = async (request: IncomingMessage, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method, url, headers } = request;
  response.writeHead(207).end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
};

test('asks below the path of the URL, with the key, JSON or a text of another type', async () => {
  const way = new HttpWay(new URL(`http://127.0.0.1:${await portOf(createServer(echo))}/iot/`), KEY, []);
  const json = await way.request({ method: 'POST', path: '/api/v1/x?a=%2e%2e', body: { name: 'ü' } });
  const seen = JSON.parse(json.body);
  assert.deepEqual(
    [json.status, seen.method, seen.url, seen.body, seen.headers.authorization, seen.headers['content-type']],
    [207, 'POST', '/iot/api/v1/x?a=%2e%2e', '{"name":"ü"}', `Bearer ${KEY}`, 'application/json'],
  );
  const text = await way.request({
    method: 'POST',
    path: '/x',
    headers: { 'content-type': 'text/csv' },
    body: 'id\r\n',
  });
  assert.deepEqual([JSON.parse(text.body).body, JSON.parse(text.body).headers['content-type']], ['id\r\n', 'text/csv']);
  const none = JSON.parse((await way.request({ method: 'DELETE', path: '/x' })).body);
  assert.deepEqual([none.method, none.body, none.headers['content-type']], ['DELETE', '', undefined]);
  await way.close();
});

test('follows nobody elsewhere, and reads no answer without end', async () => {
  const port = await portOf(
    createServer((request, response) => {
      if (request.url === '/moved') return void response.writeHead(302, { location: 'http://192.0.2.1/' }).end('moved');
      response.write(Buffer.alloc(17 * 1024 * 1024, 'x'));
      response.end();
    }),
  );
  const way = new HttpWay(new URL(`http://127.0.0.1:${port}`), KEY, []);
  assert.equal((await way.request({ method: 'GET', path: '/moved' })).status, 302);
  await assert.rejects(way.request({ method: 'GET', path: '/long' }), {
    exitCode: 2,
    message: `Cannot ask http://127.0.0.1:${port}: the answer is longer than 16777216 bytes`,
  });
  await way.close();
});

test('over TLS it believes the authorities that it was given, and says how to name them', async () => {
  const nowMs = Date.now();
  const authority = createAuthority({ commonName: 'test', days: 2, nowMs });
  const { certificate: cert, key } = issueServerCertificate({ authority, names: ['127.0.0.1'], days: 1, nowMs });
  const url = new URL(`https://127.0.0.1:${await portOf(createSecureServer({ cert, key }, echo))}`);
  const trusting = new HttpWay(url, KEY, [authority.certificate]);
  assert.equal((await trusting.request({ method: 'GET', path: '/x' })).status, 207);
  await trusting.close();
  const doubting = new HttpWay(url, KEY, []);
  await assert.rejects(doubting.request({ method: 'GET', path: '/x' }), {
    exitCode: 2,
    message: /^Cannot ask https:.*\nName the authority that signed it with --cafile\.$/,
  });
  await doubting.close();
});

test('nobody there is told without the key', async () => {
  const server = createServer();
  const port = await portOf(server);
  await new Promise((resolve) => server.close(resolve));
  servers.pop();
  const way = new HttpWay(new URL(`http://127.0.0.1:${port}`), KEY, []);
  await assert.rejects(way.request({ method: 'GET', path: '/x' }), (error: Error) => {
    assert.match(error.message, /^Cannot ask http:.*ECONNREFUSED/);
    return !error.message.includes('secret');
  });
  await way.close();
});

test('a server that goes away before it has answered is told as a connection that was lost', async () => {
  const going = createServer((_, response) => response.socket?.resetAndDestroy());
  const halfway = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '9' });
    response.write('{', () => response.socket?.resetAndDestroy());
  });
  for (const server of [going, halfway]) {
    const way = new HttpWay(new URL(`http://127.0.0.1:${await portOf(server)}`), KEY, []);
    await assert.rejects(way.request({ method: 'GET', path: '/x' }), (error: unknown) => {
      assert.ok(error instanceof ConnectionLostError);
      assert.match(error.message, /: the connection to the server was lost before it answered \(ECONNRESET\)$/);
      return error.exitCode === 2;
    });
    await way.close();
  }
});
