import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationRequest, AuthenticationResult, Principal, Refusal } from '@dunlin/broker';
import { Authorities } from './authorities.ts';
import { type CertificateMethodOptions, certificateMethod } from './certificate-method.ts';
import { integer, utf8String } from './der-writer.ts';
import {
  altNames,
  commonName,
  DAY_MS,
  makeAuthority,
  makeCertificate,
  makeCrl,
  NOW_MS,
  nameOfParts,
  pem,
} from './testing/certificates.ts';
import { TestClock } from './testing/clock.ts';

const root = makeAuthority('fleet');
const key = '1a1a1a1a-2b2b-4c3c-8d4d-5e5e5e5e5e5e';
const player = makeCertificate({ issuer: root, subject: commonName(key), serial: integer(0x51) });

function method(options: Partial<CertificateMethodOptions> = {}) {
  const clock = new TestClock(NOW_MS);
  const registry = new Authorities({ definitions: [{ name: 'players', certificates: pem(root.der) }], clock });
  return { registry, method: certificateMethod({ name: 'cert', registry, authorities: ['players'], ...options }) };
}

function request(certificate: Buffer | undefined, username?: string, clientId = 'c1'): AuthenticationRequest {
  const certificates = certificate === undefined ? undefined : [certificate];
  return {
    peer: { address: '192.0.2.1', port: 1, certificates },
    listener: 'tls',
    connect: {
      type: 'connect',
      protocolVersion: 5,
      bridge: false,
      clientId,
      cleanStart: true,
      keepAlive: 60,
      username,
      password: Buffer.alloc(0),
      properties: {},
    },
    data: undefined,
    state: undefined,
    current: undefined,
    gone: new AbortController().signal,
  };
}

const ask = (options: Partial<CertificateMethodOptions>, ...of: Parameters<typeof request>) =>
  method(options).method.authenticate(request(...of)) as AuthenticationResult | undefined;
const checkOf = (result: AuthenticationResult | undefined) => (result?.kind === 'refuse' ? result.check : result?.kind);
const usernameOf = (result: AuthenticationResult | undefined) => result?.kind === 'accept' && result.principal.username;

test('lets in a player whose User Name is the Common Name, with an empty password', () => {
  const expected: Principal = {
    username: key,
    identity: `cert:players/${key}`,
    attributes: {},
    groups: [],
    certificate: { authority: 'players', serial: '51', commonName: key },
    expiresAtMs: NOW_MS + DAY_MS,
    claims: undefined,
  };
  assert.deepEqual(ask({}, player.der, key), { kind: 'accept', principal: expected });
});

test('says nothing of a client without a certificate, whatever its User Name, or with one of another authority', () => {
  assert.equal(ask({}, undefined, key), undefined);
  assert.equal(ask({ match: 'none' }, undefined, key), undefined);
  const none = method().method.authenticate({
    ...request(undefined, key),
    peer: { address: 'a', port: 1, certificates: [] },
  });
  assert.equal(none, undefined);
  const foreign = makeCertificate({ issuer: makeAuthority('fleet'), subject: commonName(key) });
  assert.equal(ask({}, foreign.der, key), undefined);
});

test('refuses another User Name than the certificate says, with 0x87 and no word of the right one', () => {
  for (const username of [undefined, '', key.toUpperCase(), `${key} `, 'other']) {
    const refusal = ask({}, player.der, username) as Refusal;
    assert.equal(refusal.check, 'certificate-username');
    assert.equal(refusal.reasonCode, 0x87);
    assert.doesNotMatch(refusal.reason!, new RegExp(key));
  }
});

test('tells operators what the client sent in place of the name, or how long it was', () => {
  const detail = (username?: string) => (ask({}, player.der, username) as Refusal).detail;
  const its = `its Common Name is ${JSON.stringify(key)}, the client sent `;
  assert.equal(detail('other'), `${its}"other"`);
  for (const none of [undefined, '']) assert.equal(detail(none), `${its}none`);
  assert.equal(detail('x'.repeat(65)), `${its}one of 65 characters`);
});

test('tells operators whose certificate it is that does not count', () => {
  const expired = {
    issuer: root,
    subject: commonName('gone'),
    notBeforeMs: NOW_MS - 2 * DAY_MS,
    notAfterMs: NOW_MS - DAY_MS,
  };
  const refusal = ask({}, makeCertificate(expired).der, 'gone') as Refusal;
  assert.equal(refusal.check, 'certificate-expired');
  assert.match(refusal.detail ?? '', /^Common Name "gone"/);
});

test('compares the Client Identifier, or takes the name from the certificate, where it is told to', () => {
  assert.equal(usernameOf(ask({ match: 'clientId' }, player.der, 'any', key)), key);
  assert.equal(checkOf(ask({ match: 'clientId' }, player.der, key, 'c1')), 'certificate-client-id');
  assert.equal(usernameOf(ask({ match: 'none' }, player.der, 'any')), key);
});

test('takes the name from each kind of Subject Alternative Name', () => {
  const names = altNames([1, 'a@b.example'], [2, 'one.example'], [2, 'two.example'], [6, 'urn:dev:1']);
  const { der } = makeCertificate({ issuer: root, extensions: [names] });
  assert.equal(usernameOf(ask({ username: 'san-uri', match: 'none' }, der)), 'urn:dev:1');
  assert.equal(usernameOf(ask({ username: 'san-email' }, der, 'a@b.example')), 'a@b.example');
  assert.equal(usernameOf(ask({ username: 'san-dns' }, der, 'two.example')), 'two.example');
  assert.equal(checkOf(ask({ username: 'san-dns', match: 'none' }, der)), 'certificate-name', 'which of the two?');
  assert.equal(checkOf(ask({ username: 'san-uri', match: 'none' }, player.der)), 'certificate-name');
});

test('takes a certificate with two Common Names, or an unreadable one, for one without', () => {
  const parts = (...names: string[]) => nameOfParts(...names.map((name) => ['2.5.4.3', utf8String(name)] as const));
  for (const subject of [parts('ada', 'bob'), parts('ada\0bob'), parts('\u202ebob'), parts(''), parts()]) {
    const { der } = makeCertificate({ issuer: root, subject });
    for (const match of ['username', 'none'] as const)
      assert.equal(checkOf(ask({ match }, der, 'ada')), 'certificate-name');
  }
});

test('takes a star in a name for a star', () => {
  const { der } = makeCertificate({ issuer: root, subject: commonName('*') });
  assert.equal(checkOf(ask({}, der, 'ada')), 'certificate-username');
  assert.equal(usernameOf(ask({}, der, '*')), '*');
});

test('refuses a certificate that is expired, not yet valid, malformed or not for clients, each by its name', () => {
  const made = (shape: object) => makeCertificate({ issuer: root, subject: commonName(key), ...shape }).der;
  const cases = {
    'certificate-expired': made({ notAfterMs: NOW_MS - 1000 }),
    'certificate-not-yet-valid': made({ notBeforeMs: NOW_MS + 1000 }),
    'certificate-malformed': player.der.subarray(1),
    'certificate-purpose': root.der,
  };
  for (const [check, der] of Object.entries(cases)) {
    const refusal = ask({}, der, key) as Refusal;
    assert.equal(refusal.check, check);
    assert.equal(refusal.reasonCode, 0x87);
  }
});

test('ends the session of a certificate that is revoked while it is connected', () => {
  const { registry, method: asked } = method();
  const result = asked.authenticate(request(player.der, key)) as AuthenticationResult & { kind: 'accept' };
  assert.equal(asked.review!(result.principal), undefined);
  const crls = [{ bytes: makeCrl(root, { serials: [0x51] }), source: 'players.crl' }];
  let changes = 0;
  registry.onChange(() => {
    changes += 1;
  });
  registry.replace([{ name: 'players', certificates: pem(root.der), crls }]);
  assert.equal(changes, 1);
  assert.equal(asked.review!(result.principal)?.check, 'certificate-revoked');
  assert.equal(checkOf(asked.authenticate(request(player.der, key)) as AuthenticationResult), 'certificate-revoked');
});

test('refuses options that cannot be meant', () => {
  assert.throws(() => method({ authorities: [] }), /its list of authorities is empty/);
  assert.throws(() => method({ name: 'a:b' }), /a name without ":" is expected/);
});
