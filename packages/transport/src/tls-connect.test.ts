import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { Recorder } from './contract/recorder.ts';
import { Accepting, HOST, LIMIT } from './contract/tcp.ts';
import { Authority, FOR_CLIENTS, FOR_SERVERS } from './testing/certificates.ts';
import { listenTls } from './tls.ts';
import { connectTls, type TlsConnectOptions, tlsClientOptions } from './tls-connect.ts';
import type { Wire } from './wire.ts';

const authority = Authority.root('an authority');
const server = authority.issue({ name: 'server', hosts: [HOST], purposes: FOR_SERVERS });
const player = authority.issue({ name: 'player', purposes: FOR_CLIENTS });

async function listening(): Promise<Accepting> {
  const tls = { credentials: [server], clientCertificate: 'optional', authorities: [authority.pem] } as const;
  return Accepting.by((accepting) => listenTls({ host: HOST, port: 0, ...accepting, tls }));
}

async function joined(accepting: Accepting, options: Partial<TlsConnectOptions> = {}): Promise<[Wire, Wire]> {
  const { port } = accepting.listener;
  return Promise.all([connectTls({ host: HOST, port, authorities: [authority.pem], ...options }), accepting.next()]);
}

describe('connecting over TLS', () => {
  test('shows the certificate of the server', LIMIT, async () => {
    const accepting = await listening();
    const [client, wire] = await joined(accepting);
    const [certificate] = client.peer.certificates ?? [];
    assert.equal(new X509Certificate(certificate).subject, 'CN=server');
    assert.equal(client.peer.address, HOST);
    client.destroy();
    wire.destroy();
    await accepting.listener.close();
  });

  test('a session goes on where the last one ended, and the client is still known', LIMIT, async () => {
    const accepting = await listening();
    let session: Buffer | undefined;
    const credential = { certificate: player.certificate, key: player.key };
    const came = Promise.withResolvers<void>();
    const onSession = (latest: Buffer): void => {
      session = latest;
      came.resolve();
    };
    const [first, peer] = await joined(accepting, { credential, onSession });
    const recorders = [Recorder.open(first), Recorder.open(peer)];
    peer.write(Buffer.from('x'));
    await came.promise;
    first.close();
    peer.close();
    await Promise.all(recorders.map((recorder) => recorder.told('closed')));
    assert.ok(session !== undefined);
    // A client without a certificate: the session alone can say who it is.
    const [second, again] = await joined(accepting, { session });
    assert.equal(new X509Certificate(again.peer.certificates?.[0] ?? '').subject, 'CN=player');
    assert.equal(second.peer.certificates, undefined);
    second.destroy();
    again.destroy();
    await accepting.listener.close();
  });

  test(
    'a certificate of another host is taken only without `checkHost`, and never one of another authority',
    LIMIT,
    async () => {
      const accepting = await listening();
      const { port } = accepting.listener;
      const options = { host: HOST, port, serverName: 'other', authorities: [authority.pem] };
      await assert.rejects(connectTls(options), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      const [client, wire] = await joined(accepting, { ...options, checkHost: false, ciphers: 'HIGH' });
      client.destroy();
      wire.destroy();
      const authorities = [Authority.root('another').pem];
      await assert.rejects(connectTls({ ...options, authorities, checkHost: false }), {
        code: 'SELF_SIGNED_CERT_IN_CHAIN',
      });
      await accepting.listener.close();
    },
  );

  test('certificates that cannot be used are told without them', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----';
    for (const settings of [{ credential: { certificate: player.certificate, key } }, { pfx: Buffer.from('secret') }]) {
      assert.throws(
        () => tlsClientOptions(settings),
        (error: Error & { code?: string }) =>
          error.code === 'DUNLIN_TLS_SETTINGS' && !/c2VjcmV0|secret/.test(`${error.message}${error.stack}`),
      );
    }
  });
});
