import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { command } from '../testing/command-world.ts';
import type { Command } from './command.ts';
import { CommandChanges } from './command-changes.ts';
import { COMMAND_TABLE } from './command-table.ts';

const NOW_MS = 1_800_000_000_000;

function world(table = new MemoryTable<Command>(COMMAND_TABLE), onTheirWay: readonly string[] = []) {
  const heard: string[] = [];
  const changes = new CommandChanges({
    table,
    clock: new TestClock(),
    isOnItsWay: (id) => onTheirWay.includes(id),
    ending: ({ id }) => heard.push(`ending ${id}: ${table.get(id)?.value.state}`),
    changed: ({ id, state }, { kind }) => heard.push(`${kind} ${id}: ${state}`),
  });
  const add = (fields: Partial<Command> = {}) =>
    table.put('c1', command({ expiresAtMs: NOW_MS + 1, awaitsAcknowledgement: true, ...fields }));
  return { table, changes, heard, add };
}

test('what is about to end is told before it is stored, what has changed after', async () => {
  const { changes, heard, add } = world();
  await add();
  const after = await changes.apply('c1', { kind: 'acknowledged' });
  assert.equal(after?.state, 'acknowledged');
  assert.deepEqual(heard, ['ending c1: queued', 'acknowledged c1: acknowledged']);
  assert.equal((await changes.apply('c1', { kind: 'failed', why: '' }))?.state, 'acknowledged');
  assert.equal(heard.length, 2);
});

test('what is going out gives no way to a newer one, though it is stored as queued; it can be cancelled', async () => {
  const { changes, add } = world(undefined, ['c1']);
  await add();
  assert.equal((await changes.apply('c1', { kind: 'superseded', by: 'c2' }))?.state, 'queued');
  assert.equal((await changes.apply('c1', { kind: 'failed', why: 'cancelled' }))?.state, 'failed');
});

test('nothing is made of a command that does not exist', async () => {
  const { changes, heard } = world();
  const change = changes.apply('nobody', { kind: 'acknowledged' });
  assert.notEqual(changes.over('nobody'), undefined);
  assert.deepEqual([await change, heard], [undefined, []]);
  await changes.idle();
  assert.equal(changes.over('nobody'), undefined);
});

test('of changes that come together each sees the one before', async () => {
  const { changes, heard, add } = world();
  await add();
  const states = await Promise.all([
    changes.apply('c1', { kind: 'delivered', confirmed: true, attempts: 1 }),
    changes.apply('c1', { kind: 'failed', why: 'no' }),
    changes.apply('c1', { kind: 'acknowledged' }),
  ]);
  assert.deepEqual(
    states.map((each) => each?.state),
    ['sent', 'failed', 'failed'],
  );
  assert.deepEqual(heard, ['delivered c1: sent', 'ending c1: sent', 'failed c1: failed']);
});

test('what another writer did meanwhile counts', async () => {
  class Contested extends MemoryTable<Command> {
    others = 1;
    override async put(key: string, value: Command, expected?: number): Promise<number> {
      if (expected !== undefined && this.others-- > 0)
        await super.put(key, { ...value, state: 'failed', endedAtMs: 1, why: 'theirs' });
      return super.put(key, value, expected);
    }
  }
  const { changes, add } = world(new Contested(COMMAND_TABLE));
  await add();
  const after = await changes.apply('c1', { kind: 'acknowledged' });
  assert.deepEqual([after?.state, after?.why], ['failed', 'theirs']);
});

test('a table that fails fails the change, and the next one is tried', async () => {
  class Failing extends MemoryTable<Command> {
    fails = false;
    override async put(key: string, value: Command, expected?: number): Promise<number> {
      if (this.fails) throw new Error('disk');
      return super.put(key, value, expected);
    }
  }
  const table = new Failing(COMMAND_TABLE);
  const { changes, add } = world(table);
  await add();
  table.fails = true;
  await assert.rejects(changes.apply('c1', { kind: 'acknowledged' }), /disk/);
  table.fails = false;
  assert.equal((await changes.apply('c1', { kind: 'acknowledged' }))?.state, 'acknowledged');
});
