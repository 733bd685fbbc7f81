import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { backlogFor, connectionsAllowed, lowestFreeDescriptor, OpenFileLimit } from './file-limit.ts';

function limitOf(text: string): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-limits-'));
  try {
    const path = join(folder, 'limits');
    writeFileSync(path, text);
    const limit = new OpenFileLimit(path);
    try {
      return limit.read();
    } finally {
      limit.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('reads the soft limit of open files', () => {
  const head = 'Limit                     Soft Limit           Hard Limit           Units     \n';
  assert.equal(
    limitOf(`${head}Max open files            1024                 4096                 files     \n`),
    1024,
  );
  assert.equal(
    limitOf(`${head}Max open files            unlimited            unlimited            files     \n`),
    undefined,
  );
  assert.equal(limitOf(head), undefined);
  const none = new OpenFileLimit('/no/such/file');
  assert.equal(none.read(), undefined);
  none.close();
});

test('finds the lowest descriptor that is free', () => {
  const free = lowestFreeDescriptor();
  const taken = openSync(process.execPath, 'r');
  try {
    assert.equal(taken, free);
    assert.ok(lowestFreeDescriptor() > free);
  } finally {
    closeSync(taken);
  }
});

test('keeps a reserve of files for the process and for connections that wait', () => {
  assert.equal(backlogFor(1024), 51);
  assert.equal(connectionsAllowed(100_000, 1024, 2), 1024 - 64 - 2 * 51);
  assert.equal(backlogFor(1_000_000), 1024);
  assert.equal(connectionsAllowed(100_000, 1_000_000, 2), 100_000);
  assert.equal(connectionsAllowed(100_000, undefined, 2), 100_000);
  assert.equal(connectionsAllowed(50, 1024, 1), 50);
});

test('allows one connection however few files there are', () => {
  assert.equal(connectionsAllowed(100_000, 10, 4), 1);
});
