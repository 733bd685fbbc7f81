/** A program with an Authenticator of its own, on a server whose configuration has certificates and rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authenticator } from '@dunlin/broker';
import { NOBODY } from '@dunlin/broker';
import type { ConfigurationInput } from '@dunlin/server';
import { type ClientName, makePki } from '../pki/pki.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const pki = makePki(scratch());
const tls = {
  certificate: pki.path('server.pem'),
  key: pki.path('server.key'),
  clientCertificate: 'required',
} as const;
const keys = (name: ClientName) => ({
  ca: pki.text('ca.pem'),
  cert: pki.text(`${name}.pem`),
  key: pki.text(`${name}.key`),
});
const everybody: Authenticator = {
  supports: () => false,
  authenticate: ({ connect: { username } }) => ({ kind: 'accept', principal: { ...NOBODY, username } }),
};
const configuration = (authorities: ConfigurationInput['authorities']): ConfigurationInput => ({
  listeners: [{ name: 'devices', transport: 'tls', tls }],
  authorities,
  authorization: { rules: [{ allow: 'publish', topics: ['{username}/#'] }] },
});

test('a certificate has to be good, rules hold, and a reload of the authorities ends who has no other', async () => {
  const ours = { name: 'ours', certificate: pki.path('ca.pem'), crl: pki.path('ca.crl') };
  const server = await GuardedServer.start(configuration([ours]), { authenticator: everybody });
  for (const name of ['expired', 'revoked'] as const) {
    const client = await server.openTls('devices', keys(name));
    await server.refuses(client, { clientId: name, username: name }, 0x87, `certificate-${name}`);
  }
  const client = await server.openTls('devices', keys('good'));
  await client.connect({ clientId: 'good', username: 'ada' });
  assert.equal(await client.deliver({ topic: 'ada/x', qos: 1 }), 0x10);
  assert.equal(await client.deliver({ topic: 'bob/x', qos: 1 }), 0x87);
  const others = { name: 'others', certificate: pki.path('other-ca.pem') };
  const { listeners = [], ...next } = configuration([others]);
  const report = await server.running?.reload({
    ...next,
    listeners: listeners.map((listener) => ({ host: '127.0.0.1', port: 0, ...listener })),
  });
  assert.deepEqual([report?.changed, report?.needsRestart, report?.disconnected], [['authorities'], [], 1]);
  await server.told('clientDisconnected', { clientId: 'good', check: 'certificate-foreign' });
});

test('certificates without anybody who asks are still a contradiction', async () => {
  await assert.rejects(
    GuardedServer.start(configuration([{ name: 'ours', certificate: pki.path('ca.pem') }])),
    /a method in authentication is expected/,
  );
});
