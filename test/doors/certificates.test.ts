/** Ways in with certificates that must stay shut: what the client sees, and the check that the server names. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import type { RevocationSource } from '@dunlin/identity';
import { missing } from '../../tools/prerequisites.ts';
import type { RawClient } from '../conformance/raw-client.ts';
import { Program } from '../interop/local-broker.ts';
import { type ClientName, makePki } from '../pki/pki.ts';
import { GuardedServer, scratch, tlsSocket } from './guarded-server.ts';

const pki = makePki(scratch());
const tls = {
  certificate: pki.path('server.pem'),
  key: pki.path('server.key'),
  clientCertificate: 'required',
  handshakeTimeoutMs: 10_000,
} as const;
const server = await GuardedServer.start({
  listeners: [
    { name: 'devices', transport: 'tls', tls: { ...tls, authorities: ['devices'] } },
    { name: 'both', transport: 'tls', tls: { ...tls, authorities: ['devices', 'others'] } },
    { name: 'optional', transport: 'tls', tls: { ...tls, clientCertificate: 'optional' } },
    { name: 'plain' },
    { name: 'naming', transport: 'tls', tls: { ...tls, authorities: ['devices'] }, authentication: ['naming'] },
  ],
  authorities: [
    { name: 'devices', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl') },
    { name: 'others', certificate: pki.path('other-ca.pem') },
  ],
  authentication: [
    { method: 'certificate', match: 'username', authorities: ['devices'] },
    { name: 'naming', method: 'certificate', match: 'none', authorities: ['devices'] },
  ],
});

function keys(name: ClientName): ConnectionOptions {
  return { ca: pki.text('ca.pem'), cert: pki.text(`${name}.pem`), key: pki.text(`${name}.key`) };
}

const connect = (username: string, clientId = username) => ({ clientId, username, password: '' });

/** What TLS says where the handshake fails: of TLS 1.3 the client learns it only behind its own end of the handshake. */
async function tlsFailure(listener: string, options: ConnectionOptions): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  tlsSocket(server.port(listener), options).then(
    (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.on('close', () => resolve('closed'));
      socket.resume();
    },
    (error: NodeJS.ErrnoException) => resolve(error.code ?? ''),
  );
  return await promise;
}

test('a good certificate with its name and an empty password comes in, so that the doors below are doors', async () => {
  for (const listener of ['devices', 'both', 'optional']) {
    const client = await server.openTls(listener, keys('good'));
    await client.connect(connect('good', `good-${listener}`));
    await client.disconnect();
  }
});

test('a certificate of a foreign authority fails in TLS', async () => {
  assert.match(await tlsFailure('devices', keys('foreign')), /ERR_SSL|ECONNRESET|closed/);
  await server.told('connectionRejected', { listener: 'devices', check: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' });
});

test('no certificate fails in TLS where one is required', async () => {
  assert.match(await tlsFailure('devices', { ca: pki.text('ca.pem') }), /ERR_SSL|ECONNRESET|closed/);
  await server.told('connectionRejected', { listener: 'devices', check: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' });
});

test('no certificate is no way in where one is optional either: an empty password proves nothing', async () => {
  const client = await server.openTls('optional', { ca: pki.text('ca.pem') });
  await server.refuses(client, connect('good', 'without'), 0x86, 'unknown-user');
});

test('the same Common Name from another authority fails in TLS where that is not for the listener', async () => {
  const before = server.count('connectionRejected', { listener: 'devices' });
  assert.match(await tlsFailure('devices', keys('same-name')), /ERR_SSL|ECONNRESET|closed/);
  assert.equal(server.count('connectionRejected', { listener: 'devices' }), before + 1);
});

test('the same Common Name from another authority is an unknown device where that is trusted for others', async () => {
  const client = await server.openTls('both', keys('same-name'));
  await server.refuses(client, connect('good', 'same-name'), 0x86, 'unknown-user');
});

for (const [name, reason] of [
  ['expired', 'the certificate has expired'],
  ['not-yet-valid', 'the certificate is not valid yet'],
  ['revoked', 'the certificate was revoked'],
] as const) {
  test(`a certificate that is ${name} gets CONNACK 0x87 with the reason, 3.1.1 gets 5`, async () => {
    const five = await server.openTls('devices', keys(name));
    five.sendConnect(connect(name));
    assert.equal((await five.expectRefusal(0x87)).properties.reasonString, reason);
    await server.told('connectRefused', { clientId: name, check: `certificate-${name}`, reasonCode: 0x87 });
    const four = await server.openTls('devices', keys(name), 4);
    await server.refuses(four, connect(name, `${name}-4`), 5, `certificate-${name}`);
  });
}

test('a Common Name other than the User Name is refused, be it in letter case', async () => {
  for (const username of ['other', 'Good', 'good ', '']) {
    const client = await server.openTls('devices', keys('good'));
    await server.refuses(client, connect(username, `as-${username}`), 0x87, 'certificate-username');
  }
  const client = await server.openTls('devices', keys('good'));
  await server.refuses(client, { clientId: 'unnamed' }, 0x87, 'certificate-username');
});

test('with match: none nobody is who he says: the Common Name takes the place of the User Name', async () => {
  const client = await server.openTls('naming', keys('good'));
  await client.connect(connect('admin', 'claims to be admin'));
  assert.equal((await server.told('clientConnected', { clientId: 'claims to be admin' })).username, 'good');
  await client.disconnect();
});

test('the name of a device with an empty password is no way in without TLS', async () => {
  for (const password of ['', undefined]) {
    const client = await server.open('plain');
    const clientId = `plain-${password}`;
    await server.refuses(client, { clientId, username: 'good', password }, 0x86, 'unknown-user');
  }
});

/** Makes further clients on the session of TLS that the first one of this server got. */
async function resuming(one: GuardedServer, version: SecureVersion): Promise<() => Promise<RawClient>> {
  const options = { ...keys('good'), minVersion: version, maxVersion: version };
  const first = connectTls({ host: '127.0.0.1', port: one.port('devices'), ...options });
  // With TLS 1.2 it comes before the end of the handshake, with 1.3 after it.
  const [session]: Buffer[] = await once(first, 'session');
  first.destroy();
  return async () => {
    const again = await one.openTls('devices', { ...options, session });
    assert.equal((again.socket as TLSSocket).isSessionReused(), true);
    return again;
  };
}

/** A device registry that has told nobody yet whom it revoked. */
class Registry implements RevocationSource {
  readonly revoked = new Set<string>();
  #tell: (() => void) | undefined;

  isRevoked(authority: string, serial: string): boolean {
    return this.revoked.has(`${authority} ${serial}`);
  }

  onChange(changed: () => void): () => void {
    this.#tell = changed;
    return () => {
      this.#tell = undefined;
    };
  }

  /** Whether anybody listened. */
  tell(): boolean {
    this.#tell?.();
    return this.#tell !== undefined;
  }
}

const serialOf = (name: ClientName): string =>
  new X509Certificate(pki.text(`${name}.pem`)).serialNumber.replace(/^0+/, '');

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a certificate that is revoked meanwhile is refused on a resumed session of ${version} too`, async () => {
    const one = await GuardedServer.start({
      listeners: [{ name: 'devices', transport: 'tls', tls }],
      authorities: [{ name: 'devices', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl') }],
      authentication: [{ method: 'certificate', match: 'username' }],
    });
    const resume = await resuming(one, version);
    const live = await resume();
    await live.connect(connect('good'));

    pki.revoke(['revoked', 'good']);
    try {
      // The list is renewed while the client is connected: it is cut.
      await live.expectClose([0x87]);
      await one.told('clientDisconnected', { clientId: 'good', by: 'server', check: 'certificate-revoked' });
      await one.refuses(await resume(), connect('good'), 0x87, 'certificate-revoked');
    } finally {
      const reread = one.count('filesReread');
      pki.revoke(['revoked']);
      await one.counted('filesReread', reread + 1);
    }
    const back = await resume();
    await back.connect(connect('good'));
    await back.disconnect();
  });

  test(`a certificate that a registry revokes is cut at once and refused on a resumed session of ${version}`, async () => {
    const registry = new Registry();
    const one = await GuardedServer.start(
      {
        listeners: [{ name: 'devices', transport: 'tls', tls }],
        authorities: [{ name: 'devices', certificate: pki.path('ca.pem') }],
        authentication: [{ method: 'certificate', match: 'username' }],
      },
      { revocationSources: [registry] },
    );
    const resume = await resuming(one, version);
    const live = await resume();
    await live.connect(connect('good'));
    const other = await one.openTls('devices', keys('revoked'));
    await other.connect(connect('revoked'));

    // Two changes in a row: the review that the first one begins is not the last.
    registry.revoked.add(`others ${serialOf('revoked')}`);
    assert.equal(registry.tell(), true);
    registry.revoked.add(`devices ${serialOf('good')}`);
    registry.tell();
    await live.expectClose([0x87]);
    await one.told('clientDisconnected', { clientId: 'good', by: 'server', check: 'certificate-revoked' });
    await one.refuses(await resume(), connect('good'), 0x87, 'certificate-revoked');
    // The same number of another authority is another certificate.
    await other.ping();

    registry.revoked.clear();
    const back = await resume();
    await back.connect(connect('good'));
    await one.running?.reload({
      listeners: [{ name: 'devices', transport: 'tls', tls }],
      authorities: [{ name: 'devices', certificate: pki.path('ca.pem') }],
      authentication: [{ method: 'certificate', match: 'username' }],
    });
    registry.revoked.add(`devices ${serialOf('good')}`);
    assert.equal(registry.tell(), true);
    await back.expectClose([0x87]);
    await one.running?.stop();
    assert.equal(registry.tell(), false);
  });
}

test('old versions of TLS get no further than the handshake', { skip: missing('openssl-command') }, async () => {
  for (const version of ['tls1', 'tls1_1']) {
    const before = server.count('connectionRejected', { listener: 'devices' });
    const place = ['-connect', `127.0.0.1:${server.port('devices')}`];
    // At security level 0 openssl itself would still speak them.
    const program = new Program('openssl', ['s_client', ...place, `-${version}`, '-cipher', 'ALL:@SECLEVEL=0']);
    assert.notEqual(await program.exited, 0);
    assert.match(program.err + program.out, /alert protocol version/);
    assert.equal(server.count('connectionRejected', { listener: 'devices' }), before + 1);
  }
  const control = spawnSync('openssl', ['ciphers', '-s', '-tls1', 'ALL:@SECLEVEL=0'], { encoding: 'utf8' });
  assert.match(control.stdout, /AES/);
});

describe('mosquitto_pub --cafile --cert --key', { skip: missing('mosquitto_pub') }, () => {
  const pub = (name: ClientName, more: readonly string[]): Program => {
    const files = ['--cafile', pki.path('ca.pem'), '--cert', pki.path(`${name}.pem`), '--key', pki.path(`${name}.key`)];
    const place = ['-h', 'localhost', '-p', String(server.port('devices')), ...files];
    return new Program('mosquitto_pub', [...place, '-t', 'a', '-m', 'x', '-q', '1', ...more]);
  };

  for (const version of ['mqttv311', 'mqttv5']) {
    test(`publishes with a good certificate, and learns why another one is refused, ${version}`, async () => {
      await pub('good', ['-V', version, '-u', 'good', '-P', '', '-i', `pub-${version}`]).output();
      const refused = pub('revoked', ['-V', version, '-u', 'revoked', '-P', '', '-i', `revoked-${version}`]);
      assert.notEqual(await refused.exited, 0);
      assert.match(refused.err, /not authori[sz]ed/i);
      await server.told('connectRefused', { clientId: `revoked-${version}`, check: 'certificate-revoked' });
      const foreign = pub('foreign', ['-V', version, '-u', 'foreign', '-i', `foreign-${version}`]);
      assert.notEqual(await foreign.exited, 0);
      assert.equal(server.count('connectRefused', { clientId: `foreign-${version}` }), 0);
    });
  }
});
