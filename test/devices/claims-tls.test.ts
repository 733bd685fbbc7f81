/** From a code to the first message, over TLS with certificates: what a claim hands out lets in, renews, and ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '@dunlin/client';
import { createAuthority, issueServerCertificate } from '@dunlin/devices';
import { openClaimWorld, PASSWORDS, Visitor } from '../../packages/server/src/api/testing/claim-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-claims-tls-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  writeFileSync(join(directory, name), text, { mode: 0o600 });
  return join(directory, name);
}

interface Shown {
  readonly cert?: string;
  readonly key?: string;
}

const made = { days: 1, nowMs: Date.now() };
const authority = createAuthority({ ...made, commonName: 'Server' });
const own = issueServerCertificate({ ...made, authority, names: ['localhost', '127.0.0.1'] });

async function open() {
  const tls = {
    certificate: write('server.pem', own.certificate),
    key: write('server.key', own.key),
    clientCertificate: 'optional',
  } as const;
  const world = await openClaimWorld({
    listeners: [
      { name: 'web', transport: 'ws', port: 0, api: true },
      { name: 'secure', transport: 'wss', port: 0, api: true, tls },
    ],
  });
  const port = world.server.listeners.find(({ name }) => name === 'secure')?.port;
  /** Status, headers and text of an answer over TLS. */
  const post = (path: string, type: string, text: string, shown: Shown = {}) =>
    new Promise<{ status: number; cookie: string; text: string }>((resolve, reject) => {
      const headers = { 'content-type': type };
      const sent = request({
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers,
        ca: authority.certificate,
        ...shown,
      });
      sent.once('error', reject).once('response', (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (data) => {
          answer += data;
        });
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, cookie: String(response.headers['set-cookie']), text: answer }),
        );
      });
      sent.end(text);
    });
  return { world, port, post };
}

test('a device that was claimed connects, renews with its certificate during that, and goes when its owner revokes', async () => {
  const { world, port, post } = await open();
  await using _ = world;
  const ada = await Visitor.signedIn(world.origin);
  const claim = await world.begin();
  await ada.form('confirm', { code: claim.code });
  const { deviceId, credentials } = JSON.parse(await (await world.collect(claim)).text());
  const { chain, key } = credentials.certificate;
  const client = await connect(`wss://127.0.0.1:${port}/mqtt`, {
    clientId: 'frame-1',
    username: deviceId,
    tls: { ca: authority.certificate, cert: chain, key },
    reconnect: false,
  });
  const gone = new Promise<void>((resolve) => client.on('disconnected', () => resolve()));
  await client.publish(`frames/${deviceId}/hello`, 'first', { qos: 1 });

  const renew = (shown: Shown) => post('/api/v1/device/renew', 'application/json', '{"generateKey":true}', shown);
  assert.equal((await renew({})).status, 403);
  const other = issueServerCertificate({ ...made, authority, names: ['localhost'] });
  await assert.rejects(renew({ cert: other.certificate, key: other.key }), 'one of strangers ends in TLS');
  const renewed = await renew({ cert: chain, key });
  assert.equal(renewed.status, 201, renewed.text);
  const given = JSON.parse(renewed.text);
  assert.equal(given.deviceId, deviceId);
  assert.equal(
    (await renew({ cert: given.credentials.certificate.chain, key: given.credentials.certificate.key })).status,
    201,
  );

  await ada.get();
  await ada.form('revoke', { device: deviceId });
  await gone;
  assert.equal((await renew({ cert: chain, key })).status, 403);
});

test('over TLS the cookie of an owner is for this host alone, and never sent in the clear', async () => {
  const { world, post } = await open();
  await using _ = world;
  const form = new URLSearchParams({ username: 'ada', password: PASSWORDS.ada }).toString();
  const { status, cookie } = await post('/claim/sign-in', 'application/x-www-form-urlencoded', form);
  assert.equal(status, 303);
  assert.match(cookie, /^__Host-dunlin-owner=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
});
