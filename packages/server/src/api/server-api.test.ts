/** The routes of the device service, on a server with everything in memory. */
import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { MasterKey, newAuthority } from '@dunlin/devices';
import { Compile } from 'typebox/compile';
import type { ConfigurationInput } from '../configuration.ts';
import type { RunningServer } from '../server.ts';
import { startServer } from '../server.ts';
import type { LocalRequest } from './api-host.ts';

const TYPES = {
  camera: {
    credential: 'token',
    requiredAttributes: ['thing'],
    rules: [{ allow: 'subscribe', topics: 'things/{attr.thing}/message' }],
    commands: {
      wake: { topic: 'things/{attr.thing}/message', payload: { id: '{commandId}', at: '{nowS}' }, ttlS: 60 },
      show: {
        topic: 'things/{attr.thing}/message',
        payload: { id: '{commandId}', show: '{input.what}' },
        inputSchema: { type: 'object', properties: { what: { type: 'string' } }, required: ['what'] },
      },
    },
  },
  player: { credential: 'either' },
} as const;

const CONFIGURATION: ConfigurationInput = {
  listeners: [{ port: 0 }, { name: 'web', transport: 'ws', port: 0, api: true }],
  authentication: [{ method: 'devices' }],
  devices: { types: TYPES },
};

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
type Answer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: any };

class Asked implements AsyncDisposable {
  readonly server: RunningServer;
  // biome-ignore lint/suspicious/noExplicitAny: OpenAPI
  #paths: Record<string, any> = {};

  private constructor(server: RunningServer) {
    this.server = server;
  }

  static async start(more: ConfigurationInput = {}): Promise<Asked> {
    const asked = new Asked(await startServer({ ...CONFIGURATION, ...more }));
    asked.#paths = (await asked.ask('GET', '/api/v1/openapi.json')).body.paths;
    return asked;
  }

  get paths() {
    return this.#paths;
  }

  /** Each answer has to be as the document says. */
  async ask(
    method: LocalRequest['method'],
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer> {
    const {
      status,
      headers: told,
      body: text,
    } = await this.server.api({
      method,
      path,
      ...(body !== undefined && { body }),
      ...(headers && { headers }),
    });
    const answer = told['content-type']?.includes('json') ? JSON.parse(text) : text;
    if (status < 300) this.#check(method, path, status, answer);
    return { status, headers: told, body: answer };
  }

  #check(method: string, path: string, status: number, answer: unknown): void {
    const steps = path.split('?')[0].split('/');
    const isOf = (template: string): boolean => {
      const parts = template.split('/');
      return parts.length === steps.length && parts.every((part, at) => part.startsWith('{') || part === steps[at]);
    };
    const templates = Object.keys(this.#paths).filter(isOf);
    const template = templates.sort((one, other) => one.split('{').length - other.split('{').length)[0];
    const operation = this.#paths[template]?.[method.toLowerCase()];
    if (operation === undefined) return;
    const response = operation.responses[status];
    assert.ok(response, `${method} ${path} answered ${status}`);
    const schema = response.content?.['application/json']?.schema;
    if (schema !== undefined) {
      const check = Compile(schema);
      assert.ok(check.Check(answer), `${method} ${path}: ${JSON.stringify([...check.Errors(answer)])}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}

const camera = (id: string, more: object = {}) => ({ id, type: 'camera', attributes: { thing: `t-${id}` }, ...more });
const code = async (answer: Promise<Answer>): Promise<[number, string]> => {
  const { status, body } = await answer;
  return [status, body.code];
};

describe('devices', () => {
  test('are found where their answer says they are', async () => {
    await using api = await Asked.start();
    const added = await api.ask('POST', '/api/v1/devices', camera('cam-ü'));
    assert.deepEqual([added.status, added.headers.location], [201, '/api/v1/devices/cam-%C3%BC']);
    const found = await api.ask('GET', added.headers.location);
    assert.deepEqual([found.body, found.headers.etag], [added.body, added.headers.etag]);
  });

  test('change only at the revision that If-Match names', async () => {
    await using api = await Asked.start();
    const { headers } = await api.ask('POST', '/api/v1/devices', camera('a'));
    const first = { 'if-match': headers.etag };
    const changed = await api.ask('PATCH', '/api/v1/devices/a', { name: 'door', attributes: { site: 'x' } }, first);
    assert.deepEqual([changed.body.name, changed.body.attributes], ['door', { thing: 't-a', site: 'x' }]);
    assert.notEqual(changed.headers.etag, headers.etag);
    assert.deepEqual(await code(api.ask('PATCH', '/api/v1/devices/a', { name: 'b' }, first)), [
      412,
      'changed-meanwhile',
    ]);
    assert.deepEqual(await code(api.ask('DELETE', '/api/v1/devices/a', undefined, first)), [412, 'changed-meanwhile']);
    const now = { 'if-match': changed.headers.etag };
    assert.equal((await api.ask('DELETE', '/api/v1/devices/a', undefined, now)).status, 204);
    assert.deepEqual(await code(api.ask('GET', '/api/v1/devices/a')), [404, 'device-unknown']);
  });

  test('are listed by what they are, page after page', async () => {
    await using api = await Asked.start();
    for (const id of ['a', 'b', 'c']) await api.ask('POST', '/api/v1/devices', camera(id, { groups: ['hall'] }));
    await api.ask('POST', '/api/v1/devices', { id: 'd', type: 'player', enabled: false, owner: 'ada' });
    const ids = async (query: string) =>
      (await api.ask('GET', `/api/v1/devices?${query}`)).body.items.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids('type=player'), ['d']);
    assert.deepEqual(await ids('enabled=false'), ['d']);
    assert.deepEqual(await ids('owner=ada'), ['d']);
    assert.deepEqual(await ids('attribute=thing%3Dt-b'), ['b']);
    const first = (await api.ask('GET', '/api/v1/devices?group=hall&limit=2')).body;
    assert.deepEqual(await ids(`group=hall&cursor=${first.cursor}`), ['c']);
    assert.deepEqual(await ids('group=hall&type=camera&connected=false&limit=2'), ['a', 'b']);
    assert.deepEqual(await ids('group=hall&connected=true'), []);
    assert.deepEqual(await code(api.ask('GET', '/api/v1/devices?connected=maybe')), [400, 'input-invalid']);
    assert.deepEqual(await code(api.ask('GET', '/api/v1/devices?cursor=nonsense')), [400, 'cursor-invalid']);
  });

  test('are refused with every fault, and none is there twice', async () => {
    await using api = await Asked.start();
    const wrong = await api.ask('POST', '/api/v1/devices', { id: '..', type: 'oven', groups: ['device-type:camera'] });
    assert.deepEqual([wrong.status, wrong.body.code, wrong.body.errors.length], [400, 'input-invalid', 3]);
    await api.ask('POST', '/api/v1/devices', camera('a'));
    assert.deepEqual(await code(api.ask('POST', '/api/v1/devices', camera('a'))), [409, 'device-exists']);
    for (const id of ['__proto__', "'; DROP TABLE devices", 'a%0d%0aSet-Cookie:%20x', '%2e%2e%2f', '%00'])
      assert.deepEqual(await code(api.ask('GET', `/api/v1/devices/${id}`)), [404, 'device-unknown'], id);
  });

  test('are imported and exported, and a second time nothing changes', async () => {
    await using api = await Asked.start();
    const lines = `${JSON.stringify(camera('a'))}\n{"id":"b"}\n${JSON.stringify(camera('c', { token: 'x'.repeat(40) }))}\n`;
    const load = (query = '') =>
      api.ask('POST', `/api/v1/devices/import${query}`, lines, { 'content-type': 'application/x-ndjson' });
    const tried = await load('?dryRun=true');
    assert.deepEqual([tried.body.added, tried.body.faulty, tried.body.faults[0].line], [2, 1, 2]);
    assert.equal((await api.ask('GET', '/api/v1/devices')).body.items.length, 0);
    assert.deepEqual([(await load()).body.added, (await load()).body.unchanged], [2, 2]);
    const csv = await api.ask('GET', '/api/v1/devices/export?format=csv');
    assert.match(csv.headers['content-type'], /^text\/csv/);
    assert.equal(csv.body.trim().split('\n').length, 3);
    const json = await api.ask('GET', '/api/v1/devices/export');
    assert.deepEqual(
      json.body.map(({ id }: { id: string }) => id),
      ['a', 'c'],
    );
    const again = await api.ask('POST', '/api/v1/devices/import', csv.body, { 'content-type': 'text/csv' });
    assert.equal(again.body.unchanged, 2);
    const wrong = api.ask('POST', '/api/v1/devices/import', 'x', { 'content-type': 'text/plain' });
    assert.deepEqual(await code(wrong), [415, 'media-type-unknown']);
  });
});

describe('credentials', () => {
  test('tokens are shown once, listed without what they are, rotated and revoked', async () => {
    await using api = await Asked.start();
    await api.ask('POST', '/api/v1/devices', camera('a'));
    const tokens = '/api/v1/devices/a/tokens';
    const { body: first } = await api.ask('POST', tokens, { label: 'one', expiresInS: 3_600 });
    assert.match(first.token, /^dt_[\w-]{32}$/);
    const { body: second } = await api.ask('POST', `${tokens}/rotate`, { overlapS: 60 });
    await api.ask('POST', tokens, { token: 'k'.repeat(40) });
    const { body: listed } = await api.ask('GET', tokens);
    assert.equal(listed.items.length, 3);
    for (const secret of [first.token, second.token, 'k'.repeat(40)])
      assert.ok(!JSON.stringify([listed, (await api.ask('GET', '/api/v1/audit')).body]).includes(secret));
    assert.equal((await api.ask('DELETE', `${tokens}/${first.tokenId}`)).status, 204);
    assert.deepEqual(await code(api.ask('DELETE', `${tokens}/${first.tokenId}`)), [404, 'token-unknown']);
    assert.deepEqual(await code(api.ask('POST', '/api/v1/devices/nobody/tokens', {})), [404, 'device-unknown']);
  });

  test('an import with tokens needs the scope for them', async () => {
    await using api = await Asked.start();
    const { body } = await api.ask('POST', '/api/v1/keys', { name: 'x', scopes: ['devices:write'] });
    const { port } = api.server.listeners[1];
    const line = JSON.stringify(camera('a', { token: 'x'.repeat(40) }));
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/devices/import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${body.key}`, 'content-type': 'application/json' },
      body: `[${line}]`,
    });
    const report = (await answer.json()) as { added: number; faulty: number };
    assert.deepEqual([report.added, report.faulty], [0, 1]);
  });

  test('without an authority there are no certificates', async () => {
    await using api = await Asked.start();
    await api.ask('POST', '/api/v1/devices', { id: 'p', type: 'player' });
    const issue = api.ask('POST', '/api/v1/devices/p/certificates', { generateKey: true });
    assert.deepEqual(await code(issue), [404, 'authority-missing']);
    // Which would not help a device that comes in with a token.
    await api.ask('POST', '/api/v1/devices', { id: 'c', type: 'camera', attributes: { thing: 'x' } });
    for (const what of ['certificates', 'certificates/renew'])
      assert.deepEqual(await code(api.ask('POST', `/api/v1/devices/c/${what}`, { generateKey: true })), [
        409,
        'credential-kind',
      ]);
  });

  test('certificates are issued, renewed and revoked, and others learn of it', async () => {
    await using api = await Asked.start(withAuthority());
    await api.ask('POST', '/api/v1/devices', { id: 'p', type: 'player' });
    const path = '/api/v1/devices/p/certificates';
    assert.deepEqual(await code(api.ask('POST', path, {})), [400, 'input-invalid']);
    assert.deepEqual(await code(api.ask('POST', path, { csr: 'nonsense' })), [400, 'csr-refused']);
    const { body: first } = await api.ask('POST', path, { generateKey: true, days: 10 });
    assert.match(new X509Certificate(first.certificate).subject, /^CN=p$/m);
    assert.match(first.key, /PRIVATE KEY/);
    const { body: second } = await api.ask('POST', `${path}/renew`, { generateKey: true });
    const { body: listed } = await api.ask('GET', path);
    const former = listed.items.find(({ serial }: { serial: string }) => serial === first.serial);
    assert.deepEqual([listed.items.length, former.replacedBy], [2, second.serial]);
    assert.ok(!JSON.stringify(listed).includes('PRIVATE'));
    const revoke = () => api.ask('POST', `/api/v1/certificates/${second.serial}/revoke`, { reason: 'keyCompromise' });
    assert.equal((await revoke()).body.reason, 'keyCompromise');
    assert.deepEqual(await code(api.ask('POST', '/api/v1/certificates/AB/revoke', {})), [404, 'certificate-unknown']);

    const web = `http://127.0.0.1:${api.server.listeners[1].port}`;
    const ca = await (await fetch(`${web}/api/v1/ca`)).text();
    assert.match(ca, /^-----BEGIN CERTIFICATE-----/);
    const crl = await fetch(`${web}/crl/devices.crl`);
    const der = Buffer.from(await crl.arrayBuffer());
    assert.deepEqual([crl.status, crl.headers.get('content-type'), der[0]], [200, 'application/pkix-crl', 0x30]);
    assert.equal(crl.headers.get('cache-control'), 'max-age=3600, public, no-transform, must-revalidate');
    assert.ok(der.includes(Buffer.from(second.serial.length % 2 === 0 ? second.serial : `0${second.serial}`, 'hex')));
    assert.equal((await fetch(`${web}/crl/other.crl`)).status, 404);
    const asked = { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: 'nonsense' };
    const ocsp = await fetch(`${web}/ocsp`, asked);
    // OCSPResponse with the status malformedRequest.
    assert.deepEqual([...Buffer.from(await ocsp.arrayBuffer())], [0x30, 3, 0x0a, 1, 1]);
    assert.equal(ocsp.headers.get('cache-control'), 'no-store');
    const large = await fetch(`${web}/ocsp`, { ...asked, body: 'x'.repeat(100_000) });
    assert.equal(large.status, 413);
  });
});

describe('commands', () => {
  test('wait for a device that is away, once for each id, until they are cancelled', async () => {
    await using api = await Asked.start();
    await api.ask('POST', '/api/v1/devices', camera('a'));
    const wake = (body: object) => api.ask('POST', '/api/v1/devices/a/commands/wake', body);
    const { status, body, headers } = await wake({ id: 'w1' });
    assert.deepEqual([status, body.state, headers.location], [202, 'queued', '/api/v1/commands/w1']);
    assert.equal((await wake({ id: 'w1' })).body.requestedAtMs, body.requestedAtMs);
    assert.equal((await api.ask('GET', '/api/v1/devices/a/commands')).body.items.length, 1);
    assert.equal((await api.ask('POST', '/api/v1/commands/w1/cancel')).body.state, 'failed');
    assert.deepEqual(await code(api.ask('POST', '/api/v1/commands/w1/cancel')), [409, 'command-ended']);
    assert.deepEqual(await code(api.ask('GET', '/api/v1/commands/w2')), [404, 'command-unknown']);
  });

  test('are refused where device, command or input are none', async () => {
    await using api = await Asked.start();
    await api.ask('POST', '/api/v1/devices', camera('a'));
    const send = (path: string, body: object) => code(api.ask('POST', `/api/v1/devices/${path}`, body));
    assert.deepEqual(await send('b/commands/wake', {}), [404, 'device-unknown']);
    assert.deepEqual(await send('a/commands/__proto__', {}), [404, 'command-unknown']);
    assert.deepEqual(await send('a/commands/show', { input: { what: 1 } }), [400, 'input-invalid']);
    assert.deepEqual(await send('a/commands/wake', { input: 1 }), [400, 'input-invalid']);
    assert.deepEqual(await send('a/commands/wake', { id: 'a/b' }), [400, 'input-invalid']);
    await api.ask('PATCH', '/api/v1/devices/a', { enabled: false });
    assert.deepEqual(await send('a/commands/wake', {}), [409, 'device-disabled']);
  });

  test('to a group are one for each of its devices', async () => {
    await using api = await Asked.start();
    for (const id of ['a', 'b']) await api.ask('POST', '/api/v1/devices', camera(id, { groups: ['hall'] }));
    const { status, body } = await api.ask('POST', '/api/v1/groups/hall/commands/wake', { perSecond: 1_000 });
    assert.deepEqual([status, body.group, body.state], [202, 'hall', 'running']);
    assert.equal((await api.ask('GET', `/api/v1/batches/${body.id}`)).body.type, 'wake');
    let batch = body;
    while (batch.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 20));
      batch = (await api.ask('GET', `/api/v1/batches/${body.id}`)).body;
    }
    const path = `/api/v1/batches/${body.id}/commands`;
    const { items, cursor } = (await api.ask('GET', `${path}?limit=1`)).body;
    const rest = (await api.ask('GET', `${path}?cursor=${cursor}`)).body.items;
    assert.deepEqual([...items, ...rest].map(({ deviceId, state }) => `${deviceId} ${state}`).sort(), [
      'a queued',
      'b queued',
    ]);
    for (const unknown of ['nothing', 'nothing/commands'])
      assert.deepEqual(await code(api.ask('GET', `/api/v1/batches/${unknown}`)), [404, 'command-unknown']);
  });
});

test('presence and why answer for a device that never came, and why also for one that is none', async () => {
  await using api = await Asked.start();
  await api.ask('POST', '/api/v1/devices', camera('a'));
  const { body: presence } = await api.ask('GET', '/api/v1/devices/a/presence');
  assert.deepEqual(presence, { deviceId: 'a', connected: false, session: 0 });
  assert.deepEqual((await api.ask('GET', '/api/v1/presence?connected=true')).body, { items: [] });
  assert.equal((await api.ask('GET', '/api/v1/presence?connected=false')).body.code, 'input-invalid');
  const { body: why } = await api.ask('GET', '/api/v1/devices/a/why');
  assert.equal(why.isKnown, true);
  assert.match(why.hindrances[0], /token/);
  assert.equal((await api.ask('GET', '/api/v1/devices/nobody/why')).body.isKnown, false);
});

test('types are those of the configuration, and others after a reload', async () => {
  await using api = await Asked.start();
  const names = async () =>
    (await api.ask('GET', '/api/v1/types')).body.items.map(({ name }: { name: string }) => name);
  assert.deepEqual(await names(), ['camera', 'player']);
  const report = await api.server.reload({ ...CONFIGURATION, devices: { types: { ...TYPES, oven: {} } } });
  assert.deepEqual([report.changed, report.needsRestart], [['devices.types'], []]);
  assert.deepEqual(await names(), ['camera', 'player', 'oven']);
  const wrong = { ...CONFIGURATION, devices: { types: { oven: { presence: { topic: 'a/#' } } } } };
  await assert.rejects(api.server.reload(wrong), /devices\.types\.oven/);
  assert.deepEqual(await names(), ['camera', 'player', 'oven']);
});

test('every change is in the audit log, with what was before and is now', async () => {
  await using api = await Asked.start();
  await api.ask('POST', '/api/v1/devices', camera('a'));
  await api.ask('PATCH', '/api/v1/devices/a', { name: 'door' });
  await api.ask('PATCH', '/api/v1/devices/a', { name: 'door' });
  await api.ask('DELETE', '/api/v1/devices/a');
  const { items } = (await api.ask('GET', '/api/v1/audit')).body;
  assert.deepEqual(
    items.map(({ action, before, after }: Record<string, { name: string } | undefined>) => [
      action,
      before?.name,
      after?.name,
    ]),
    [
      ['device.remove', 'door', undefined],
      ['device.change', '', 'door'],
      ['device.add', undefined, ''],
    ],
  );
});

test('a page of a foreign name gets nothing from a listener, be it led to this address by that name', async () => {
  await using api = await Asked.start();
  const { port } = api.server.listeners[1];
  const { body } = await api.ask('POST', '/api/v1/keys', { name: 'x', scopes: ['devices:read'] });
  const status = async (headers: Record<string, string>): Promise<number | undefined> => {
    const asked = request({ host: '127.0.0.1', port, path: '/api/v1/devices', headers, agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  };
  const authorization = `Bearer ${body.key}`;
  const evil = `evil.example:${port}`;
  assert.equal(await status({ host: evil }), 421);
  assert.equal(await status({ host: evil, origin: `http://${evil}`, authorization }), 403);
  assert.equal(await status({ origin: 'http://evil.example', authorization }), 403);
  assert.equal(await status({ origin: `http://127.0.0.1:${port}`, authorization }), 200);
  assert.equal(await status({ authorization }), 200);
});

test('MQTT over WebSocket and the API share a listener', async () => {
  await using api = await Asked.start();
  const { port } = api.server.listeners[1];
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  assert.deepEqual([await get('/mqtt'), await get('/other'), await get('/api/v1/devices')], [426, 404, 401]);
});

test('a server without devices has the API, and no routes of devices', async () => {
  const server = await startServer({ listeners: [{ port: 0 }] });
  try {
    assert.equal((await server.api({ method: 'GET', path: '/api/v1/keys' })).status, 200);
    assert.equal((await server.api({ method: 'GET', path: '/api/v1/devices' })).status, 404);
  } finally {
    await server.stop();
  }
  await assert.rejects(server.api({ method: 'GET', path: '/api/v1/keys' }), /the server is stopping/);
});

test('a server tells under $SYS how many devices there are, and what is pending', async () => {
  const numbers = new Map<string, string>();
  const all = new Promise<void>((resolve) => {
    void startServer({ ...CONFIGURATION, settings: { sysIntervalS: 1 } }).then(async (server) => {
      await server.api({ method: 'POST', path: '/api/v1/devices', body: camera('a') });
      await server.api({ method: 'POST', path: '/api/v1/devices/a/commands/wake', body: {} });
      const looking = setInterval(() => {
        for (const name of ['total', 'connected', 'commands/pending']) {
          const said = server.broker.retained.get(`$SYS/broker/devices/${name}`);
          if (said !== undefined) numbers.set(name, Buffer.from(said.payload).toString());
        }
        if (numbers.size < 3) return;
        clearInterval(looking);
        resolve(server.stop());
      }, 20);
    });
  });
  await all;
  assert.deepEqual(Object.fromEntries(numbers), { total: '1', connected: '0', 'commands/pending': '1' });
});

/** A new authority in files, and its entries in the configuration. */
function withAuthority(): ConfigurationInput {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-api-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const bytes = randomBytes(32);
  const { issuing } = newAuthority({ name: 'Test', nowMs: Date.now(), masterKey: new MasterKey(bytes, 'a test') });
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const certificate = file('ca.pem', issuing.certificate);
  return {
    authorities: [{ name: 'devices', certificate }],
    devices: {
      types: TYPES,
      authority: { certificate, key: file('ca.key', issuing.key) },
      masterKey: { file: file('master.key', `${bytes.toString('base64')}\n`) },
    },
  };
}

test('each operation of the document has a name of its own', async () => {
  await using asked = await Asked.start();
  const operations = Object.values(asked.paths).flatMap((methods) => Object.values<{ operationId?: string }>(methods));
  const names = operations.map(({ operationId }) => operationId);
  for (const name of names) assert.match(name ?? '', /^[a-z]+(?:[A-Z][a-z]+)+$/);
  assert.equal(new Set(names).size, names.length);
});
