/** What the application of the players has counted, over restarts and what a crash leaves. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CountedViews } from '../../examples/players/counted-views.ts';
import { scratch } from '../doors/guarded-server.ts';

const view = (view_id: string) => ({ view_id, artwork_id: 1, viewed_at: '2026-01-02T03:04:05Z' });

const idsIn = (folder: string): string[] =>
  readFileSync(join(folder, 'views.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).view_id);

test('a view counts once, also of two that come together, and over a restart', async () => {
  const folder = scratch();
  const first = await CountedViews.open(folder);
  assert.deepEqual(await Promise.all(['a', 'a', 'b'].map((id) => first.add('p', view(id)))), [true, false, true]);
  await first.close();
  const second = await CountedViews.open(folder);
  assert.deepEqual([await second.add('p', view('a')), await second.add('p', view('c'))], [false, true]);
  // The id of another player's view is another view.
  assert.equal(await second.add('q', view('a')), true);
  await second.close();
  assert.deepEqual(idsIn(folder), ['a', 'b', 'c', 'a']);
});

test('after a crash between line and memory a view is known, and after one within a line it counts when it comes again', async () => {
  const folder = scratch();
  const line = (id: string): string => `${JSON.stringify({ player: 'p', ...view(id) })}\n`;
  // More than is looked at of the file.
  writeFileSync(join(folder, 'views.jsonl'), Array.from({ length: 2_000 }, (_, n) => line(`old-${n}`)).join(''));
  appendFileSync(join(folder, 'views.jsonl'), `${line('written')}${line('torn').slice(0, 30)}`);
  const views = await CountedViews.open(folder);
  assert.deepEqual([await views.add('p', view('written')), await views.add('p', view('torn'))], [false, true]);
  await views.close();
  assert.deepEqual(idsIn(folder).slice(-2), ['written', 'torn']);
});
