import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REVOCATION_REASONS } from '@dunlin/devices';
import { REASONS, readDeviceFlags } from './device-flags.ts';

test('reads an action, what follows it and its flags in any order', () => {
  const { action, words, flags } = readDeviceFlags([
    '--wait',
    '1min',
    'command',
    'cam-1',
    '--input',
    '{}',
    'record',
    '--ttl=2h',
  ]);
  assert.deepEqual(
    [action, words, flags.waitS, flags.ttlS, flags.input],
    ['command', ['cam-1', 'record'], 60, 7_200, '{}'],
  );
  assert.equal(readDeviceFlags(['wake', 'c', '--no-wait']).flags.waitS, 0);
});

test('says what is wrong with a command line', () => {
  const wrong: [string[], RegExp][] = [
    [[], /Cannot run dunlin device alone: expected one of add, change/],
    [['ad', 'x'], /Cannot run "ad": did you mean add\?/],
    [['nonsense'], /Cannot run "nonsense": expected one of add/],
    [['constructor'], /Cannot run "constructor": expected one of add/],
    [['wake'], /Cannot run wake: expected dunlin device wake ID, see/],
    [['wake', ''], /Cannot run wake: expected dunlin device wake ID, see/],
    [['command', 'cam-1'], /expected dunlin device command ID TYPE/],
    [['show', 'a', 'b'], /Cannot use "b": expected nothing behind show ID but flags/],
    [['show', 'a', '--force'], /Cannot use --force with show: it is for cert, renew/],
    [['list', '--wait', '5s'], /Cannot use --wait with list: it is for wake, command/],
    [['wake', 'a', '--wait', '61s'], /Cannot use --wait "61s": expected a time from 1s to 60s/],
    [['add', 'a', '--attribute', 'x'], /Cannot use --attribute "x": expected NAME=VALUE/],
    [['list', '--limit', '0'], /Cannot use --limit "0": expected a whole number from 1 to 100000/],
    [['list', '--connected', '--not-connected'], /Cannot use --connected with --not-connected: expected one of both/],
    [['export', '--disabled', '--enabled'], /Cannot use --enabled with --disabled: expected one of both/],
    [['audit', 'a', 'b'], /Cannot use "b": expected nothing behind audit \[ID\] but flags/],
    [['audit', ''], /Cannot run audit: expected dunlin device audit \[ID\], see/],
    [['audit', '--since', 'monday'], /Cannot use --since "monday": expected how long ago/],
    [['export', '--format', 'xml'], /Cannot use --format "xml": expected json or csv/],
    [['revoke', 'a', '--reason', 'x'], /Cannot use --reason "x": expected one of unspecified/],
    [['add', 'a', '--typ', 'x'], /Cannot use --typ: dunlin device has no such flag, did you mean --type\?/],
  ];
  for (const [argv, message] of wrong) assert.throws(() => readDeviceFlags(argv), message);
});

test('the reasons are those of the authority', () => {
  assert.deepEqual(REASONS, Object.keys(REVOCATION_REASONS));
});
