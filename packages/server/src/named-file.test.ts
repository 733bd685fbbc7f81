import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readNamedFile } from './named-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-named-'));
after(() => rmSync(scratch, { recursive: true }));

test('reads a file, or says what it was to be and why it cannot be read', () => {
  const path = join(scratch, 'a');
  writeFileSync(path, 'x');
  assert.equal(readNamedFile(path, 'a key').toString(), 'x');
  const fails = (file: string, why: string): void =>
    assert.throws(() => readNamedFile(file, 'a key'), {
      name: 'ConfigurationError',
      message: `Cannot read a key from ${JSON.stringify(file)}: ${why}`,
    });
  fails(join(scratch, 'none'), 'there is no such file');
  fails(scratch, 'it is a folder');
});
