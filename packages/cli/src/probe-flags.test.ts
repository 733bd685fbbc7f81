import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeHelp, readProbeFlags } from './probe-flags.ts';

test('the defaults, and every flag', () => {
  const { json, timeoutMs, payloadMax, prefix } = readProbeFlags([]);
  assert.deepEqual([json, timeoutMs, payloadMax, prefix], [false, 10_000, 1_048_576, undefined]);
  const flags = readProbeFlags('--json --prefix a/b --timeout 2.5 --payload-max 100 -V 311 -u me -P pw'.split(' '));
  assert.deepEqual(
    [flags.json, flags.timeoutMs, flags.payloadMax, flags.prefix, flags.version],
    [true, 2500, 100, 'a/b', 4],
  );
});

test('a prefix is a topic of clients', () => {
  assert.throws(() => readProbeFlags(['--prefix', 'a/#']), /"a\/#"/);
  assert.throws(() => readProbeFlags(['--prefix', '$SYS']), /topics with \$ are the server's/);
  assert.throws(() => readProbeFlags(['--timeout', '0']), /expected at least 0\.1/);
  assert.throws(() => readProbeFlags(['--payload-max', '1']), /from 64 to/);
});

test('flags of sessions and wills have no place here', () => {
  assert.throws(() => readProbeFlags(['-c']), /no such flag/);
  assert.doesNotMatch(probeHelp(), /will/i);
});
