import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { alone, groupModule, groupTests } from './test-groups.ts';

const root = dirname(import.meta.dirname);

test('the unit tests of a folder share a process, every other file has its own', () => {
  const files = [
    'packages/cli/src/a.test.ts',
    'packages/cli/src/b.test.ts',
    'packages/cli/src/probe/c.test.ts',
    'test/doors/d.test.ts',
    'test/doors/e.test.ts',
  ];
  assert.deepEqual(groupTests(files), [
    { name: 'packages/cli/src', files: files.slice(0, 2) },
    { name: files[2], files: [files[2]] },
    { name: files[3], files: [files[3]] },
    { name: files[4], files: [files[4]] },
  ]);
});

test('what stands alone has its own process, and is there', () => {
  for (const file of Object.keys(alone)) {
    assert.ok(existsSync(join(root, file)), `${file} is in the table, but not in the repository`);
    const neighbours = [join(dirname(file), 'a.test.ts'), join(dirname(file), 'b.test.ts')];
    assert.deepEqual(
      groupTests([...neighbours, file]).map((group) => group.files),
      [neighbours, [file]],
    );
  }
});

test('a file that takes its time to load does not lose what an earlier one clears away at its end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-test-groups-'));
  const first =
    "import { after, test } from 'node:test';\nafter(() => console.log('cleared'));\ntest('one', () => {});\n";
  const second =
    "import { after, test } from 'node:test';\nlet isThere = true;\nafter(() => { isThere = false; });\n" +
    "await new Promise((resolve) => setTimeout(resolve, 100));\ntest('two', (t) => t.assert.ok(isThere));\n";
  const paths = ['a.test.mjs', 'b.test.mjs'].map((name) => join(folder, name));
  writeFileSync(paths[0], first);
  writeFileSync(paths[1], second);
  const module = join(folder, 'group.mjs');
  writeFileSync(module, groupModule(paths));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [module], { encoding: 'utf8', env });
  rmSync(folder, { recursive: true });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /one.*two.*cleared/s);
});
