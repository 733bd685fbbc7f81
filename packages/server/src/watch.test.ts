import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TestClock } from '../../../test/doubles.ts';
import type { ServerEvent } from './events.ts';
import { watchFiles } from './watch.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-watch-'));
const path = join(scratch, 'ca.crl');
after(() => rmSync(scratch, { recursive: true }));

test('tells how it went when files that changed were read again, and nothing after it is closed', () => {
  const clock = new TestClock();
  const events: ServerEvent[] = [];
  let text = '';
  const reread = (): void => {
    if (text === 'wrong') throw new Error('Cannot use it');
    text = `${text}.`;
  };
  writeFileSync(path, '1');
  const watch = watchFiles({ groups: [[path]], clock }, reread, (event) => events.push(event));
  // Longer than the poll and the time in which files come to rest.
  const change = (content: string): void => {
    writeFileSync(path, content);
    clock.pass(15_000);
  };
  change('22');
  assert.equal(text, '.');
  text = 'wrong';
  change('333');
  assert.deepEqual(events, [
    { name: 'filesReread', files: path },
    { name: 'filesUnusable', error: 'Cannot use it' },
  ]);
  watch.close();
  assert.equal(clock.timers, 0);
});

test('tells once of a file that stays missing, whose group waits for it, and that it is there again', () => {
  const clock = new TestClock();
  const events: ServerEvent[] = [];
  const certificate = join(scratch, 'server.pem');
  const key = join(scratch, 'server.key');
  for (const file of [certificate, key]) writeFileSync(file, '1');
  const watch = watchFiles(
    { groups: [[certificate, key]], clock },
    () => {},
    (event) => events.push(event),
  );
  rmSync(key);
  writeFileSync(certificate, '22');
  clock.pass(60_000);
  assert.deepEqual(events, [{ name: 'filesUnusable', error: `Cannot read "${key}": there is no such file` }]);
  writeFileSync(key, '22');
  clock.pass(15_000);
  assert.deepEqual(events.slice(1), [{ name: 'filesReread', files: `${certificate} ${key}` }]);
  rmSync(key);
  clock.pass(12_000);
  watch.close();
  assert.equal(clock.timers, 0);
});

test('without files there is nothing to watch', () => {
  const clock = new TestClock();
  const fail = (): never => assert.fail();
  watchFiles({ groups: [], clock }, fail, fail).close();
  assert.equal(clock.timers, 0);
});
