import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkConfigurationFile } from './configuration-check.ts';
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
  assert.deepEqual(checked('log: {level: warn}\nlisteners:\n  - host: a\n  - transport: tls\n    port: 1\n').problems, [
    'dunlin.yaml:4: listeners[1].tls is missing: its certificate and key are expected for transport tls',
  ]);
  assert.deepEqual(checked('data: ./d\nlisteners:\n  - prt: 1\n').problems, [
    'dunlin.yaml:3: listeners[0].prt is unknown: did you mean port?',
  ]);
});

test('finds certificates and keys that are missing, exchanged or of another pair', () => {
  const { problems } = checked(withPair('none.pem', 'server.pem'));
  assert.equal(problems[0], 'dunlin.yaml:4: listeners[0].tls.certificate: Cannot read none.pem: there is no such file');
  assert.match(problems[1], /^dunlin\.yaml:5: listeners\[0\]\.tls\.key: .* it holds a certificate; were the two files/);
  const other = checked(withPair('server.pem', 'other.key')).problems;
  assert.match(
    other.join('\n'),
    /^dunlin\.yaml:5: listeners\[0\]\.tls\.key: Cannot use server\.pem with other\.key: .*$/,
  );
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
    /^dunlin\.yaml:2: authorities\[0\]: .*private key; were the two files exchanged/m,
    /^dunlin\.yaml:4: authentication\[0\]\.file: bad-passwords:1: /m,
    /^dunlin\.yaml:5: authentication\[1\]\.file: .*none/m,
    /^dunlin\.yaml:6: authentication\[2\]\.secretFile: Cannot read none: there is no such file$/m,
    /^dunlin\.yaml:7: authentication\[3\]\.users: Cannot use the user "ada"/m,
    /^dunlin\.yaml:8: clientIds\[0\]: /m,
    /^dunlin\.yaml:9: authorization\.aclFile: bad-acl:1: "topics" is unknown/m,
    /^dunlin\.yaml:10: log\.file: there is no folder nowhere: one is expected$/m,
  ])
    assert.match(problems.join('\n'), expected);
  assert.doesNotMatch(problems.join(), /plain/);
});

test('says that there is no such file', () => {
  const { problems } = checkConfigurationFile(join(scratch, 'none.yaml'));
  assert.match(problems.join('\n'), /^Cannot read the configuration ".*none\.yaml": there is no such file$/);
});
