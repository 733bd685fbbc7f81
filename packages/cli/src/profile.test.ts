import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { port } from './contract/local-server.ts';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-profile-'));
after(() => rmSync(directory, { recursive: true }));

async function dunlin(
  argv: string[],
  input: string[] = [],
  environment = { DUNLIN_PROFILES: join(directory, 'p.yaml') },
) {
  const terminal = new RecordedTerminal(input);
  Object.assign(terminal.environment, environment);
  const exitCode = await run(argv, terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

test('a saved server is used by name, and by default', async () => {
  const place = ['-h', '127.0.0.1', '-p', String(port())];
  assert.deepEqual(await dunlin(['profile', 'save', 'here', '--default', ...place]), { exitCode: 0, out: '', err: '' });
  const saved = ['-u', 'ada', '--ask-pw', '-L', 'mqtts://u:hush@h'];
  assert.equal((await dunlin(['profile', 'save', 'far', ...saved], ['secret\n'])).exitCode, 0);
  for (const way of [[], ['--profile', 'here']]) {
    assert.deepEqual(await dunlin(['pub', ...way, '-t', 'a', '-m', 'b']), { exitCode: 0, out: '', err: '' });
  }
  const { out } = await dunlin(['profile', 'list']);
  assert.equal(out, `here  127.0.0.1:${port()}  (default)\nfar   mqtts://u:(hidden)@h  (with password)\n`);
  const shown = await dunlin(['profile', 'show', 'far']);
  assert.deepEqual(shown.out.trim().split('\n').sort(), ['pw: (hidden)', 'url: mqtts://u:(hidden)@h', 'username: ada']);
  assert.equal((await dunlin(['profile', 'save', 'far', '-L', 'wss://h/mqtt?token=hush'])).exitCode, 0);
  assert.equal((await dunlin(['profile', 'show', 'far'])).out, 'url: wss://h/mqtt?(hidden)\n');
  assert.doesNotMatch((await dunlin(['profile', 'list'])).out, /hush/);
  assert.equal((await dunlin(['profile', 'remove', 'far'])).exitCode, 0);
  assert.deepEqual(await dunlin(['profile', 'remove', 'far']), {
    exitCode: 1,
    out: '',
    err: `dunlin profile: Cannot find the profile "far" in ${join(directory, 'p.yaml')}: expected one of here\n`,
  });
});

test('saving tells what it takes the place of', async () => {
  const environment = { DUNLIN_PROFILES: join(directory, 'places.yaml') };
  const save = async (...argv: string[]) =>
    (await dunlin(['profile', 'save', ...argv, '-h', 'x'], [], environment)).err;
  assert.equal(await save('a', '--default'), '');
  assert.equal(await save('b', '--default'), 'dunlin profile: the default is "b", it was "a"\n');
  assert.equal(await save('b', '--default'), 'dunlin profile: "b" is replaced\n');
});

test('a wrong command line is told, and nothing is saved', async () => {
  const wrong: [string[], RegExp][] = [
    [[], /expected list, show, save or remove/],
    [['destroy'], /expected list, show, save or remove/],
    [['list', 'a'], /expected dunlin profile list$/m],
    [['show'], /expected dunlin profile show NAME/],
    [['show', 'a', '-h', 'h'], /only save takes them/],
    [['save', 'a'], /a profile of nothing/],
    [['save', 'a b', '-h', 'h'], /Cannot name a profile/],
    [['save', 'a', '-h', 'h', '-L', 'mqtt://h'], /-h and -L/],
    [['save', 'a', '-m', 'x'], /no such flag/],
  ];
  for (const [argv, expected] of wrong) {
    const { exitCode, err } = await dunlin(['profile', ...argv]);
    assert.equal(exitCode, 1, argv.join(' '));
    assert.match(err, expected);
  }
  const homeless = await dunlin(['profile', 'list'], [], {} as { DUNLIN_PROFILES: string });
  assert.deepEqual([homeless.exitCode, /expected \$HOME/.test(homeless.err)], [3, true]);
});
