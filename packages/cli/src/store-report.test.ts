import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckReport, StoreStats } from '@dunlin/server';
import {
  backupJson,
  backupText,
  bytes,
  checkJson,
  checkText,
  restoreJson,
  restoreText,
  statsJson,
  statsText,
} from './store-report.ts';

const stats: StoreStats = {
  keys: 1_234_567,
  fileBytes: 67_108_864,
  reusableBytes: 1536,
  freeBytes: 120 * 1024 ** 3,
  sessionsToSweep: 0,
  sweepFailure: undefined,
};
const sound: CheckReport = {
  sessions: 1_000,
  subscriptions: 2,
  queued: 3,
  bodies: 4,
  retained: 5,
  tableRecords: 6,
  garbage: 7,
  problems: [],
};
const server = { pid: 4711, version: '1.2.3' };
const [directory, to, fileBytes] = ['/data', '/backup', 2048];

test('sizes have three digits and a unit', () => {
  const sizes = [0, 1, 1023, 1024, 10_000, 10_188, 10_189, 1_023_999, 1024 ** 2 - 1, 64 * 1024 ** 2, 3 * 1024 ** 6];
  assert.deepEqual(sizes.map(bytes), [
    ...['0 B', '1 B', '1023 B', '1.00 KiB', '9.77 KiB', '9.95 KiB', '10.0 KiB', '1000 KiB', '1.00 MiB'],
    ...['64.0 MiB', '3072 PiB'],
  ]);
});

test('stats are aligned, with who has the directory', () => {
  assert.equal(
    statsText({ directory, server, result: stats }),
    `The store in /data:
  server                     process 4711, dunlin 1.2.3
  keys                       1,234,567
  data file                  64.0 MiB
  of that to be reused       1.50 KiB
  free on its disk           120 GiB
  deleted sessions to clear  0
`,
  );
  const failed = statsText({ directory, server: undefined, result: { ...stats, sweepFailure: 'Error: why' } });
  assert.match(failed, /^ {2}server {21}none has it$/m);
  assert.match(failed, /^ {2}clearing ended {13}Error: why$/m);
});

test('a check tells what there is, or what is wrong, which nothing of it can hide', () => {
  const text = checkText({ directory, server, result: sound });
  assert.match(text, /^The store in \/data is sound:\n {2}sessions {19}1,000\n/);
  assert.equal(text.split('\n').length, 9);
  assert.equal(
    checkText({ directory, server, result: { ...sound, problems: ['one'] } }),
    'The store in /data has a problem:\n  one\n',
  );
  assert.equal(
    checkText({ directory, server, result: { ...sound, problems: ['one', 'two\u001b[2J'] } }),
    'The store in /data has 2 problems:\n  one\n  two\\u001b[2J\n',
  );
});

test('backup and restore say what was copied from where', () => {
  const backup = backupText({ directory, server, result: { to, fileBytes, report: sound } });
  assert.match(backup, /^Backed up \/data to \/backup; the copy is sound:\n {2}data file {18}2\.00 KiB\n {2}sessions /);
  const restored = restoreText(to, directory, { report: sound, fileBytes, former: '/data/former-x' });
  assert.match(restored, /^Restored \/backup into \/data:\n[\s\S]*\n {2}former store {15}\/data\/former-x\n$/);
  assert.doesNotMatch(restoreText(to, directory, { report: sound, fileBytes, former: undefined }), /former/);
});

test('JSON has exact numbers, and null for what is not there', () => {
  const result = stats;
  const { sweepFailure: _, ...numbers } = stats;
  assert.deepEqual(statsJson({ directory, server, result }), { directory, server, ...numbers, sweepFailure: null });
  assert.deepEqual(checkJson({ directory, server: undefined, result: sound }), {
    directory,
    server: null,
    isSound: true,
    ...sound,
  });
  const problems = ['one'];
  assert.deepEqual(checkJson({ directory, server, result: { ...sound, problems } }), {
    directory,
    server,
    isSound: false,
    ...sound,
    problems,
  });
  assert.deepEqual(backupJson({ directory, server, result: { to, fileBytes, report: sound } }), {
    directory,
    server,
    to,
    fileBytes,
    ...sound,
  });
  assert.deepEqual(restoreJson(to, directory, { report: sound, fileBytes, former: undefined }), {
    from: to,
    directory,
    former: null,
    fileBytes,
    ...sound,
  });
});
