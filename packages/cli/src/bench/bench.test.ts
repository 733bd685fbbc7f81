import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { port, tool } from '../contract/local-server.ts';
import { PseudoTerminal, withoutControls } from '../contract/pseudo-terminal.ts';

test('a run ends with a table and 0', async () => {
  const bench = tool('bench pairs -n 2 --connect-rate 5000 --warmup 0 --duration 0.2');
  assert.equal(await bench.exitCode, 0, bench.terminal.err);
  assert.match(
    bench.terminal.out,
    /^dunlin bench pairs: 4 clients, QoS 0, 64 B, \d+\.\d s, mqtt:\/\/127\.0\.0\.1:\d+\n\n/,
  );
  for (const line of [/^connected +4 /m, /^lost +0$/m, /^delivered in +/m]) assert.match(bench.terminal.out, line);
  assert.equal(bench.terminal.err, '');
});

test('--json prints one line, without credentials', async () => {
  const bench = tool('bench connect -n 3 --connect-rate 5000 --duration 0 --json -u me -P hidden');
  assert.equal(await bench.exitCode, 0, bench.terminal.err);
  const { out } = bench.terminal;
  assert.equal(out.indexOf('\n'), out.length - 1);
  const { mode, url, clientsConnected, errors } = JSON.parse(out);
  assert.deepEqual([mode, url, clientsConnected, errors], ['connect', `mqtt://127.0.0.1:${port()}`, 3, []]);
  assert.doesNotMatch(out, /hidden/);
});

test('Ctrl-C ends in order, with the results so far and 0', async () => {
  const bench = tool('bench sub -d -n 1 --warmup 0 --duration 3600');
  await bench.terminal.shows('< SUBACK');
  bench.terminal.interrupt();
  assert.equal(await bench.exitCode, 0);
  assert.match(bench.terminal.out, /^connected +1 /m);
  assert.match(bench.terminal.err, /> DISCONNECT/);
});

test('where nobody comes in the failure is told, and where nothing worked the exit code is that of the first one', async () => {
  const nobody = tool('bench pub -n 2 -p 1 --duration 0.1');
  assert.equal(await nobody.exitCode, 2);
  assert.match(nobody.terminal.err, /^dunlin bench: Cannot connect to .*ECONNREFUSED/);
  const refused = tool('bench pub -n 1 -q 1 --warmup 0 --duration 0.2 -t', ['$SYS/own']);
  assert.equal(await refused.exitCode, 0x90);
  assert.match(refused.terminal.out, /^errors\nrefused: Topic Name invalid \(0x90\) +\d/m);
});

const skip = spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'python3 is not here';

test('on a terminal one line tells how it goes, and gives way to the table', { skip }, async () => {
  const argv = [
    'bench',
    'pairs',
    '-h',
    '127.0.0.1',
    '-p',
    String(port()),
    '-n',
    '1',
    '--warmup',
    '0',
    '--duration',
    '600',
  ];
  using terminal = new PseudoTerminal(argv, { rows: 24, columns: 60 });
  await terminal.until(({ text }) => /measuring \d of 600 s · 2 of 2 connected · published [\d,]+/.test(text));
  terminal.type('\x03');
  assert.equal(await terminal.end(), 0);
  const [live, table] = terminal.text.split('dunlin bench pairs: ');
  for (const line of live.replace('^C', '').split('\r')) assert.ok(withoutControls(line).length < 60, line);
  assert.ok(live.endsWith('\r\x1b[K'));
  assert.match(table, /^2 clients, QoS 0, 64 B, [\s\S]*\nlost +0\r\n/);
});
