import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Configuration, ConfigurationError, completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { importMosquitto } from './mosquitto-import.ts';
import { MOSQUITTO_OPTIONS } from './mosquitto-options.ts';

interface Result {
  readonly configuration: Configuration;
  /** `line kind text`. */
  readonly remarks: readonly string[];
}

function imported(...lines: string[]): Result {
  const { yaml, remarks } = importMosquitto(lines.join('\n'), 'm.conf');
  const parsed = parseConfiguration(yaml, 'dunlin.yaml');
  const data = parsed.durability === 'memory' ? undefined : (parsed.data ?? 'default');
  return {
    configuration: completeConfiguration({ ...parsed, data }),
    remarks: remarks.map(({ line, kind, text }) => `${line} ${kind} ${text}`),
  };
}

const SIX_LINES = [
  'listener 1883',
  'allow_anonymous false',
  'password_file /etc/mosquitto/passwd',
  'persistence true',
  'persistence_location /var/lib/mosquitto/',
  'log_dest file /var/log/mosquitto/mosquitto.log',
];

test('imports the six lines that many begin with, and loses nothing', () => {
  const { configuration, remarks } = imported('# mosquitto.conf', ...SIX_LINES);
  assert.deepEqual(remarks, []);
  const { listeners, authentication, authorization, data, durability, log } = configuration;
  assert.deepEqual(
    listeners.map(({ transport, host, port, allowAnonymous }) => [transport, host, port, allowAnonymous]),
    [['tcp', '::', 1883, false]],
  );
  const file = '/etc/mosquitto/passwd';
  assert.deepEqual(authentication, [{ name: 'passwordFile', method: 'passwordFile', file }]);
  assert.deepEqual([authorization, data, durability], [{}, '/var/lib/mosquitto/', 'durable']);
  assert.deepEqual(log, { level: 'info', format: 'auto', to: ['file'], file: '/var/log/mosquitto/mosquitto.log' });
});

test('says in the file which line a value comes from, what is not carried and what has no effect', () => {
  const { yaml } = importMosquitto('listener 1883\nautosave_interval 9\npid_file /run/m.pid\n', 'a/m.conf');
  assert.match(yaml, /^# Converted by "dunlin config import" from "m\.conf"\.\n/);
  assert.match(yaml, / {4}port: 1883 # from line 1\n/);
  assert.match(yaml, /\n# Not carried:\n# line 3: pid_file is not carried: systemd .*\n#\n/);
  assert.match(yaml, /\n# Without effect here:\n# line 2: autosave_interval: .* on disk already\n$/);
});

test('keeps nothing where Mosquitto keeps nothing', () => {
  for (const lines of [['port 1883'], ['persistence false', 'persistence_location /var/lib/m']]) {
    const { data, durability } = imported(...lines).configuration;
    assert.deepEqual([data, durability], [undefined, 'memory']);
  }
});

test('tells of options by the value that they have', () => {
  assert.deepEqual(imported('queue_qos0_messages false # none', 'upgrade_outgoing_qos 1').remarks, [
    '1 needless queue_qos0_messages: so it is here',
    '2 lost upgrade_outgoing_qos is not carried: the lower QoS counts, as the standard says',
  ]);
});

test('names bridges and plugins, and shows nothing secret of them', () => {
  const bridge = ['connection cloud', 'address mqtt.example.org:8883', 'remote_password swordfish', 'topic # both 1'];
  const { yaml, remarks } = importMosquitto(
    [...bridge, 'plugin /lib/p.so', 'plugin_opt_secret swordfish'].join('\n'),
    'm',
  );
  const texts = remarks.map(({ text }) => text);
  assert.match(texts[0], /^connection "cloud" with its options up to line 4 is not carried: there are no bridges yet/);
  assert.match(texts[1], /^plugin is not carried: there are no plugins/);
  assert.match(texts[2], /^plugin_opt_secret is not carried/);
  assert.doesNotMatch(yaml + texts.join(), /swordfish/);
});

test('puts nothing of a name into the file but as text', () => {
  const { yaml } = importMosquitto('plugin_opt_a\rdata:\u0085x 1', 'm.conf');
  assert.match(yaml, /plugin_opt_a\\rdata:\\u0085x is not carried/);
});

test('leaves out listeners without a counterpart, and refuses a file that has no other', () => {
  const { configuration, remarks } = imported(
    'listener 1',
    'listener 2',
    'psk_hint h',
    'listener 3',
    'protocol http_api',
  );
  assert.deepEqual(
    configuration.listeners.map(({ port }) => port),
    [1],
  );
  assert.match(remarks.join('\n'), /2 lost the listener of line 2 .* pre-shared keys.*\n4 lost the listener of line 4/);
  assert.throws(() => imported('listener 2', 'psk_hint h'), /none of its listeners can be carried/);
});

test('tells every value that Mosquitto would not take, and what we cannot serve', () => {
  assert.throws(() => imported('listener x', 'log_dest nowhere', 'sys_interval -1', 'queue_qos0_messages maybe'), {
    problems: [
      'm.conf:1: listener is "x": a whole number up to 2147483647 is expected',
      'm.conf:2: log_dest is "nowhere": one of stdout, stderr, syslog, file, topic, none, dlt, android is expected',
      'm.conf:3: sys_interval is "-1": a whole number from 0 up to 65535 is expected',
      'm.conf:4: queue_qos0_messages is "maybe": true or false is expected',
    ],
  });
  assert.throws(
    () => imported('listener 1883', 'listener 1883'),
    /^ConfigurationError: Cannot convert m\.conf: listeners\[1\] is at \[::\]:1883: another address or port/,
  );
});

test('refuses numbers that Mosquitto would not take', () => {
  for (const [option, value, expected] of [
    ['max_keepalive', 5, 'from 10 up to 65535, or 0,'],
    ['max_keepalive', 70_000, 'from 10 up to 65535, or 0,'],
    ['max_qos', 3, 'from 0 up to 2'],
    ['memory_limit', -1, 'from 0 up to 2147483647'],
  ] as const)
    assert.throws(() => imported('listener 1883', `${option} ${value}`), {
      problems: [`m.conf:2: ${option} is "${value}": a whole number ${expected} is expected`],
    });
  assert.doesNotThrow(() => imported('listener 1883', 'max_keepalive 0', 'max_qos 2'));
});

test('answers any options with a configuration that is right, or a ConfigurationError', () => {
  const name = fc.constantFrom(...MOSQUITTO_OPTIONS.keys());
  const value = fc.oneof(
    fc.constantFrom('true', '0', '1', '2', 'a', 'mqtt', 'websockets', '1883', 'file f'),
    fc.string(),
  );
  const lines = fc.array(fc.tuple(name, value).map(([first, second]) => `${first} ${second}`));
  fc.assert(
    fc.property(lines, (given) => {
      try {
        imported('listener 7', ...given);
      } catch (error) {
        assert.ok(error instanceof ConfigurationError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
