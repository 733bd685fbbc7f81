import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configHelp, readConfigFlags } from './config-flags.ts';

test('reads each action with its flags', () => {
  assert.deepEqual(readConfigFlags(['check', 'a.yaml']), { action: 'check', file: 'a.yaml' });
  assert.deepEqual(readConfigFlags(['show', '-c', 'a.yaml']), { action: 'show', file: 'a.yaml' });
  assert.deepEqual(readConfigFlags(['show']), { action: 'show', file: undefined });
  assert.deepEqual(readConfigFlags(['import', 'm.conf', '-o', 'd.yaml']), {
    action: 'import',
    file: 'm.conf',
    output: 'd.yaml',
  });
});

test('refuses what has no place, and says what is expected', () => {
  for (const [argv, message] of [
    [[], /^Cannot run dunlin config alone: expected one of check, show, import/],
    [['test'], /^Cannot run "test": expected one of check, show, import/],
    [['check'], /^Cannot run check: expected FILE behind it/],
    [['import'], /^Cannot run import: expected MOSQUITTO_CONF behind it/],
    [['show', 'a.yaml'], /^Cannot use "a\.yaml": expected nothing behind show but flags$/],
    [['check', 'a', 'b'], /^Cannot use "b": expected nothing behind check FILE but flags$/],
    [['check', 'a', '-o', 'b'], /^Cannot use --output with check: it is for import$/],
    [['import', 'a', '-c', 'b'], /^Cannot use --config with import: it is for show$/],
  ] as const)
    assert.throws(() => readConfigFlags(argv), { message });
});

test('helps with every action', () => {
  for (const text of ['dunlin config check FILE', 'dunlin config show', 'dunlin config import MOSQUITTO_CONF'])
    assert.ok(configHelp().includes(text), text);
});
