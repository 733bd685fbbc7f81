import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { startServer } from '@dunlin/server';
import { listening, port, tool } from './contract/local-server.ts';
import { PseudoTerminal } from './contract/pseudo-terminal.ts';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const publish = async (topic: string, payload: string, ...flags: string[]): Promise<void> => {
  assert.equal(await tool(`pub -q 1 -t ${topic} -m`, [payload, ...flags]).exitCode, 0);
};

test('without a terminal there is a line for each interval, with titles above', async () => {
  const { exitCode, terminal } = tool('top -C 3 --interval 0.1');
  assert.equal(await exitCode, 0, terminal.err);
  const [titles, ...lines] = terminal.out.trimEnd().split('\n');
  assert.match(titles, /^ {3}clients +pub\/s-in +pub\/s-out +B\/s-in +B\/s-out +dropped +retained +subscr$/);
  assert.equal(lines.length, 3);
  for (const line of lines) assert.equal(line.length, titles.length);
});

test('messages on the topics of -t are counted, those of one beginning together', async () => {
  const started = tool('top -d -t top/# --depth 2 --interval 0.1');
  await started.terminal.shows('< SUBACK 2');
  for (const name of ['a/1', 'a/2', 'b']) await publish(`top/${name}`, 'x');
  await started.terminal.shows('  top/a/…');
  started.terminal.interrupt();
  assert.equal(await started.exitCode, 0);
});

test('the numbers of the server are there', async () => {
  const { exitCode, terminal } = tool('top -C 5 --interval 0.1');
  assert.equal(await exitCode, 0, terminal.err);
  const [clients, , , , , dropped] = String(terminal.out.trimEnd().split('\n').at(-1)).trim().split(/ {2,}/);
  assert.match(`${clients} ${dropped}`, /^\d+ \d+$/, terminal.out);
});

test('a server without $SYS says so', async () => {
  const server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }], settings: { sysIntervalS: 0 } });
  after(() => server.stop());
  const terminal = new RecordedTerminal();
  const exitCode = run(
    ['top', '-h', '127.0.0.1', '-p', String(server.listeners[0].port), '--interval', '0.1'],
    terminal,
  );
  await terminal.shows('# The server says nothing under $SYS: its own numbers are unknown\n');
  terminal.interrupt();
  assert.equal(await exitCode, 0);
});

test('a connection that is refused ends it, one that is lost is told and made again', async () => {
  const refused = tool('top -V 31 -i', ['']);
  assert.equal(await refused.exitCode, 0x85);
  const started = tool('top -d --interval 0.1 -i lost');
  await started.terminal.shows('< SUBACK');
  const thief = await listening('-t none -i lost');
  await started.exitCode.then((code) => assert.equal(code, 0x8e));
  assert.match(started.terminal.err, /Session taken over/);
  thief.terminal.interrupt();
  await thief.exitCode;
});

test('nothing but silence is waited out only until Ctrl-C', async () => {
  const silent = createServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  after(() => silent.close());
  const started = tool(`top -p ${(silent.address() as AddressInfo).port}`);
  started.terminal.interrupt();
  assert.equal(await started.exitCode, 0);
});

const skip = spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'python3 is not here';

test('on a terminal the screen lives, and the keys work', { skip }, async () => {
  // What is retained comes when the subscription is there.
  await publish('keys/z', 'x'.repeat(100), '-r');
  const argv = ['top', '-h', '127.0.0.1', '-p', String(port()), '-t', 'keys/#'];
  using terminal = new PseudoTerminal(argv, { rows: 20, columns: 90 });
  await terminal.until(({ view }) => String(view.at(-1)).startsWith('1 topics, 1 messages'));
  assert.match(terminal.view[0], /^mqtt:\/\/127\.0\.0\.1:\d+/);
  await publish('keys/a', 'x');
  await publish('keys/a', 'x');
  const order = (view: readonly string[]): string => view.flatMap((line) => /^keys\/\S+/.exec(line) ?? []).join(' ');
  await terminal.until(({ view }) => /^2 topics, 3 messages/.test(String(view.at(-1))));
  terminal.type('s');
  await terminal.until(({ view }) => String(view.at(-1)).includes('(by messages)'));
  assert.equal(order(terminal.view), 'keys/a keys/z');
  terminal.type('s');
  await terminal.until(({ view }) => String(view.at(-1)).includes('(by bytes)'));
  assert.equal(order(terminal.view), 'keys/z keys/a');
  terminal.type('p');
  await terminal.until(({ view }) => String(view.at(-1)).includes('PAUSED'));
  await publish('keys/b', 'x');
  terminal.type('x');
  await terminal.until(({ view }) => /^2 topics, 3 messages.*PAUSED/.test(String(view.at(-1))));
  terminal.type('p');
  await terminal.until(({ view }) => /^3 topics, 4 messages.*p pauses/.test(String(view.at(-1))));
  terminal.type('q');
  assert.equal(await terminal.end(), 0);
  assert.match(terminal.text, /\x1b\[\?25h\x1b\[\?1049l/);
});
