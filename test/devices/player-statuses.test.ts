/** What the application of the players knows of their status, over restarts and what a crash leaves. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PlayerStatuses } from '../../examples/players/player-statuses.ts';
import { scratch } from '../doors/guarded-server.ts';

test('the last status of each player is known after a restart, and only another one is a change', async () => {
  const folder = scratch();
  const first = await PlayerStatuses.open(folder);
  const said = [
    first.set('p', 'online'),
    first.set('p', 'online'),
    first.set('q', 'online'),
    first.set('q', 'offline'),
  ];
  assert.deepEqual(await Promise.all(said), [true, false, true, true]);
  await first.close();
  const second = await PlayerStatuses.open(folder);
  assert.deepEqual([second.of('online'), second.of('offline')], [['p'], ['q']]);
  assert.equal(await second.set('p', 'online'), false);
  await second.close();
  assert.equal(readFileSync(join(folder, 'statuses.jsonl'), 'utf8').split('\n').length, 3);
});

test('a line that a crash has cut is forgotten, and a file that was begun anew in a crash is as well', async () => {
  const folder = scratch();
  const first = await PlayerStatuses.open(folder);
  await first.set('p', 'online');
  // No close: the process was killed.
  appendFileSync(join(folder, 'statuses.jsonl'), '{"player":"p","status":"off');
  writeFileSync(join(folder, 'statuses.jsonl.new'), '{"pl');
  const second = await PlayerStatuses.open(folder);
  assert.deepEqual(second.of('online'), ['p']);
  assert.equal(await second.set('p', 'offline'), true);
  await second.close();
  assert.deepEqual((await PlayerStatuses.open(folder)).of('offline'), ['p']);
  await first.close();
});
