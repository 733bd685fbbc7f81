/** A Unix socket, a service that is asked over HTTP, and a revocation list whose time is over. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { missing } from '../../tools/prerequisites.ts';
import { Program } from '../interop/local-broker.ts';
import { makePki } from '../pki/pki.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const hash = await hashPassword(Buffer.from('pencil'));

test('mosquitto_pub and mosquitto_sub meet at a Unix socket that asks who they are', {
  skip: missing('mosquitto_pub', 'mosquitto_sub'),
}, async () => {
  const path = join(scratch(), 'mqtt.sock');
  const server = await GuardedServer.start({
    listeners: [{ name: 'unix', transport: 'unix', path, mode: '0600' }],
    authentication: [{ method: 'users', users: [{ name: 'ada', password: hash }] }],
  });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const at = ['--unix', path, '-u', 'ada', '-t', 'a', '-q', '1'];
  const sub = new Program('mosquitto_sub', [...at, '-P', 'pencil', '-C', '1']);
  await server.told('subscribed', { filter: 'a' });
  await new Program('mosquitto_pub', [...at, '-P', 'pencil', '-m', 'hello']).output();
  assert.equal(await sub.output(), 'hello\n');
  const refused = new Program('mosquitto_pub', [...at, '-P', 'wrong', '-m', 'x', '-i', 'guesser']);
  assert.notEqual(await refused.exited, 0);
  await server.told('connectRefused', { clientId: 'guesser', check: 'password', listener: 'unix' });
});

test('a service over HTTP lets in whom it knows, and nobody while it is down', async () => {
  const asked: unknown[] = [];
  const service = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    asked.push(body.username);
    response.writeHead(body.password === 'pencil' ? 204 : 401).end();
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  after(() => service.close());
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/mqtt`;
  const server = await GuardedServer.start({ authentication: [{ method: 'http', url, cacheS: 0, timeoutMs: 1000 }] });
  const good = await server.open('tcp');
  await good.connect({ clientId: 'good', username: 'ada', password: 'pencil' });
  await good.disconnect();
  const wrong = { clientId: 'wrong', username: 'ada', password: 'wrong' };
  await server.refuses(await server.open('tcp'), wrong, 0x86, 'service-refused');
  assert.deepEqual(asked, ['ada', 'ada']);
  service.close();
  service.closeAllConnections();
  const late = { clientId: 'late', username: 'ada', password: 'pencil' };
  await server.refuses(await server.open('tcp'), late, 0x88, 'service-unavailable');
  await server.told('serviceUnavailable');
});

test('a revocation list whose time is over warns, and shuts out everybody only where that is asked for', async () => {
  const pki = makePki(scratch());
  pki.revoke(['revoked'], Date.now() - 1000);
  const tls = {
    certificate: pki.path('server.pem'),
    key: pki.path('server.key'),
    clientCertificate: 'required',
  } as const;
  const keys = { ca: pki.text('ca.pem'), cert: pki.text('good.pem'), key: pki.text('good.key') };
  for (const crlExpired of ['accept', 'refuse'] as const) {
    const server = await GuardedServer.start({
      listeners: [{ name: 'tls', transport: 'tls', tls }],
      authorities: [{ name: 'devices', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl'), crlExpired }],
      authentication: [{ method: 'certificate', match: 'username' }],
    });
    await server.told('certificateWarning', { source: pki.path('ca.crl') });
    const client = await server.openTls('tls', keys);
    const good = { clientId: 'good', username: 'good' };
    if (crlExpired === 'refuse') await server.refuses(client, good, 0x87, 'certificate-crl-expired');
    else await client.connect(good);
    const stolen = { ...keys, cert: pki.text('revoked.pem'), key: pki.text('revoked.key') };
    const revoked = { clientId: 'revoked', username: 'revoked' };
    await server.refuses(await server.openTls('tls', stolen), revoked, 0x87, 'certificate-revoked');
  }
});
