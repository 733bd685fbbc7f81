import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

async function script(shell: string): Promise<string> {
  const terminal = new RecordedTerminal();
  assert.equal(await run(['completion', shell], terminal), 0, terminal.err);
  return terminal.out;
}

test('every command and flag of the help is completed', async () => {
  const scripts = await Promise.all(['bash', 'zsh', 'fish'].map(script));
  const help = new RecordedTerminal();
  await run(['--help'], help);
  const commands = Array.from(help.out.matchAll(/^ {2}([a-z]+) {2,}/gm), ([, name]) => name);
  assert.ok(commands.length > 10);
  for (const name of commands) {
    const page = new RecordedTerminal();
    await run(name === 'serve' ? ['help', 'pub'] : ['help', name], page);
    const [bash, zsh] = scripts;
    const flags = Array.from(page.out.matchAll(/^ {2}(?:-\S, | {4})(--[a-z-]+)/gm), ([, flag]) => flag);
    if (name === 'serve') continue;
    const words = new RegExp(`^ {4}${name}\\) (.*) ;;$`, 'm').exec(bash.slice(bash.indexOf(' help) ')))?.[1] ?? '';
    for (const flag of flags) {
      assert.match(words, new RegExp(`[ ']${flag}[ ']`), `${name} ${flag}`);
      assert.ok(zsh.includes(`'*${flag}[`), flag);
    }
    assert.match(scripts[2], new RegExp(`-a ${name} -d`));
  }
});

test('the flags of the server are there too', async () => {
  assert.match(await script('bash'), /^ {4}'serve -c'\|'serve --config'\) compopt/m);
});

test('another shell and none are told', async () => {
  for (const [argv, found] of [
    [['completion'], 'no shell'],
    [['completion', 'tcsh'], '"tcsh"'],
  ] as const) {
    const terminal = new RecordedTerminal();
    assert.equal(await run(argv, terminal), 1);
    assert.equal(terminal.err, `dunlin completion: Cannot complete for ${found}: expected one of bash, zsh, fish\n`);
  }
});
