import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COUNTERS, createMetrics } from './metrics.ts';

test('every counter has a sentence and begins at 0', () => {
  const metrics: Readonly<Record<string, number>> = createMetrics();
  assert.deepEqual(Object.keys(metrics), Object.keys(COUNTERS));
  for (const [name, description] of Object.entries(COUNTERS)) {
    assert.match(description, /^[A-Z].*\.$/, name);
    assert.equal(metrics[name], 0);
  }
});

test('every counter is counted somewhere in the broker', () => {
  const tables = ['metrics.ts', 'limits.ts', 'sys-topics.ts'];
  const sources = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !tables.includes(file),
  );
  const text = sources.map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).join('\n');
  assert.deepEqual(
    Object.keys(COUNTERS).filter((name) => !new RegExp(`\\b${name}\\b`).test(text)),
    [],
  );
});

test('two brokers count for themselves', () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.bytesSent += 5;
  assert.equal(other.bytesSent, 0);
});
