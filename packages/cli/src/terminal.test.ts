import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { slowStream } from './contract/slow-stream.ts';
import { Output, processTerminal } from './terminal.ts';

test('what is written in one turn leaves together at its end', async () => {
  const terminal = new RecordedTerminal();
  const output = new Output(terminal.output);
  output.write('a\n');
  output.write(Buffer.from('b\n'));
  assert.equal(terminal.out, '');
  await Promise.resolve();
  assert.equal(terminal.out, 'a\nb\n');
  output.write('c');
  output.flush();
  assert.equal(terminal.out, 'a\nb\nc');
});

test('a reader that goes away is the end without an error, anything else is one', async () => {
  const terminal = new RecordedTerminal();
  const output = new Output(terminal.output);
  terminal.breakOutput();
  assert.equal(await output.gone, undefined);
  output.write('lost');
  output.flush();
  assert.equal(terminal.out, '');

  const full = new RecordedTerminal();
  const other = new Output(full.output);
  full.breakOutput('ENOSPC');
  assert.match(String(await other.gone), /ENOSPC/);
});

test('a reader that is behind holds back the source until it has room again', async () => {
  const calls: string[] = [];
  const { stream, read } = slowStream();
  const output = new Output(stream, { hold: () => calls.push('hold'), release: () => calls.push('release') });
  output.write('a');
  const room = output.room(new AbortController().signal);
  assert.deepEqual([output.isFull, calls], [true, ['hold']]);
  read();
  await room;
  assert.deepEqual([output.isFull, calls], [false, ['hold', 'release']]);
});

test('who waits for room goes on when the reader goes away, and when it is interrupted', async () => {
  const { stream } = slowStream();
  const output = new Output(stream);
  output.write('a');
  const interrupt = new AbortController();
  const room = output.room(interrupt.signal);
  interrupt.abort();
  await room;
  assert.equal(output.isFull, true);
  await output.room(interrupt.signal);

  const other = slowStream();
  const broken = new Output(other.stream);
  broken.write('a');
  const left = broken.room(new AbortController().signal);
  other.stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await left;
  assert.equal(broken.isFull, false);
});

test('the terminal of the process is this process', () => {
  const terminal = processTerminal();
  assert.equal(terminal.processId, process.pid);
  const before = process.listenerCount('SIGINT');
  const stop = terminal.onInterrupt(() => {});
  assert.equal(process.listenerCount('SIGINT'), before + 1);
  stop();
  assert.equal(process.listenerCount('SIGINT'), before);
});
