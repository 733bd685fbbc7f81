import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from '@dunlin/client';
import { formatOf, readSubFlags, subHelp } from './sub-flags.ts';

const read = (line: string) => readSubFlags(line.split(' '));

test('every flag sets what it says', () => {
  const line =
    '-t a -t b/# -q 1 -U c --no-local --retain-as-published --retain-handling 2 -T d -T e/+ -R --random-filter 50 ' +
    '-v -F %t --pretty -N -C 3 -W 0.5 -E --remove-retained';
  const { filters, unsubscribe, filterOut, qos, count, timeoutMs, format, pretty, verbose, newline, ...rest } =
    read(line);
  assert.deepEqual([filters, unsubscribe, filterOut], [['a', 'b/#'], ['c'], ['d', 'e/+']]);
  assert.deepEqual([qos, count, timeoutMs, format, pretty, verbose, newline], [1, 3, 500, '%t', true, true, false]);
  const { skipRetained, removeRetained, exitWhenSubscribed, noLocal, retainAsPublished, retainHandling, randomFilter } =
    rest;
  assert.deepEqual(
    [skipRetained, removeRetained, exitWhenSubscribed, noLocal, retainAsPublished, retainHandling, randomFilter],
    [true, true, true, true, true, 2, 50],
  );
  assert.equal(read('-t a --retained-only').retainedOnly, true);
  assert.deepEqual(read('-L mqtt://h/a/#').filters, ['a/#']);
});

test('what is missing or wrong is told', () => {
  const wrong: [string, RegExp][] = [
    ['-v', /without a filter: expected -t FILTER/],
    ['-t a/#/b', /Cannot subscribe to "a\/#\/b"/],
    ['-t a -T b#', /"b#"/],
    ['-t $share//a', /\$share/],
    ['-t a -R --retained-only', /-R and --retained-only/],
    ['-t a -V 311 --no-local', /older version/],
    ['-t a --random-filter 0', /from 0\.1 to 100/],
    ['-t a -C 0', /message count/],
    ['-t a -W x', /expected seconds/],
  ];
  for (const [line, expected] of wrong) assert.throws(() => read(line), expected, line);
});

test('messages print as payload, with topic, or in a format', () => {
  const print = (line: string, payload = 'x') => {
    const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
    const message = new ReceivedMessage({ ...packet, properties: {}, payload: Buffer.from(payload) }, 'a');
    return formatOf(read(line))(message, { epochMs: 0, nanoseconds: 0 }).toString();
  };
  assert.deepEqual([print('-t a'), print('-t a -N'), print('-t a', '')], ['x\n', 'x', '']);
  assert.deepEqual([print('-t a -v'), print('-t a -v', ''), print('-t a -v -N')], ['a x\n', 'a (null)\n', 'a x']);
  assert.deepEqual([print('-t a -F %t:%p'), print('-t a -F %p', ''), print('-t a -F %p -N -v')], ['a:x\n', '\n', 'x']);
});

test('on a terminal a topic cannot play with it; for a program it stands as it is', () => {
  const packet = { type: 'publish' as const, dup: false, qos: 0 as const, retain: false, topic: 'a', packetId: 0 };
  const message = new ReceivedMessage({ ...packet, properties: {}, payload: Buffer.from('\u202e') }, '\u001b[2J');
  const print = (isTerminal: boolean) =>
    formatOf(read('-t a -v'), isTerminal)(message, { epochMs: 0, nanoseconds: 0 }).toString();
  assert.equal(print(true), '\\u001b[2J \u202e\n');
  assert.equal(print(false), '\u001b[2J \u202e\n');
});

test('the help shows examples that can be read, and every format parameter', () => {
  const help = subHelp();
  const examples = [...examplesOf(help).matchAll(/^ {2}dunlin sub (-.*?)(?: {2}.*)?$/gm)].map(([, line]) => line);
  assert.ok(examples.length >= 6);
  for (const line of examples) {
    const argv = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
    assert.doesNotThrow(() => formatOf(readSubFlags(argv)), line);
  }
  for (const part of ['%j', '@Y', '\\n']) assert.ok(help.includes(part));
});

function examplesOf(help: string): string {
  return /Examples:\n([\s\S]*?)\n\n/.exec(help)?.[1] ?? '';
}
