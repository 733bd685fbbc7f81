import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { effectiveConfiguration } from './effective-configuration.ts';

test('flags win over the file, and data is kept unless the file keeps nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-effective-'));
  try {
    const configFile = join(folder, 'dunlin.yaml');
    writeFileSync(configFile, 'data: d\nlog: {level: warn}\n');
    const read = (configuration = {}) => effectiveConfiguration({ help: false, configFile, configuration });
    assert.deepEqual([read().data, read().durability, read().log.level], [join(folder, 'd'), 'durable', 'warn']);
    assert.equal(read({ log: { level: 'error' } }).log.level, 'error');
    writeFileSync(configFile, 'durability: memory\n');
    assert.equal(read().data, undefined);
    assert.throws(() => read({ data: 'd' }), /^ConfigurationError: --data is "d" and durability is "memory"/);
    assert.ok(effectiveConfiguration({ help: false, configFile: undefined, configuration: {} }).data);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
