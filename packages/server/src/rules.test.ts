import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { configuredRules, shadowRules } from './rules.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-rules-'));
const rulesFile = join(scratch, 'rules.yaml');
writeFileSync(rulesFile, 'rules:\n  - allow: publish\n    topics: a\n');
after(() => rmSync(scratch, { recursive: true }));

test('rules come from the configuration or from files, and without any there are none', () => {
  assert.equal(configuredRules({}).rules, undefined);
  const own = configuredRules({ rules: [{ deny: 'subscribe', topics: ['b'] }], broaderFilter: 'check' });
  assert.deepEqual([own.rules?.length, own.broaderFilter], [1, 'check']);
  assert.match(configuredRules({ rulesFile }).rules?.[0].place ?? '', /rules\.yaml:2/);
});

test('a wrong rule of the configuration is told with its path', () => {
  const rules = [{ allow: 'publish' as const, topics: ['a/#/b'] }];
  assert.throws(() => configuredRules({ rules }), {
    name: 'ConfigurationError',
    message: /^authorization\.rules\[0\]/,
  });
});

test('rules that are tried out are compiled, where there are some', () => {
  assert.equal(shadowRules({}), undefined);
  assert.equal(shadowRules({ shadow: rulesFile })?.rules?.length, 1);
  assert.throws(() => shadowRules({ shadow: join(scratch, 'none') }), { name: 'ConfigurationError' });
});
