import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import { type ClientName, makePki } from '../../../test/pki/pki.ts';
import type { ConfigurationInput } from './configuration.ts';
import type { ServerEvent } from './events.ts';
import { type RunningServer, startServer } from './server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-in-force-'));
const pki = makePki(scratch);
const events: ServerEvent[] = [];
const configuration: ConfigurationInput = {
  listeners: [
    {
      transport: 'tls',
      host: '127.0.0.1',
      port: 0,
      tls: { certificate: pki.path('server.pem'), key: pki.path('server.key'), clientCertificate: 'required' },
    },
  ],
  authorities: [{ name: 'ours', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl') }],
  authentication: [{ method: 'certificate', match: 'none' }],
};
const server: RunningServer = await startServer(configuration, { onEvent: (event) => events.push(event) });
after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true });
});

async function handshake(name: ClientName = 'good'): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: server.listeners[0].port,
    ca: pki.text('ca.pem'),
    cert: pki.text(`${name}.pem`),
    key: pki.text(`${name}.key`),
  });
  await once(socket, 'secureConnect');
  return socket;
}

async function client(clientId: string, name?: ClientName): Promise<RawClient> {
  const stream = await handshake(name);
  const raw = new RawClient({ stream, cut: () => stream.destroy() }, 5);
  await raw.connect({ clientId });
  return raw;
}

/** A file is replaced as certbot does it. */
function replace(name: string, text: string): void {
  writeFileSync(pki.path(`${name}.new`), text);
  renameSync(pki.path(`${name}.new`), pki.path(name));
}

async function told(name: ServerEvent['name'], count: number): Promise<void> {
  while (events.filter((event) => event.name === name).length < count)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

const serial = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber;

test('files that change count without a reload, and clients stay or go by them', {
  timeout: 60_000,
}, async (context) => {
  const first = await handshake();
  const before = serial(first);
  first.destroy();
  const [good, same] = [await client('one'), await client('two')];

  await context.test('a new certificate is for new connections, and open ones stay', async () => {
    const next = pki.issueServer(5);
    replace('server.key', next.key);
    replace('server.pem', next.certificate);
    await told('filesReread', 1);
    const later = await handshake();
    assert.notEqual(serial(later), before);
    later.destroy();
    await good.ping();
  });

  await context.test('a file that cannot be used is told of, and another one counts beside it', async () => {
    const key = pki.text('server.key');
    replace('server.key', 'no key');
    await told('filesUnusable', 1);
    const unusable = events.find(({ name }) => name === 'filesUnusable');
    assert.match(JSON.stringify(unusable), /server\.key/);
    await good.ping();
    (await handshake()).destroy();
    pki.revoke(['revoked', 'good']);
    await good.expect('disconnect', { code: 0x87 });
    await same.expect('disconnect', { code: 0x87 });
    replace('server.key', key);
    await told('filesReread', 2);
  });

  await context.test('a reload with an unusable file changes nothing and goes on watching', async () => {
    const certificate = pki.text('server.pem');
    replace('server.pem', certificate.replaceAll('\n', ' '));
    const next = { ...configuration, log: { level: 'warn' } } as const;
    await assert.rejects(server.reload(next), { name: 'ConfigurationError', message: /server\.pem/ });
    assert.equal(server.configuration.log.level, 'info');
    const rereads = events.filter(({ name }) => name === 'filesReread').length;
    replace('server.pem', certificate);
    pki.revoke([]);
    await told('filesReread', rereads + 1);
    (await client('three')).socket.destroy();
  });
});

test('a reload reads the files as well, and tells the keys that it took over', async () => {
  const report = await server.reload({ ...configuration, log: { level: 'warn' }, limits: { receiveMaximum: 5 } });
  const counts = { users: 0, rules: 0, disconnected: 0 };
  assert.deepEqual(report, { changed: ['log.level'], needsRestart: ['limits'], ...counts, disconnectedClients: [] });
  assert.equal(server.configuration.log.level, 'warn');
  assert.deepEqual(server.configuration.limits, {});
});

test('clients of an authority that is taken away go', async () => {
  pki.revoke([]);
  const raw = await client('four');
  const other = [{ name: 'other', certificate: pki.path('other-ca.pem') }];
  const { disconnected, disconnectedClients } = await server.reload({ ...configuration, authorities: other });
  assert.deepEqual([disconnected, disconnectedClients], [1, [{ clientId: 'four', check: 'certificate-foreign' }]]);
  const told = events.findLast((event) => event.name === 'reloaded');
  assert.equal(told?.clients, '"four" (certificate-foreign)');
  await raw.expect('disconnect', { code: 0x87 });
});
