import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConfiguredFile } from './configured-file.ts';

test('a file that cannot be read is a fault of the configuration', () => {
  const own = fileURLToPath(import.meta.url);
  assert.deepEqual(readConfiguredFile(own, 'a key'), readFileSync(own));
  assert.throws(() => readConfiguredFile(`${own}.none`, 'a key'), {
    name: 'ConfigurationError',
    message: `Cannot read a key from "${own}.none": there is no such file`,
  });
});
