import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';

function problemsOf(text: string): readonly string[] {
  try {
    completeConfiguration(parseConfiguration(text, 'x'));
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.problems;
  }
}

const TLS = 'tls: {certificate: a.pem, key: a.key}';

test('accepts listeners of every transport, each at its usual port', () => {
  const { listeners } = completeConfiguration(
    parseConfiguration(
      `listeners: [{}, {transport: tls, ${TLS}}, {transport: ws}, {transport: wss, ${TLS}}, {transport: unix, path: s}]`,
      'x',
    ),
  );
  assert.deepEqual(
    listeners.map(({ name, port }) => [name, port]),
    [
      ['tcp', 1883],
      ['tls-2', 8883],
      ['ws-3', 8080],
      ['wss-4', 8443],
      ['unix-5', 0],
    ],
  );
});

for (const [listener, ...problems] of [
  ['transport: tls', 'listeners[0].tls is missing: its certificate and key are expected for transport tls'],
  [
    'transport: wss, tls: {certificate: a}',
    'listeners[0].tls is missing: its certificate and key are expected for transport wss',
  ],
  [TLS, 'listeners[0].tls is given beside transport tcp: transport tls or wss is expected'],
  [
    'transport: tls, tls: {certificate: a, key: b, clientCertificate: required}',
    'listeners[0].tls.clientCertificate is required: an entry of authorities is expected',
    'listeners[0].tls.clientCertificate is required: a method in authentication is expected',
  ],
  [
    'transport: tls, tls: {certificate: a, key: b, authorities: [x]}',
    'listeners[0].tls.authorities[0] is "x", no authority: there is no authority',
  ],
  ['transport: unix', 'listeners[0].path is missing: a path is expected for transport unix'],
  [
    'transport: unix, path: a, proxy: {trusted: [10.0.0.1], protocol: v2}',
    'listeners[0].proxy.trusted lacks unix: it is expected beside transport unix',
  ],
  ['path: a', 'listeners[0].path is given beside transport tcp: transport unix is expected'],
  ['mode: "0999"', 'listeners[0].mode is "0999": an octal file mode such as 0660 is expected'],
  [
    'proxy: {trusted: [10.0.0.1], forwardedFor: true}',
    'listeners[0].proxy takes headers beside transport tcp: transport ws or wss is expected',
  ],
  [
    'transport: ws, proxy: {trusted: [10.0.0.1], protocol: v2, clientCertificateHeader: Client-Cert}',
    'listeners[0].proxy takes headers beside protocol v2: the PROXY protocol or headers are expected',
  ],
  [
    'transport: ws, proxy: {trusted: [10.0.0.1], protocol: any, forwardedFor: true}',
    'listeners[0].proxy takes headers beside protocol any: the PROXY protocol or headers are expected',
  ],
  [
    'transport: ws, origins: [own, https://example.org]',
    'listeners[0].origins has own beside others: it alone, or a list of origins, is expected',
  ],
  [
    'transport: ws, origins: [https://example.org/], paths: [mqtt]',
    'listeners[0].origins has "https://example.org/": an origin such as https://example.org is expected, or own, or any',
    'listeners[0].paths has "mqtt": a path such as /mqtt is expected',
  ],
  [
    'authentication: [x]',
    'listeners[0].authentication[0] is "x", no method of authentication: there is no method of authentication',
  ],
] as const)
  test(`refuses a listener with ${listener}`, () => {
    assert.deepEqual(problemsOf(`listeners: [{${listener}}]`), problems);
  });

test('refuses two Unix sockets at one path', () => {
  assert.deepEqual(problemsOf('listeners: [{transport: unix, path: a}, {transport: unix, path: a}]'), [
    'listeners[1].path is that of listeners[0]: another path is expected',
  ]);
});

test('names methods by their kind, and refuses two of one name', () => {
  const two = 'authentication: [{method: scram, file: a}, {method: scram, file: b}]';
  assert.deepEqual(problemsOf(two), ['authentication[1].name is "scram": a name that no other entry has is expected']);
  assert.deepEqual(problemsOf(two.replace('method: scram, file: b', 'method: scram, name: other, file: b')), []);
});

test('suggests the authority or method that was meant', () => {
  const text = `
authorities: [{name: devices, certificate: a}]
authentication: [{method: certificate, authorities: [device]}]
listeners: [{authentication: [certificat]}]
`;
  assert.deepEqual(problemsOf(text), [
    'listeners[0].authentication[0] is "certificat", no method of authentication: did you mean certificate?',
    'authentication[0].authorities[0] is "device", no authority: did you mean devices?',
  ]);
});

test('wants exactly one place for the keys of tokens', () => {
  const jwt = (rest: string) => problemsOf(`authentication: [{method: jwt, algorithms: [ES256]${rest}}]`);
  const expected = 'one of secret, secretFile, keys, jwksFile, jwksUrl is expected';
  assert.deepEqual(jwt(''), [`authentication[0] has no key: ${expected}`]);
  assert.deepEqual(jwt(', keys: [a], jwksAuthority: b, jwksHeaderFiles: {a: b}'), [
    'authentication[0] has jwksHeaderFiles and jwksAuthority without jwksUrl: it is expected beside them',
  ]);
  assert.deepEqual(jwt(', keys: [a], jwksUrl: b'), [`authentication[0] has keys and jwksUrl: ${expected}`]);
  assert.deepEqual(jwt(', keys: [a]'), []);
});

test('refuses rules in two places, and rules where nobody is asked who they are', () => {
  assert.deepEqual(problemsOf('authorization: {roles: {a: {rules: []}}, rulesFile: b}'), [
    'authorization has roles and rulesFile: rules or files are expected',
    'authorization has rules and authentication is empty: nobody is asked who they are, a method is expected',
  ]);
  assert.deepEqual(problemsOf('authorization: {rules: [{allow: all, topics: a}], aclFile: b}'), [
    'authorization has rules and aclFile: rules or files are expected',
    'authorization has rules and authentication is empty: nobody is asked who they are, a method is expected',
  ]);
});

test('takes origins of pages elsewhere only as browsers tell them, and none for all', () => {
  const cors = (origins: string) => problemsOf(`api: {cors: {origins: [${origins}]}}`);
  assert.deepEqual(cors('https://app.example.org, http://localhost:5173'), []);
  for (const wrong of [
    '*',
    'null',
    'https://app.example.org/',
    'https://APP.example.org',
    'ftp://a',
    'https://*.example.org',
    'https://a:443',
  ])
    assert.deepEqual(cors(`'${wrong}'`), [
      `api.cors.origins has "${wrong}": an origin such as https://app.example.org is expected`,
    ]);
});

test('refuses a method certificate without an authority, and users of one name', () => {
  assert.deepEqual(problemsOf('authentication: [{method: certificate}]'), [
    'authentication[0] is a method certificate and authorities is empty: an authority is expected',
  ]);
  assert.deepEqual(
    problemsOf('authentication: [{method: users, users: [{name: a, password: b}, {name: a, password: c}]}]'),
    ['authentication[0].users[1].name is "a": a name that no other entry has is expected'],
  );
});
