/** Every secret of a run, searched for in everything that the run has left: log, answers, topics, files. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RawClient } from '../conformance/raw-client.ts';
import { scratch } from '../doors/guarded-server.ts';
import { FleetProcess } from './fleet-process.ts';
import { camera, cameraConnect, fleetFiles, SCOPES } from './fleet-server.ts';

/** What a secret may look like where somebody wrote it down. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('hex'),
    JSON.stringify(secret).slice(1, -1),
  ];
}

async function connectWith(port: number, connect: object): Promise<RawClient> {
  const client = await RawClient.open({ host: '127.0.0.1', port }, 5);
  client.sendConnect(connect);
  return client;
}

test('no secret stands in the log, in an answer but the one that makes it, on a topic, or in the data', async () => {
  const files = fleetFiles(scratch());
  const server = new FleetProcess(files);
  await server.start();
  const secrets = new Map<string, string>();
  const seen: string[] = [];
  const keep = (what: string, secret: string): string => {
    assert.ok(secret.length >= 16, what);
    secrets.set(what, secret);
    return secret;
  };
  const web = `http://127.0.0.1:${server.port('web')}`;
  const made = await server.done('POST', '/api/v1/keys', {
    name: 'a key',
    scopes: [...SCOPES, 'keys:write', 'claims:write'],
  });
  const key = keep('API key', made.key);
  keep('secret part of the API key', key.slice(20));
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, as = key) => {
    const answer = await fetch(`${web}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${as}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, text, head: JSON.stringify([...answer.headers]) };
  };
  /** An answer that must not hold a secret. */
  const look = async (...request: Parameters<typeof ask>) => {
    const { text, head, status } = await ask(...request);
    // What was asked for may stand in a query.
    seen.push(`${request[0]} ${request[1].replace(/\?.*/, '')}\n${head}\n${text}`);
    return { status, text };
  };
  const secretOf = async (field: string, ...request: Parameters<typeof ask>): Promise<string> => {
    const { text, head } = await ask(...request);
    const answer = JSON.parse(text);
    assert.equal(typeof answer[field], 'string', `${request[1]}: ${text}`);
    seen.push(head, JSON.stringify({ ...answer, [field]: '' }));
    return keep(`${field} of ${request[0]} ${request[1]}`, answer[field]);
  };

  const other = await secretOf('key', 'POST', '/api/v1/keys', { name: 'another', scopes: ['devices:read'] });
  for (const id of ['cam-1', 'cam-2']) await look('POST', '/api/v1/devices', camera(id));
  await look('POST', '/api/v1/devices', { id: 'player-1', type: 'player' });
  const token = await secretOf(
    'token',
    'POST',
    '/api/v1/devices/cam-1/tokens',
    { label: 'first' },
    { 'idempotency-key': 'i-1' },
  );
  await look('POST', '/api/v1/devices/cam-1/tokens', { label: 'first' }, { 'idempotency-key': 'i-1' });
  const rotated = await secretOf('token', 'POST', '/api/v1/devices/cam-1/tokens/rotate', {});
  const brought = keep('a long token that was imported', randomBytes(24).toString('base64url'));
  const short = keep('a short token that was imported', randomBytes(9).toString('hex'));
  await look('POST', '/api/v1/devices/cam-2/tokens', { token: brought }, { 'idempotency-key': 'i-2' });
  await look('POST', '/api/v1/devices/cam-2/tokens', { token: short });
  await look('POST', '/api/v1/devices/cam-2/tokens', { token: short });
  const inFile = keep('a token of an import', randomBytes(24).toString('base64url'));
  const line = JSON.stringify({ ...camera('cam-3'), token: inFile });
  await look('POST', '/api/v1/devices/import', `${line}\n{"id":"cam-4","token":"${inFile}","nonsense":1}\n`, {
    'content-type': 'application/x-ndjson',
  });
  await secretOf('key', 'POST', '/api/v1/devices/player-1/certificates', { generateKey: true });
  await secretOf('key', 'POST', '/api/v1/devices/player-1/certificates/renew', { generateKey: true });
  const claim = JSON.parse((await ask('POST', '/api/v1/claims', { type: 'frame' })).text);
  keep('secret of a claim', claim.secret);
  const collect = `/api/v1/claims/${claim.claimId}/collect`;
  const confirmed = await look('POST', '/api/v1/claims/confirm', { code: claim.code, owner: 'ada' });
  assert.equal(confirmed.status, 200, confirmed.text);
  await look('POST', collect, undefined, { 'x-claim-secret': `${claim.secret}x` });
  await look('POST', collect, undefined, { 'x-claim-secret': claim.code });
  await look('POST', `${collect}?secret=${claim.secret}`);
  const { text: collected } = await ask('POST', collect, undefined, { 'x-claim-secret': claim.secret });
  const { deviceId, credentials } = JSON.parse(collected);
  keep('renewal token', credentials.renewalToken);
  keep('key of a claim', credentials.certificate.key);
  for (const shown of [`${credentials.renewalToken}x`, claim.secret, token])
    await look('POST', '/api/v1/device/renew', { deviceId, generateKey: true }, { 'x-renewal-token': shown });
  // Its answer repeats what it was asked for.
  await ask('POST', '/api/v1/device/renew', { deviceId: credentials.renewalToken, generateKey: true });
  // Secrets in places that are not for them.
  await look('POST', '/api/v1/devices', { id: 'cam-5', type: 'camera', token });
  await look('POST', '/api/v1/devices/cam-1/tokens', { token, expiresInS: 0 });
  await look('POST', '/api/v1/devices/cam-1/tokens', `{"token":"${token}"`);
  await look('GET', '/api/v1/devices', undefined, {}, `${key}x`);
  await look('GET', '/api/v1/audit', undefined, {}, other);
  await look('POST', '/api/v1/devices/cam-9/tokens', { token: brought });

  const port = server.port('mqtt');
  const good = await connectWith(port, cameraConnect('cam-1', rotated));
  await good.expect('connack', { code: 0 });
  const imported = await connectWith(port, cameraConnect('cam-2', short));
  await imported.expect('connack', { code: 0 });
  const wrong = [
    cameraConnect('cam-2', token),
    cameraConnect('none', token),
    { ...cameraConnect('cam-1', token), clientId: 'another' },
    { clientId: 'x', username: token },
    { clientId: 'y', username: key, password: 'x' },
    { clientId: 'z', username: 'none', password: brought },
  ];
  for (const connect of wrong) {
    const client = await connectWith(port, connect);
    await client.expectClose([0x85, 0x86, 0x87]);
  }
  await server.done('POST', '/api/v1/devices/cam-1/commands/wake', {});
  for (const path of [
    '/api/v1/devices',
    '/api/v1/devices/cam-1/why',
    '/api/v1/devices/cam-2/why',
    '/api/v1/devices/none/why',
    '/api/v1/devices/cam-1/tokens',
    '/api/v1/devices/cam-2/tokens',
    '/api/v1/devices/player-1/certificates',
    '/api/v1/devices/export',
    '/api/v1/devices/export?format=csv',
    '/api/v1/presence',
    '/api/v1/keys',
    '/api/v1/audit?limit=1000',
    '/api/v1/types',
    '/api/v1/openapi.json',
    '/api/v1/devices/cam-1/commands',
  ])
    await look('GET', path);
  await server.stop();

  keep('the master key', files.masterKey.trim());
  const data = files.path('data');
  const stored = readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'));
  assert.ok(stored.join('').includes('cam-1'), 'the data was looked at');
  assert.ok(server.output.includes('deviceAdded') && seen.join('').includes('token.issue'));
  const places: Record<string, string> = { log: server.output, answers: seen.join('\n'), data: stored.join('\n') };
  const found: string[] = [];
  for (const [what, secret] of secrets)
    for (const form of formsOf(secret))
      for (const [place, text] of Object.entries(places))
        if (text.includes(form)) found.push(`${what} in the ${place}: ${around(text, form)}`);
  assert.deepEqual(found, []);
});

/** What stands before and behind it. */
function around(text: string, form: string): string {
  const at = text.indexOf(form);
  return JSON.stringify(text.slice(Math.max(0, at - 120), at + form.length + 40));
}
