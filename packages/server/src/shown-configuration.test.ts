import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { shownConfiguration } from './shown-configuration.ts';

const TEXT = `
listeners:
  - {transport: tls, tls: {certificate: a.pem, key: a.key}, versions: [3.1.1, 5.0]}
authentication:
  - {method: users, users: [{name: ada, password: $argon2id$hash-of-ada}]}
  - {method: jwt, algorithms: [HS256], secret: a-shared-secret}
  - {method: jwt, name: web, algorithms: [ES256], jwksUrl: https://example.org, jwksHeaders: {authorization: Bearer a-token}}
  - {method: http, url: https://example.org, headers: {authorization: Bearer a-token}}
limits: {queueMessagesMax: 7}
`;

test('shows what is in force, defaults included, in a form that can be read again', () => {
  const configuration = completeConfiguration(parseConfiguration('limits: {queueMessagesMax: 7}', 'x'));
  const text = shownConfiguration(configuration);
  assert.match(text, /queueMessagesMax: 7/);
  assert.match(text, /connectTimeoutMs: 10000/);
  const again = completeConfiguration(parseConfiguration(text, 'shown'));
  assert.deepEqual(again.listeners, configuration.listeners);
  assert.equal(again.limits.queueMessagesMax, 7);
  assert.equal(shownConfiguration(again), text);
});

test('shows the defaults of TLS, of a proxy and of the guard, and a group that counts only where it is', () => {
  const text = `
listeners:
  - {transport: wss, tls: {certificate: a.pem, key: a.key}, proxy: {trusted: [192.0.2.1]}}
guard: {banS: 60}
`;
  const shown = parse(shownConfiguration(completeConfiguration(parseConfiguration(text, 'x'))));
  const [{ tls, proxy }] = shown.listeners;
  assert.deepEqual(tls, {
    ...{ certificate: 'a.pem', key: 'a.key', minVersion: '1.2', clientCertificate: 'none' },
    ...{ handshakeTimeoutMs: 10_000, handshakesMax: 256 },
  });
  assert.deepEqual(proxy, { trusted: ['192.0.2.1'], protocol: 'none', forwardedFor: false });
  assert.equal(shown.guard.banS, 60);
  assert.equal(shown.guard.addressBanAfter, 100);
  assert.equal(shown.guard.flapping, undefined);
  const flapping = { guard: { flapping: { banS: 7 } } };
  assert.deepEqual(parse(shownConfiguration(completeConfiguration(flapping))).guard.flapping, {
    ...{ connectsMax: 30, windowS: 60, banS: 7 },
  });
});

test('shows the defaults of each method', () => {
  const text = `
authorities: [{name: ours, certificate: ca.pem}]
authentication:
  - {method: certificate}
  - {method: jwt, algorithms: [ES256], jwksUrl: 'https://example.org/keys'}
  - {method: http, url: 'https://example.org', timeoutMs: 1s}
  - {method: anonymous}
`;
  const shown = shownConfiguration(completeConfiguration(parseConfiguration(text, 'x')));
  const [certificate, jwt, http, anonymous] = parse(shown).authentication;
  assert.deepEqual(certificate, { method: 'certificate', name: 'certificate', username: 'cn', match: 'username' });
  assert.deepEqual(jwt, {
    ...{ method: 'jwt', name: 'jwt', from: 'password', algorithms: ['ES256'], jwksUrl: 'https://example.org/keys' },
    ...{ jwksMaxAgeS: 600, jwksStaleMaxS: 86_400, requireExpiry: true, clockToleranceS: 5, usernameClaim: 'sub' },
  });
  assert.deepEqual(http, {
    ...{ method: 'http', name: 'http', url: 'https://example.org', allowHttp: false, answers: 'json' },
    ...{ timeoutMs: 1_000, requestsMax: 16, waitingMax: 1_000, cacheS: 60, staleMaxS: 3_600, whenDown: 'refuse' },
  });
  assert.deepEqual(anonymous, { method: 'anonymous', name: 'anonymous', acceptsUsername: false });
  assert.equal(shownConfiguration(completeConfiguration(parseConfiguration(shown, 'shown'))), shown);
});

test('shows no hash, no shared secret and no header', () => {
  const text = shownConfiguration(completeConfiguration(parseConfiguration(TEXT, 'x')));
  assert.doesNotMatch(text, /hash-of-ada|a-shared-secret|a-token/);
  assert.equal(text.match(/\(hidden\)/g)?.length, 4);
  assert.match(text, /versions:\n +- 3\.1\.1\n +- "5\.0"/);
});

test('shows of a URL where it leads, and of claims their names', () => {
  const text = `
authentication:
  - {method: jwt, algorithms: [ES256], jwksUrl: 'https://a:hush@keys.example.org/jwks?key=hush', claims: {tenant: hush}}
  - {method: http, url: 'https://example.org:8443/mqtt?api_key=hush#hush'}
  - {method: http, name: odd, url: 'hush hush'}
`;
  const shown = shownConfiguration(completeConfiguration(parseConfiguration(text, 'x')));
  assert.doesNotMatch(shown, /hush/);
  const [jwt, http, odd] = parse(shown).authentication;
  assert.deepEqual(
    [jwt.jwksUrl, jwt.claims, http.url, odd.url],
    [
      'https://(hidden)@keys.example.org/jwks?(hidden)',
      { tenant: '(hidden)' },
      'https://example.org:8443/mqtt?(hidden)',
      '(hidden)',
    ],
  );
});
