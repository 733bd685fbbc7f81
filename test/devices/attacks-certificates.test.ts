/** Certificates that must not open the door of a device, requests for more than a device is given, and revocation. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { createAuthority, issueClientCertificate } from '@dunlin/devices';
import { context } from '@dunlin/identity/der';
import { boolean, element, sequence } from '@dunlin/identity/der-writer';
import { csrDer, csrPem, ecPair, nameOfParts } from '../../packages/devices/src/authority/testing/fleet.ts';
import { extension, pemOf } from '../../packages/devices/src/authority/x509-writer.ts';
import { missing } from '../../tools/prerequisites.ts';
import { RawClient } from '../conformance/raw-client.ts';
import { scratch, tlsSocket } from '../doors/guarded-server.ts';
import { Program } from '../interop/local-broker.ts';
import { FleetServer, fleetFiles, unique } from './fleet-server.ts';

const files = fleetFiles(scratch());
const fleet = await FleetServer.start(files);
const { guarded } = fleet;
const ca = files.pki.text('ca.pem');
const DAYS = { days: 1, nowMs: Date.now() };

interface Shown {
  readonly cert: string;
  readonly key: string;
}

/** What a player sends: its User Name, no password. */
const connectAs = (id: string, clientId = id) => ({ clientId, username: id, password: '' });

/** A client that shows the certificate by each of the ways in. */
const WAYS: Readonly<Record<string, (shown: Shown) => Promise<RawClient>>> = {
  tls: (shown) => guarded.openTls('tls', { ca, ...shown }),
  'TLS 1.2': (shown) => guarded.openTls('tls', { ca, ...shown, maxVersion: 'TLSv1.2' }),
  wss: (shown) => guarded.openWebSocket('wss', { secure: true, ca, ...shown }),
  proxied: ({ cert }) => guarded.openWebSocket('proxied', { headers: { 'client-cert': headerOf(cert) } }),
};

/** The header of RFC 9440: the first certificate of a chain. */
function headerOf(chain: string): string {
  return `:${chain.split('-----END')[0].replaceAll(/-----[A-Z ]+-----|\s/g, '')}:`;
}

/** A certificate of an authority that is none of the fleet's. */
function forged(commonName: string, authority: Parameters<typeof issueClientCertificate>[0]['authority']): Shown {
  const { certificate, key } = issueClientCertificate({ authority, commonName, ...DAYS });
  return { cert: certificate, key: key as string };
}

/** Nobody comes in as the device: the handshake fails, or CONNECT is refused. */
async function isShut(way: string, shown: Shown, id: string): Promise<void> {
  const clientId = unique('shut');
  const client = await WAYS[way](shown).catch(() => undefined);
  client?.sendConnect(connectAs(id, clientId));
  // TLS 1.3 tells the client that it failed only behind its own end of the handshake.
  await client?.expectClose([0x87]);
  assert.equal(guarded.count('clientConnected', { clientId }), 0);
}

for (const [way, open] of Object.entries(WAYS)) {
  test(`${way}: a certificate opens its own device, and no other one`, async () => {
    const [mine, other] = [unique('player'), unique('player')];
    const shown = await fleet.player(mine);
    await fleet.player(other);
    const client = await open(shown);
    await client.connect(connectAs(mine));
    const { codes } = await client.subscribe(`player/${mine}/command`, `player/${other}/command`, 'player/+/command');
    assert.deepEqual(codes, [0, 0x87, 0x87]);
    assert.equal(await client.deliver({ topic: `player/${other}/status`, qos: 1, payload: '{}' }), 0x87);
    for (const username of [other, unique('nobody'), `${mine} `, mine.toUpperCase(), `${mine}/`])
      await guarded.refuses(await open(shown), connectAs(username, unique('c')), 0x87, 'certificate-username');
    const named = await open(shown);
    await guarded.refuses(named, { clientId: unique('c'), username: mine, password: 'x' }, 0x86, 'device-credential');
    const nameless = await open(shown);
    nameless.sendConnect({ clientId: unique('c') });
    await nameless.expectRefusal(0x86, 0x87);
  });

  test(`${way}: a certificate that is revoked ends the connection at once, and opens nothing any more`, async () => {
    const id = unique('player');
    const shown = await fleet.player(id);
    const renewed = await fleet.certificate(id);
    const [client, unharmed] = [await open(shown), await open(renewed)];
    await client.connect(connectAs(id));
    await unharmed.connect(connectAs(id, `${id}-2`));
    const revoked = await fleet.ask('POST', `/api/v1/certificates/${shown.serial}/revoke`, { reason: 'keyCompromise' });
    assert.equal(revoked.status, 200);
    await client.expectClose([0x87]);
    await guarded.told('clientDisconnected', { clientId: id, check: 'certificate-revoked' });
    await isShut(way, shown, id);
    await unharmed.ping();
  });
}

for (const [listener, version] of [
  ['tls', 'TLSv1.2'],
  ['tls', 'TLSv1.3'],
  ['wss', 'TLSv1.2'],
  ['wss', 'TLSv1.3'],
] as const)
  test(`${listener}, ${version}: a session that is resumed brings no revoked certificate back, nor one of a device that was disabled`, async () => {
    const id = unique('player');
    const shown = await fleet.player(id);
    const { socket: first, session } = await firstSession(listener, {
      ...shown,
      minVersion: version,
      maxVersion: version,
    });
    const resume = async (): Promise<RawClient> => {
      const options = { ...shown, minVersion: version, maxVersion: version, session: await session };
      const socket = await tlsSocket(guarded.port(listener), options);
      assert.ok(socket.isSessionReused());
      return clientOn(listener, socket);
    };
    const client = await clientOn(listener, first);
    await client.connect(connectAs(id));
    const resumed = await resume();
    await resumed.connect(connectAs(id, `${id}-2`));
    await fleet.done('PATCH', `/api/v1/devices/${id}`, { enabled: false });
    await Promise.all([client.expectClose([0x87]), resumed.expectClose([0x87])]);
    await guarded.refuses(await resume(), connectAs(id, unique('c')), 0x87, 'device-disabled');
    await fleet.done('PATCH', `/api/v1/devices/${id}`, { enabled: true });
    const live = await resume();
    await live.connect(connectAs(id));
    await fleet.done('POST', `/api/v1/certificates/${shown.serial}/revoke`, {});
    await live.expectClose([0x87]);
    const late = await resume().catch(() => undefined);
    late?.sendConnect(connectAs(id, unique('c')));
    await late?.expectRefusal(0x87);
    assert.equal(guarded.count('clientConnected', { clientId: id }), 2);
  });

/** A connection that nothing was said on, and what resumes its session: of TLS 1.3 it comes when something is read. */
async function firstSession(listener: 'tls' | 'wss', options: ConnectionOptions) {
  const socket = connectTls({ host: '127.0.0.1', port: guarded.port(listener), ...options });
  after(() => socket.destroy());
  const session = once(socket, 'session').then(([ticket]) => ticket as Buffer);
  await once(socket, 'secureConnect');
  return { socket, session };
}

/** A client of MQTT on a connection over TLS. */
async function clientOn(listener: 'tls' | 'wss', socket: TLSSocket): Promise<RawClient> {
  if (listener === 'tls') return new RawClient({ stream: socket, cut: () => socket.destroy() }, 5);
  return await guarded.openWebSocket('wss', { secure: true, createConnection: () => socket });
}

for (const way of Object.keys(WAYS))
  test(`${way}: the same Common Name from another authority that is trusted for others is not the device`, async () => {
    // `others` issued it for the name `good`, which a device of the fleet has.
    await fleet.ask('POST', '/api/v1/devices', { id: 'good', type: 'player' });
    const shown = { cert: files.pki.text('same-name.pem'), key: files.pki.text('same-name.key') };
    const clientId = unique('c');
    await guarded.refuses(await WAYS[way](shown), connectAs('good', clientId), 0x87, 'certificate-authority');
  });

for (const way of Object.keys(WAYS))
  test(`${way}: a certificate of an authority that bears the name of the fleet's own, and is another, opens nothing`, async () => {
    const id = unique('player');
    await fleet.player(id);
    const commonName = 'Fleet issuing';
    await isShut(way, forged(id, createAuthority({ commonName, ...DAYS })), id);
    await isShut(way, forged(id, { certificate: files.pki.text('good.pem'), key: files.pki.text('good.key') }), id);
  });

test('a certificate of a device is no authority: what it signs opens nothing', async () => {
  const [mine, other] = [unique('player'), unique('player')];
  const shown = await fleet.player(mine);
  await fleet.player(other);
  const leaf = forged(other, { certificate: shown.cert, key: shown.key } as never);
  for (const way of Object.keys(WAYS)) await isShut(way, { cert: leaf.cert + shown.cert, key: leaf.key }, other);
});

test('a certificate of a device that was removed is none of the one that has its id next', async () => {
  const id = unique('player');
  const shown = await fleet.player(id);
  await fleet.done('DELETE', `/api/v1/devices/${id}`);
  await fleet.done('POST', '/api/v1/devices', { id, type: 'player' });
  const client = await guarded.openTls('tls', shown).catch(() => undefined);
  client?.sendConnect(connectAs(id));
  await client?.expectRefusal(0x87);
  assert.equal(guarded.count('clientConnected', { clientId: id }), 0);
});

test('a header with a certificate is nothing where no proxy is trusted', async () => {
  const id = unique('player');
  const { cert } = await fleet.player(id);
  for (const name of ['client-cert', 'x-client-cert', 'x-ssl-client-cert']) {
    const client = await guarded.openWebSocket('web', { headers: { [name]: headerOf(cert) } });
    await guarded.refuses(client, connectAs(id, unique('c')), 0x86, 'device-credential');
  }
});

test('a request for another name, for the rights of an authority, or that is none, gets no certificate', async () => {
  const id = unique('player');
  await fleet.done('POST', '/api/v1/devices', { id, type: 'player' });
  const [pair, stranger] = [ecPair(), ecPair()];
  const asAuthority = extension('2.5.29.19', sequence(boolean(true)), true);
  const forOthers = extension('2.5.29.17', sequence(element(context(2, false), Buffer.from('mqtt.example.org'))));
  const good = csrPem(id, { pair });
  const requests: Record<string, string> = {
    'another name': csrPem(unique('player')),
    'no name': csrPem('', { subject: sequence() }),
    'two names': csrPem('', { subject: nameOfParts(['2.5.4.3', id], ['2.5.4.3', 'admin']) }),
    'rights of an authority': csrPem(id, { extensions: [asAuthority] }),
    'other names': csrPem(id, { extensions: [forOthers] }),
    'the key of somebody else': csrPem(id, { pair, signer: stranger.privateKey }),
    'no request': 'hello',
    empty: '',
    'a private key': pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    'bytes behind it': pemOf(Buffer.concat([csrDer(id), Buffer.alloc(8)]), 'CERTIFICATE REQUEST'),
    'half of it': pemOf(csrDer(id).subarray(0, 60), 'CERTIFICATE REQUEST'),
    'a length beyond everything': pemOf(Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), 'CERTIFICATE REQUEST'),
    'a thousand levels': pemOf(Buffer.from(Array(1000).fill([0x30, 0x80]).flat()), 'CERTIFICATE REQUEST'),
    'too long': good + ' '.repeat(30_000),
    'too long to read': csrPem(id, { subject: nameOfParts(['2.5.4.3', id], ['2.5.4.10', 'x'.repeat(20_000)]) }),
  };
  for (const [what, csr] of Object.entries(requests)) {
    const { status, body } = await fleet.ask('POST', `/api/v1/devices/${id}/certificates`, { csr });
    assert.ok(status === 422 || status === 400, `${what}: ${status} ${JSON.stringify(body)}`);
    assert.match(body.code, /^(csr-refused|input-invalid)$/, what);
    assert.ok(JSON.stringify(body).length < 2_000, what);
  }
  for (const body of [
    { generateKey: true, csr: good },
    {},
    { csr: good, days: 0 },
    { csr: good, days: 1e9 },
    { csr: 1 },
  ])
    assert.ok((await fleet.ask('POST', `/api/v1/devices/${id}/certificates`, body)).status >= 400);
  assert.equal((await fleet.done('GET', `/api/v1/devices/${id}/certificates`)).items.length, 0);
  const { certificate } = await fleet.done('POST', `/api/v1/devices/${id}/certificates`, { csr: good });
  assert.match(certificate, /BEGIN CERTIFICATE/);
});

test('whatever is sent to OCSP, nothing but an answer of OCSP or of the API comes back', async () => {
  const bodies = [
    Buffer.alloc(0),
    Buffer.from('hello'),
    Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
    Buffer.alloc(4_000, 0x30),
  ];
  for (const body of bodies) {
    const headers = { 'content-type': 'application/ocsp-request' };
    const answer = await fetch(`${fleet.web}/ocsp`, { method: 'POST', headers, body });
    assert.equal(answer.status, 200);
    // RFC 6960: malformedRequest.
    assert.deepEqual([...new Uint8Array(await answer.arrayBuffer())], [0x30, 3, 0x0a, 1, 1]);
  }
  const large = await fetch(`${fleet.web}/ocsp`, {
    method: 'POST',
    headers: { 'content-type': 'application/ocsp-request' },
    body: Buffer.alloc(1_000_000, 0x30),
  });
  assert.equal(large.status, 413);
  for (const path of ['x', '%2e%2e%2f', '%00', 'A'.repeat(1_300), 'A'.repeat(5_000), "'%20OR%201=1"]) {
    const answer = await fetch(`${fleet.web}/ocsp/${path}`);
    assert.ok([200, 400, 404, 414, 422].includes(answer.status), `${path.slice(0, 20)}: ${answer.status}`);
    await answer.arrayBuffer();
  }
  for (const file of ['devices.crl', '..%2fdevices-ca.key', 'devices-ca.key', '%2fetc%2fpasswd', 'devices.crl%00'])
    assert.equal((await fetch(`${fleet.web}/crl/${file}`)).status, file === 'devices.crl' ? 200 : 404, file);
});

test('mosquitto_pub with the certificate of one player cannot be another one, nor publish as one', {
  skip: missing('mosquitto_pub'),
}, async () => {
  const [mine, other] = [unique('player'), unique('player')];
  const shown = await fleet.player(mine);
  await fleet.player(other);
  const path = (name: string): string => files.path(`${mine}.${name}`);
  writeFileSync(path('pem'), shown.cert);
  writeFileSync(path('key'), shown.key, { mode: 0o600 });
  const keys = ['--cafile', files.pki.path('ca.pem'), '--cert', path('pem'), '--key', path('key')];
  const run = (user: string, topic: string) =>
    new Program('mosquitto_pub', [
      ...['-h', '127.0.0.1', '-p', String(guarded.port('tls')), ...keys, '-V', 'mqttv5'],
      ...['-u', user, '-i', unique('c'), '-q', '1', '-t', topic, '-m', '{}'],
    ]);
  await run(mine, `player/${mine}/status`).output();
  const asOther = run(other, `player/${other}/status`);
  assert.notEqual(await asOther.exited, 0);
  assert.match(asOther.err, /not authori[sz]ed/i);
  const foreign = run(mine, `player/${other}/status`);
  await foreign.exited;
  assert.match(foreign.err, /not authori[sz]ed|denied/i);
});

test('openssl finds a revoked certificate in the list and by OCSP, and another one not', {
  skip: missing('openssl-command'),
}, async () => {
  const [revoked, good] = [await fleet.player(unique('player')), await fleet.player(unique('player'))];
  await fleet.done('POST', `/api/v1/certificates/${revoked.serial}/revoke`, { reason: 'keyCompromise' });
  const path = (name: string): string => files.path(`openssl-${name}`);
  writeFileSync(path('ca.pem'), await (await fetch(`${fleet.web}/api/v1/ca`)).text());
  writeFileSync(path('list.der'), Buffer.from(await (await fetch(`${fleet.web}/crl/devices.crl`)).arrayBuffer()));
  writeFileSync(path('revoked.pem'), revoked.cert);
  writeFileSync(path('good.pem'), good.cert);
  const openssl = async (...parameters: string[]): Promise<string> => {
    const program = new Program('openssl', parameters);
    await program.exited;
    return program.out + program.err;
  };
  const verify = (name: string): Promise<string> =>
    openssl(
      'verify',
      '-partial_chain',
      '-CAfile',
      path('ca.pem'),
      '-crl_check',
      '-CRLfile',
      path('list.der'),
      path(name),
    );
  assert.match(await verify('good.pem'), /: OK/);
  assert.match(await verify('revoked.pem'), /certificate revoked/);
  const ocsp = (name: string): Promise<string> =>
    openssl(
      ...['ocsp', '-issuer', path('ca.pem'), '-cert', path(name), '-url', `${fleet.web}/ocsp`],
      ...['-CAfile', path('ca.pem'), '-partial_chain'],
    );
  const [ofGood, ofRevoked] = [await ocsp('good.pem'), await ocsp('revoked.pem')];
  for (const answer of [ofGood, ofRevoked]) assert.match(answer, /Response verify OK/);
  assert.match(ofGood, /good\.pem: good/);
  assert.match(ofRevoked, /revoked\.pem: revoked/);
});
