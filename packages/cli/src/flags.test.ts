import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columns, type FlagGroup, helpText, readFlags, secondsAsMs, wholeNumber } from './flags.ts';

interface Target {
  given: string[];
}

const groups: FlagGroup<Target>[] = [
  {
    title: 'First',
    flags: [
      { short: 'v', long: 'verbose', help: 'more', set: (target) => void target.given.push('v') },
      {
        short: 'p',
        long: 'port',
        values: ['PORT'],
        help: 'where',
        set: (target, [port]) => void target.given.push(`p=${port}`),
      },
      { short: 'N', help: 'short only', set: (target) => void target.given.push('N') },
    ],
  },
  {
    title: 'Second',
    flags: [
      {
        long: 'pair',
        values: ['A', 'B'],
        valueCount: ([first]) => (first === 'three' ? 3 : 2),
        help: 'two or three',
        set: (target, values) => void target.given.push(values.join('+')),
      },
    ],
  },
];

function read(...argv: string[]): string[] {
  const target: Target = { given: [] };
  readFlags('tool', groups, argv, target);
  return target.given;
}

test('short, long, joined and attached forms mean the same', () => {
  assert.deepEqual(read('-v', '-p', '1', '--port', '2', '--port=3', '-p4', '-vN', '-vp', '5', '-vp6'), [
    'v',
    'p=1',
    'p=2',
    'p=3',
    'p=4',
    'v',
    'N',
    'v',
    'p=5',
    'v',
    'p=6',
  ]);
});

test('a loose word goes to the command that takes words, and is refused by the others', () => {
  const target: Target = { given: [] };
  readFlags('tool', groups, ['one', '-p', 'two', '-v', 'three'], target, ({ given }, word) => void given.push(word));
  assert.deepEqual(target.given, ['one', 'p=two', 'v', 'three']);
  assert.throws(() => read('one'), { message: 'Cannot use "one": expected a flag before it, see tool --help' });
});

test('a value is taken as it stands', () => {
  assert.deepEqual(read('-p', '-5', '--port', '--verbose', '--port=', '-p', ''), ['p=-5', 'p=--verbose', 'p=', 'p=']);
});

test('a flag may have several values, and their number may depend on them', () => {
  assert.deepEqual(read('--pair', 'a', 'b', '--pair', 'three', 'c', 'd'), ['a+b', 'three+c+d']);
});

test('what cannot be is refused with what is expected', () => {
  assert.throws(() => read('--nope', '1'), /Cannot use --nope: tool has no such flag, see tool --help/);
  assert.throws(() => read('--porte'), /did you mean --port\?/);
  assert.throws(() => read('--prot'), /did you mean --port\?/);
  assert.throws(() => read('-x'), /Cannot use -x: tool has no such flag, see tool --help/);
  assert.throws(() => read('-p'), /Cannot use -p: expected PORT behind it/);
  assert.throws(() => read('--pair', 'a'), /expected A B behind it/);
  assert.throws(() => read('--verbose=1'), /--verbose takes no value/);
  assert.throws(() => read('word'), /Cannot use "word": expected a flag before it/);
  assert.throws(() => read('-'), /Cannot use "-"/);
});

test('the help holds every flag, the examples and the exit codes', () => {
  const help = helpText(
    {
      name: 'tool',
      summary: 'does it',
      usage: ['tool [flags]'],
      examples: [['tool -v', 'more']],
      notes: [['Note', ['text']]],
    },
    groups,
  );
  for (const part of [
    'tool: does it',
    '-v, --verbose    more',
    '    --pair A B  two or three',
    '-N               short only',
    'tool -v  more',
    'Note:\n  text',
    '128-162  ',
  ]) {
    assert.ok(help.includes(part), `${part}\nin\n${help}`);
  }
});

test('columns align, and a long left part stands alone', () => {
  assert.deepEqual(
    columns([
      ['a', '1'],
      ['bbb', '2'],
    ]),
    ['a    1', 'bbb  2'],
  );
  const long = 'x'.repeat(50);
  assert.deepEqual(
    columns([
      ['a', '1'],
      [long, '2'],
    ]).slice(1),
    [long, `${' '.repeat(34)}  2`],
  );
});

test('numbers outside of their range are refused', () => {
  assert.equal(wholeNumber('port', '65535', 1, 65_535), 65_535);
  for (const text of ['0', '65536', '1.5', 'a', '', '1e3', ' 1']) {
    assert.throws(() => wholeNumber('port', text, 1, 65_535), /expected a whole number from 1 to 65535/);
  }
  assert.deepEqual([secondsAsMs('time', '1'), secondsAsMs('time', '0.25')], [1000, 250]);
  for (const text of ['-1', 'a', '', '1e10', '99999999'])
    assert.throws(() => secondsAsMs('time', text), /expected seconds/);
});

test('a flag of mosquitto_pub for what is not there is told as such', () => {
  const message = (command: string, word: string): string => {
    try {
      readFlags(command, groups, [word], { given: [] });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(
    message('dunlin pub', '--proxy'),
    'Cannot use --proxy: dunlin pub has no SOCKS proxies, which mosquitto_pub has',
  );
  assert.match(message('dunlin sub', '--psk=00'), /dunlin sub has no pre-shared keys of TLS, which mosquitto_sub has/);
  assert.match(message('dunlin store', '--proxy'), /^Cannot use --proxy: dunlin store has no such flag/);
});
