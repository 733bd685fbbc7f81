import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSubFlags, subHelp } from './sub-flags.ts';
import { formatOf } from './sub-format.ts';

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
    ['-t a --json --hex', /one of --json, --hex and --watch/],
    ['-t a --json -F %p', /--json and -F/],
    ['-t a --rates 1 --watch', /--watch and --rates/],
    ['-t a --rates 1 -F %p', /--rates and -F/],
    ['-t a --pretty --hex', /--pretty and --hex/],
    ['-t a -F %?', /there is no such parameter/],
    ['-t a --rates x', /expected seconds/],
    ['-t a --rates 0', /"0": expected at least 0\.1 seconds/],
  ];
  for (const [line, expected] of wrong) assert.throws(() => read(line), expected, line);
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
