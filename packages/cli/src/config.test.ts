import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-config-'));

after(() => rmSync(scratch, { recursive: true, force: true }));

function put(name: string, text: string): string {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
}

async function config(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(['config', ...argv], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

test('check says that a file is right, or every problem with its line and exit code 4', async () => {
  const right = put('right.yaml', 'durability: memory\n');
  assert.deepEqual(await config('check', right), { exitCode: 0, out: `${right} is right\n`, err: '' });
  const wrong = put('wrong.yaml', 'listeners:\n  - port: x\nauthentication:\n  - {method: passwordFile}\n');
  const { exitCode, out, err } = await config('check', wrong);
  assert.deepEqual([exitCode, out], [4, '']);
  assert.equal(
    err,
    `${wrong}:2: listeners[0].port is "x": a whole number from 0 to 65535 is expected\n` +
      `${wrong}:4: authentication[0].file is missing: a text such as "passwords" is expected\n`,
  );
});

test('check looks at the files that are named', async () => {
  const file = put('names.yaml', 'durability: memory\nauthentication:\n  - method: passwordFile\n    file: none\n');
  const { exitCode, err } = await config('check', file);
  assert.equal(exitCode, 4);
  assert.match(err, /names\.yaml:4: authentication\[0\]\.file: .*none/);
});

test('show prints what is in force and no secret', async () => {
  const secret = 'a-secret-of-at-least-thirty-two-bytes';
  const jwt = `{method: jwt, algorithms: [HS256], secret: ${secret}}`;
  const file = put('show.yaml', `durability: memory\nauthentication: [${jwt}]\nlisteners: [{port: 1884}]\n`);
  const { exitCode, out, err } = await config('show', '--config', file);
  assert.deepEqual([exitCode, err], [0, '']);
  assert.match(out, /port: 1884\n/);
  assert.match(out, /secret: \(hidden\)\n/);
  assert.doesNotMatch(out, new RegExp(secret));
});

test('show tells with exit code 1 that a file is wrong', async () => {
  const { exitCode, err } = await config('show', '-c', put('bad.yaml', 'port: 1\n'));
  assert.equal(exitCode, 1);
  assert.match(err, /^dunlin config: .*bad\.yaml:1: port is unknown: did you mean listeners\[\]\.port\?\n$/);
});

test('import prints the configuration, and what is not carried with its line and exit code 4', async () => {
  const file = put('m.conf', 'listener 1883\nallow_anonymous true\npid_file /run/m.pid\nautosave_interval 1\n');
  const { exitCode, out, err } = await config('import', file);
  assert.equal(exitCode, 4);
  assert.match(out, /\nlisteners:\n {2}- transport: tcp\n/);
  assert.match(err, new RegExp(`^${file}:1: warning: the listener at [^\n]* is open to the network, [^\n]*\n`));
  assert.match(err, new RegExp(`\n${file}:3: pid_file is not carried: [^\n]*\n$`));
});

test('import writes a new file, which check finds right, and never over another', async () => {
  const file = put('whole.conf', 'listener 1883\nallow_anonymous true\nmessage_size_limit 1000\n');
  const to = join(scratch, 'whole.yaml');
  const first = await config('import', file, '-o', to);
  assert.deepEqual([first.exitCode, first.out], [0, '']);
  assert.match(first.err, /whole\.conf:3: note: /);
  assert.equal((await config('check', to)).out, `${to} is right\n`);
  const text = readFileSync(to, 'utf8');
  const again = await config('import', file, '-o', to);
  assert.equal(again.exitCode, 3);
  assert.match(again.err, /Cannot write .*whole\.yaml: there is such a file already/);
  assert.equal(readFileSync(to, 'utf8'), text);
});

test('import tells of a file that Mosquitto would not take with exit code 1, of one that is not there with 3', async () => {
  const { exitCode, err } = await config('import', put('odd.conf', 'listener 1883\nlistner 1884\n'));
  assert.equal(exitCode, 1);
  assert.match(err, /odd\.conf:2: "listner" is unknown: did you mean listener\?/);
  assert.equal((await config('import', join(scratch, 'none.conf'))).exitCode, 3);
});
