import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigurationError } from './configuration.ts';
import { FLAGS, flagVariable, readCommandLine, serveHelp } from './flags.ts';

function problemsOf(...argv: string[]): readonly string[] {
  try {
    readCommandLine(argv);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  }
  return [];
}

test('reads every way of writing a flag', () => {
  for (const argv of [['--port', '18830'], ['--port=18830'], ['-p', '18830'], ['-p18830']])
    assert.deepEqual(readCommandLine(argv).configuration.listeners, [{ port: 18_830 }]);
});

test('puts flags where their keys stand', () => {
  const argv = ['--host', '0.0.0.0', '--allow-anonymous', '--data', './d', '--log-level', 'warn', '--log-format=json'];
  const { configuration, configFile, help } = readCommandLine([...argv, '-c', 'my.yaml']);
  assert.deepEqual(configuration.listeners, [{ host: '0.0.0.0', allowAnonymous: true }]);
  assert.equal(configuration.data, './d');
  assert.deepEqual(configuration.log, { level: 'warn', format: 'json' });
  assert.equal(configFile, 'my.yaml');
  assert.equal(help, false);
});

test('reads limits and settings by name, the later of one name', () => {
  const pairs = ['--limit', 'maximumPacketSize=1MiB', '--limit=sessionsMax=5', '--limit', 'sessionsMax=6'];
  const { configuration } = readCommandLine([...pairs, '--setting', 'maximumQoS=1', '--setting=serverReference=a=b']);
  assert.deepEqual(configuration.limits, { maximumPacketSize: 1024 * 1024, sessionsMax: 6 });
  assert.deepEqual(configuration.settings, { maximumQoS: 1, serverReference: 'a=b' });
});

test('names flag, value and what is expected', () => {
  assert.deepEqual(
    problemsOf('--port', 'abc', '--limit', 'queueMessageMax=1', '--limit', 'sessionsMax', '--allow-anonymous=no'),
    [
      '--port is "abc": a whole number from 0 to 65535 is expected',
      '--limit "queueMessageMax" is unknown: did you mean queueMessagesMax?',
      '--limit is "sessionsMax": NAME=VALUE is expected',
      '--allow-anonymous is "no": true or false is expected',
    ],
  );
  assert.deepEqual(problemsOf('--limit', 'sessionsMax=0'), [
    '--limit sessionsMax is "0": a whole number from 1 to 100000000 is expected',
  ]);
});

test('refuses unknown flags, loose words and a missing value', () => {
  assert.deepEqual(problemsOf('--prot', '1'), [
    'Cannot use "--prot": did you mean --port?',
    'Cannot use "1": a flag is expected, see dunlin serve --help',
  ]);
  assert.deepEqual(problemsOf('--port'), ['--port needs a value: --port PORT']);
  assert.match(problemsOf('-x')[0], /^Cannot use "-x": see dunlin serve --help$/);
});

test('takes from the environment what no flag says', () => {
  const environment = {
    DUNLIN_CONFIG: 'of-environment.yaml',
    DUNLIN_PORT: '18831',
    DUNLIN_HOST: '',
    DUNLIN_LOG_LEVEL: 'warn',
    DUNLIN_ALLOW_ANONYMOUS: 'true',
    DUNLIN_TCP: 'net',
    DUNLIN_HELP: 'true',
  };
  const { help, configFile, configuration } = readCommandLine(['--log-level', 'debug'], environment);
  assert.deepEqual([help, configFile], [false, 'of-environment.yaml']);
  assert.deepEqual(configuration.listeners, [{ port: 18_831, allowAnonymous: true }]);
  assert.deepEqual(configuration.log, { level: 'debug' });
  assert.equal(readCommandLine(['-c', 'own.yaml'], environment).configFile, 'own.yaml');
});

test('names the variable whose value is wrong', () => {
  assert.throws(() => readCommandLine([], { DUNLIN_PORT: 'abc', DUNLIN_DURABILITY: 'some' }), {
    problems: [
      'DUNLIN_PORT is "abc": a whole number from 0 to 65535 is expected',
      'DUNLIN_DURABILITY is "some": one of durable, process, memory is expected',
    ],
  });
});

test('passes over the DUNLIN_PORT that Kubernetes sets for a Service called dunlin', () => {
  assert.deepEqual(readCommandLine([], { DUNLIN_PORT: 'tcp://10.0.0.1:1883' }).configuration, {});
});

test('has a variable for every flag with a key, and for the file', () => {
  const without = FLAGS.filter((flag) => flagVariable(flag) === undefined).map(({ long }) => long);
  assert.deepEqual(without, ['limit', 'setting', 'help']);
});

test('shows help whatever stands beside it', () => {
  assert.equal(readCommandLine(['--nonsense', '--help']).help, true);
});

test('describes every flag with its default, and examples', () => {
  const help = serveHelp();
  for (const flag of FLAGS) assert.ok(help.includes(`--${flag.long}`), flag.long);
  assert.match(help, /--port PORT .*Default: 1883\./);
  assert.match(help, /\nData: --data, else \$DUNLIN_DATA, else data of the file, else \$STATE_DIRECTORY/);
  assert.match(help, /Examples:\n {2}dunlin serve /);
  for (const line of help.split('\n')) assert.ok(line.length <= 130, line);
});

test('answers any arguments with a command line or a ConfigurationError', () => {
  const argument = fc.oneof(
    fc.string(),
    fc.constantFrom('--limit', '--', '-', '--=', '--limit=', '--port=', '-p', '--setting=a=b'),
  );
  fc.assert(fc.property(fc.array(argument), (argv) => void problemsOf(...argv)));
});
