import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commandPath } from '../../../tools/prerequisites.ts';
import type { CompletedCommand } from './completion-model.ts';
import { bashScript, fishScript, zshScript } from './completion-scripts.ts';
import { PseudoTerminal, withoutControls } from './contract/pseudo-terminal.ts';

const COMMANDS: CompletedCommand[] = [
  {
    name: 'pub',
    summary: "publishes, it's quick",
    actions: [],
    takesFiles: false,
    flags: [
      { short: 'q', long: 'qos', help: "0, 1 or 2: [the server's]", value: ['0', '1', '2'] },
      { short: 'f', long: 'file', help: 'payload', value: 'file' },
      { short: 't', long: 'topic', help: 'topic', value: 'other' },
      { short: undefined, long: 'retain', help: '$(no) `no`', value: 'none' },
    ],
  },
  { name: 'config', summary: 'checks', actions: ['check', 'show'], takesFiles: true, flags: [] },
];

const folder = mkdtempSync(join(tmpdir(), 'dunlin-completion-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'a file.txt'), '');
writeFileSync(join(folder, 'dunlin.bash'), bashScript(COMMANDS));

/** What bash offers when Tab is pressed behind these words; they are divided as bash does. */
function offered(...words: string[]): string[] {
  const line = ['dunlin', ...words];
  const script = [
    'source ./dunlin.bash',
    // compopt works only while bash itself completes.
    'compopt() { :; }',
    'handler=$(complete -p dunlin); handler=${handler#*-F }; handler=${handler%% *}',
    'COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); "$handler" dunlin; printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...line], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash completes commands, actions, flags and values', () => {
  assert.deepEqual(offered(''), ['pub', 'config', 'help', '--help', '--version']);
  assert.deepEqual(offered('p'), ['pub']);
  assert.deepEqual(offered('pub', ''), ['-q', '--qos', '-f', '--file', '-t', '--topic', '--retain']);
  assert.deepEqual(offered('pub', '-q', '1', '--r'), ['--retain']);
  assert.deepEqual(offered('pub', '-q', ''), ['0', '1', '2']);
  assert.deepEqual(offered('pub', '--qos', '=', ''), ['0', '1', '2']);
  assert.deepEqual(offered('pub', '--qos', '='), ['0', '1', '2']);
  assert.deepEqual(offered('pub', '--topic', ''), []);
  assert.deepEqual(offered('pub', '--file', 'a'), ['a file.txt']);
  assert.deepEqual(offered('config', 'ch'), ['check']);
  assert.deepEqual(offered('config', 'check', 'a'), ['a file.txt']);
  assert.deepEqual(offered('help', 'c'), ['config']);
});

test('Tab completes in a bash at a terminal', async () => {
  using bash = new PseudoTerminal(['--norc', '--noprofile', '-i'], { rows: 24, columns: 200 }, [
    String(commandPath('bash')),
  ]);
  bash.type(`PS1='> '; cd '${folder}'; source ./dunlin.bash; dunlin() { printf 'got'; printf '<%s>' "$@"; echo; }\n`);
  await bash.until(({ text }) => /\n\r?> $/.test(withoutControls(text)));
  bash.type('dunlin conf\tch\ta\\ f\t\n');
  await bash.until(({ text }) => text.includes('got<config><check><a file.txt>'));
  bash.type('dunlin pub --qo\t 2 --fi\ta\t\n');
  await bash.until(({ text }) => text.includes('got<pub><--qos><2><--file><a file.txt>'));
});

test('the scripts of zsh and fish name every flag with its help and value', () => {
  const zsh = zshScript(COMMANDS);
  assert.match(zsh, /^#compdef dunlin\n/);
  assert.ok(zsh.includes(`'*--qos[0, 1 or 2\\: \\[the server'\\''s\\]]:value:(0 1 2)'`), zsh);
  assert.ok(zsh.includes(`'*-f[payload]:file:_files'`));
  assert.ok(zsh.includes(`'1:action:(check show)'`));
  const fish = fishScript(COMMANDS);
  const flag = `complete -c dunlin -n '__fish_seen_subcommand_from pub' -s q -l qos -x -a '0 1 2' -d '0, 1 or 2: [the server\\'s]'`;
  assert.ok(fish.includes(flag), fish);
  assert.ok(fish.includes(`-l retain -d '$(no) \`no\`'`));
  assert.ok(fish.includes(`-n '__fish_is_first_token' -a pub -d 'publishes, it\\'s quick'`));
});

/** Whoever has zsh or fish looks at those too. */
const shells = (
  [
    ['bash', bashScript],
    ['zsh', zshScript],
    ['fish', fishScript],
  ] as const
).filter(([shell]) => commandPath(shell) !== undefined);

for (const [shell, script] of shells) {
  test(`${shell} finds no mistake in its script`, () => {
    const file = join(folder, `checked.${shell}`);
    writeFileSync(file, script(COMMANDS));
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });
}
