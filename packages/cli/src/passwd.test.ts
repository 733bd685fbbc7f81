import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseHash, parseScramCredential } from '@dunlin/identity';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-passwd-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let files = 0;

function newFile(text?: string): string {
  files += 1;
  const file = join(scratch, `${files}`);
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

async function passwd(input: string, ...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal([input]);
  const exitCode = await run(['passwd', ...argv], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

const done = (what: string) => ({
  exitCode: 0,
  out: '',
  err: `${what}; a running server reads the file at "dunlin reload"\n`,
});
const matches = (line: string, password: string): Promise<boolean> =>
  parseHash(line.slice(line.indexOf(':') + 1)).matches(Buffer.from(password));

test('begins a file, adds, changes and deletes users; comments and order stay', async () => {
  const file = newFile();
  assert.deepEqual(await passwd('one\n', '-c', file, 'ada'), done('added "ada"'));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, `# people\n${readFileSync(file, 'utf8')}\n# machines\n`);
  assert.deepEqual(await passwd('two\n', file, 'bob', '--format', 'mosquitto'), done('added "bob"'));
  assert.deepEqual(await passwd('three\n', file, 'ada'), done('changed "ada"'));
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.deepEqual([lines[0], lines[2], lines[3], lines[5]], ['# people', '', '# machines', '']);
  assert.match(lines[1], /^ada:\$argon2id\$/);
  assert.match(lines[4], /^bob:\$7\$/);
  assert.deepEqual([await matches(lines[1], 'three'), await matches(lines[4], 'two')], [true, true]);
  assert.deepEqual(await passwd('', '-D', file, 'ada'), done('removed "ada"'));
  assert.deepEqual(readFileSync(file, 'utf8').split('\n'), [lines[0], ...lines.slice(2)]);
  assert.deepEqual(
    readdirSync(scratch).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('what cannot be done is told, and changes nothing', async () => {
  const file = newFile('ada:hunter2\n');
  chmodSync(file, 0o640);
  const wrong: [string[], number, RegExp][] = [
    [['-c', file, 'ada'], 3, /Cannot begin .*: it is there; leave out -c/],
    [[newFile(), 'ada'], 3, /Cannot open .*: it is not there; -c begins it/],
    [['-D', file, 'bob'], 3, /Cannot delete "bob": .* has no such user/],
    [['-c', newFile(), 'a:b'], 1, /Cannot use the user "a:b": the user name holds ":"/],
    [['-c', join(newFile(), 'sub'), 'ada'], 3, /Cannot write the file: ENOENT/],
    [[file, 'bob'], 3, /:1: Cannot use the password hash: it is no hash/],
    [['--scram', '256', file, 'bob'], 3, /:1: Cannot use the SCRAM credential/],
  ];
  for (const [argv, code, message] of wrong) {
    const { exitCode, out, err } = await passwd('secret\n', ...argv);
    assert.deepEqual([exitCode, out], [code, ''], err);
    assert.match(err, message);
    assert.doesNotMatch(err, /hunter2/);
  }
  assert.equal(readFileSync(file, 'utf8'), 'ada:hunter2\n');
});

test('-U hashes what is plain text and leaves hashes alone', async () => {
  const hash = (await passwd('one\n', '--hash')).out.trim();
  const file = newFile(`# who\nada:${hash}\nbob: two:2\n`);
  const { exitCode, out } = await passwd('', '-U', file);
  assert.deepEqual([exitCode, out], [0, `1 password of ${file} hashed\n`]);
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.deepEqual([lines[0], lines[1], lines[3]], ['# who', `ada:${hash}`, '']);
  assert.equal(await matches(lines[2], 'two:2'), true);
  assert.match((await passwd('', '-U', file)).out, /^0 passwords/);
});

test('-U stops at a hash with a fault and at an empty password', async () => {
  const text = 'ada:$7$x$y\nbob:\ncora:secret\n';
  const file = newFile(text);
  const { exitCode, err } = await passwd('', '-U', file);
  assert.equal(exitCode, 3);
  assert.match(err, /:1: Cannot use the password hash: .*\n.*:2: the password is empty/);
  assert.equal(readFileSync(file, 'utf8'), text);
});

test('prints a hash for the configuration', async () => {
  const { exitCode, out, err } = await passwd('secret\n', '--hash');
  assert.deepEqual([exitCode, err], [0, '']);
  assert.equal(await parseHash(out.trimEnd()).matches(Buffer.from('secret')), true);
});

test('writes SCRAM credentials, one of each mechanism for a user', async () => {
  const file = newFile();
  assert.deepEqual(await passwd('one\n', '--scram', '256', '-c', file, 'ada'), done('added "ada"'));
  assert.deepEqual(await passwd('one\n', '--scram', '512', file, 'ada'), done('added "ada"'));
  const first = readFileSync(file, 'utf8');
  assert.deepEqual(await passwd('two\n', '--scram', '512', file, 'ada'), done('changed "ada"'));
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => parseScramCredential(line.slice(4)).mechanism),
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'],
  );
  assert.deepEqual([lines[0] === first.split('\n')[0], lines[1] === first.split('\n')[1]], [true, false]);
  const unfit = await passwd('\u00aa\n', '--hash', '--scram', '256');
  assert.deepEqual([unfit.exitCode, unfit.out], [1, '']);
  const unfitName = await passwd('one\n', '--scram', '256', file, '\u00aa');
  assert.deepEqual([unfitName.exitCode, readFileSync(file, 'utf8')], [1, `${lines.join('\n')}\n`]);
  assert.match(unfit.err, /Cannot use the password with SCRAM: it is not in the normal form NFKC/);
});
