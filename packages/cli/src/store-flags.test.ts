import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HelpAsked } from './flags.ts';
import { readStoreFlags, storeHelp } from './store-flags.ts';

test('reads action, directory and flags in any order', () => {
  assert.deepEqual(readStoreFlags(['stats']), { action: 'stats', json: false, force: false });
  assert.deepEqual(readStoreFlags(['--json', 'check', '--data', 'd']), {
    action: 'check',
    json: true,
    force: false,
    data: 'd',
  });
  assert.deepEqual(readStoreFlags(['backup', '-c', 'dunlin.yaml', 'to']), {
    action: 'backup',
    place: 'to',
    json: false,
    force: false,
    config: 'dunlin.yaml',
  });
  assert.deepEqual(readStoreFlags(['restore', 'from', '--force']), {
    action: 'restore',
    place: 'from',
    json: false,
    force: true,
  });
});

test('says what is missing, unknown or too much', () => {
  const wrong: [string[], RegExp][] = [
    [[], /^Cannot run dunlin store alone: expected one of stats, check, backup, restore, see dunlin store --help$/],
    [['repair'], /^Cannot run "repair": expected one of stats, check, backup, restore/],
    [['toString'], /^Cannot run "toString"/],
    [['backup'], /^Cannot run backup: expected TO behind it, see dunlin store --help$/],
    [['restore', ''], /^Cannot run restore: expected FROM behind it/],
    [['check', 'd'], /^Cannot use "d": expected nothing behind check but flags$/],
    [['backup', 'a', 'b'], /^Cannot use "b": expected nothing behind backup TO but flags$/],
    [['backup', 'a', '--force'], /^Cannot use --force with backup: it is for restore$/],
    [['stats', '--date', 'd'], /^Cannot use --date: dunlin store has no such flag, did you mean --data\?$/],
  ];
  for (const [argv, message] of wrong) assert.throws(() => readStoreFlags(argv), { exitCode: 1, message });
});

test('the help shows every action with its line', () => {
  assert.throws(() => readStoreFlags(['backup', '--help']), HelpAsked);
  const help = storeHelp();
  for (const action of ['stats', 'check', 'backup TO', 'restore FROM']) {
    assert.match(help, new RegExp(`^ {2}dunlin store ${action} \\[flags\\]$`, 'm'));
    assert.match(help, new RegExp(`^ {2}${action} {2,}\\S`, 'm'));
  }
});
