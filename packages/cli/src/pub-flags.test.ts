import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pubHelp, readPubFlags } from './pub-flags.ts';

const read = (line: string) => readPubFlags(line.split(' '));

test('topic and payload come from flags or the URL', () => {
  assert.deepEqual(read('-t a -m b').source, { kind: 'text', text: 'b' });
  assert.equal(read('-L mqtt://h/a/b -n').topic, 'a/b');
  assert.deepEqual(read('-t a -f x').source, { kind: 'file', path: 'x' });
  const { qos, retain, repeat, repeatDelayMs } = read('-t a -s -q 2 -r --repeat 3 --repeat-delay 0.5');
  assert.deepEqual([qos, retain, repeat, repeatDelayMs], [2, true, 3, 500]);
});

test('what is missing or too much is told', () => {
  const wrong: [string, RegExp][] = [
    ['-m b', /without a topic: expected -t TOPIC/],
    ['-t a', /expected one of -m, -f, -s, -l and -n/],
    ['-t a -t b -m c', /more than one topic/],
    ['-t a -L mqtt://h/b -m c', /more than one topic: expected one of -t and the topic of the URL/],
    ['-t a -l -M 0', /under way "0"/],
    ['-t a -m b -n', /more than one of/],
    ['-t a/# -m b', /belong to filters/],
    ['-t a -m b --will-topic w/+', /belong to filters/],
    ['-t a -l --repeat 2', /--repeat with -l/],
    ['-t a -m b -q 3', /QoS "3"/],
    ['-t a -m b --repeat 0', /repeat count/],
    ['-t a -m b -D SUBSCRIBE user-property a b', /expected one of CONNECT, PUBLISH, DISCONNECT, WILL/],
  ];
  for (const [line, expected] of wrong) assert.throws(() => read(line), expected, line);
});

test('the help shows examples that can be read', () => {
  const examples = [...examplesOf(pubHelp()).matchAll(/^ {2}(?:.*\| )?dunlin pub (-.*?)(?: {2}.*)?$/gm)].map(
    ([, line]) => line,
  );
  assert.ok(examples.length >= 5);
  for (const line of examples) {
    const argv = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
    assert.doesNotThrow(() => readPubFlags(argv), line);
  }
});

function examplesOf(help: string): string {
  return /Examples:\n([\s\S]*?)\n\n/.exec(help)?.[1] ?? '';
}
