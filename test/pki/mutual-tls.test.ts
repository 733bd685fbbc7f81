/** Certificates as Node's TLS hands them over: at a full handshake with what supports them, on a resumed session alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type DetailedPeerCertificate,
  TLSSocket,
} from 'node:tls';
import { createAuthority, issueClientCertificate } from '@dunlin/devices';
import { Authorities } from '@dunlin/identity';
import { TestClock } from '../../packages/identity/src/testing/clock.ts';
import { makePki } from './pki.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-mtls-'));
const pki = makePki(directory);
after(() => rmSync(directory, { recursive: true }));

/** DER of the peer's certificate and of those it sent with it. */
function certificatesOf(socket: TLSSocket): Buffer[] {
  const found: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined) {
    found.push(next.raw);
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return found;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a client below an intermediate is known on a resumed session too, and refused there once revoked, ${version}`, async () => {
    const nowMs = Date.now();
    const middle = createAuthority({ commonName: 'Middle', days: 30, nowMs, issuer: pki.authority });
    const issued = issueClientCertificate({ authority: middle, commonName: 'ada', days: 1, nowMs });
    const revoked = new Set<string>();
    const source = { isRevoked: (_: string, serial: string) => revoked.has(serial), onChange: () => () => {} };
    const definitions = [{ name: 'test', certificates: pki.text('ca.pem') }];
    const clock = new TestClock(nowMs);
    // One chain is remembered, and another client takes its place: what is left are the intermediates.
    const authorities = new Authorities({ definitions, clock, revocationSources: [source], cachedChainsMax: 1 });

    const keys = { cert: pki.text('server.pem'), key: pki.text('server.key'), ca: pki.text('ca.pem') };
    // A TLSSocket of one's own over a plain server: tls.Server of Node 24.21 throws away what a client sends besides its
    // certificate before it tells of the connection (https://github.com/nodejs/node/issues/65579).
    const secureContext = createSecureContext({ ...keys, sessionIdContext: 'test' });
    const accepted: Promise<TLSSocket>[] = [];
    const server = createServer((raw) => {
      const socket = new TLSSocket(raw, {
        isServer: true,
        secureContext,
        requestCert: true,
        rejectUnauthorized: false,
      });
      accepted.push(once(socket, 'secure').then(() => socket));
      for (const told of waiting.splice(0)) told();
    });
    const waiting: (() => void)[] = [];
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const options: ConnectionOptions = {
      port,
      host: '127.0.0.1',
      ca: keys.ca,
      minVersion: version,
      maxVersion: version,
    };

    const connected = async (more: ConnectionOptions) => {
      const arrived = new Promise<void>((resolve) => waiting.push(resolve));
      const client = connect({ ...options, ...more });
      const session = once(client, 'session') as Promise<[Buffer]>;
      await arrived;
      const socket = await accepted.pop()!;
      const certificates = certificatesOf(socket);
      const reused = socket.isSessionReused();
      socket.end('x');
      client.resume();
      const ticket = more.session === undefined ? (await session)[0] : undefined;
      await once(client, 'close');
      return { ticket, reused, certificates, result: authorities.examine(certificates, ['test']) };
    };

    const credential = { cert: issued.certificate + middle.certificate, key: issued.key };
    const first = await connected(credential);
    assert.equal(first.reused, false);
    assert.equal(first.result.problem, undefined);
    const other = await connected({ cert: pki.text('good.pem'), key: pki.text('good.key') });
    assert.equal(other.result.facts?.commonName, 'good');

    const resumed = await connected({ ...credential, session: first.ticket });
    assert.equal(resumed.reused, true);
    assert.equal(resumed.certificates[0].equals(first.certificates[0]), true);
    assert.equal(authorities.examine([resumed.certificates[0]], ['test']).problem, undefined);
    assert.equal(resumed.result.facts?.commonName, 'ada');
    revoked.add(issued.serial);
    const again = await connected({ ...credential, session: first.ticket });
    assert.equal(again.reused, true);
    assert.equal(again.result.problem, 'revoked');
  });
}
