import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isReasonCodeAllowed } from '@dunlin/protocol';
import { CHECKS, type Check, RefusalCounts, refusalBy } from './checks.ts';

test('every check has a name in words, a sentence and a Reason Code that CONNACK may carry', () => {
  for (const [name, { reasonCode, description }] of Object.entries<Check>(CHECKS)) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.match(description, /^[A-Z].*\.$/, name);
    assert.ok(reasonCode === undefined || isReasonCodeAllowed('connack', reasonCode, 'server'), name);
  }
});

test('every check is made somewhere in the broker', () => {
  const sources = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'checks.ts',
  );
  const text = sources.map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).join('\n');
  assert.deepEqual(
    Object.keys(CHECKS).filter((name) => !text.includes(`'${name}'`)),
    [],
  );
});

test('a refusal has the Reason Code of its check, where no other is said', () => {
  const refusal = { kind: 'refuse', reasonCode: 0x88, check: 'draining', reason: 'going' };
  assert.deepEqual(refusalBy('draining', 'going'), refusal);
  assert.deepEqual(refusalBy('draining', 'going', { reasonCode: 0x9c, detail: 'd' }), {
    ...refusal,
    reasonCode: 0x9c,
    detail: 'd',
  });
});

test('counts refusals by check, and together those beyond 200 different words', () => {
  const counts = new RefusalCounts();
  for (let word = 0; word < 300; word++) counts.count(`word-${word}`);
  counts.count('word-0');
  assert.deepEqual(
    [counts.byCheck.size, counts.byCheck.get('word-0'), counts.byCheck.get('word-200'), counts.byCheck.get('other')],
    [201, 2, undefined, 100],
  );
});
