import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { readSubFlags } from './sub-flags.ts';
import { messageOutput } from './sub-output.ts';
import { Output } from './terminal.ts';

/** What is written of the messages, which are `topic=payload`; time passes before the last one. */
function written(line: string, messages: string[], passes = (): void => {}): { out: string; err: string } {
  const terminal = new RecordedTerminal();
  const output = new Output(terminal.output);
  const messageOut = messageOutput(readSubFlags(line.split(' ')), terminal, output);
  for (const [at, message] of messages.entries()) {
    if (at === messages.length - 1) passes();
    const [topic, payload] = message.split('=');
    const packet = { topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false, packetId: 0 } as const;
    messageOut.take({ ...packet, properties: {} });
  }
  messageOut.end();
  output.flush();
  return { out: terminal.out, err: terminal.err };
}

test('lines come for each message, and a view that needs a terminal is lines without one', () => {
  assert.equal(written('-t #', ['a=1', 'b=2']).out, '1\n2\n');
  assert.equal(written('-t # --watch', ['a=1', 'b=2']).out, 'a 1\nb 2\n');
});

test('a message that has no JSON is told on the errors, unless nobody wants to hear', () => {
  assert.match(
    written('-t # -F %J', ['a=nonsense', 'a=1']).err,
    /^dunlin sub: Cannot print the message on "a" with %J/,
  );
  assert.equal(written('-t # -F %J --quiet', ['a=nonsense']).err, '');
});

test('rates come at each interval and at the end', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const { out } = written('-t # --rates 2', ['a=1', 'a=1', 'b=1'], () => context.mock.timers.tick(2000));
  const tables = out.split(/\n\n|In all\n/);
  assert.match(tables[0], /^[\d.]+ s: 2 messages, 1 topic\n.*msg\/s/);
  assert.match(tables.at(-1) ?? '', /^[\d.]+ s: 3 messages, 2 topics\n/);
});
