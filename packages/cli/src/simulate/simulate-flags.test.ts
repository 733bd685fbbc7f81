import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSimulateFlags } from './simulate-flags.ts';

const read = (line: string) => readSimulateFlags(line.split(' '));

test('a run is bounded, and its flags are read', () => {
  const { script, speed, durationMs, seed } = read('s.yaml');
  assert.deepEqual([script, speed, durationMs, seed], ['s.yaml', 1, 60_000, undefined]);
  const given = read('--speed 0.5 --duration 3 --seed x --check --json s.yaml');
  assert.deepEqual(
    [given.speed, given.durationMs, given.seed, given.checkOnly, given.json],
    [0.5, 3000, 'x', true, true],
  );
});

test('what cannot be is refused with what is expected', () => {
  const cases: [string, RegExp][] = [
    ['--json', /without a script: expected the name of a YAML file/],
    ['a.yaml b.yaml', /"b\.yaml" too: expected one script/],
    ['a.yaml --speed 0', /speed "0": expected a number from 0\.001 to 1000/],
    ['a.yaml --speed 1e3', /speed "1e3"/],
    ['a.yaml --duration 9999999', /expected seconds up to 604800/],
    ['a.yaml -i one', /the script names its devices, see clientId/],
  ];
  for (const [line, expected] of cases) assert.throws(() => read(line), expected, line);
});
