import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
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

test('the terminal of the process is this process', () => {
  const terminal = processTerminal();
  assert.equal(terminal.processId, process.pid);
  const before = process.listenerCount('SIGINT');
  const stop = terminal.onInterrupt(() => {});
  assert.equal(process.listenerCount('SIGINT'), before + 1);
  stop();
  assert.equal(process.listenerCount('SIGINT'), before);
});
