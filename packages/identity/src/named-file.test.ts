import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readNamedFile } from './named-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-named-'));
after(() => rmSync(scratch, { recursive: true }));
const file = join(scratch, 'key');
writeFileSync(file, 'text');

test('reads the file, and says what was to be read where it cannot', () => {
  assert.equal(readNamedFile(file, 'a key').toString(), 'text');
  assert.throws(
    () => readNamedFile(scratch, 'a key'),
    /^NamedFileError: Cannot read a key from ".*": it is a folder, a file is expected$/,
  );
  assert.throws(() => readNamedFile(join(scratch, 'none'), 'a key'), /none": there is no such file$/);
  assert.equal(readNamedFile(file, 'a key', 4).length, 4);
  assert.throws(() => readNamedFile(file, 'a key', 3), /it has 4 bytes, at most 3 are expected$/);
});

test('says whose a file is that this user may not read', { skip: process.seteuid === undefined }, () => {
  const closed = join(scratch, 'closed');
  mkdirSync(closed);
  writeFileSync(join(closed, 'key'), '');
  const isRoot = process.getuid?.() === 0;
  chmodSync(scratch, 0o755);
  chmodSync(file, isRoot ? 0o600 : 0o000);
  chmodSync(closed, isRoot ? 0o700 : 0o000);
  if (isRoot) process.seteuid?.(65_534);
  try {
    const rights = `it belongs to user ${isRoot ? 0 : process.getuid?.()} and group \\d+ with mode 0\\d00;`;
    assert.throws(() => readNamedFile(file, 'a key'), new RegExp(`may not read it: ${rights}`));
    assert.throws(() => readNamedFile(join(closed, 'key'), 'a key'), /may not read it: a folder above it is closed/);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(closed, 0o700);
  }
});
