import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { ANSWERED_TABLE, AnsweredRequests, requestHash } from './answered-requests.ts';
import { StandingClock } from './testing/host.ts';

const answer = { status: 200, location: undefined, revision: 7, body: '{}' };

function open(entriesMax = 100) {
  const clock = new StandingClock();
  const told: number[] = [];
  const table = new MemoryTable<never>(ANSWERED_TABLE as never);
  const begun = () =>
    new AnsweredRequests(table as never, clock, {
      keptMs: 1_000,
      entriesMax,
      madeRoom: (answers) => void told.push(answers),
    });
  const count = async () => (await table.scan({ limit: 1_000 })).records.length;
  return { clock, begun, count, told };
}

test('an answer outlives the process that gave it', async () => {
  const { begun } = open();
  const first = begun();
  assert.equal(await first.begin('key:a', 'k', 'hash'), undefined);
  await first.end('key:a', 'k', 'hash', answer);
  assert.equal((await begun().begin('key:a', 'k', 'hash'))?.body, '{}');
});

test('a key of one caller is not that of another', async () => {
  const requests = open().begun();
  await requests.begin('key:a', 'k', 'hash');
  await requests.end('key:a', 'k', 'hash', answer);
  assert.equal(await requests.begin('key:b', 'k', 'hash'), undefined);
});

test('a request is carried out once, also while it is under way', async () => {
  const requests = open().begun();
  await requests.begin('key:a', 'k', 'hash');
  await assert.rejects(requests.begin('key:a', 'k', 'hash'), { code: 'idempotency-running' });
  await requests.end('key:a', 'k', 'hash', undefined);
  assert.equal(await requests.begin('key:a', 'k', 'hash'), undefined);
});

test('there are never more than allowed, those of former processes included', async () => {
  const { begun, count, clock } = open(5);
  for (const requests of [begun(), begun()])
    for (let index = 0; index < 8; index++) {
      clock.ms += 1;
      await requests.end('key:a', `k${clock.ms}`, 'hash', answer);
    }
  assert.equal(await count(), 5);
});

test('those that are over go as new ones come', async () => {
  const { begun, count, clock } = open();
  const requests = begun();
  for (let index = 0; index < 3; index++) await requests.end('key:a', `k${index}`, 'hash', answer);
  clock.ms += 1_000;
  await requests.end('key:a', 'new', 'hash', answer);
  assert.equal(await count(), 1);
});

test('method, path and body make a request the one that it is', () => {
  const hashes = [
    requestHash('POST', '/a', { b: 1 }),
    requestHash('POST', '/a', { b: 2 }),
    requestHash('POST', '/b', { b: 1 }),
    requestHash('POST', '/a', undefined),
  ];
  assert.equal(new Set(hashes).size, 4);
});

test('that answers made room before their time is told, and that old ones did is not', async () => {
  const { begun, clock, told } = open(2);
  const requests = begun();
  const carryOut = async (key: string): Promise<void> => {
    await requests.begin('key:a', key, 'hash');
    await requests.end('key:a', key, 'hash', answer);
  };
  for (const key of ['1', '2']) await carryOut(key);
  clock.ms += 1_000;
  for (const key of ['3', '4']) await carryOut(key);
  assert.deepEqual(told, []);
  await carryOut('5');
  assert.deepEqual(told, [1]);
});
