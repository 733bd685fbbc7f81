import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type KnownUser, Likeness, UserTable } from './user-table.ts';

const user = (proof: string, more: Partial<KnownUser<string>> = {}): KnownUser<string> => ({
  proof,
  groups: [],
  attributes: {},
  disabled: false,
  ...more,
});

test('an entry stays the same object until its user changes', () => {
  const table = new UserTable<string>('file', (proof) => proof);
  table.replace(new Map([['ada', user('1', { groups: ['a', 'b'], attributes: { x: '1', y: '2' } })]]));
  const entry = table.get('ada');
  const again = user('1', { groups: ['b', 'a'], attributes: { y: '2', x: '1' } });
  assert.deepEqual(table.replace(new Map([['ada', again]])), { added: [], removed: [], changed: [] });
  assert.equal(table.get('ada'), entry);
  assert.deepEqual(table.replace(new Map([['ada', user('2')]])).changed, ['ada']);
  assert.notEqual(table.get('ada'), entry);
});

test('a user that was removed and came back is another one', () => {
  const table = new UserTable<string>('file', (proof) => proof);
  const users = new Map([['ada', user('1')]]);
  table.replace(users);
  const entry = table.get('ada');
  assert.ok(entry);
  const principal = table.principal('ada', entry);
  assert.equal(table.review({ ...principal }), undefined);
  table.replace(new Map());
  assert.equal(table.review(principal)?.check, 'user-removed');
  table.replace(users);
  assert.equal(table.review(principal)?.check, 'user-changed');
});

test('a table knows nothing of whom another one of its name let in', () => {
  const users = new Map([['ada', user('1')]]);
  const [former, next] = [0, 1].map(() => new UserTable<string>('file', (proof) => proof));
  for (const table of [former, next]) table.replace(users);
  const entry = former.get('ada');
  assert.ok(entry);
  const principal = former.principal('ada', entry);
  assert.equal(former.review(principal), undefined);
  assert.equal(next.review(principal)?.check, 'user-changed');
});

test('a principal shows nothing of the proof', () => {
  const table = new UserTable<string>('file', (proof) => proof);
  table.replace(new Map([['ada', user('hunter2')]]));
  const entry = table.get('ada');
  assert.ok(entry);
  const principal = table.principal('ada', entry);
  assert.equal(principal.identity, 'file:ada');
  assert.doesNotMatch(inspect(principal, { depth: Infinity }), /hunter2/);
});

test('a name that nobody has looks like some known one, always the same', () => {
  const likeness = new Likeness('fallback');
  assert.equal(likeness.of('x'), 'fallback');
  likeness.replace(['a', 'b', 'c']);
  const chosen = Array.from({ length: 300 }, (_, at) => likeness.of(`name${at}`));
  assert.deepEqual(new Set(chosen), new Set(['a', 'b', 'c']));
  assert.deepEqual(
    chosen,
    Array.from({ length: 300 }, (_, at) => likeness.of(`name${at}`)),
  );
});
