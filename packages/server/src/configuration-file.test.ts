import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigurationError } from './configuration.ts';
import { linesOfKeys, parseConfiguration, readConfigurationFile } from './configuration-file.ts';

function problemsOf(text: string): readonly string[] {
  try {
    parseConfiguration(text, 'dunlin.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  }
  return [];
}

test('reads listeners, limits, settings and the log', () => {
  const text = `
listeners:
  - name: local
    port: 18830
  - host: 0.0.0.0
    transport: tcp
    versions: [3.1, 3.1.1, 5.0]
    allowAnonymous: true
    limits:
      connectionsMax: 1_000
data: ./data
log:
  level: debug
  format: json
limits:
  maximumPacketSize: 4MiB
  connectTimeoutMs: 5s
  sessionExpiryMaxS: 2h
settings:
  maximumQoS: 1
  retainAvailable: false
  queueFull: drop-oldest
  responseInformation: responses/
  sysIntervalS: 1min
semiSpaceBytesMax: 16MiB
`;
  assert.deepEqual(parseConfiguration(text, 'dunlin.yaml'), {
    listeners: [
      { name: 'local', port: 18_830 },
      {
        host: '0.0.0.0',
        transport: 'tcp',
        versions: [3, 4, 5],
        allowAnonymous: true,
        limits: { connectionsMax: 1000 },
      },
    ],
    data: './data',
    log: { level: 'debug', format: 'json' },
    limits: { maximumPacketSize: 4 * 1024 * 1024, connectTimeoutMs: 5_000, sessionExpiryMaxS: 7_200 },
    settings: {
      maximumQoS: 1,
      retainAvailable: false,
      queueFull: 'drop-oldest',
      responseInformation: 'responses/',
      sysIntervalS: 60,
    },
    semiSpaceBytesMax: 16 * 1024 * 1024,
  });
});

test('takes an empty file and one of comments alone', () => {
  assert.deepEqual(parseConfiguration('', 'x'), {});
  assert.deepEqual(parseConfiguration('# nothing\n---\n', 'x'), {});
});

test('names the line, the path, the value and what is allowed', () => {
  assert.deepEqual(problemsOf('listeners:\n  - port: 1883\n  - name: b\n    port: "abc"\n'), [
    'dunlin.yaml:4: listeners[1].port is "abc": a whole number from 0 to 65535 is expected',
  ]);
});

test('reports every problem of a file, each with its line', () => {
  const text = `listeners:
  - port: 70000
    versions: [4, 5.0]
    transport: udp
    allowAnonymous: "no"
limits:
  maximumPacketSize: 1TiB
  connectTimeoutMs:
log: loud
data: [a]
`;
  assert.deepEqual(problemsOf(text), [
    'dunlin.yaml:2: listeners[0].port is 70000: a whole number from 0 to 65535 is expected',
    'dunlin.yaml:3: listeners[0].versions[0] is 4: one of 3.1, 3.1.1, 5.0 is expected',
    'dunlin.yaml:4: listeners[0].transport is "udp": one of tcp, tls, ws, wss, unix is expected',
    'dunlin.yaml:5: listeners[0].allowAnonymous is "no": true or false is expected',
    'dunlin.yaml:7: limits.maximumPacketSize is "1TiB": a size from 256 B to 268435460 B, such as 4MiB, is expected',
    'dunlin.yaml:8: limits.connectTimeoutMs is empty: a time from 100 ms to 10 min, such as 10s, is expected',
    'dunlin.yaml:9: log is "loud": a group of level, format, to, file… is expected',
    'dunlin.yaml:10: data is a list: a text such as "./data" is expected',
  ]);
});

test('refuses unknown keys and says which one was meant', () => {
  assert.deepEqual(problemsOf('limits:\n  queueMessageMax: 5\nlistener: []\n'), [
    'dunlin.yaml:2: limits.queueMessageMax is unknown: did you mean queueMessagesMax?',
    'dunlin.yaml:3: listener is unknown: did you mean listeners?',
  ]);
  assert.match(
    problemsOf('log:\n  colour: red\n')[0],
    /log\.colour is unknown: level, format, to, file are known here/,
  );
  assert.equal(problemsOf('constructor: 1\n__proto__: 2\n').length, 2);
});

test('says where a key belongs that stands in the wrong group, and where many names are to be found', () => {
  assert.deepEqual(problemsOf('port: 1\nmaximumQoS: 1\nfoo: 1\nlimits:\n  level: 5\n  foo: 5\n'), [
    'dunlin.yaml:1: port is unknown: did you mean listeners[].port?',
    'dunlin.yaml:2: maximumQoS is unknown: did you mean settings.maximumQoS?',
    'dunlin.yaml:3: foo is unknown: see docs/reference/configuration.md for those that are',
    'dunlin.yaml:5: limits.level is unknown: did you mean log.level?',
    'dunlin.yaml:6: limits.foo is unknown: see docs/reference/configuration.md for those that are',
  ]);
});

test('knows the options of Mosquitto, and says what takes their place', () => {
  const here = (name: string, path: string): string =>
    `${name} is unknown: this option of Mosquitto is ${path} here, and dunlin config import converts a whole file`;
  assert.deepEqual(
    problemsOf(
      'persistence: true\nbind_address: a\nmax_queued_messages: 5\nuser: a\nset_tcp_nodelay: 1\nstart_type: a\n' +
        'listeners:\n  - allow_anonymous: true\n    cafile: a\n',
    ).map((problem) => problem.replace(/^dunlin\.yaml:\d+: /, '')),
    [
      here('persistence', 'durability'),
      here('bind_address', 'listeners[].host'),
      here('max_queued_messages', 'limits.queueMessagesMax'),
      'user is unknown: an option of Mosquitto: start dunlin as this user (systemd: User=); it never changes its user',
      'set_tcp_nodelay is unknown: an option of Mosquitto that is not needed: it is always on',
      'start_type is unknown: see docs/reference/configuration.md for those that are',
      'listeners[0].allow_anonymous is unknown: did you mean allowAnonymous?',
      here('listeners[0].cafile', 'authorities[].certificate'),
    ],
  );
});

test('reads methods of authentication, each with the keys of its own form', () => {
  const text = `
authentication:
  - file: passwords
    method: passwordFile
    groups: [people]
  - method: users
    users:
      - {name: ada, password: $argon2id$x, attributes: {site: berlin, __proto__: x}}
`;
  assert.deepEqual(parseConfiguration(text, 'x').authentication, [
    { method: 'passwordFile', file: 'passwords', groups: ['people'] },
    {
      method: 'users',
      users: [
        {
          name: 'ada',
          password: '$argon2id$x',
          attributes: Object.fromEntries([
            ['site', 'berlin'],
            ['__proto__', 'x'],
          ]),
        },
      ],
    },
  ]);
});

test('says which form a method has, which keys are missing and which belong to another form', () => {
  assert.deepEqual(
    problemsOf(`authentication:
  - file: passwords
  - method: password
  - method: passwordFile
    url: https://example.org
  - oops
authorities:
  - name: devices
`),
    [
      'dunlin.yaml:2: authentication[0].method is missing: one of passwordFile, users, jwt, http, certificate, scram, devices, anonymous is expected',
      'dunlin.yaml:3: authentication[1].method is "password": one of passwordFile, users, jwt, http, certificate, scram, devices, anonymous is expected',
      'dunlin.yaml:5: authentication[2].url is unknown: did you mean authentication[].url?',
      'dunlin.yaml:4: authentication[2].file is missing: a text such as "passwords" is expected',
      'dunlin.yaml:6: authentication[3] is "oops": one of passwordFile, users, jwt, http, certificate, scram, devices, anonymous is expected',
      'dunlin.yaml:8: authorities[0].certificate is missing: a text such as "tls/ca.pem" is expected',
    ],
  );
});

test('fills in environment variables, and names the one that is not set', () => {
  const text = `data: \${HERE}/data\nlisteners: [{port: "\${PORT}"}]\n`;
  const environment = { HERE: 'there', PORT: '1884' };
  assert.deepEqual(parseConfiguration(text, 'x', { environment }), {
    data: 'there/data',
    listeners: [{ port: 1884 }],
  });
  assert.throws(() => parseConfiguration(text, 'x', { environment: { HERE: 'a' } }), {
    problems: [
      `x:2: listeners[0].port is "\${PORT}" and the environment variable PORT is not set: a whole number from 0 to 65535 is expected`,
    ],
  });
});

test('starts relative paths from the folder of the file', () => {
  const text = 'data: ./data\nauthentication: [{method: scram, file: /etc/scram}, {method: http, url: a/b}]\n';
  const { data, authentication } = parseConfiguration(text, 'x', { directory: '/etc/dunlin' });
  assert.equal(data, '/etc/dunlin/data');
  assert.deepEqual(authentication, [
    { method: 'scram', file: '/etc/scram' },
    { method: 'http', url: 'a/b' },
  ]);
});

test('shows nothing of a hash that was to be in quotes', () => {
  const text =
    'authentication: [{method: users, users: [{name: ada, password: $argon2id$v=19$m=1,t=2,p=1$salt$hash}]}]\n';
  const problems = problemsOf(text);
  assert.equal(problems.length, 2);
  for (const problem of problems) {
    assert.match(problem, /users\[0\] has an entry that is none: is it part of a text with commas/);
    assert.doesNotMatch(problem, /salt|hash|t=2/);
  }
});

test('takes a group with nothing below it for an empty one', () => {
  assert.deepEqual(parseConfiguration('limits:\n  # sessionsMax: 5\nlog:\n', 'x'), { limits: {}, log: {} });
});

test('stops looking after 100 problems', () => {
  const problems = problemsOf(Array.from({ length: 5_000 }, (_, index) => `unknown${index}: 1\n`).join(''));
  assert.equal(problems.length, 101);
  assert.equal(problems.at(-1), 'Stopped looking after 100 problems');
});

test('refuses an empty list and a file that is no group', () => {
  assert.deepEqual(problemsOf('listeners: []\n'), [
    'dunlin.yaml:1: listeners is empty: a list with at least one entry is expected',
  ]);
  assert.equal(problemsOf('just text').length, 1);
});

test('reports broken YAML and doubled keys with their line', () => {
  assert.match(
    problemsOf('data: a\nlog: {level: info\n')[0],
    /^dunlin\.yaml:\d+: this is not the YAML that is expected: /,
  );
  assert.match(problemsOf('data: a\ndata: b\n')[0], /^dunlin\.yaml:2: /);
});

test('shows hostile values without their control characters and shortened', () => {
  const [problem] = problemsOf(`log:\n  level: "\\x1b[2J${'x'.repeat(500)}"\n`);
  assert.ok(problem.includes('\\u001b[2J'));
  assert.ok(!problem.includes('\u001b'));
  assert.ok(problem.length < 200);
});

test('answers any text with a configuration or a ConfigurationError', () => {
  const fragment = fc.constantFrom(
    'listeners:',
    '- ',
    '  ',
    '\n',
    'port: ',
    '&a ',
    '*a',
    '{',
    '}',
    '[',
    ']',
    '"',
    '!!x ',
    '1',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(fragment).map((parts) => parts.join('')),
  );
  fc.assert(fc.property(text, (one) => void problemsOf(one)));
});

test('reads a file, and says when there is none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-configuration-'));
  try {
    const path = join(folder, 'dunlin.yaml');
    writeFileSync(path, 'data: ./here\n');
    assert.deepEqual(readConfigurationFile(path), { data: join(folder, 'here') });
    assert.deepEqual(readConfigurationFile(relative('.', path)), { data: join(folder, 'here') });
    writeFileSync(path, 'data: /else/where\n');
    assert.deepEqual(readConfigurationFile(path), { data: resolve('/else/where') });
    assert.throws(() => readConfigurationFile(join(folder, 'absent.yaml')), /there is no such file/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('says of a mosquitto.conf how to convert it', () => {
  const says = ['m.conf: This looks like a mosquitto.conf: dunlin config import m.conf -o dunlin.yaml converts it'];
  for (const text of ['listener 1883\nallow_anonymous true\n', '# a\nport 1\n# b\nlog_dest file a: b\ntopic x: y'])
    assert.throws(() => parseConfiguration(text, 'm.conf'), { problems: says });
});

test('finds the line of a key, or of the nearest above it', () => {
  const lineOf = linesOfKeys('a: 1\nlisteners:\n  - port: 1\n  - host: b\n    tls:\n      key: c\n');
  const paths = ['a', 'listeners', 'listeners[0].port', 'listeners[1].tls.key', 'listeners[1].tls.none', 'none'];
  assert.deepEqual(paths.map(lineOf), [1, 2, 3, 6, 5, 1]);
});

test('says how large a text that is too large is', () => {
  assert.deepEqual(problemsOf('#'.repeat(5_000_000)), [
    'Cannot read dunlin.yaml: it has 5000000 characters, at most 4194304 are expected',
  ]);
});
