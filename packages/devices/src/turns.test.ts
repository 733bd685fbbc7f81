import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

/** Works that note when they end, and end when they are told to. */
function works() {
  const told: string[] = [];
  const begun: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gateOf = (name: string): PromiseWithResolvers<void> => {
    const gate = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, gate);
    return gate;
  };
  const work = (name: string) => async (): Promise<string> => {
    begun.push(name);
    await gateOf(name).promise;
    told.push(name);
    return name;
  };
  return { told, begun, gateOf, work };
}

test('works of one key follow each other, also after one that failed; those of two do not wait', async () => {
  const turns = new Turns();
  const { told, begun, gateOf, work } = works();
  const first = turns.run('a', work('a1'));
  const second = turns.run('a', work('a2'));
  const other = turns.run('b', work('b'));
  assert.deepEqual([begun, turns.size], [['a1', 'b'], 2], 'what need not wait begins at once');
  gateOf('b').resolve();
  await other;
  gateOf('a1').reject(new Error('fails'));
  await assert.rejects(first, /fails/);
  gateOf('a2').resolve();
  assert.equal(await second, 'a2');
  assert.deepEqual(told, ['b', 'a2']);
  await turns.idle();
  assert.equal(turns.size, 0);
});

test('who joins gets what is under way, with its failure, and else begins it', async () => {
  const turns = new Turns();
  const { begun, gateOf, work } = works();
  const one = turns.join('a', work('first'));
  const other = turns.join('a', work('second'));
  gateOf('first').reject(new Error('fails'));
  await Promise.all([assert.rejects(one, /fails/), assert.rejects(other, /fails/)]);
  assert.deepEqual(begun, ['first']);
  const again = turns.join('a', work('third'));
  gateOf('third').resolve();
  assert.equal(await again, 'third');
});

test('who waits is told when one key, any key and all that was asked for are over, failed or not', async () => {
  const turns = new Turns();
  const { told, gateOf, work } = works();
  assert.equal(turns.over('a'), undefined);
  turns.run('a', work('a')).catch(() => told.push('a failed'));
  void turns.run('b', work('b'));
  const waits = [turns.over('a')?.then(() => told.push('over')), turns.someOver(), turns.idle()];
  gateOf('a').reject(new Error('fails'));
  await Promise.all(waits.slice(0, 2));
  assert.deepEqual([told, turns.size], [['a failed', 'over'], 1]);
  void turns.run('b', work('later'));
  const asked = turns.allOver().then(() => told.push('all that was asked for'));
  gateOf('b').resolve();
  await turns.run('c', async () => {});
  gateOf('later').resolve();
  await Promise.all([asked, ...waits]);
  assert.equal(turns.size, 0);
});
