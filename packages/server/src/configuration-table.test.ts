import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, LIMITS } from '@dunlin/broker';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { CONFIGURATION } from './configuration-table.ts';
import type { GroupShape, ListShape, Shape } from './shape.ts';

function* shapes(shape: Shape, path: string): Iterable<[path: string, shape: Shape]> {
  yield [path, shape];
  if (shape.kind === 'list') yield* shapes(shape.items, `${path}[]`);
  if (shape.kind === 'group')
    for (const [name, entry] of Object.entries(shape.entries)) yield* shapes(entry, `${path}.${name}`);
}

test('describes every key in a sentence, and every default is allowed', () => {
  for (const [path, shape] of shapes(CONFIGURATION, '')) {
    assert.match(shape.description, /^[A-Z].*\.$/, path);
    if (shape.kind === 'amount') assert.ok(shape.default >= shape.minimum && shape.default <= shape.maximum, path);
    if (shape.kind === 'choice') assert.ok(shape.choices.includes(shape.default), path);
  }
});

test('reaches every limit and every setting of the broker', () => {
  const { limits, settings } = CONFIGURATION.entries as Record<string, GroupShape>;
  assert.deepEqual(Object.keys(limits.entries), Object.keys(LIMITS));
  assert.deepEqual(Object.keys(settings.entries).sort(), Object.keys(DEFAULT_SETTINGS).sort());
});

test('says the same defaults as a server that is given nothing', () => {
  const { entries } = (CONFIGURATION.entries.listeners as ListShape).items as GroupShape;
  const [listener] = completeConfiguration().listeners;
  for (const name of ['transport', 'host', 'port', 'allowAnonymous'] as const)
    assert.equal((entries[name] as { default?: unknown }).default, listener[name], name);
});

test('is what the commented example uses', () => {
  const path = new URL('../../../examples/dunlin.yaml', import.meta.url);
  const example = readFileSync(path, 'utf8');
  assert.equal(parseConfiguration(example, 'examples/dunlin.yaml').listeners?.length, 1);
  // Every commented key, made active, is right as well.
  const active = example.replace(/^( *)#: /gm, '$1');
  const { listeners = [] } = parseConfiguration(active, 'examples/dunlin.yaml');
  assert.equal(completeConfiguration({ listeners }).listeners.length, 2);
});
