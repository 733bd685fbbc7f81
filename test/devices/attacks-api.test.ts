/** Attacks on the API over HTTP: keys, hosts, bodies, ids, the bytes of HTTP itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { scratch } from '../doors/guarded-server.ts';
import { type Answer, camera, FleetServer, fleetFiles, SCOPES, unique } from './fleet-server.ts';

const fleet = await FleetServer.start(fleetFiles(scratch()), {
  api: { strangerRequestsPerSecondMax: 10_000, bodyBytesMax: 64 * 1_024, importBytesMax: 256 * 1_024 },
});
const { guarded } = fleet;
const key = await fleet.key();

const post = (path: string, body: unknown, headers: Record<string, string> = {}, as = key): Promise<Answer> =>
  fleet.http(as, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** What can be sent and read byte by byte. */
class Wire {
  readonly socket: Socket;
  #text = '';
  #isOver = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
    });
    after(() => socket.destroy());
  }

  static async open(): Promise<Wire> {
    const socket = connect(guarded.port('web'), '127.0.0.1');
    await once(socket, 'connect');
    return new Wire(socket);
  }

  /** Everything that comes until the server ends the connection. */
  async rest(): Promise<string> {
    if (!this.#isOver) await once(this.socket, 'close');
    return this.#text;
  }

  /** Settles with what has come, as soon as that many answers have. */
  async answers(count: number): Promise<string[]> {
    while (this.#statuses().length < count && !this.#isOver)
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this.#statuses();
  }

  #statuses(): string[] {
    return [...this.#text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
  }
}

/** The answers to some bytes, when the server has ended the connection or so many have come. */
async function answersTo(bytes: string, count = 1): Promise<string[]> {
  const wire = await Wire.open();
  wire.socket.write(bytes, 'latin1');
  return await wire.answers(count);
}

const HOST = 'Host: localhost\r\n';
const AUTHORIZATION = `Authorization: Bearer ${key}\r\n`;

/** Every route that the document of the API names but these: what a stranger may ask, who has a certificate or wants one. */
const PUBLIC = new Set([
  'GET /api/v1/openapi.json',
  'GET /api/v1/ca',
  'GET /crl/{file}',
  'POST /ocsp',
  'GET /ocsp/{request}',
  'POST /api/v1/claims',
  'POST /api/v1/claims/{id}/collect',
  'POST /api/v1/device/renew',
]);

async function routes(): Promise<readonly { readonly method: string; readonly path: string }[]> {
  const { paths } = await fleet.done('GET', '/api/v1/openapi.json');
  return Object.entries<object>(paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })))
    .filter(({ method, path }) => !PUBLIC.has(`${method} ${path}`) && !path.startsWith('/claim'));
}

test('no route but the public ones answers without a key, or with one that is none', async () => {
  const wrong = [
    undefined,
    'Bearer',
    'Bearer x',
    `Bearer dk_${'0'.repeat(16)}_${'A'.repeat(43)}`,
    `Bearer ${key.slice(0, -1)}`,
    `Bearer ${key}x`,
    `Bearer ${key.slice(0, 20)}${'A'.repeat(43)}`,
    `Basic ${Buffer.from(`admin:${key}`).toString('base64')}`,
    key,
    `Bearer ${key.toUpperCase()}`,
    `Bearer ${"' OR '1'='1"}`,
    'Bearer __proto__',
  ];
  const answers = new Set<string>();
  let asked = 0;
  for (const { method, path } of await routes())
    for (const authorization of wrong) {
      const answer = await fetch(`${fleet.web}${path.replaceAll(/\{\w+\}/g, 'x')}`, {
        method,
        headers: authorization === undefined ? {} : { authorization },
      });
      const { code } = JSON.parse(await answer.text());
      assert.equal(answer.status, 401, `${method} ${path} with ${authorization}`);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="dunlin"');
      answers.add(code);
      asked += 1;
    }
  assert.ok(asked > 200);
  assert.deepEqual([...answers].sort(), ['key-missing', 'key-refused']);
});

test('a key does what its scopes say and nothing else', async () => {
  const id = unique('cam');
  await fleet.camera(id);
  const auditor = await fleet.key(['audit:read']);
  for (const { method, path } of await routes()) {
    if (path === '/api/v1/audit') continue;
    const answer = await fleet.http(auditor, path.replaceAll(/\{\w+\}/g, id), { method });
    // What an owner has is asked by who is signed in, and by no key.
    const isOfOwners = path.startsWith('/api/v1/my');
    const expected = isOfOwners ? [401, 'session-missing'] : [403, 'scope-missing'];
    assert.deepEqual([answer.status, answer.body.code], expected, `${method} ${path}`);
  }
  const writer = await fleet.key(['keys:write']);
  for (const scope of SCOPES)
    assert.equal((await post('/api/v1/keys', { name: 'more', scopes: [scope] }, {}, writer)).status, 403, scope);
  const reader = await fleet.key(['devices:read']);
  const seen = JSON.stringify((await fleet.http(reader, `/api/v1/devices/${id}/tokens`)).body);
  assert.doesNotMatch(seen, /dt_|sha256":/);
  // Tokens in an import take the scope of tokens.
  const importer = await fleet.key(['devices:write']);
  const line = JSON.stringify({ ...camera(id), token: 'x'.repeat(40) });
  const imported = await fleet.http(importer, '/api/v1/devices/import', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: line,
  });
  assert.equal(imported.body.tokens, 0);
  assert.equal((await fleet.done('GET', `/api/v1/devices/${id}/tokens`)).items.length, 1);
});

test('a key that was deleted, or has expired, counts no longer, also on a connection that it has open', async () => {
  const { key: own, id } = await fleet.done('POST', '/api/v1/keys', { name: 'short', scopes: ['devices:read'] });
  const wire = await Wire.open();
  const asked = `GET /api/v1/devices HTTP/1.1\r\n${HOST}Authorization: Bearer ${own}\r\n\r\n`;
  wire.socket.write(asked);
  assert.deepEqual(await wire.answers(1), ['200']);
  await fleet.done('DELETE', `/api/v1/keys/${id}`);
  wire.socket.write(asked);
  assert.deepEqual(await wire.answers(2), ['200', '401']);
  assert.equal((await fleet.ask('POST', '/api/v1/keys', { name: 'x', scopes: ['nonsense'] })).status, 400);
});

test('other methods and forms of HTTP lead nowhere, and no request becomes another one', async () => {
  for (const method of ['HEAD', 'OPTIONS', 'PUT', 'TRACE', 'CONNECT', 'PROPFIND', 'X'])
    for (const path of ['/api/v1/devices', '/api/v1/keys']) {
      const [status] = await answersTo(
        `${method} ${path} HTTP/1.1\r\n${HOST}${AUTHORIZATION}Connection: close\r\n\r\n`,
      );
      assert.ok(status === undefined || /^4/.test(status), `${method} ${path}: ${status}`);
    }
  const override = await fleet.http(key, '/api/v1/devices', { headers: { 'x-http-method-override': 'DELETE' } });
  assert.equal(override.status, 200);
  const forms = [
    'http://evil.example/api/v1/keys',
    '//evil.example/api/v1/keys',
    '/api/v1/../v1/keys',
    '/API/V1/keys',
    '*',
    'api/v1/keys',
  ];
  for (const form of forms) {
    const [status] = await answersTo(`GET ${form} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    assert.ok(status === undefined || /^4/.test(status), `${form}: ${status}`);
  }
  const upgrade = `GET /api/v1/devices HTTP/1.1\r\n${HOST}${AUTHORIZATION}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`;
  assert.match((await answersTo(upgrade))[0], /^4/);
});

test('guessing keys is slowed down by address, and costs the holder of a key nothing', async () => {
  const slow = await FleetServer.start(fleetFiles(scratch()), { api: { strangerRequestsPerSecondMax: 1 } });
  const own = await slow.key();
  const codes: string[] = [];
  for (let guess = 0; guess < 20; guess++) {
    const wrong = `dk_${own.slice(3, 19)}_${String(guess).padStart(43, 'A')}`;
    codes.push((await slow.http(wrong, '/api/v1/devices')).body.code);
  }
  assert.ok(codes.filter((code) => code === 'too-many-requests').length >= 10, codes.join(' '));
  assert.equal((await slow.http(own, '/api/v1/devices')).status, 200);
});

test('a page of another origin, and one whose name was led here, get nothing', async () => {
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://evil.example:${guarded.port('web')}` },
  ])
    assert.equal((await fleet.http(key, '/api/v1/devices', { headers })).status, 403);
  const rebound = await answersTo('GET /api/v1/devices HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
  // Misdirected: not for this host.
  assert.deepEqual(rebound, ['421']);
  const own = await answersTo(
    `GET /api/v1/devices HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n${AUTHORIZATION}Connection: close\r\n\r\n`,
  );
  assert.deepEqual(own, ['403']);
  const asked = await fleet.http(key, '/api/v1/devices', { headers: { origin: fleet.web } });
  assert.equal(asked.headers['access-control-allow-origin'], undefined);
});

test('requests that two servers would read differently are read by neither', async () => {
  const inner = `GET /api/v1/devices HTTP/1.1\r\n${HOST}${AUTHORIZATION}\r\n`;
  const head = `POST /api/v1/devices HTTP/1.1\r\n${HOST}${AUTHORIZATION}Content-Type: application/json\r\n`;
  const smuggled: Record<string, string> = {
    'both lengths': `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    'two lengths': `${head}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}${inner}`,
    'a list of lengths': `${head}Content-Length: 2, 2\r\n\r\n{}${inner}`,
    'a length with a sign': `${head}Content-Length: +2\r\n\r\n{}${inner}`,
    'a length in hexadecimal': `${head}Content-Length: 0x2\r\n\r\n{}${inner}`,
    'a negative length': `${head}Content-Length: -1\r\n\r\n${inner}`,
    'chunked before another coding': `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
    'chunked in a disguise': `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`,
    'a space before the colon': `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
    'a folded header': `${head}X-Long: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n${inner}`,
    'bare line feeds': `POST /api/v1/devices HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n${inner}`,
    'a chunk that is longer than it says': `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n${inner}`,
    'a chunk size beyond numbers': `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n${inner}`,
  };
  for (const [what, bytes] of Object.entries(smuggled)) {
    const wire = await Wire.open();
    wire.socket.write(bytes, 'latin1');
    const text = await wire.rest();
    assert.doesNotMatch(text, /HTTP\/1\.1 2/, what);
    assert.equal(text.match(/HTTP\/1\.1 4\d\d/g)?.length, 1, `${what}: ${text}`);
  }
});

test('requests that come all at once are answered each, in their order, by the key that each has', async () => {
  const one = (path: string, who: string): string => `GET ${path} HTTP/1.1\r\n${HOST}${who}\r\n`;
  const many = [
    one('/api/v1/devices', AUTHORIZATION),
    one('/api/v1/devices', ''),
    one('/api/v1/devices/none', AUTHORIZATION),
    one('/api/v1/devices', 'Authorization: Bearer wrong\r\n'),
    one('/api/v1/types', AUTHORIZATION),
  ];
  assert.deepEqual(await answersTo(many.join(''), many.length), ['200', '401', '404', '401', '200']);
});

test('bodies that never come hold nobody else up, where who sends them has no key', async () => {
  const held = await FleetServer.start(fleetFiles(scratch()), { api: { requestsMax: 5 } });
  const own = await held.key();
  const sockets: Socket[] = [];
  for (let index = 0; index < 20; index++) {
    const socket = connect(held.guarded.port('web'), '127.0.0.1');
    socket.on('error', () => {});
    after(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(
      `POST /api/v1/devices HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    sockets.push(socket);
  }
  // They have no key: each was answered before its body, and counts no longer.
  for (const socket of sockets) if (socket.bytesRead === 0) await once(socket.resume(), 'data');
  assert.equal((await held.http(own, '/api/v1/devices')).status, 200);
});

test('bodies that never come hold up no holder of a key either where anybody may ask', async () => {
  const api = { requestsMax: 8, strangerRequestsPerSecondMax: 10_000 };
  const held = await FleetServer.start(fleetFiles(scratch()), { api });
  const own = await held.key();
  const [some, answered] = [12, Promise.withResolvers<void>()];
  let answers = 0;
  for (let index = 0; index < 20; index++) {
    const socket = connect(held.guarded.port('web'), '127.0.0.1');
    socket.on('error', () => {});
    after(() => socket.destroy());
    socket.once('data', () => {
      answers += 1;
      if (answers === some) answered.resolve();
    });
    await once(socket, 'connect');
    socket.write(
      `POST /api/v1/claims HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
  }
  await answered.promise;
  assert.equal((await held.http(own, '/api/v1/devices')).status, 200);
});

test('waits for commands are as many as requests may be at once, and whoever comes then is told so', async () => {
  const held = await FleetServer.start(fleetFiles(scratch()), { api: { requestsMax: 10 } });
  const own = await held.key();
  await held.camera('cam-1');
  const gone = new AbortController();
  const { id } = await held.done('POST', '/api/v1/devices/cam-1/commands/wake', {});
  const waits = Array.from({ length: 30 }, () =>
    fetch(`${held.web}/api/v1/commands/${id}?waitMs=60000`, {
      headers: { authorization: `Bearer ${own}` },
      signal: gone.signal,
    }).then(
      async (answer) => {
        await answer.text();
        return answer.status;
      },
      () => 0,
    ),
  );
  const [busy] = await Promise.race(waits.map(async (wait) => [await wait]));
  assert.equal(busy, 503);
  gone.abort();
  const ended = await Promise.all(waits);
  assert.deepEqual([...new Set(ended)].sort(), [0, 503]);
  // Who went away waits no longer: there is room again.
  for (let asked = 0; ; asked++) {
    const { status } = await held.http(own, '/api/v1/devices');
    if (status === 200) break;
    assert.ok(asked < 1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('ids that look like paths, queries, headers or parts of JavaScript are ids, or are none', async () => {
  const wellFormed = [
    "';DROP(TABLE)devices;--",
    "'OR'1'='1",
    '__proto__',
    'constructor',
    'toString',
    'x?admin=true',
    'x&y=z',
    'x;y',
    '%2e%2e',
    '%00',
    '{{7*7}}',
    'x${7*7}',
    '<script>alert(1)<script>',
    'Set-Cookie:a=b',
    'ä'.repeat(128),
    '🙂',
    '-',
    '.hidden',
  ];
  for (const id of wellFormed) {
    const added = await post('/api/v1/devices', { id, type: 'sensor' });
    assert.equal(added.status, 201, `${id}: ${JSON.stringify(added.body)}`);
    assert.equal(added.headers.location, `/api/v1/devices/${encodeURIComponent(id)}`);
    const path = added.headers.location;
    assert.equal((await fleet.http(key, path)).body.id, id);
    const { token } = (await post(`${path}/tokens`, {})).body;
    const client = await guarded.open('mqtt');
    await client.connect({ clientId: unique('c'), username: id, password: token });
    await client.disconnect();
    assert.equal((await fleet.http(key, path, { method: 'DELETE' })).status, 204, id);
    assert.equal((await fleet.http(key, path)).status, 404, id);
  }
  const malformed = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '/',
    '#',
    '+',
    'a+b',
    '$SYS',
    'a b',
    'a\0b',
    'a\r\nX: 1',
    ' ',
    '\t',
    '\ud800',
    'x'.repeat(129),
    '\u202e',
  ];
  for (const id of malformed) {
    const added = await post('/api/v1/devices', { id, type: 'sensor' });
    assert.deepEqual([added.status, added.body.code], [400, 'input-invalid'], JSON.stringify(id));
    assert.ok(JSON.stringify(added.body).length < 1_000);
  }
  for (const path of [
    '../keys',
    '..%2fkeys',
    '%2e%2e/keys',
    '%2e%2e%2fkeys',
    '%',
    '%zz',
    'a%00b',
    '%ff',
    'x'.repeat(10_000),
    '..;/keys',
  ]) {
    const wire = await Wire.open();
    wire.socket.write(`GET /api/v1/devices/${path} HTTP/1.1\r\n${HOST}${AUTHORIZATION}Connection: close\r\n\r\n`);
    const text = await wire.rest();
    assert.match(text, /^HTTP\/1\.1 4\d\d /, path.slice(0, 30));
    assert.doesNotMatch(text, /dk_|createdBy/, path.slice(0, 30));
  }
});

test('a body that is too large, too deep, of another kind or no JSON is refused in a few words', async () => {
  const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const cases: [string, number, Record<string, string>?][] = [
    ['{', 400],
    ['', 400],
    ['null', 400],
    ['[]', 400],
    ['"x"', 400],
    ['{"id":1,"type":"sensor"}', 400],
    ['{"id":"a","type":"sensor","admin":true}', 400],
    ['{"id":"a","type":"sensor","__proto__":{"enabled":false}}', 400],
    ['{"id":"a","type":"sensor","attributes":{"constructor":{"prototype":{}}}}', 400],
    [`{"id":"a","type":"sensor","attributes":${deep(40)}}`, 400],
    [deep(10_000), 400],
    ['['.repeat(30_000), 400],
    [`{"id":"${'x'.repeat(70_000)}"}`, 413],
    ['{"id":"a","type":"sensor"}', 415, { 'content-type': 'text/plain' }],
    ['id=a', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['{"id":"a","type":"sensor"}', 415, { 'content-type': 'application/json\u00e4' }],
    [
      `{"id":"a","type":"sensor","attributes":${JSON.stringify(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`a${n}`, 'x'])))}}`,
      400,
    ],
  ];
  for (const [body, status, headers] of cases) {
    const answer = await post('/api/v1/devices', body, headers);
    assert.equal(answer.status, status, `${body.slice(0, 60)}: ${JSON.stringify(answer.body)}`);
    assert.match(answer.headers['content-type'], /^application\/problem\+json/);
    assert.ok(JSON.stringify(answer.body).length < 10_000, body.slice(0, 60));
  }
  assert.equal(guarded.count('apiFailed'), 0);
});

test('an import that is malformed says what and where, and takes what is right; no line is too long for it', async () => {
  const send = (body: string | Buffer, type: string): Promise<Answer> =>
    fleet.http(key, '/api/v1/devices/import', { method: 'POST', headers: { 'content-type': type }, body });
  const [one, two] = [unique('sensor'), unique('sensor')];
  const files: [string | Buffer, string][] = [
    [`id,type\n"${one},sensor\n`, 'text/csv'],
    [`id,type\n${'x'.repeat(100_000)},sensor\n`, 'text/csv'],
    [`id,id,type\na,b,sensor\n`, 'text/csv'],
    [`id,type,__proto__\na,sensor,x\n`, 'text/csv'],
    [`${','.repeat(100_000)}\n`, 'text/csv'],
    [Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x80]), 'text/csv'],
    ['\0\0\0', 'text/csv'],
    ['['.repeat(100_000), 'application/json'],
    [`${'{"a":'.repeat(50_000)}`, 'application/x-ndjson'],
    ['{"id":', 'application/json'],
    ['nonsense', 'application/x-ndjson'],
    [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'application/x-ndjson'],
  ];
  for (const [body, type] of files) {
    const { status, body: report } = await send(body, type);
    const what = `${String(body).slice(0, 40)}: ${status} ${JSON.stringify(report).slice(0, 300)}`;
    assert.ok(status === 200 ? report.added + report.changed === 0 && report.faulty > 0 : status === 400, what);
    assert.ok(JSON.stringify(report).length < 10_000, what.slice(0, 100));
  }
  const mixed = await send(`id,type\n${one},sensor\n../x,sensor\n${two},sensor\n`, 'text/csv');
  assert.deepEqual([mixed.body.added, mixed.body.faulty, mixed.body.faults[0].line], [2, 1, 3]);
  assert.equal((await send('x'.repeat(300_000), 'text/csv')).status, 413);
  assert.equal(guarded.count('apiFailed'), 0);
});

test('an Idempotency-Key is of one caller and of one request', async () => {
  const headers = { 'idempotency-key': 'order-1' };
  const [mine, other] = [unique('cam'), unique('cam')];
  assert.equal((await post('/api/v1/devices', camera(mine), headers)).status, 201);
  const again = await post('/api/v1/devices', camera(mine), headers);
  assert.deepEqual([again.status, again.headers['idempotency-replayed']], [201, 'true']);
  const misused = await post('/api/v1/devices', camera(other), headers);
  assert.deepEqual([misused.status, misused.body.code], [422, 'idempotency-mismatch']);
  const elsewhere = await post(`/api/v1/devices/${mine}/tokens`, {}, headers);
  assert.equal(elsewhere.body.code, 'idempotency-mismatch');
  const stranger = await post('/api/v1/devices', camera(mine), headers, await fleet.key());
  assert.deepEqual([stranger.status, stranger.body.code], [409, 'device-exists']);
  // A key without the scope does not learn what a key with it was answered.
  const reader = await post('/api/v1/devices', camera(mine), headers, await fleet.key(['devices:read']));
  assert.equal(reader.status, 403);
  const secret = { 'idempotency-key': 'secret-1' };
  const made = await post(`/api/v1/devices/${mine}/tokens`, {}, secret);
  const shown = await post(`/api/v1/devices/${mine}/tokens`, {}, secret);
  assert.deepEqual([shown.status, shown.body.code], [409, 'idempotency-secret']);
  assert.ok(!JSON.stringify(shown).includes(made.body.token));
  for (const bad of ['', 'x'.repeat(129), 'a b'])
    assert.equal((await post('/api/v1/devices', camera(other), { 'idempotency-key': bad })).status, 400, bad);
});

test('a cursor that somebody made up, or of another list, leads out of no list', async () => {
  const sensor = unique('sensor');
  await fleet.done('POST', '/api/v1/devices', { id: sensor, type: 'sensor' });
  const lists: Record<string, string> = {
    '/api/v1/devices': 'id',
    '/api/v1/audit': 'number',
    '/api/v1/presence': 'deviceId',
    [`/api/v1/devices/${sensor}/certificates`]: 'serial',
  };
  const { cursor: ofAudit } = await fleet.done('GET', '/api/v1/audit?limit=1');
  const { cursor: ofDevices } = await fleet.done('GET', '/api/v1/devices?limit=1');
  const bytes = [Buffer.alloc(0), Buffer.of(0), Buffer.of(0xff), Buffer.alloc(600, 0xff), Buffer.from('api-keys')];
  const madeUp = bytes.flatMap((raw) => [
    raw.toString('base64url'),
    Buffer.from(raw.toString('base64url')).toString('base64url'),
  ]);
  const cursors = [ofAudit, ofDevices, 'x', '%00', '../../x', 'a'.repeat(8_000), 'a'.repeat(20_000), ...madeUp];
  for (const [path, field] of Object.entries(lists))
    for (const cursor of cursors) {
      const { status, body } = await fleet.http(key, `${path}?cursor=${encodeURIComponent(cursor)}`);
      const what = `${path} ${cursor.slice(0, 20)}: ${status} ${JSON.stringify(body).slice(0, 200)}`;
      assert.ok(status === 200 || [400, 414, 431].includes(status), what);
      if (status === 200) for (const item of body.items) assert.ok(Object.hasOwn(item, field), what);
    }
  assert.equal(guarded.count('apiFailed'), 0);
});

test('a query that nobody means is refused, and none is a fault of the server', async () => {
  const queries = [
    'limit=0',
    'limit=-1',
    'limit=1e9',
    'limit=x',
    'limit=1&limit=2',
    'nonsense=1',
    '__proto__=1',
    'enabled=maybe',
  ];
  for (const query of queries) assert.equal((await fleet.http(key, `/api/v1/devices?${query}`)).status, 400, query);
  for (const query of ['attribute=x', 'attribute==', 'prefix=%00', `prefix=${'x'.repeat(128)}`, "owner='%20OR%201=1"])
    assert.deepEqual((await fleet.http(key, `/api/v1/devices?${query}`)).body.items, [], query);
  assert.equal(guarded.count('apiFailed'), 0);
});

test('of many who give devices the same unique attribute at once one gets it, and nobody learns who', async () => {
  const thingName = unique('door');
  const ids = Array.from({ length: 30 }, () => unique('twin'));
  const adding = ids.map((id) => {
    const device = camera(id) as { attributes: object };
    return post('/api/v1/devices', { ...device, attributes: { ...device.attributes, thingName } });
  });
  const answers = await Promise.all(adding);
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  const refused = answers.filter(({ status }) => status === 409);
  assert.equal(refused.length, ids.length - 1);
  const winner = answers.find(({ status }) => status === 201)?.body.id;
  for (const { body } of refused) {
    assert.equal(body.code, 'attribute-taken');
    assert.ok(!JSON.stringify(body).includes(winner), body.detail);
  }
  const found = await fleet.http(key, `/api/v1/devices?attribute=thingName=${thingName}`);
  assert.deepEqual(
    found.body.items.map(({ id }: { id: string }) => id),
    [winner],
  );
});

test('a certificate in a header renews nothing, unless a proxy that is trusted says it', async () => {
  const proxy = { trusted: ['127.0.0.2'], clientCertificateHeader: 'Client-Cert' };
  const listeners = [{ name: 'web', transport: 'ws', api: true, proxy }] as const;
  const behind = await FleetServer.start(fleetFiles(scratch()), { listeners });
  const id = unique('player');
  const { cert } = await behind.player(id);
  const certificate = `:${cert.split('-----END')[0].replaceAll(/-----[A-Z ]+-----|\s/g, '')}:`;
  const renew = async (localAddress: string): Promise<number> => {
    const headers = { 'client-cert': certificate, 'content-type': 'application/json' };
    const sent = request({
      ...{ host: '127.0.0.1', port: behind.guarded.port('web'), path: '/api/v1/device/renew', method: 'POST' },
      ...{ localAddress, headers },
    });
    sent.end(JSON.stringify({ generateKey: true }));
    const [answer] = await once(sent, 'response');
    answer.resume();
    return answer.statusCode;
  };
  assert.equal(await renew('127.0.0.1'), 403);
  assert.equal(await renew('127.0.0.3'), 403);
  assert.equal((await behind.done('GET', `/api/v1/devices/${id}/certificates`)).items.length, 1);
  assert.equal(await renew('127.0.0.2'), 201);
});

test('of a request that cannot be read nothing is told but that', async () => {
  const secret = unique('hunter2');
  const head = `POST /claim/sign-in HTTP/1.1\r\n${HOST}`;
  const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
  const json = 'Content-Type: application/json\r\n';
  const body = (text: string): string => `Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;
  const requests = [
    `${secret}\r\n\r\n`,
    `GET /${secret}\u0001 HTTP/1.1\r\n\r\n`,
    `${head}Authorization: Bearer ${secret}\u0000\r\n\r\n`,
    `${head}${secret}\r\n\r\n`,
    `${head}X-Long: ${secret.repeat(5_000)}\r\n\r\n`,
    `${head}${form}Transfer-Encoding: chunked\r\n\r\n${secret}\r\n`,
    `${head}${form}${body(`username=%E0%A4%A&password=${secret}%`)}`,
    `${head}${json}${body(`{"password": ${secret}}`)}`,
    `${head}Content-Type: text/${secret}\r\n${body(secret)}`,
    `POST /api/v1/claims HTTP/1.1\r\n${HOST}${json}${body(`{"csr": ${secret}`)}`,
    `POST /api/v1/device/renew HTTP/1.1\r\n${HOST}X-Renewal-Token: ${secret}\r\n${json}${body(`["${secret}"]`)}`,
    `GET /api/v1/devices?${secret}=1 HTTP/1.1\r\n${HOST}${AUTHORIZATION}Connection: close\r\n\r\n`,
    `GET /api/v1/devices/%${secret} HTTP/1.1\r\n${HOST}Authorization: ${secret}\r\nConnection: close\r\n\r\n`,
  ];
  for (const bytes of requests) {
    const [status] = await answersTo(bytes);
    assert.match(status ?? 'none', /^4/, JSON.stringify(bytes));
  }
  assert.doesNotMatch(JSON.stringify(guarded.events), new RegExp(secret));
});
