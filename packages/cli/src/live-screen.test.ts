import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { port, tool } from './contract/local-server.ts';
import { PseudoTerminal, withoutControls } from './contract/pseudo-terminal.ts';
import { LiveScreen } from './live-screen.ts';
import { screenOf } from './screen.ts';
import { Output } from './terminal.ts';

test('a burst of changes is drawn once, and the end leaves the last view behind', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), {
    isTTY: true,
    columns: 20,
    rows: 5,
    write: (bytes: Uint8Array) => written.push(String(bytes)),
  }) as unknown as NodeJS.WriteStream;
  const output = new Output(stream);
  let draws = 0;
  const live = new LiveScreen(screenOf({ output: stream, environment: {} }), output, (columns, rows) => {
    draws += 1;
    return [`drawing ${draws}`, `${columns}x${rows}`];
  });
  for (let change = 0; change < 1000; change++) live.changed();
  assert.equal(draws, 1);
  context.mock.timers.tick(100);
  assert.equal(draws, 2);
  stream.columns = 30;
  stream.emit('resize');
  context.mock.timers.tick(100);
  assert.equal(draws, 3);
  live.stop();
  live.stop();
  output.flush();
  context.mock.timers.tick(5000);
  assert.equal(draws, 4);
  const all = written.join('');
  assert.ok(all.startsWith('\x1b[?1049h\x1b[?25l\x1b[Hdrawing 1\x1b[K\n20x5\x1b[K\x1b[J'));
  assert.ok(all.endsWith('\x1b[?25h\x1b[?1049ldrawing 4\n30x5\n'));
});

const skip = spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'python3 is not here';

test('--watch has one live line for each topic, heeds the size, and gives the terminal back', { skip }, async () => {
  const publish = async (topic: string, payload: string, ...flags: string[]): Promise<void> => {
    assert.equal(await tool('pub -q 1 -t', [`watched/${topic}`, '-m', payload, ...flags]).exitCode, 0);
  };
  // What is retained comes when the subscription is there.
  await publish('a', 'first', '-r');
  const argv = ['sub', '-h', '127.0.0.1', '-p', String(port()), '-t', 'watched/#', '--watch'];
  using terminal = new PseudoTerminal(argv, { rows: 6, columns: 70 });
  await terminal.until(({ view }) => /^watched\/a +first /.test(view[1]));
  for (const topic of ['d', 'c', 'b']) await publish(topic, 'x'.repeat(200));
  await publish('a', '\x1b[2Jlast');
  await terminal.until(({ view }) => /^watched\/a +\\u001b\[2Jlast .*\d\.\ds +\d+ +\d+\.\d$/.test(view[1]));
  await terminal.until(({ view }) => view.length === 6 && view[5].startsWith('4 topics, '));
  assert.deepEqual(
    terminal.view.slice(1, 5).map((line) => line.slice(0, 9)),
    ['watched/a', 'watched/b', 'watched/c', 'watched/d'],
  );
  for (const line of terminal.view) assert.ok(line.length <= 70, line);
  terminal.resize(4, 50);
  await terminal.until(({ view }) => view.length === 4 && view[3].startsWith('2 of 4 topics'));
  for (const line of terminal.view) assert.ok(line.length <= 50, line);
  terminal.type('\x03');
  assert.equal(await terminal.end(), 0);
  const [, left] = terminal.text.split('\x1b[?25h\x1b[?1049l');
  assert.match(withoutControls(left), /^topic +last value +age +messages +msg\/s\r?\nwatched\/a /);
});

test('--watch leaves nothing behind where no connection came about', { skip }, async () => {
  const argv = ['sub', '-h', '127.0.0.1', '-p', '1', '-t', '#', '--watch'];
  using terminal = new PseudoTerminal(argv, { rows: 6, columns: 70 });
  assert.equal(await terminal.end(), 2);
  const [, left] = terminal.text.split('\x1b[?25h\x1b[?1049l');
  assert.match(left, /^dunlin sub: Cannot connect to "127\.0\.0\.1:1": nothing listens there/);
});
