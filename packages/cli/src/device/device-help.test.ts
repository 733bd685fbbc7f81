import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import type { Flag } from '../flags.ts';
import { run } from '../tool.ts';
import { ACTIONS, DEVICE_PAGE, type DeviceAction, type DeviceFlags, isOf } from './device-flags.ts';
import { deviceHelp } from './device-help.ts';

const NAMES = Object.keys(ACTIONS) as DeviceAction[];

async function printed(...argv: string[]): Promise<string> {
  const terminal = new RecordedTerminal();
  assert.equal(await run(argv, terminal), 0);
  return terminal.out;
}

test('the help of the command is a table of its actions', () => {
  const help = deviceHelp();
  for (const name of NAMES)
    assert.match(
      help,
      new RegExp(`^ {2}${[name, ...ACTIONS[name].words].join(' ').replace('[ID]', '\\[ID\\]')} `, 'm'),
    );
  assert.ok(help.split('\n').length < 70);
  assert.ok(!help.includes('--csr'));
});

test('each action has a page of its own, with its flags and no others, in whatever order it is asked for', async () => {
  for (const name of NAMES) {
    const page = deviceHelp(name);
    const usage = [name, ...ACTIONS[name].words].join(' ');
    assert.ok(page.includes(`\nUsage:\n  dunlin device ${usage} [flags]\n`), name);
    assert.match(page, new RegExp(`\nExamples:\n {2}dunlin device ${name} ?[\\s\\S]*\nExit codes:\n`));
    for (const flag of DEVICE_PAGE.groups.flatMap(({ flags }) => flags))
      assert.equal(
        new RegExp(`^ +(?:-., )?--${flag.long}\\b(?!-)`, 'm').test(page),
        isOf(flag as Flag<DeviceFlags>, name),
        `${name} ${flag.long}`,
      );
    for (const argv of [
      ['device', name, '--help'],
      ['device', '--help', name],
      ['help', 'device', name],
    ])
      assert.equal(await printed(...argv), page, argv.join(' '));
    // What is for other actions is left out, with the words that say so.
    assert.doesNotMatch(page.slice(page.indexOf('\nUsage:')), new RegExp(`[^a-z](?:${NAMES.join('|')}): `));
  }
  assert.match(deviceHelp('revoke'), /--all +every token and certificate that counts\n/);
  assert.match(deviceHelp('list'), /--all +however many there are\n/);
});

test('the exit codes of a page are those of the action', () => {
  const codesOf = (name: string) => Array.from(deviceHelp(name).matchAll(/^ {2}(\d+) /gm), ([, code]) => Number(code));
  assert.deepEqual(codesOf('list'), [0, 1, 2, 3, 5]);
  assert.deepEqual(codesOf('why'), [0, 1, 2, 3, 4, 5]);
  assert.match(deviceHelp('import'), /\n {2}4 +entries were left out\n/);
  assert.deepEqual(codesOf('wake'), [0, 1, 2, 3, 5, 10, 11, 12, 13, 14]);
});

test('the overview has the exit codes of all actions, and no page has what is said of other commands', () => {
  const codes = Array.from(deviceHelp().matchAll(/^ {2}(\d+)(?:-\d+)? {2}/gm), ([, code]) => Number(code));
  assert.deepEqual(codes, [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14]);
  for (const page of [deviceHelp(), ...NAMES.map((name) => deviceHelp(name))])
    assert.doesNotMatch(page, /serve: |store check|which trying again/);
  assert.match(deviceHelp('list'), /\n {2}1 +the command line is wrong\n/);
  assert.match(deviceHelp('wake'), /\n {2}1 +the command line is wrong; device --group: or nobody is in the group\n/);
});
