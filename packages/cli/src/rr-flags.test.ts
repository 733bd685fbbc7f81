import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRrFlags, rrHelp } from './rr-flags.ts';

const refusal = (...argv: string[]): string => {
  try {
    readRrFlags(argv);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail(`accepted ${argv.join(' ')}`);
};

test('a command line of mosquitto_rr is understood', () => {
  const flags = readRrFlags('-t a -e b -m hi -q 2 -W 5 -R -v -N -i me -c -x 10 --pretty -F %j'.split(' '));
  assert.deepEqual(
    [flags.topic, flags.responseTopic, flags.source, flags.qos, flags.timeoutMs, flags.newline],
    ['a', 'b', { kind: 'text', text: 'hi' }, 2, 5000, false],
  );
});

test('everything behind --exec is the program', () => {
  const { command, respond } = readRrFlags('--respond -t a/+ --exec tr -d x'.split(' '));
  assert.deepEqual([command, respond], [['tr', '-d', 'x'], true]);
  assert.match(refusal('--respond', '-t', 'a', '--exec'), /expected COMMAND … behind it/);
});

test('a request needs a topic and a payload, an answer one of its kinds', () => {
  assert.match(refusal('-m', 'x'), /expected -t TOPIC/);
  assert.match(refusal('-t', 'a'), /without a payload: expected one of -m, -f, -s and -n/);
  assert.match(refusal('-t', 'a', '-m', 'x', '--echo'), /--echo or --exec without --respond/);
  assert.match(refusal('--respond', '-t', 'a'), /Cannot answer: expected one of/);
  assert.match(refusal('--respond', '-t', 'a', '-n', '--echo'), /Cannot answer: expected one of/);
  assert.match(refusal('--respond', '-t', 'a', '--echo', '-v'), /-F, -v, --time or --json with --respond/);
});

test('templates are checked before anything is connected', () => {
  assert.match(refusal('-t', 'a/{key}', '-m', 'x'), /Cannot fill "{key}" of a topic: expected only {id}/);
  assert.match(refusal('--respond', '-t', 'a/{key}', '-e', 'b/{id}', '--echo'), /"{id}" .*names that -t has/);
  assert.match(refusal('-t', 'a{id}', '-m', 'x'), /whole level/);
  assert.match(
    refusal('-V', '311', '-t', 'a', '-e', 'b/{id}', '-m', 'x'),
    /before MQTT 5\.0 without {id} in -t and -e/,
  );
  assert.match(refusal('-V', '31', '--respond', '-t', 'a', '--echo'), /before MQTT 5\.0 without -e/);
});

test('the help has the flags of mosquitto_rr and a way to answer', () => {
  for (const flag of ['-t, --topic', '-e, --response-topic', '-W SECONDS', '--count COUNT', '--respond', '--exec'])
    assert.ok(rrHelp().includes(flag), flag);
});

test('--json is for the times of --count', () => {
  const read = (line: string) => readRrFlags(line.split(' '), {});
  assert.equal(read('-t a -m b --count 2 --json').json, true);
  assert.throws(() => read('-t a -m b --json'), /without --count/);
  assert.throws(() => read('-t a -m b --count 2 --json -v'), /--json together with -F or -v/);
  assert.throws(() => read('-t a --respond --echo --json'), /--json with --respond/);
});
