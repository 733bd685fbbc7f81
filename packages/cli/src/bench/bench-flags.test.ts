import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBenchFlags } from './bench-flags.ts';

const read = (line: string) => readBenchFlags(line.split(' '));
const refusal = (line: string): string => {
  try {
    read(line);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

test('without flags a run is bounded', () => {
  const { mode, clients, durationMs, connectRate, windowMax, payloadBytes, qos, rate, topic } = read('pairs');
  assert.deepEqual(
    { mode, clients, durationMs, connectRate, windowMax, payloadBytes, qos, rate, topic },
    {
      mode: 'pairs',
      clients: 100,
      durationMs: 10_000,
      connectRate: 500,
      windowMax: 100,
      payloadBytes: 64,
      qos: 0,
      rate: undefined,
      topic: 'bench/{i}',
    },
  );
  assert.equal(read('latency').rate, 1000);
  assert.equal(read('-n 5 pub -t a -h somewhere').clients, 5);
});

test('absurd numbers are refused with the limit', () => {
  const cases: [string, RegExp][] = [
    ['pub -n 0', /number of clients "0": expected a whole number from 1 to 50000/],
    ['pub -n 1000000', /from 1 to 50000/],
    ['pub -r 99999999', /from 1 to 1000000/],
    ['pub --connect-rate 1e9', /from 1 to 20000/],
    ['pub -w 100000', /from 1 to 10000/],
    ['pub -s 999999999', /from 0 to 10000000/],
    ['pub --duration 1000000', /duration "1000000": expected seconds up to 86400/],
    ['pub -s 1000000 -n 1000', /1000 × 100 \(-w\) messages of 1000000 bytes under way.*expected at most 268435456/],
  ];
  for (const [line, expected] of cases) assert.match(refusal(line), expected);
});

test('what cannot be measured is refused before anything is connected', () => {
  const cases: [string, RegExp][] = [
    ['-n 5', /Cannot measure without a mode: expected one of connect, pub.*, such as dunlin bench pub/],
    ['pub --duration 0', /Cannot measure for no time/],
    ['ping', /Cannot measure "ping": expected one of/],
    ['pub sub', /Cannot measure pub and sub at once/],
    ['pub -i one', /100 clients as "one": expected \{i\} in it/],
    ['pairs -t one', /100 pairs one topic "one": expected \{i\}/],
    ['pub -t a/{j}', /\{j\} is unknown/],
    ['pub -t a/#', /"#"/],
    ['sub -t a#', /"#"/],
    ['latency -s 8', /latency with 8 bytes: expected at least 16/],
  ];
  for (const [line, expected] of cases) assert.match(refusal(line), expected, line);
  assert.equal(read('pairs -n 1 -t one').topic, 'one');
  assert.equal(read('sub -t $share/g/a/+').topic, '$share/g/a/+');
});
