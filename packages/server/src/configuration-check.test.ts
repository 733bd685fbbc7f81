import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkConfigurationFile, problemsWithLines } from './configuration-check.ts';
import { systemClock } from './system-clock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-check-'));
const DAY_MS = 86_400_000;
/** When the certificate below ends. */
const END_MS = Date.UTC(2035, 1, 7, 11, 35, 25);
let nowMs = END_MS - 100 * DAY_MS;
const clock = { ...systemClock, nowMs: () => nowMs };

after(() => rmSync(scratch, { recursive: true, force: true }));

function put(name: string, text: string): string {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
}

/** What a check says, without the folder. */
function checked(text: string): { problems: string[]; warnings: string[] } {
  const { problems, warnings } = checkConfigurationFile(put('dunlin.yaml', text), clock);
  const short = (line: string): string => line.replaceAll(`${scratch}/`, '');
  return { problems: problems.map(short), warnings: warnings.map(short) };
}

/** A pair made for this test by openssl, with no use elsewhere; the certificate is its own authority. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfDCCASOgAwIBAgIUTBJBE4LTXZxi7ucD+Aax+IJUDXMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyMTExMzUyNVoXDTM1MDIwNzEx
MzUyNVowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAElRVkVGLjAF7c1wcbF+ST6q5/hDD/L/XNQz6obqv9AJz+QYhGjuqOLlrx
8adod33SmEa4lygRadZFUmG0TmZJyqNTMFEwHQYDVR0OBBYEFFYwstNKH8geWIM3
DPGphvAAzgVcMB8GA1UdIwQYMBaAFFYwstNKH8geWIM3DPGphvAAzgVcMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgPbgcIqCSMcgitV1UwltwdjJM
vHk8sBjth+03NskwVrsCIFE2KTuj/GaIegndWxr4N0/7cEDmL/upoEoyuCeV8DAP
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHZXdW/Yplz3nqMK5
k+ryxhJhfGQFHW4Lz+WW1YtjiCChRANCAASVFWRUYuMAXtzXBxsX5JPqrn+EMP8v
9c1DPqhuq/0AnP5BiEaO6o4uWvHxp2h3fdKYRriXKBFp1kVSYbROZknK
-----END PRIVATE KEY-----
`;
/** The same of a curve (secp112r1) whose keys are too short for TLS. */
const SHORT_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBJDCB7qADAgECAhRFFW3CwM44oA4a4OZxQPi0Eb0zBjAKBggqhkjOPQQDAjAM
MQowCAYDVQQDDAFzMCAXDTI2MTEyMTEyMjMzMloYDzIxMjYxMDI4MTIyMzMyWjAM
MQowCAYDVQQDDAFzMDIwEAYHKoZIzj0CAQYFK4EEAAYDHgAE2iEdrAf+2cvn/Pzl
cgpbwTqAlaRwm8dAnyLBjKNTMFEwHQYDVR0OBBYEFM446EQcaPUSl76jo1J8EHfg
N6OAMB8GA1UdIwQYMBaAFM446EQcaPUSl76jo1J8EHfgN6OAMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDJQAwIgIPAIFXdMjvNkidmG4u5M24Ag8AwOzZGPf7
8UgxReM07Mw=
-----END CERTIFICATE-----
`;
const SHORT_KEY = `-----BEGIN PRIVATE KEY-----
ME4CAQAwEAYHKoZIzj0CAQYFK4EEAAYENzA1AgEBBA7DYEHUFa6D1Z6acB8hEKEg
Ax4ABNohHawH/tnL5/z85XIKW8E6gJWkcJvHQJ8iwYw=
-----END PRIVATE KEY-----
`;
put('server.pem', CERTIFICATE);
put('ca.pem', CERTIFICATE);
put('server.key', KEY);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
put('other.key', String(privateKey.export({ type: 'pkcs8', format: 'pem' })));

function withPair(certificate: string, keyFile: string): string {
  return `listeners:\n  - transport: tls\n    tls:\n      certificate: ${certificate}\n      key: ${keyFile}\n`;
}

test('finds nothing wrong with a file that is right', () => {
  put('passwords', '');
  put('acl', 'user ada\ntopic read a/#\n');
  const rest =
    'authorities:\n  - {name: ca, certificate: ca.pem}\nauthentication:\n  - {method: passwordFile, file: passwords}\n' +
    'authorization:\n  aclFile: acl\n';
  assert.deepEqual(checked(withPair('server.pem', 'server.key') + rest), { problems: [], warnings: [] });
});

test('names the line of a key that contradicts another, as of one that is wrong by itself', () => {
  assert.deepEqual(
    checked('log: {level: warn}\nlisteners:\n  - host: localhost\n  - transport: tls\n    port: 1\n').problems,
    ['dunlin.yaml:4: listeners[1].tls is missing: its certificate and key are expected for transport tls'],
  );
  assert.deepEqual(checked('data: ./d\nlisteners:\n  - prt: 1\n').problems, [
    'dunlin.yaml:3: listeners[0].prt is unknown: did you mean port?',
  ]);
});

test('finds certificates and keys that are missing, exchanged or of another pair', () => {
  const { problems } = checked(withPair('none.pem', 'server.pem'));
  assert.equal(
    problems[0],
    'dunlin.yaml:4: listeners[0].tls.certificate: Cannot read a certificate from "none.pem": there is no such file',
  );
  assert.match(problems[1], /^dunlin\.yaml:5: listeners\[0\]\.tls\.key: .* it holds a certificate; were the two files/);
  const other = checked(withPair('server.pem', 'other.key')).problems;
  assert.match(
    other.join('\n'),
    /^dunlin\.yaml:5: listeners\[0\]\.tls\.key: Cannot use server\.pem with other\.key: .*$/,
  );
});

test('finds a passphrase that is another one', () => {
  const key = createPrivateKey(KEY).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'right',
  });
  put('locked.key', String(key));
  chmodSync(put('right', 'right\n'), 0o600);
  const found = (file: string): string =>
    checked(withPair('server.pem', `locked.key\n      passphraseFile: ${file}`)).problems.join('\n');
  assert.equal(found('right'), '');
  assert.match(
    found('none'),
    /^dunlin\.yaml:6: listeners\[0\]\.tls\.passphraseFile: Cannot read a passphrase from "none"/,
  );
  chmodSync(put('wrong', 'wrong\n'), 0o600);
  assert.match(found('wrong'), /^dunlin\.yaml:5: listeners\[0\]\.tls\.key: .*its passphrase is another/);
});

test('warns of a certificate that ends soon', (context) => {
  const former = nowMs;
  context.after(() => {
    nowMs = former;
  });
  nowMs = END_MS - 3 * DAY_MS;
  const { problems, warnings } = checked(withPair('server.pem', 'server.key'));
  assert.deepEqual(problems, []);
  assert.match(warnings.join('\n'), /^dunlin\.yaml:4: listeners\[0\]\.tls\.certificate: .* ends in 3 days.*$/);
});

test('reads password files, rules, authorities and what else is named', () => {
  put('bad-passwords', 'ada\n');
  put('bad-acl', 'topics a\n');
  const { problems } = checked(
    [
      'authorities:',
      '  - {name: a, certificate: server.key}',
      'authentication:',
      '  - {method: passwordFile, file: bad-passwords}',
      '  - {method: scram, file: none}',
      '  - {method: jwt, algorithms: [HS256], secretFile: none}',
      '  - {method: users, users: [{name: ada, password: plain}]}',
      'clientIds: [{template: "{a"}]',
      'authorization: {aclFile: bad-acl}',
      'log: {file: nowhere/log}',
    ].join('\n'),
  );
  for (const expected of [
    /^dunlin\.yaml:2: authorities\[0\]\.certificate: .*private key; were the two files exchanged/m,
    /^dunlin\.yaml:4: authentication\[0\]\.file: bad-passwords:1: /m,
    /^dunlin\.yaml:5: authentication\[1\]\.file: .*none/m,
    /^dunlin\.yaml:6: authentication\[2\]\.secretFile: Cannot read a secret from "none": there is no such file$/m,
    /^dunlin\.yaml:7: authentication\[3\]\.users: Cannot use the user "ada"/m,
    /^dunlin\.yaml:8: clientIds\[0\]: /m,
    /^dunlin\.yaml:9: authorization\.aclFile: bad-acl:1: "topics" is unknown/m,
    /^dunlin\.yaml:10: log\.file: there is no folder nowhere: one is expected$/m,
  ])
    assert.match(problems.join('\n'), expected);
  assert.doesNotMatch(problems.join(), /plain/);
});

test('finds what serve would refuse, though every file can be read', () => {
  put('rules.yaml', 'rules:\n  - {allow: publish, topics: a}\n  - {allow: fly, topics: b}\n');
  put('new.yaml', 'rules:\n  - {allow: publish, topics: a/#/b}\n');
  const { problems } = checked(
    [
      'listeners:',
      '  - {host: localhost}',
      'authentication:',
      '  - {method: jwt, name: tokens, algorithms: [HS256], secret: short}',
      '  - {method: http, url: "http://example.org/mqtt"}',
      'guard: {trusted: [nonsense]}',
      'authorization:',
      '  rulesFile: rules.yaml',
      '  shadow: new.yaml',
    ].join('\n'),
  );
  for (const expected of [
    /^dunlin\.yaml:4: authentication\[0\]: .*a secret of 32 bytes or more is expected$/m,
    /^dunlin\.yaml:5: authentication\[1\]: .*http/m,
    /^dunlin\.yaml:6: guard\.trusted: .*nonsense/m,
    /^dunlin\.yaml:8: authorization\.rulesFile: rules\.yaml:3: /m,
    /^dunlin\.yaml:9: authorization\.shadow: new\.yaml:2: /m,
  ])
    assert.match(problems.join('\n'), expected);
  assert.equal(problems.length, 5, problems.join('\n'));
});

test('tells of an authority that cannot be read once, not again of what needs it', () => {
  const { problems } = checked(
    'authorities: [{name: a, certificate: none.pem}]\nauthentication: [{method: certificate, authorities: [a]}]\n',
  );
  assert.equal(problems.length, 1);
  assert.match(
    problems[0],
    /^dunlin\.yaml:1: authorities\[0\]\.certificate: Cannot read the certificates of an authority from "none\.pem": /,
  );
});

test('finds rules in the configuration itself, and a listener that is open to all', () => {
  const rules = [
    'authentication: [{method: anonymous}]',
    'authorization:',
    '  rules:',
    '    - {allow: fly, topics: a}',
  ];
  assert.match(checked(rules.join('\n')).problems.join('\n'), /^dunlin\.yaml:4: authorization\.rules\[0\].*$/);
  assert.match(
    checked('listeners:\n  - {host: 0.0.0.0}\n').problems.join('\n'),
    /^dunlin\.yaml:2: listeners\[0\]: .*other machines can reach it.*$/,
  );
});

test('finds a key that TLS does not take', () => {
  put('short.pem', SHORT_CERTIFICATE);
  put('short.key', SHORT_KEY);
  assert.match(
    checked(withPair('short.pem', 'short.key')).problems.join('\n'),
    /^dunlin\.yaml:5: listeners\[0\]\.tls\.key: .*TLS does not take it/,
  );
});

test('tells of topic filters and files though there is a fault elsewhere, and of neither twice', () => {
  const lines = (...rules: string[]): string[] =>
    checked(
      [
        'limts: {}',
        'authentication:',
        '  - {method: passwordFile, file: none}',
        '  - {method: scrum, file: none}',
        'authorization:',
        '  rules:',
        ...rules.map((rule) => `    - ${rule}`),
        '',
      ].join('\n'),
    ).problems.map((problem) => problem.replace(/: (?:Cannot|did|one|a whole|"#").*/, ''));
  assert.deepEqual(lines('{alow: publish, topics: a}', "{allow: publish, topics: 'a/#/b'}"), [
    'dunlin.yaml:1: limts is unknown',
    'dunlin.yaml:4: authentication[1].method is "scrum"',
    'dunlin.yaml:7: authorization.rules[0].alow is unknown',
    'dunlin.yaml:3: authentication[0].file',
    'dunlin.yaml:8: authorization.rules[1].topics[0] is "a/#/b"',
  ]);
});

test('answers a file that is wrong anywhere with problems of lines', () => {
  const whole = [
    'listeners: [{transport: tls, tls: {certificate: server.pem, key: server.key, clientCertificate: optional}}]',
    'authorities: [{name: ca, certificate: ca.pem}]',
    'authentication: [{method: certificate}, {method: passwordFile, file: passwords}]',
    'clientIds: [{template: "{a}"}]',
    'guard: {trusted: [10.0.0.0/8]}',
    'authorization: {roles: {r: [{allow: all, topics: a}]}, rules: [{allow: all, topics: a, for: {roles: r}}]}',
    'log: {file: l, to: [file]}',
  ].join('\n');
  put('passwords', '');
  const values = [/[\w./#-]+(?=[,}\]])/g, /\{[^{}]*\}/g, /\[[^[\]]*\]/g].flatMap((form) => [...whole.matchAll(form)]);
  assert.ok(values.length > 20);
  for (const { 0: value, index } of values)
    for (const other of ['null', '{}', '[]', '[7, {x: 1}]', '"\\e x"']) {
      const { problems } = checked(whole.slice(0, index) + other + whole.slice(index + value.length));
      for (const problem of problems) assert.match(problem, /^[\w.-]+:\d+: |^Cannot /, other);
    }
});

test('tells of rules and files of rules though nobody is asked who they are', () => {
  put('no-acl', 'topics a\n');
  const found = (authorization: string): string => checked(`authorization: ${authorization}\n`).problems.join('\n');
  const alone = /^dunlin\.yaml:1: authorization has rules and authentication is empty/;
  const inline = found("{rules: [{allow: publish, topics: 'a/#/b'}]}");
  assert.match(inline, alone);
  assert.match(inline, /\ndunlin\.yaml:1: authorization\.rules\[0\]\.topics/);
  const file = found('{aclFile: no-acl}');
  assert.match(file, alone);
  assert.match(file, /\n.*no-acl:1: /);
});

test('places what a server met, once, and leaves what a check does not find', () => {
  const file = join(scratch, 'dunlin.yaml');
  put('dunlin.yaml', withPair(join(scratch, 'server.pem'), join(scratch, 'other.key')));
  const met = `Cannot use ${join(scratch, 'server.pem')} with ${join(scratch, 'other.key')}: the certificate`;
  const [first, ...rest] = problemsWithLines(file, [met, '--port is "x"']);
  assert.equal(first, '--port is "x"');
  assert.equal(rest.length, 1);
  assert.ok(rest[0].startsWith(`${file}:5: listeners[0].tls.key: ${met}`), rest[0]);
});

test('says in the same words of every file that is missing, or is a folder', () => {
  const none =
    'authorities: [{name: a, certificate: ca.pem, crl: none}]\nauthentication: [{method: METHOD, file: none}]\n';
  for (const method of ['passwordFile', 'scram'])
    for (const [path, fault] of [
      ['none', 'there is no such file'],
      ['.', 'it is a folder, a file is expected'],
    ])
      for (const problem of checked(none.replace('METHOD', method).replaceAll(': none', `: ${path}`)).problems)
        assert.match(problem, new RegExp(`: Cannot read [\\w ]+ from ".*": ${fault}$`));
  const { problems } = checkConfigurationFile(scratch);
  assert.match(problems.join('\n'), /^Cannot read the configuration from ".*": it is a folder, a file is expected$/);
});

test('says that there is no such file', () => {
  const { problems } = checkConfigurationFile(join(scratch, 'none.yaml'));
  assert.match(problems.join('\n'), /^Cannot read the configuration from ".*none\.yaml": there is no such file$/);
});

test('types of devices and the files of their authority are looked at, each fault with its line', () => {
  const text = `authentication: [{ method: devices }]
authorities: [{ name: devices, certificate: cert.pem }]
devices:
  types:
    oven:
      presence: { topic: 'a/#' }
  authority: { certificate: cert.pem, key: none.key }
  masterKey: { file: none.key }
`;
  put('cert.pem', CERTIFICATE);
  const { problems } = checked(text);
  assert.equal(problems.length, 2, problems.join('\n'));
  assert.match(problems[0], /^dunlin\.yaml:[56]: devices\.types\.oven\.presence\.topic/);
  assert.match(problems[1], /^dunlin\.yaml:7: devices\.authority\.key: .*none\.key/);
  const right = text.replace('a/#', 'a').replace(/ {2}(authority|masterKey).*\n/g, '');
  assert.deepEqual(checked(right), { problems: [], warnings: [] });
});

test('a file of an API key that holds none is named, and what it holds is not', () => {
  put('shop.key', 's3cret');
  const { problems } = checked('api:\n  keys:\n    - { name: shop, file: shop.key, scopes: [audit:read] }\n');
  assert.equal(problems.length, 1);
  assert.match(problems[0], /api\.keys\[0\]\.file: what shop\.key holds is no API key/);
  assert.doesNotMatch(problems[0], /s3cret/);
});

test('a listener that asks for certificates of devices is right; where none does, that is a warning', () => {
  const text = `listeners: [{ transport: tls, tls: { certificate: pair.pem, key: pair.key, clientCertificate: optional } }]
authorities: [{ name: devices, certificate: pair.pem }]
authentication: [{ method: devices }]
devices:
  types: { frame: { credential: certificate } }
  authority: { certificate: pair.pem, key: pair.key }
  masterKey: { environment: SOMEWHERE }
`;
  put('pair.pem', CERTIFICATE);
  put('pair.key', KEY);
  assert.deepEqual(checked(text), { problems: [], warnings: [] });
  const { problems, warnings } = checked(text.replace(', clientCertificate: optional', ''));
  assert.deepEqual(problems, []);
  assert.match(
    warnings.join('\n'),
    /^dunlin\.yaml:5: devices\.types\.frame\.credential is certificate and no listener/,
  );
});
