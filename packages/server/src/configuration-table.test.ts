import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, LIMITS } from '@dunlin/broker';
import { clientIdRules } from '@dunlin/identity';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { CONFIGURATION } from './configuration-table.ts';
import type { GroupShape, ListShape, Shape, VariantsShape } from './shape.ts';

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

/** The example as it stands, and with every commented key made active. */
function example(isActive: boolean) {
  const path = new URL('../../../examples/dunlin.yaml', import.meta.url);
  const text = readFileSync(path, 'utf8');
  return parseConfiguration(isActive ? text.replace(/^( *)#: /gm, '$1') : text, 'examples/dunlin.yaml');
}

test('is what the commented example uses, as it stands and with every comment made active', () => {
  assert.equal(completeConfiguration(example(false)).listeners.length, 1);
  const { listeners, authentication } = completeConfiguration(example(true));
  assert.deepEqual([...new Set(listeners.map(({ transport }) => transport))].sort(), [
    'tcp',
    'tls',
    'unix',
    'ws',
    'wss',
  ]);
  assert.deepEqual(
    new Set(authentication.map(({ method }) => method)),
    new Set(Object.keys(((CONFIGURATION.entries.authentication as ListShape).items as VariantsShape).variants)),
  );
});

test('names client id forms in the example that the rules for them take', () => {
  const [{ template, patterns, equals }] = example(true).clientIds ?? [];
  clientIdRules([{ template, patterns, equals }]);
  assert.throws(() => clientIdRules([{ template, patterns: { ...patterns, other: 'word' }, equals }]));
});

test('has no group that the example leaves out', () => {
  const missing = Object.keys(CONFIGURATION.entries).filter((key) => !(key in example(true)));
  // A switch of the garbage collector, for those who have measured.
  assert.deepEqual(missing, ['semiSpaceBytesMax']);
  const active = example(true);
  const given = (active.listeners ?? []).flatMap((listener) => Object.keys(listener));
  const { entries } = (CONFIGURATION.entries.listeners as ListShape).items as GroupShape;
  assert.deepEqual(
    Object.keys(entries).filter((key) => !given.includes(key)),
    [],
  );
});
