import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AuthenticationRequest, AuthenticationResult, Principal } from '@dunlin/broker';
import { hashPassword, writeScramCredential } from '@dunlin/identity';
import { brief, signed, TestClock, type TestCredentials, testRequest, testWeb, until } from '../../../test/doubles.ts';
import { type ClientName, makePki } from '../../../test/pki/pki.ts';
import { type Configuration, type ConfigurationInput, completeConfiguration } from './configuration.ts';
import { checkInput } from './configuration-input.ts';
import { doorEvents } from './door-events.ts';
import { Doors } from './doors.ts';
import type { ServerEvent } from './events.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-doors-'));
const pki = makePki(scratch);
const opened: Doors[] = [];
after(async () => {
  for (const doors of opened) await doors.close();
  rmSync(scratch, { recursive: true });
});

const hash = (password: string): Promise<string> => hashPassword(Buffer.from(password));
const secret = 's'.repeat(32);

function configured(input: ConfigurationInput): Configuration {
  return completeConfiguration(checkInput(input));
}

function open(input: ConfigurationInput, clock = new TestClock()) {
  const events: ServerEvent[] = [];
  const doors = new Doors(configured(input), { clock, tell: doorEvents((event) => events.push(event)) });
  opened.push(doors);
  const ask = async (
    who: TestCredentials,
    more: Partial<AuthenticationRequest> = {},
  ): Promise<AuthenticationResult> => {
    const listener = more.listener ?? 'tcp';
    const authenticator = doors.authenticatorFor(listener);
    assert.ok(authenticator);
    return authenticator.authenticate(testRequest(who, { ...more, listener }));
  };
  const answer = async (...given: Parameters<typeof ask>): Promise<string> => brief(await ask(...given));
  return { doors, events, ask, answer, clock };
}

function file(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

async function user(name: string, password = name) {
  return { name, password: await hash(password) };
}

const ada = await user('ada');
const adaShows: TestCredentials = { username: 'ada', password: 'ada' };

test('without authentication nobody is asked', () => {
  const { doors } = open({});
  assert.equal(doors.authenticatorFor('tcp'), undefined);
  assert.equal(doors.isBanned('192.0.2.1'), false);
  assert.deepEqual([doors.bans(), doors.shadow()], [[], undefined]);
});

test('the methods are asked in the order of the configuration, and the first answer wins', async () => {
  const passwords = file('passwords', `bob:${await hash('bob')}\nada:${await hash('other')}\n`);
  const { answer } = open({
    authentication: [
      { method: 'users', users: [ada] },
      { method: 'passwordFile', file: passwords, groups: ['filed'] },
    ],
  });
  assert.equal(await answer(adaShows), 'accept ada');
  assert.equal(await answer({ username: 'ada', password: 'other' }), 'refuse 0x86 password');
  assert.equal(await answer({ username: 'bob', password: 'bob' }), 'accept bob');
  assert.equal(await answer({ username: 'eve', password: 'eve' }), 'refuse 0x86 unknown-user');
  assert.equal(await answer({}), 'refuse 0x87 no-credentials');
});

test('a token, a service, a certificate, SCRAM and nobody at all are ways in', async (context) => {
  const { url } = await testWeb(context, (_request, response) => response.end());
  const scramFile = file('scram', `ada:${await writeScramCredential('ada', 'SCRAM-SHA-256')}\n`);
  const { answer, ask } = open(
    {
      authorities: [{ name: 'ours', certificate: pki.path('ca.pem') }],
      authentication: [
        { method: 'certificate', match: 'none', groups: ['proven'] },
        { method: 'jwt', algorithms: ['HS256'], secret, usernameClaim: 'sub', requireExpiry: false },
        { method: 'scram', file: scramFile },
        { method: 'http', url, answers: 'status' },
        { method: 'anonymous', groups: ['guests'] },
      ],
      listeners: [
        { name: 'tcp', port: 0, authentication: ['certificate', 'jwt', 'scram', 'anonymous'] },
        { name: 'asking', port: 0, authentication: ['http'] },
      ],
    },
    new TestClock(Date.now()),
  );
  const token = await signed({ sub: 'tom' }, 'HS256', Buffer.from(secret));
  assert.equal(await answer({ username: 'x', password: token }), 'accept tom');
  const der = Buffer.from(pki.text('good.pem').replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const proven = await ask({}, { peer: { address: '192.0.2.1', port: 1, certificates: [der] } });
  assert.ok(proven.kind === 'accept');
  assert.deepEqual([proven.principal.username, proven.principal.groups], ['good', ['proven']]);
  const scram = { authenticationMethod: 'SCRAM-SHA-256' };
  assert.equal(await answer(scram, { data: Buffer.from('n,,n=ada,r=abcdef') }), 'challenge');
  const guest = await ask({});
  assert.deepEqual(guest.kind === 'accept' && guest.principal.groups, ['guests']);
  assert.equal(await answer({ username: 'hal', password: 'hal' }, { listener: 'asking' }), 'accept hal');
});

test('each listener asks its own methods, and lets in those without credentials only where it says so', async () => {
  const { answer } = open({
    authentication: [
      { method: 'users', users: [ada] },
      { method: 'users', name: 'others', users: [await user('bob')] },
    ],
    listeners: [
      { name: 'tcp', port: 0, authentication: ['users'] },
      { name: 'both', port: 0, allowAnonymous: true },
    ],
  });
  const bob = { username: 'bob', password: 'bob' };
  assert.equal(await answer(bob), 'refuse 0x86 unknown-user');
  assert.equal(await answer(bob, { listener: 'both' }), 'accept bob');
  assert.equal(await answer({}), 'refuse 0x87 no-credentials');
  assert.match(await answer({}, { listener: 'both' }), /^accept/);
  assert.equal(await answer({ username: 'eve', password: 'eve' }, { listener: 'both' }), 'refuse 0x86 unknown-user');
});

test('an answer comes within the time for CONNECT, however many methods are slow', async (context) => {
  const { url } = await testWeb(context, () => {});
  const http = { method: 'http', url, timeoutMs: 700, whenDown: 'next' } as const;
  const { answer, clock } = open({
    authentication: [
      { ...http, name: 'one' },
      { ...http, name: 'two' },
    ],
    limits: { connectTimeoutMs: 1_000 },
  });
  const answered = answer(adaShows);
  clock.pass(899);
  await new Promise((resolve) => setImmediate(resolve));
  clock.pass(1);
  assert.equal(await answered, 'refuse 0x88 attempt-timeout');
});

test('who fails too often is kept out by address, and let in again where the ban is lifted', async () => {
  const { doors, answer, events } = open({
    authentication: [{ method: 'users', users: [ada] }],
    guard: { addressBanAfter: 2, userDelayAfter: 100, banS: 60 },
  });
  const wrong = { username: 'ada', password: 'wrong' };
  for (let time = 0; time < 2; time++) assert.equal(await answer(wrong), 'refuse 0x86 password');
  assert.equal(await answer(adaShows), 'refuse 0x8a banned-address');
  assert.equal(doors.isBanned('192.0.2.7'), true);
  assert.equal(doors.isBanned('192.0.2.8'), false);
  const none = { username: undefined, clientId: undefined, identity: undefined };
  assert.deepEqual(doors.bans(), [{ ...none, listener: 'tcp', address: '192.0.2.7', endsInMs: 60_000 }]);
  assert.deepEqual([doors.liftBan('192.0.2.8'), doors.liftBan('192.0.2.7')], [false, true]);
  assert.equal(await answer(adaShows), 'accept ada');
  assert.deepEqual(
    events.map(({ name }) => name),
    ['addressBanned', 'banLifted'],
  );
});

test('two listeners with the same users give no more guesses than one', async () => {
  const { doors, answer } = open({
    listeners: [{ name: 'a' }, { name: 'b', port: 0 }],
    authentication: [{ method: 'users', users: [ada] }],
    guard: { userAtAddressBanAfter: 4, userDelayAfter: 100 },
  });
  const wrong = { username: 'ada', password: 'wrong' };
  for (const listener of ['a', 'b', 'a', 'b']) assert.equal(await answer(wrong, { listener }), 'refuse 0x86 password');
  for (const listener of ['a', 'b'])
    assert.equal(await answer(adaShows, { listener }), 'refuse 0x8a banned-user-at-address');
  assert.partialDeepStrictEqual(doors.bans(), [{ username: 'ada', listener: 'b' }]);
  assert.equal(doors.liftBan('192.0.2.7', 'ada'), true);
  for (const listener of ['a', 'b']) assert.equal(await answer(adaShows, { listener }), 'accept ada');
});

test('a client that connects too often is kept out, and let in again where the ban is lifted', async () => {
  const { doors, answer, events } = open({
    authentication: [{ method: 'users', users: [ada] }],
    guard: { flapping: { connectsMax: 2, banS: 30 } },
  });
  for (let time = 0; time < 2; time++) assert.equal(await answer({ ...adaShows, clientId: 'f' }), 'accept ada');
  assert.equal(await answer({ ...adaShows, clientId: 'f' }), 'refuse 0x8a flapping');
  assert.deepEqual(events, [
    { name: 'clientFlapping', clientId: 'f', identity: 'users:ada', listener: 'tcp', banMs: 30_000 },
  ]);
  assert.deepEqual(
    doors.bans().map(({ clientId, identity, endsInMs }) => [clientId, identity, endsInMs]),
    [['f', 'users:ada', 30_000]],
  );
  assert.deepEqual([doors.liftClientBan('g'), doors.liftClientBan('f', 'users:bob')], [false, false]);
  assert.equal(doors.liftClientBan('f', 'users:ada'), true);
  assert.equal(await answer({ ...adaShows, clientId: 'f' }), 'accept ada');
});

test('client ids follow their template, whose fields become attributes', async () => {
  const { answer, ask } = open({
    authentication: [{ method: 'users', users: [ada] }],
    clientIds: [{ template: '{site}-{device}', patterns: { site: '[a-z]+' }, equals: { device: '{username}' } }],
  });
  const let1 = await ask({ ...adaShows, clientId: 'north-ada' });
  assert.deepEqual(let1.kind === 'accept' && let1.principal.attributes, { site: 'north', device: 'ada' });
  assert.equal(await answer({ ...adaShows, clientId: 'north-bob' }), 'refuse 0x85 client-id');
});

test('rules decide, and those that are tried out are told of and decide nothing', async () => {
  const shadow = file('shadow.yaml', "rules:\n  - allow: publish\n    topics: ['new/#']\n");
  const { doors, ask, events } = open({
    authentication: [{ method: 'users', users: [ada] }],
    authorization: { rules: [{ allow: 'publish', topics: ['old/#'] }], shadow },
  });
  const result = await ask(adaShows);
  assert.ok(result.kind === 'accept');
  const permissions = doors.authorizer.permissions('c1', result.principal);
  assert.deepEqual(
    ['old/a', 'new/a', 'old/a'].map((topic) => permissions?.mayPublish(topic, 0, false)),
    [0, 0x87, 0],
  );
  const differences = doors.shadow()?.differences ?? [];
  assert.deepEqual(
    differences.map(({ topic, candidate, count }) => [topic, candidate, count]),
    [
      ['old/a', 'deny', 2],
      ['new/a', 'allow', 1],
    ],
  );
  assert.deepEqual(
    events.map(({ name }) => name),
    ['shadowDiffers', 'shadowDiffers'],
  );
});

test('a reload puts users, rules and what a listener asks in force, and reviews by them', async () => {
  const base: ConfigurationInput = {
    authentication: [{ method: 'users', users: [ada, await user('bob')] }],
    authorization: { rules: [{ allow: 'publish', topics: ['a'] }] },
  };
  const { doors, ask, answer } = open(base);
  const [one, two] = [await ask(adaShows), await ask({ username: 'bob', password: 'bob' })];
  assert.ok(one.kind === 'accept' && two.kind === 'accept');
  const next: ConfigurationInput = {
    listeners: [{ name: 'tcp', allowAnonymous: true }],
    authentication: [{ method: 'users', users: [ada] }],
    authorization: { rules: [{ allow: 'publish', topics: ['b'] }] },
  };
  const prepared = doors.prepare(configured(next));
  assert.equal(await answer({}), 'refuse 0x87 no-credentials');
  assert.deepEqual(prepared.apply(), { users: 1, rules: 2 });
  const review = doors.authenticatorFor('tcp')?.review?.bind(doors.authenticatorFor('tcp'));
  assert.equal(review?.(one.principal, 'c1'), undefined);
  assert.equal(review?.(two.principal, 'c1')?.check, 'user-removed');
  assert.match(await answer({}), /^accept/);
  const permissions = doors.authorizer.permissions('c1', one.principal);
  assert.deepEqual([permissions?.mayPublish('a', 0, false), permissions?.mayPublish('b', 0, false)], [0x87, 0]);
});

test('a method of another definition lets nobody stay whom the former one let in, and another secret none of its tokens', async () => {
  const secretFile = file('secret', `${secret}\n`);
  const jwt = { method: 'jwt', algorithms: ['HS256'], secretFile, requireExpiry: false } as const;
  const { doors, ask, answer } = open(
    { authentication: [jwt, { method: 'users', users: [ada] }] },
    new TestClock(Date.now()),
  );
  const token = await signed({ sub: 'tom' }, 'HS256', Buffer.from(secret));
  const [tom, one] = [await ask({ username: 'x', password: token }), await ask(adaShows)];
  assert.ok(tom.kind === 'accept' && one.kind === 'accept');
  const checks = (): unknown[] =>
    [tom, one].map(({ principal }) => doors.authenticatorFor('tcp')?.review?.(principal, 'c1')?.check);
  const reload = (...authentication: NonNullable<ConfigurationInput['authentication']>): void =>
    void doors.prepare(configured({ authentication })).apply();
  reload(jwt, { method: 'users', users: [ada] });
  assert.deepEqual(checks(), [undefined, undefined]);
  file('secret', `${'t'.repeat(32)}\n`);
  reload(jwt, { method: 'users', users: [ada] });
  assert.deepEqual(checks(), ['token-key', undefined]);
  assert.equal(await answer({ username: 'x', password: token }), 'refuse 0x86 token-signature');
  // The same user with the same password, of a file: whoever has the name is another.
  reload(jwt, { method: 'passwordFile', name: 'users', file: file('same', `ada:${ada.password}\n`) });
  assert.deepEqual(checks(), ['token-key', 'method-removed']);
  assert.equal(await answer(adaShows), 'accept ada');
});

test('a question to a service that is under way at a reload passes to no other method', async (context) => {
  const held: (() => void)[] = [];
  const web = await testWeb(context, (_request, response) => held.push(() => response.writeHead(401).end()));
  const asking = (more: object): ConfigurationInput => ({
    authentication: [
      { method: 'http', url: web.url, whenDown: 'next', ...more },
      { method: 'users', users: [ada] },
    ],
  });
  for (const [index, more] of [{ timeoutMs: 4_000 }, { answers: 'status' as const }].entries()) {
    const { doors, answer, events } = open(asking({}));
    const answered = answer(adaShows);
    await until(() => held.length === index + 1);
    doors.prepare(configured(asking(more))).apply();
    held[index]();
    assert.equal(await answered, 'refuse 0x86 service-refused');
    assert.deepEqual([web.requests, events], [index + 1, []]);
  }
});

const der = (name: ClientName): Uint8Array => new X509Certificate(pki.text(`${name}.pem`)).raw;
const showing = (name: ClientName): Partial<AuthenticationRequest> => ({
  peer: { address: '192.0.2.7', port: 1, certificates: [der(name)] },
});
const tls = { certificate: pki.path('server.pem'), key: pki.path('server.key') };

test('a reload that changes nothing lets everybody stay where a listener asks for certificates', async () => {
  const bob = await user('bob');
  const ours = { name: 'ours', certificate: pki.path('ca.pem') };
  const base: ConfigurationInput = {
    authorities: [ours],
    authentication: [{ method: 'users', users: [ada] }],
    listeners: [
      { name: 'all', transport: 'tls', port: 0, tls: { ...tls, clientCertificate: 'optional' } },
      { name: 'one', transport: 'tls', port: 0, tls: { ...tls, clientCertificate: 'optional', authorities: ['ours'] } },
    ],
  };
  const { doors, ask } = open(base, new TestClock(Date.now()));
  const admitted: [string, Principal][] = [];
  for (const listener of ['all', 'one'])
    for (const more of [{}, showing('good')]) {
      const result = await ask(adaShows, { ...more, listener });
      assert.ok(result.kind === 'accept');
      admitted.push([listener, result.principal]);
    }
  const checks = (): unknown[] =>
    admitted.map(([listener, principal]) => doors.authenticatorFor(listener)?.review?.(principal, 'c1')?.check);
  const stay = [undefined, undefined, undefined, undefined];
  doors.prepare(configured(base)).apply();
  assert.deepEqual(checks(), stay);
  const another = { name: 'another', certificate: pki.path('other-ca.pem') };
  doors.prepare(configured({ ...base, authorities: [ours, another] })).apply();
  assert.deepEqual(checks(), stay);
  doors.prepare(configured({ ...base, authentication: [{ method: 'users', users: [bob] }] })).apply();
  assert.deepEqual(checks(), ['user-removed', 'user-removed', 'user-removed', 'user-removed']);
});

test('an authority that a reload adds counts for the method certificate, which names none', async () => {
  const ours = { name: 'ours', certificate: pki.path('ca.pem') };
  const another = { name: 'another', certificate: pki.path('other-ca.pem') };
  const base: ConfigurationInput = { authorities: [ours], authentication: [{ method: 'certificate', match: 'none' }] };
  const { doors, answer } = open(base, new TestClock(Date.now()));
  assert.equal(await answer({}, showing('same-name')), 'refuse 0x86 unknown-user');
  doors.prepare(configured({ ...base, authorities: [ours, another] })).apply();
  assert.equal(await answer({}, showing('same-name')), 'accept good');
  doors.prepare(configured(base)).apply();
  assert.equal(await answer({}, showing('same-name')), 'refuse 0x86 unknown-user');
});

test('a certificate that a proxy tells of has to be good, whatever else the client shows', async () => {
  const { answer } = open(
    {
      authorities: [{ name: 'ours', certificate: pki.path('ca.pem') }],
      authentication: [{ method: 'users', users: [ada] }],
      listeners: [
        { name: 'proxied', port: 0, proxy: { trusted: ['127.0.0.1'], protocol: 'v2' } },
        { name: 'tcp', port: 0 },
      ],
    },
    new TestClock(Date.now()),
  );
  const shown = (name: ClientName) => answer(adaShows, { ...showing(name), listener: 'proxied' });
  assert.equal(await shown('good'), 'accept ada');
  assert.equal(await shown('expired'), 'refuse 0x87 certificate-expired');
  assert.equal(await shown('same-name'), 'refuse 0x87 certificate-foreign');
  assert.equal(await answer(adaShows, { listener: 'proxied' }), 'accept ada');
});

test('a certificate that a proxy tells of says nothing where there is no authority', async () => {
  const { answer } = open({
    authentication: [{ method: 'users', users: [ada] }],
    listeners: [{ name: 'tcp', port: 0, proxy: { trusted: ['127.0.0.1'], protocol: 'v2' } }],
  });
  assert.equal(await answer(adaShows, showing('good')), 'accept ada');
});

test('a token carries rules only where a claim is named for them', async () => {
  const jwt = { method: 'jwt', algorithms: ['HS256'], secret, requireExpiry: false } as const;
  const clock = new TestClock(Date.now());
  const token = await signed({ sub: 'tom', acl: { pub: ['t'] } }, 'HS256', Buffer.from(secret));
  const claims = async (input: ConfigurationInput): Promise<unknown> => {
    const result = await open(input, clock).ask({ username: 'tom', password: token });
    assert.ok(result.kind === 'accept');
    return result.principal.claims;
  };
  assert.equal(await claims({ authentication: [jwt] }), undefined);
  assert.notEqual(await claims({ authentication: [{ ...jwt, rulesClaim: 'acl' }] }), undefined);
});

test('a reload with any error changes nothing', async () => {
  const passwords = file('kept', `ada:${ada.password}\n`);
  const first: ConfigurationInput = {
    authorities: [{ name: 'ours', certificate: pki.path('ca.pem') }],
    authentication: [{ method: 'passwordFile', file: passwords }, { method: 'certificate' }],
    authorization: { rules: [{ allow: 'publish', topics: ['a'] }] },
  };
  const clock = new TestClock(Date.now());
  const { doors, ask, answer } = open(first, clock);
  const one = await ask(adaShows);
  assert.ok(one.kind === 'accept');
  const timers = clock.timers;
  file('kept', `bob:${await hash('bob')}\n`);
  const wrong = (name: string, text = 'wrong') => file(name, text);
  const changes: readonly [ConfigurationInput, RegExp][] = [
    [{ ...first, authorities: [{ name: 'ours', certificate: wrong('ca-wrong.pem') }] }, /ca-wrong\.pem/],
    [{ ...first, authorization: { rulesFile: join(scratch, 'none.yaml') } }, /none\.yaml.*no such file/],
    [{ ...first, authorization: { rules: [{ allow: 'publish', topics: ['a/#/b'] }] } }, /a\/#\/b/],
    [{ ...first, authorization: { shadow: wrong('shadow-wrong.yaml', 'rules: 5') } }, /shadow-wrong\.yaml/],
    [
      { ...first, authentication: [...(first.authentication ?? []), { method: 'scram', file: wrong('scram-wrong') }] },
      /authentication "scram": .*scram-wrong/s,
    ],
    [{ ...first, clientIds: [{ template: '{a' }] }, /\{a/],
  ];
  for (const [next, message] of changes)
    assert.throws(() => doors.prepare(configured(next)), { name: 'ConfigurationError', message });
  assert.equal(clock.timers, timers);
  assert.equal(await answer(adaShows), 'accept ada');
  assert.equal(doors.authenticatorFor('tcp')?.review?.(one.principal, 'c1'), undefined);
  assert.equal(doors.authorizer.permissions('c1', one.principal)?.mayPublish('a', 0, false), 0);
});

test('what was prepared is put in force whatever became of its files meanwhile', async () => {
  const prepared = [
    ['prepared-users', `ada:${ada.password}\n`, `bob:${ada.password}\n`],
    ['prepared-new', `eve:${ada.password}\n`, `eve:${ada.password}\n`],
  ].map(([name, before, later]) => ({ path: file(name, before), later }));
  const [one, other] = prepared.map(({ path }, index) => ({
    ...{ method: 'passwordFile', name: `passwords-${index}` },
    file: path,
  })) as NonNullable<ConfigurationInput['authentication']>;
  const { doors, answer } = open({ authentication: [one] });
  for (const { path, later } of prepared) writeFileSync(path, later);
  const next = doors.prepare(configured({ authentication: [one, other] }));
  for (const { path } of prepared) writeFileSync(path, 'wrong');
  assert.equal(await answer(adaShows), 'accept ada');
  assert.deepEqual(next.apply(), { users: 2, rules: 0 });
  assert.equal(await answer({ username: 'bob', password: 'ada' }), 'accept bob');
  assert.equal(await answer({ username: 'eve', password: 'ada' }), 'accept eve');
  assert.equal(await answer(adaShows), 'refuse 0x86 unknown-user');
});

test('what was prepared and is discarded ends no method that goes on', async (context) => {
  const { url } = await testWeb(context, (_request, response) => response.end());
  const http = { method: 'http', url, answers: 'status' } as const;
  const { doors, answer } = open({ authentication: [http] });
  doors.prepare(configured({ authentication: [http, { method: 'users', users: [ada] }] })).discard();
  assert.equal(await answer({ username: 'hal', password: 'hal' }), 'accept hal');
});

test('a listener that is still open keeps out everybody when its only method is gone', async () => {
  const { doors, answer } = open({
    authentication: [{ method: 'users', users: [ada] }],
    listeners: [{ name: 'tcp', authentication: ['users'] }],
  });
  const next = configured({ authentication: [{ method: 'users', name: 'staff', users: [ada] }] });
  doors
    .prepare({
      ...next,
      listeners: [{ name: 'tcp', authentication: ['users'], allowAnonymous: false, tls: undefined, proxy: undefined }],
    })
    .apply();
  assert.equal(await answer(adaShows), 'refuse 0x86 unknown-user');
});

test('what cannot be opened leaves no timer behind', () => {
  const clock = new TestClock(Date.now());
  const authorities = [{ name: 'ours', certificate: pki.path('ca.pem') }];
  const authentication = [{ method: 'certificate' }, { method: 'passwordFile', file: join(scratch, 'none') }] as const;
  assert.throws(() => open({ authorities, authentication }, clock), { name: 'ConfigurationError' });
  const guarded = { authorities, authentication: [authentication[0]], guard: { trusted: ['10.0.0.0/'] } };
  assert.throws(() => open(guarded, clock), { name: 'ConfigurationError', message: /"10\.0\.0\.0\/"/ });
  assert.equal(clock.timers, 0);
});
