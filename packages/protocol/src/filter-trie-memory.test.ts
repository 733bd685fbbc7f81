/** What a trie holds once filters are gone, and what removing them costs. */

import assert from 'node:assert/strict';
import { type Runtime, Session } from 'node:inspector';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { FilterTrie } from './filter-trie.ts';

const inspected = globalThis as { inspected?: unknown };
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const level = fc.constantFrom('a', 'b', '', '$x', '+', '\u00e9', '\u{1F986}');
const filter = fc
  .tuple(fc.array(level, { maxLength: 5 }), fc.boolean())
  .map(([levels, hasRest]) => [...levels, ...(hasRest ? ['#'] : [])].join('/'))
  .filter((text) => text !== '');

test('holds neither filter nor node when all values are removed, in any order and with repeats', () => {
  const withSession = new Session();
  withSession.connect();
  const added = fc.array(fc.tuple(filter, fc.nat(2)), { minLength: 1, maxLength: 40 });
  const shuffled = added.chain((pairs) =>
    fc.tuple(fc.constant(pairs), fc.shuffledSubarray(pairs, { minLength: pairs.length })),
  );
  try {
    fc.assert(
      fc.property(shuffled, ([pairs, removed]) => {
        const trie = new FilterTrie<number>();
        for (const [text, value] of pairs) trie.add(text, value);
        assert.notDeepEqual(held(withSession, trie), EMPTY);
        for (const [text, value] of removed) assert.equal(trie.remove(text, value), true);
        assert.equal(trie.size, 0);
        assert.deepEqual(held(withSession, trie), EMPTY);
      }),
    );
  } finally {
    withSession.disconnect();
  }
});

test('removes 20000 values of one filter in a number of steps that grows with their number only', () => {
  const count = 20_000;
  const values = Array.from({ length: count }, (_, value) => value);
  const orders = { upwards: values, downwards: values.toReversed(), mixed: values.map((v) => (v * 7919) % count) };
  for (const text of ['a/b', 'a/+', 'a/#']) {
    for (const [name, order] of Object.entries(orders)) {
      const trie = new FilterTrie<number>();
      for (const value of values) trie.add(text, value);
      const steps = countSteps(() => {
        for (const value of order) trie.remove(text, value);
      });
      assert.equal(trie.size, 0);
      assert.ok(steps <= 4 * count, `${text}, ${name}: ${steps} steps`);
    }
  }
});

test('lets go of all nodes of filters of 32767 levels', () => {
  const filters = ['+', '#'].map((last) => `${'a/'.repeat(32_766)}${last}`);
  const withSession = new Session();
  withSession.connect();
  try {
    const trie = new FilterTrie<number>();
    for (const text of filters) trie.add(text, 1);
    for (const text of filters) assert.equal(trie.remove(text, 1), true);
    assert.deepEqual(held(withSession, trie), EMPTY);
  } finally {
    withSession.disconnect();
  }
});

test('does not keep the text of a removed filter alive through a level that another filter shares', () => {
  const trie = new FilterTrie<number>();
  const shared = Array.from({ length: 200 }, (_, index) => `a-rather-long-first-level-${index}`);
  const before = heapUsed();
  for (const first of shared) {
    const long = Buffer.from(`${first}/${'x'.repeat(60_000)}/+`).toString();
    trie.add(long, 1);
    trie.add(`${first}/+`, 2);
    trie.remove(long, 1);
  }
  const bytes = heapUsed() - before;
  assert.equal(trie.size, shared.length);
  assert.ok(bytes < 2_000_000, `${bytes} bytes for ${shared.length} short filters`);
});

interface Held {
  readonly exact: string | undefined;
  readonly root: Readonly<Record<string, unknown>>;
}

const EMPTY: Held = {
  exact: 'Map(0)',
  root: { level: '', here: undefined, rest: undefined, any: undefined, named: undefined },
};

/** Node's typings leave the private fields out. */
interface Properties extends Runtime.GetPropertiesReturnType {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: Runtime.RemoteObject }[];
}

/** The private parts of a trie, as a debugger shows them. */
function held(session: Session, trie: FilterTrie<number>): Held {
  inspected.inspected = trie;
  let exact: string | undefined;
  let root: Record<string, unknown> = {};
  session.post('Runtime.evaluate', { expression: 'inspected' }, (_, { result }) => {
    for (const { name, value } of propertiesOf(session, result).privateProperties ?? []) {
      if (name === '#exact') exact = value?.description;
      if (name !== '#root' || value === undefined) continue;
      const properties = propertiesOf(session, value).result.filter((property) => property.isOwn);
      root = Object.fromEntries(properties.map((property) => [property.name, plain(property.value)]));
    }
  });
  inspected.inspected = undefined;
  return { exact, root };
}

function propertiesOf(session: Session, { objectId }: Runtime.RemoteObject): Properties {
  let properties: Properties | undefined;
  session.post('Runtime.getProperties', { objectId: objectId ?? '', ownProperties: true }, (_, found) => {
    properties = found;
  });
  assert.ok(properties !== undefined, 'the inspector answers at once in its own thread');
  return properties;
}

function plain(object: Runtime.RemoteObject | undefined): unknown {
  return object?.type === 'object' ? object.description : object?.value;
}

/** Elements that the searching and copying methods of arrays may have looked at meanwhile. */
function countSteps(action: () => void): number {
  let steps = 0;
  const prototype = Array.prototype as unknown as Record<string, (...given: unknown[]) => unknown>;
  const names = ['indexOf', 'lastIndexOf', 'includes', 'find', 'findIndex', 'filter', 'map', 'slice', 'splice'];
  const originals = names.map((name) => prototype[name]);
  for (let i = 0; i < names.length; i++) {
    const original = originals[i];
    const value = function (this: unknown[], ...given: unknown[]): unknown {
      steps += this.length;
      return original.apply(this, given);
    };
    Object.defineProperty(prototype, names[i], { value, configurable: true, writable: true });
  }
  try {
    action();
  } finally {
    for (let i = 0; i < names.length; i++)
      Object.defineProperty(prototype, names[i], { value: originals[i], configurable: true, writable: true });
  }
  return steps;
}

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
