import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTopFlags, topHelp } from './top-flags.ts';

test('the defaults, and every flag', () => {
  const { filters, sort, intervalMs, depth, count } = readTopFlags([], {});
  assert.deepEqual([filters, sort, intervalMs, depth, count], [[], 'rate', 1000, undefined, undefined]);
  const flags = readTopFlags('-t a/# -t b --depth 2 --sort bytes --interval 0.5 -C 3'.split(' '), {});
  assert.deepEqual(
    [flags.filters, flags.sort, flags.intervalMs, flags.depth, flags.count],
    [['a/#', 'b'], 'bytes', 500, 2, 3],
  );
});

test('what cannot be is told', () => {
  assert.throws(() => readTopFlags(['-t', 'a/#/b'], {}), /"#" must be the last level/);
  assert.throws(() => readTopFlags(['--sort', 'age'], {}), /expected one of rate, messages, bytes, name/);
  assert.throws(() => readTopFlags(['--interval', '0.01'], {}), /expected at least 0\.1/);
  assert.throws(() => readTopFlags(['-x', '1'], {}), /no such flag/);
});

test('the help says that lines repeat the numbers of the server', () => {
  assert.match(topHelp(), /repeats the\s+numbers of the server until it says new ones: --interval 10 has each once/);
});
