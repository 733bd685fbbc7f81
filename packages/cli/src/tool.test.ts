import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { port, tool } from './contract/local-server.ts';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { run } from './tool.ts';

const launcher = fileURLToPath(new URL('../bin/dunlin.js', import.meta.url));

/** In the order of the help. `serve` tells its help itself. */
const NAMES = [
  'serve',
  'init',
  'pub',
  'sub',
  'rr',
  'probe',
  'bench',
  'simulate',
  'top',
  'profile',
  'config',
  'store',
  'reload',
  'bans',
  'device',
  'api-key',
  'acl',
  'passwd',
  'completion',
];

async function end(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(argv, terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

test('--help names the commands, each of which has its own', async () => {
  const { exitCode, out } = await end('--help');
  assert.equal(exitCode, 0);
  for (const name of NAMES) assert.match(out, new RegExp(`^ {2}${name} `, 'm'));
  for (const { code, meaning } of EXIT_CODES) assert.ok(out.includes(`  ${code.padEnd(7)}  ${meaning}\n`), code);
  for (const name of NAMES.slice(1)) {
    const help = await end(name, '--help');
    assert.equal(help.exitCode, 0);
    assert.match(help.out, new RegExp(`^dunlin ${name}: [\\s\\S]*\nExamples:\n[\\s\\S]*\nExit codes:\n`));
  }
});

test('version is --version', async () => {
  assert.deepEqual(await end('version'), await end('--version'));
  assert.equal((await end('version', 'x')).exitCode, 1);
});

test('help COMMAND shows what COMMAND --help does', async () => {
  for (const name of NAMES.slice(1)) assert.equal((await end('help', name)).out, (await end(name, '--help')).out);
  const { exitCode, err } = await end('help', 'nonsense');
  assert.deepEqual(
    [exitCode, err],
    [1, `dunlin: Cannot show the help of "nonsense": expected one of ${NAMES.join(', ')}, see dunlin --help\n`],
  );
});

test('-h is --help, and a command that is nearly there is told', async () => {
  assert.deepEqual(await end('-h'), await end('--help'));
  for (const [typed, meant] of [
    ['pbu', 'pub'],
    ['publish', 'pub'],
    ['simulat', 'simulate'],
    ['bnech', 'bench'],
  ]) {
    const { exitCode, err } = await end(typed);
    assert.deepEqual([exitCode, err], [1, `dunlin: Cannot run "${typed}": did you mean ${meant}?\n`]);
  }
});

test('--version tells it; no command and a wrong one are usage errors', async () => {
  assert.match((await end('--version')).out, /^dunlin \d+\.\d+\.\d+/);
  assert.equal((await end()).exitCode, 1);
  const wrong = await end('nonsense');
  assert.deepEqual(
    [wrong.exitCode, wrong.err],
    [1, `dunlin: Cannot run "nonsense": expected one of ${NAMES.join(', ')}, see dunlin --help\n`],
  );
  assert.equal((await end('toString')).exitCode, 1);
});

test('no server is told with the place and what to do', async () => {
  const { exitCode, err } = await end('pub', '-h', '127.0.0.1', '-p', '1', '-t', 'a', '-m', 'b');
  assert.equal(exitCode, 2);
  assert.match(
    err,
    /^dunlin pub: Cannot connect to "127\.0\.0\.1:1": nothing listens there \(ECONNREFUSED\)\nStart a server with "npm start"/,
  );
});

test('--quiet silences failures, not a wrong command line', async () => {
  assert.deepEqual(await end('pub', '--quiet', '-p', '1', '-t', 'a', '-m', 'b'), { exitCode: 2, out: '', err: '' });
  assert.match((await end('pub', '--quiet', '-t', 'a')).err, /without a payload/);
});

test('what the server refuses is the exit code, mapped for older versions', async () => {
  const refused = tool('pub -V 31 -i', ['', '-t', 'a', '-m', 'b']);
  assert.equal(await refused.exitCode, 0x85);
  assert.match(refused.terminal.err, /Client Identifier not valid \(0x85\)/);
});

test('the launcher runs the tool from its sources and passes the exit code on', () => {
  const { status, stdout, stderr } = spawnSync(launcher, ['pub', '-t', 'a'], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /^dunlin pub: Cannot publish without a payload/);
  assert.equal(stdout, '');
});

test('output comes line by line through a pipe, and SIGINT ends with DISCONNECT and 0', async () => {
  const sub = spawn(launcher, ['sub', '-d', '-h', '127.0.0.1', '-p', String(port()), '-t', 'piped']);
  let out = '';
  let err = '';
  sub.stdout.on('data', (chunk) => {
    out += chunk;
  });
  sub.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const exited = new Promise<number | null>((resolve) => sub.on('exit', resolve));
  try {
    await eventually(() => err.includes('< SUBACK'));
    assert.equal(await tool('pub -t piped -m one').exitCode, 0);
    await eventually(() => out === 'one\n');
    sub.kill('SIGINT');
    assert.equal(await exited, 0);
    assert.match(err, /> DISCONNECT/);
  } finally {
    sub.kill('SIGKILL');
  }
});

test('an output that cannot be written is a local error of every command; a reader who goes away is none', async () => {
  for (const [code, argv, expected] of [
    ['ENOSPC', ['--version'], 3],
    ['ENOSPC', ['acl', '--help'], 3],
    ['EPIPE', ['--version'], 0],
  ] as const) {
    const terminal = new RecordedTerminal();
    terminal.breakOutput(code);
    assert.equal(await run(argv, terminal), expected);
    if (code === 'ENOSPC') assert.match(terminal.err, /^dunlin.*: Cannot write the output: write ENOSPC\n$/);
  }
});

test('a disk that is full is told of by the process', { skip: !existsSync('/dev/full') }, () => {
  const full = openSync('/dev/full', 'w');
  try {
    const { status, stderr } = spawnSync(launcher, ['passwd', '--help'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.deepEqual([status, /^dunlin passwd: Cannot write the output: ENOSPC/.test(stderr)], [3, true], stderr);
  } finally {
    closeSync(full);
  }
});

test('a pipe that is closed ends the tool quietly', async () => {
  const sub = spawn(launcher, ['sub', '-h', '127.0.0.1', '-p', String(port()), '-t', 'closed/#', '-v']);
  let err = '';
  sub.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const exited = new Promise<number | null>((resolve) => sub.on('exit', resolve));
  sub.stdout.destroy();
  try {
    let code: number | null | undefined;
    exited.then((value) => {
      code = value;
    });
    for (let round = 0; code === undefined && round < 200; round++) {
      assert.equal(await tool('pub -t closed/a -m x').exitCode, 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual([code, err], [0, '']);
  } finally {
    sub.kill('SIGKILL');
  }
});

async function eventually(happened: () => boolean): Promise<void> {
  for (let look = 0; look < 2000 && !happened(); look++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(happened());
}
