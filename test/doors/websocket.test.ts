/** Ways in over WebSocket that must stay shut, with MQTT.js and with clients that misbehave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { connectAsync } from 'mqtt';
import { connect as connectPacket } from '../conformance/wire.ts';
import { type ClientName, makePki } from '../pki/pki.ts';
import { GuardedServer, RefusedUpgrade, scratch, type WebSocketWishes } from './guarded-server.ts';

const KIB = 1024;
const pki = makePki(scratch());
const hash = await hashPassword(Buffer.from('pencil'));
const certificate = { certificate: pki.path('server.pem'), key: pki.path('server.key') };
const server = await GuardedServer.start({
  limits: { maximumPacketSize: 200 * KIB },
  guard: { userDelayAfter: 1000 },
  listeners: [
    { name: 'web', transport: 'ws' },
    { name: 'pages', transport: 'ws', origins: ['https://app.example'] },
    { name: 'mutual', transport: 'wss', tls: { ...certificate, clientCertificate: 'required' } },
    {
      name: 'proxied',
      transport: 'ws',
      proxy: { trusted: ['127.0.0.1'], forwardedFor: true, clientCertificateHeader: 'Client-Cert' },
    },
    {
      name: 'passwords',
      transport: 'ws',
      authentication: ['users'],
      proxy: { trusted: ['127.0.0.1'], clientCertificateHeader: 'Client-Cert' },
    },
    {
      name: 'strangers',
      transport: 'ws',
      proxy: { trusted: ['10.0.0.0/8'], forwardedFor: true, clientCertificateHeader: 'Client-Cert' },
    },
  ],
  authorities: [{ name: 'devices', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl') }],
  authentication: [
    { method: 'certificate', match: 'username' },
    { method: 'users', users: [{ name: 'ada', password: hash }] },
  ],
});

const ada = { username: 'ada', password: 'pencil' };
const device = (clientId: string, username = clientId) => ({ clientId, username, password: '' });

/** The header of RFC 9440. */
function clientCert(name: ClientName): string {
  const base64 = pki.text(`${name}.pem`).replaceAll(/-----[A-Z ]+-----|\s/g, '');
  return `:${base64}:`;
}

async function refusesUpgrade(listener: string, wishes: WebSocketWishes, status: number, check: string): Promise<void> {
  const before = server.count('connectionRejected', { listener, check });
  await assert.rejects(server.openWebSocket(listener, wishes), (error: unknown) => {
    assert.ok(error instanceof RefusedUpgrade, String(error));
    assert.equal(error.status, status);
    return true;
  });
  assert.equal(server.count('connectionRejected', { listener, check }), before + 1);
}

for (const [listener, scheme] of [
  ['web', 'ws'],
  ['mutual', 'wss'],
] as const)
  test(`MQTT.js speaks to ${scheme}://, with packets that are larger than a stranger may send`, async () => {
    const keys = { ca: pki.text('ca.pem'), cert: pki.text('good.pem'), key: pki.text('good.key') };
    const who = scheme === 'ws' ? ada : { username: 'good', ...keys };
    const url = `${scheme}://localhost:${server.port(listener)}/mqtt`;
    const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...who });
    const arrived = new Promise<Buffer>((resolve) => client.once('message', (_topic, payload) => resolve(payload)));
    await client.subscribeAsync(scheme, { qos: 1 });
    await client.publishAsync(scheme, Buffer.alloc(150 * KIB, 'x'), { qos: 1 });
    assert.equal((await arrived).length, 150 * KIB);
    await client.endAsync();
  });

test('no WebSocket without the subprotocol mqtt [MQTT-6.0.0-3]', async () => {
  for (const subprotocols of [[], ['chat']])
    await refusesUpgrade('web', { subprotocols }, 400, 'DUNLIN_HTTP_SUBPROTOCOL');
});

test('no WebSocket for the page of another origin, though it leads its own name to this address', async () => {
  const { port } = server.address('web');
  const refused = (headers: Record<string, string>) => refusesUpgrade('web', { headers }, 403, 'DUNLIN_HTTP_ORIGIN');
  await refused({ origin: 'https://evil.example' });
  await refused({ origin: 'null' });
  await refused({ origin: `http://localhost:${port}` });
  await refused({ origin: `http://evil.example:${port}`, host: `evil.example:${port}` });
  await refusesUpgrade('pages', { headers: { origin: `http://127.0.0.1:${port}` } }, 403, 'DUNLIN_HTTP_ORIGIN');
  await refusesUpgrade('pages', { headers: { origin: 'http://app.example' } }, 403, 'DUNLIN_HTTP_ORIGIN');
  for (const [listener, origin] of [
    ['web', `http://127.0.0.1:${port}`],
    ['pages', 'https://app.example'],
  ]) {
    const client = await server.openWebSocket(listener, { headers: { origin } });
    await client.connect({ clientId: 'page', ...ada });
    await client.disconnect();
  }
});

test('a refused WebSocket is told with what it asked for, short and escaped, and without the query', async () => {
  const told = (reason: RegExp) => server.told('connectionRejected', { listener: 'web', reason });
  await refusesUpgrade('web', { path: `/${'x'.repeat(200)}?token=secret` }, 404, 'DUNLIN_HTTP_PATH');
  await told(/^Cannot open a WebSocket at "\/x{99}…": there is none at this path \(DUNLIN_HTTP_PATH\)$/);
  await refusesUpgrade('web', { headers: { origin: 'https://evil.example\x9b' } }, 403, 'DUNLIN_HTTP_ORIGIN');
  await told(
    /^Cannot open a WebSocket for the origin "https:\/\/evil\.example\\u\{9b\}": pages of this origin may not/,
  );
  await refusesUpgrade('web', { subprotocols: ['chat'] }, 400, 'DUNLIN_HTTP_SUBPROTOCOL');
  await told(/^Cannot open a WebSocket of the subprotocols "chat": /);
  await refusesUpgrade('proxied', { headers: { 'client-cert': 'forged' } }, 400, 'DUNLIN_HTTP_FORWARDED');
  await server.told('connectionRejected', { listener: 'proxied', reason: /: client-cert is no byte sequence, / });
});

test('no WebSocket at other paths, and nothing else at its own', async () => {
  await refusesUpgrade('web', { path: '/other' }, 404, 'DUNLIN_HTTP_PATH');
  const place = `http://127.0.0.1:${server.port('web')}`;
  assert.equal((await fetch(`${place}/other`)).status, 404);
  assert.equal((await fetch(`${place}/mqtt`)).status, 426);
});

test('a text frame closes the connection [MQTT-6.0.0-1]', async () => {
  const stranger = await server.openWebSocket('web');
  stranger.webSocket.send(connectPacket({ version: 5, clientId: 'text', ...ada }).toString('latin1'));
  await stranger.expectClose();
  await server.told('connectionRejected', { listener: 'web', reason: /text message/ });
  const client = await server.openWebSocket('web');
  await client.connect({ clientId: 'text', ...ada });
  client.webSocket.send('text');
  await client.expectClose();
  const gone = await server.told('clientDisconnected', { clientId: 'text', by: 'network' });
  assert.match(String(gone.reason), /text/);
});

test('a frame of more than 64 KiB before CONNACK closes the connection, and one above the limit behind it', async () => {
  const stranger = await server.openWebSocket('web');
  stranger.webSocket.send(Buffer.alloc(64 * KIB + 1, 0x10));
  await stranger.expectClose();
  await server.told('connectionRejected', { listener: 'web', reason: /65536/ });
  const client = await server.openWebSocket('web');
  await client.connect({ clientId: 'large', ...ada });
  client.webSocket.send(Buffer.alloc(264 * KIB + 1, 0xc0));
  await client.expectClose();
  await server.told('clientDisconnected', { clientId: 'large', by: 'network' });
});

test('the name of a device with an empty password is no way in over plain WebSocket', async () => {
  await server.refuses(await server.openWebSocket('web'), device('unproven', 'good'), 0x86, 'unknown-user');
});

test('a certificate in a header says nothing where nobody is trusted, nor from an address that is not', async () => {
  const headers = { 'client-cert': clientCert('good'), 'x-forwarded-for': '192.0.2.7' };
  for (const listener of ['web', 'strangers']) {
    const client = await server.openWebSocket(listener, { headers });
    const told = await server.refuses(client, device(`forged-${listener}`, 'good'), 0x86, 'unknown-user');
    assert.equal(told.address, '127.0.0.1');
  }
  const untrusted = await server.openWebSocket('proxied', { headers, localAddress: '127.0.0.2' });
  await server.refuses(untrusted, device('forged-proxied', 'good'), 0x86, 'unknown-user');
});

test('a certificate that a trusted proxy names passes the same checks as one of mutual TLS', async () => {
  const open = (name: ClientName) =>
    server.openWebSocket('proxied', { headers: { 'client-cert': clientCert(name), 'x-forwarded-for': '192.0.2.7' } });
  const good = await open('good');
  await good.connect(device('behind', 'good'));
  await server.told('clientConnected', { clientId: 'behind', address: '192.0.2.7' });
  await good.disconnect();
  for (const [name, username, code, check] of [
    ['good', 'other', 0x87, 'certificate-username'],
    ['revoked', 'revoked', 0x87, 'certificate-revoked'],
    ['expired', 'expired', 0x87, 'certificate-expired'],
    ['same-name', 'good', 0x87, 'certificate-foreign'],
  ] as const)
    await server.refuses(await open(name), device(`behind-${name}-${username}`, username), code, check);
  // Nor does the right password make up for it, where another method would let the client in.
  for (const [name, check] of [
    ['revoked', 'certificate-revoked'],
    ['expired', 'certificate-expired'],
  ] as const) {
    const passwords = await server.openWebSocket('passwords', { headers: { 'client-cert': clientCert(name) } });
    await server.refuses(passwords, { clientId: `password-${name}`, ...ada }, 0x87, check);
  }
  const two = `${clientCert('good')}, ${clientCert('revoked')}`;
  await refusesUpgrade('proxied', { headers: { 'client-cert': two } }, 400, 'DUNLIN_HTTP_FORWARDED');
});

test('a certificate that is revoked while its WebSocket is open ends it, over TLS and behind a proxy', async () => {
  const keys = { ca: pki.text('ca.pem'), cert: pki.text('good.pem'), key: pki.text('good.key') };
  const mutual = await server.openWebSocket('mutual', { secure: true, ...keys });
  await mutual.connect(device('live-mutual', 'good'));
  const proxied = await server.openWebSocket('proxied', { headers: { 'client-cert': clientCert('good') } });
  await proxied.connect(device('live-proxied', 'good'));
  const password = await server.openWebSocket('passwords', { headers: { 'client-cert': clientCert('good') } });
  await password.connect({ clientId: 'live-password', ...ada });
  const unconcerned = await server.openWebSocket('web');
  await unconcerned.connect({ clientId: 'unconcerned', ...ada });
  pki.revoke(['revoked', 'good']);
  for (const [client, clientId] of [
    [mutual, 'live-mutual'],
    [proxied, 'live-proxied'],
    [password, 'live-password'],
  ] as const) {
    await client.expectClose([0x87]);
    await server.told('clientDisconnected', { clientId, by: 'server', check: 'certificate-revoked' });
  }
  await unconcerned.ping();
  await unconcerned.disconnect();
});
