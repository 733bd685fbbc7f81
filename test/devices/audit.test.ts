/** Every way to change something about devices, and what the audit log says of it: who, what, and no secret. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { AUDIT_ACTIONS } from '@dunlin/server';
import { Visitor } from '../../packages/server/src/api/testing/claim-world.ts';
import { scratch } from '../doors/guarded-server.ts';
import { FleetServer, fleetConfiguration, fleetFiles, TYPES, unique } from './fleet-server.ts';

interface Entry {
  readonly number: number;
  readonly by: string;
  readonly proof?: string;
  readonly address: string;
  readonly requestId: string;
  readonly action: string;
  readonly target: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was written
  readonly after?: any;
}

const PASSWORD = 'a long password of ada';
const files = fleetFiles(scratch());
/** All that was shown or taken as a secret. */
const secrets = new Set<string>([PASSWORD]);
const actionsSeen = new Set<string>();
let read = 0;

const { listeners = [], devices } = fleetConfiguration(files);
const fleet = await FleetServer.start(files, {
  listeners: listeners.map((one) => (one.name === 'wss' ? { ...one, api: true } : one)),
  authentication: [
    { method: 'devices' },
    { method: 'users', users: [{ name: 'ada', password: await hashPassword(Buffer.from(PASSWORD)) }] },
  ],
  devices: {
    ...devices,
    types: { ...TYPES, lamp: { credential: 'token', claimable: true } },
    registration: [{ authority: 'others', type: 'sensor' }],
  },
  api: { strangerRequestsPerSecondMax: 10_000 },
});

/** What came into the log since it was read last, the oldest first. */
async function written(): Promise<Entry[]> {
  const { items } = await fleet.done('GET', '/api/v1/audit?limit=1000');
  const entries = (items as Entry[]).filter(({ number }) => number > read).toReversed();
  read = items[0]?.number ?? 0;
  for (const { action } of entries) actionsSeen.add(action);
  return entries;
}

/** What followed from something, which nobody waits for. */
async function writtenWith(action: string): Promise<Entry[]> {
  for (const entries: Entry[] = []; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    entries.push(...(await written()));
    if (entries.some((entry) => entry.action === action)) return entries;
  }
}

function keepSecrets(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value))
    if (['token', 'key', 'secret', 'renewalToken'].includes(name) && typeof inner === 'string') secrets.add(inner);
    else keepSecrets(inner);
}

/** Asks as local administrator, and keeps what is secret in the answer. */
async function done(method: 'POST' | 'PATCH' | 'DELETE' | 'GET', path: string, body?: unknown) {
  const answer = await fleet.done(method, path, body);
  keepSecrets(answer);
  return answer;
}

/** As a device or a browser, without a key. */
async function send(path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(fleet.web + path, {
    method: 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const read = text === '' ? undefined : JSON.parse(text);
  keepSecrets(read);
  return { status: answer.status, body: read };
}

async function claimed(type: string, owner = 'ada') {
  const claim = (await send('/api/v1/claims', { type })).body;
  await done('POST', '/api/v1/claims/confirm', { code: claim.code, owner });
  const headers = { 'x-claim-secret': claim.secret };
  const collected = (await send(`/api/v1/claims/${claim.claimId}/collect`, undefined, headers)).body;
  return { claim, deviceId: collected.deviceId as string, credentials: collected.credentials };
}

async function player(): Promise<{ id: string; serial: string }> {
  const id = unique('player');
  await done('POST', '/api/v1/devices', { id, type: 'player' });
  const { serial } = await done('POST', `/api/v1/devices/${id}/certificates`, { generateKey: true });
  return { id, serial };
}

async function sensor(groups: readonly string[] = []): Promise<string> {
  const id = unique('sensor');
  await done('POST', '/api/v1/devices', { id, type: 'sensor', groups });
  return id;
}

async function cameraWith(): Promise<string> {
  const id = unique('camera');
  secrets.add(await fleet.camera(id));
  return id;
}

async function sessionOfAda(): Promise<{ cookie: string; 'x-form-token': string; origin: string }> {
  const visitor = new Visitor(fleet.web);
  await visitor.form('sign-in', { username: 'ada', password: PASSWORD });
  const answer = await fetch(`${fleet.web}/api/v1/my`, { headers: { cookie: visitor.cookie } });
  const { formToken } = (await answer.json()) as { formToken: string };
  secrets.add(formToken);
  secrets.add(visitor.cookie.split('=')[1]);
  return { cookie: visitor.cookie, 'x-form-token': formToken, origin: fleet.web };
}

/** What a route is asked with, and the entries that have to be there when it has answered: who and what. */
type Walk = () => Promise<{ readonly ask: () => Promise<unknown>; readonly entries: readonly string[] }>;

const WALKS: Readonly<Record<string, Walk>> = {
  'POST /api/v1/devices': async () => ({
    ask: () => done('POST', '/api/v1/devices', { id: unique('sensor'), type: 'sensor' }),
    entries: ['local device.add'],
  }),
  'PATCH /api/v1/devices/{id}': async () => {
    const id = await sensor();
    return { ask: () => done('PATCH', `/api/v1/devices/${id}`, { name: 'x' }), entries: ['local device.change'] };
  },
  'DELETE /api/v1/devices/{id}': async () => {
    const id = await sensor();
    return { ask: () => done('DELETE', `/api/v1/devices/${id}`), entries: ['local device.remove'] };
  },
  'POST /api/v1/devices/import': async () => {
    const token = randomBytes(24).toString('base64url');
    secrets.add(token);
    const body = `${JSON.stringify({ id: unique('sensor'), type: 'sensor', token })}\n`;
    const headers = { 'content-type': 'application/x-ndjson' };
    return {
      ask: () => fleet.running.api({ method: 'POST', path: '/api/v1/devices/import', headers, body }),
      entries: ['local device.import', 'local device.import'],
    };
  },
  'POST /api/v1/devices/{id}/tokens': async () => {
    const id = await sensor();
    const token = randomBytes(24).toString('base64url');
    secrets.add(token);
    return { ask: () => done('POST', `/api/v1/devices/${id}/tokens`, { token }), entries: ['local token.issue'] };
  },
  'POST /api/v1/devices/{id}/tokens/rotate': async () => {
    const id = await cameraWith();
    return { ask: () => done('POST', `/api/v1/devices/${id}/tokens/rotate`, {}), entries: ['local token.rotate'] };
  },
  'DELETE /api/v1/devices/{id}/tokens/{tokenId}': async () => {
    const id = await sensor();
    const { tokenId } = await done('POST', `/api/v1/devices/${id}/tokens`, {});
    return { ask: () => done('DELETE', `/api/v1/devices/${id}/tokens/${tokenId}`), entries: ['local token.revoke'] };
  },
  'POST /api/v1/devices/{id}/certificates': async () => {
    const id = unique('player');
    await done('POST', '/api/v1/devices', { id, type: 'player' });
    return {
      ask: () => done('POST', `/api/v1/devices/${id}/certificates`, { generateKey: true }),
      entries: ['local certificate.issue'],
    };
  },
  'POST /api/v1/devices/{id}/certificates/renew': async () => {
    const { id } = await player();
    return {
      ask: () => done('POST', `/api/v1/devices/${id}/certificates/renew`, { generateKey: true }),
      entries: ['local certificate.renew', 'local certificate.issue'],
    };
  },
  'POST /api/v1/certificates/{serial}/revoke': async () => {
    const { serial } = await player();
    return {
      ask: () => done('POST', `/api/v1/certificates/${serial}/revoke`, {}),
      entries: ['local certificate.revoke'],
    };
  },
  'POST /api/v1/devices/{id}/commands/{type}': async () => {
    const id = await cameraWith();
    return { ask: () => done('POST', `/api/v1/devices/${id}/commands/wake`, {}), entries: ['local command.request'] };
  },
  'POST /api/v1/commands/{commandId}/cancel': async () => {
    const id = await cameraWith();
    const { id: commandId } = await done('POST', `/api/v1/devices/${id}/commands/wake`, {});
    return { ask: () => done('POST', `/api/v1/commands/${commandId}/cancel`), entries: ['local command.cancel'] };
  },
  'POST /api/v1/groups/{group}/commands/{type}': async () => {
    const group = unique('group');
    await sensor([group]);
    return { ask: () => done('POST', `/api/v1/groups/${group}/commands/wake`, {}), entries: ['local batch.request'] };
  },
  'POST /api/v1/batches/{batchId}/cancel': async () => {
    const group = unique('group');
    await sensor([group]);
    await sensor([group]);
    const { id } = await done('POST', `/api/v1/groups/${group}/commands/wake`, { perSecond: 1 });
    return { ask: () => done('POST', `/api/v1/batches/${id}/cancel`), entries: ['local batch.cancel'] };
  },
  'POST /api/v1/keys': async () => ({
    ask: () => done('POST', '/api/v1/keys', { name: 'x', scopes: ['devices:read'] }),
    entries: ['local key.add'],
  }),
  'DELETE /api/v1/keys/{keyId}': async () => {
    const { id } = await done('POST', '/api/v1/keys', { name: 'x', scopes: ['devices:read'] });
    return { ask: () => done('DELETE', `/api/v1/keys/${id}`), entries: ['local key.remove'] };
  },
  'POST /api/v1/claims/{id}/refuse': async () => {
    const { claimId } = (await send('/api/v1/claims', { type: 'lamp' })).body;
    return { ask: () => done('POST', `/api/v1/claims/${claimId}/refuse`), entries: ['local claim.end'] };
  },
  'POST /api/v1/claims/confirm': async () => {
    const { code } = (await send('/api/v1/claims', { type: 'lamp' })).body;
    return {
      ask: () => done('POST', '/api/v1/claims/confirm', { code, owner: 'ada' }),
      entries: ['local claim.confirm', 'local device.add'],
    };
  },
  'POST /api/v1/claims/{id}/collect': async () => {
    const { claimId, code, secret } = (await send('/api/v1/claims', { type: 'frame' })).body;
    await done('POST', '/api/v1/claims/confirm', { code, owner: 'ada' });
    return {
      ask: () => send(`/api/v1/claims/${claimId}/collect`, undefined, { 'x-claim-secret': secret }),
      entries: ['claim certificate.issue', 'claim renewal-token.issue', 'claim claim.collect'],
    };
  },
  'POST /api/v1/device/renew': async () => {
    const { deviceId, credentials } = await claimed('frame');
    const headers = { 'x-renewal-token': credentials.renewalToken };
    return {
      ask: () => send('/api/v1/device/renew', { deviceId, generateKey: true }, headers),
      entries: [
        'device (renewal token) certificate.renew',
        'device (renewal token) certificate.issue',
        'device (renewal token) renewal-token.replace',
      ],
    };
  },
  'POST /api/v1/my/devices/{id}/renew': async () => {
    const { deviceId } = await claimed('frame');
    const session = await sessionOfAda();
    return {
      ask: () => send(`/api/v1/my/devices/${deviceId}/renew`, {}, session),
      entries: ['owner certificate.renew', 'owner certificate.issue'],
    };
  },
  'POST /api/v1/my/devices/{id}/revoke': async () => {
    const { deviceId } = await claimed('frame');
    const session = await sessionOfAda();
    return {
      ask: () => send(`/api/v1/my/devices/${deviceId}/revoke`, undefined, session),
      entries: ['owner renewal-token.revoke', 'owner certificate.revoke'],
    };
  },
};

/** They change nothing that counts: what asks for the state of a certificate, and for a place, as anybody may. */
const QUESTIONS = ['POST /ocsp', 'POST /api/v1/claims'];

/** `key:1f` says no more than `key` here. */
function shown({ by, proof, action }: Entry): string {
  return `${by.replace(/:.*/, '')}${proof === undefined ? '' : ` (${proof.replace(/ [0-9A-F]{10,}/, '')})`} ${action}`;
}

test('every route that changes something has written it down when it answers, and who it was', async (t) => {
  const { paths } = await fleet.done('GET', '/api/v1/openapi.json');
  const changing = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).flatMap((method) => (method === 'get' ? [] : [`${method.toUpperCase()} ${path}`])),
  );
  assert.deepEqual(changing.toSorted(), [...Object.keys(WALKS), ...QUESTIONS].toSorted());
  for (const [name, walk] of Object.entries(WALKS))
    await t.test(name, async () => {
      const { ask, entries } = await walk();
      await written();
      await ask();
      // What the service does by itself after a removal may be there already.
      const found = (await written()).filter(({ by }) => by !== 'service');
      assert.deepEqual(found.map(shown), entries);
      assert.ok(found.every(({ requestId }) => requestId !== ''));
      assert.equal(new Set(found.map(({ requestId }) => requestId)).size, 1);
    });
});

test('the forms of the page of owners are written down as what the API does', async () => {
  const visitor = new Visitor(fleet.web);
  await visitor.form('sign-in', { username: 'ada', password: PASSWORD });
  await visitor.get();
  const claim = (await send('/api/v1/claims', { type: 'frame' })).body;
  await written();
  await visitor.form('confirm', { code: claim.code });
  const confirmed = await written();
  assert.deepEqual(confirmed.map(shown), ['owner claim.confirm', 'owner device.add']);
  assert.deepEqual([confirmed[0].by, confirmed[0].address], ['owner:ada', '127.0.0.1']);
  await send(`/api/v1/claims/${claim.claimId}/collect`, undefined, { 'x-claim-secret': claim.secret });
  await written();
  await visitor.get();
  await visitor.form('renew', { device: confirmed[1].target });
  assert.deepEqual((await written()).map(shown), ['owner certificate.renew', 'owner certificate.issue']);
  await visitor.get();
  await visitor.form('revoke', { device: confirmed[1].target });
  assert.deepEqual(
    new Set((await written()).map(shown)),
    new Set(['owner renewal-token.revoke', 'owner certificate.revoke']),
  );
});

test('a device that is registered as it comes is written down, with the authority that vouched for it', async () => {
  await written();
  const cert = files.pki.text('foreign.pem');
  const key = files.pki.text('foreign.key');
  const client = await fleet.guarded.openTls('tls', { ca: files.pki.text('ca.pem'), cert, key });
  client.sendConnect({ clientId: 'foreign', username: 'foreign', password: '' });
  await client.expect('connack', { code: 0 });
  client.cut();
  const [entry] = await writtenWith('device.add');
  assert.deepEqual([entry.by, entry.proof, entry.target], ['device:foreign', 'certificate of others', 'foreign']);
});

test('a renewal over TLS names the device, and the certificate that it has shown', async () => {
  const { deviceId, credentials } = await claimed('frame');
  const { chain: cert, key, serial } = credentials.certificate;
  await written();
  const asked = httpsRequest({
    ...{ host: '127.0.0.1', port: fleet.guarded.port('wss'), path: '/api/v1/device/renew', method: 'POST' },
    ...{ ca: files.pki.text('ca.pem'), cert, key, agent: false, headers: { 'content-type': 'application/json' } },
  });
  asked.end(JSON.stringify({ generateKey: true }));
  const [answer] = await once(asked, 'response');
  keepSecrets(JSON.parse(Buffer.concat(await answer.toArray()).toString()));
  assert.equal(answer.statusCode, 201);
  const entries = await written();
  assert.deepEqual(
    new Set(entries.map(({ by, proof }) => `${by} ${proof}`)),
    new Set([`device:${deviceId} certificate ${serial}`]),
  );
  assert.ok(entries.some(({ action }) => action === 'certificate.issue'));
});

test('who may not confirm or renew is written down, without what was tried', async () => {
  const { deviceId } = await claimed('frame');
  await written();
  const wrong = `dr_${randomBytes(24).toString('base64url')}`;
  secrets.add(wrong);
  await send('/api/v1/device/renew', { deviceId, generateKey: true }, { 'x-renewal-token': wrong });
  const headers = await sessionOfAda();
  assert.equal((await send('/api/v1/claims/confirm', { code: 'AAAAAA' }, headers)).status, 404);
  await send('/api/v1/device/renew', { deviceId: 'nobody', generateKey: true }, { 'x-renewal-token': wrong });
  assert.deepEqual(await written(), []);
  const listed = async (): Promise<Entry[]> => (await fleet.done('GET', '/api/v1/audit?refused=true')).items;
  let items = await listed();
  // It follows from the request, and nobody waits for it.
  while (items[0]?.action !== 'claim.refuse') {
    await new Promise(setImmediate);
    items = await listed();
  }
  for (const { action } of items) actionsSeen.add(action);
  const refused = items.slice(0, 2).toReversed();
  assert.ok(!JSON.stringify(items).includes(wrong));
  assert.deepEqual(
    refused.map(({ by, action, target }) => [by, action, target]),
    [
      ['public', 'renewal.refuse', deviceId],
      ['owner:ada', 'claim.refuse', ''],
    ],
  );
});

test('what follows from a removal is written down as done by the service, with the request that it followed from', async () => {
  const { id } = await player();
  await written();
  await done('DELETE', `/api/v1/devices/${id}`);
  const entries = await writtenWith('certificate.revoke');
  const removed = entries.find(({ action }) => action === 'device.remove');
  const revoked = entries.find(({ action }) => action === 'certificate.revoke');
  assert.deepEqual([removed?.by, revoked?.by, revoked?.target], ['local', 'service', id]);
  assert.equal(revoked?.requestId, removed?.requestId);
});

test('a command that somebody waits for is written down before it is waited for', async () => {
  const id = await cameraWith();
  await written();
  const waits = fleet.running.api({
    method: 'POST',
    path: `/api/v1/devices/${id}/commands/wake?waitMs=60000`,
    body: {},
  });
  const [entry] = await writtenWith('command.request');
  assert.equal(entry.target, id);
  const command = `/api/v1/commands/${entry.after.commandId}`;
  // The entry comes first.
  while ((await fleet.ask('GET', command)).status === 404) await new Promise(setImmediate);
  await done('POST', `${command}/cancel`);
  assert.equal((await waits).status, 202);
  assert.deepEqual((await written()).map(shown), ['local command.cancel']);
});

test('an import that breaks off says which devices were added before it, and that it failed', async () => {
  const key = await fleet.key(['devices:write']);
  await written();
  // More than is read at once: what cannot be read comes when others are imported already.
  const ids = Array.from({ length: 3_000 }, () => unique('sensor'));
  const name = 'long '.repeat(25).trim();
  const lines = ids.map((id) => `${JSON.stringify({ id, type: 'sensor', name })}\n`).join('');
  const body = Buffer.concat([Buffer.from(`${lines}{"id":"faulty","type":"none"}\n`), Buffer.from([0xff, 0xfe, 0x0a])]);
  const answer = await fleet.http(key, '/api/v1/devices/import', {
    ...{ method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body },
  });
  assert.equal(answer.status, 400);
  const entries = await written();
  assert.ok(entries.every(({ by, action }) => by.startsWith('key:') && action === 'device.import'));
  const named = entries.flatMap(({ after }) => after.changes?.['device.add'] ?? []);
  const last = entries.at(-1)?.after;
  assert.equal(last.outcome, 'failed');
  assert.equal(last.counts['device.add'], named.length);
  const exported: readonly { readonly id: string }[] = await done('GET', '/api/v1/devices/export');
  const all = new Set(exported.map(({ id }) => id));
  const there = ids.filter((id) => all.has(id));
  assert.ok(there.length > 0 && entries.length > 2);
  assert.deepEqual(named.toSorted(), there.toSorted());
});

test('every action that is documented was seen here, but for those of time and limits', () => {
  const unseen = Object.keys(AUDIT_ACTIONS).filter((name) => !actionsSeen.has(name));
  assert.deepEqual(unseen, ['claim.expire', 'command.expire', 'batch.expire']);
});

test('no secret stands in any entry', async () => {
  const { items } = await fleet.done('GET', '/api/v1/audit?limit=1000');
  assert.ok(secrets.size > 20 && items.length < 1_000);
  const text = JSON.stringify(items);
  for (const secret of secrets)
    for (const form of [secret, Buffer.from(secret).toString('base64url'), Buffer.from(secret).toString('hex')])
      assert.ok(!text.includes(form), 'a secret stands in the audit log');
});
