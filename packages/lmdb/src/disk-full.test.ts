/** A write that fails ends all writing, with one error and no unhandled rejection; what was committed stays. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { newDirectory, openEnvironment } from './testing/directory.ts';

const KILOBYTES = 4_096;
const child = join(import.meta.dirname, 'testing/full-child.ts');

for (const durability of ['durable', 'process'] as const)
  test(`says so when a write fails, and keeps what was committed before (${durability})`, async () => {
    const directory = newDirectory();
    // A limit on the size of files, with its signal ignored, fails the write as a full disk does. The unit differs.
    const limit = `trap '' XFSZ; ulimit -f ${KILOBYTES}; exec "$@"`;
    const node = [process.execPath, '--conditions=@dunlin/source', child, directory, durability];
    const { stdout, status } = spawnSync('sh', ['-c', limit, 'sh', ...node], { encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0, stdout);
    const { committed, first, behind, second, read } = JSON.parse(stdout);
    assert.ok(committed > 5);
    assert.equal(first.code, 'commit-failed');
    assert.match(
      first.message,
      /^Cannot write to .*: Input\/output error \(\d+ bytes .* free\); make room or mend the device, then open it again/,
    );
    assert.deepEqual(behind, first);
    assert.deepEqual(second, first);
    assert.equal(read, 'position 1');
    const environment = await openEnvironment({ directory });
    const report = await environment.check();
    assert.deepEqual([report.queued, report.tableRecords, report.problems], [committed, committed, []]);
  });
