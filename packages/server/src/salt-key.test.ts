import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keptSaltKey, SALT_KEY_FILE } from './salt-key.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-salt-key-'));
after(() => rmSync(directory, { recursive: true }));

test('the key is made once, for its owner alone, and anew where it was cut short', () => {
  const key = keptSaltKey(directory);
  assert.equal(key.length, 32);
  assert.deepEqual(keptSaltKey(directory), key);
  assert.deepEqual(readdirSync(directory), [SALT_KEY_FILE]);
  assert.equal(statSync(join(directory, SALT_KEY_FILE)).mode & 0o777, 0o600);
  truncateSync(join(directory, SALT_KEY_FILE), 5);
  assert.notDeepEqual(keptSaltKey(directory), key);
});

test('a key that cannot be kept is an error', () => {
  assert.throws(() => keptSaltKey(join(directory, 'none')), { code: 'ENOENT' });
});
