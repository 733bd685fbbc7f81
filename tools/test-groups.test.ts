import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
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

test('the module of a group imports its files one after the other', () => {
  assert.equal(
    groupModule(['/dunlin/a b.test.ts', '/dunlin/c.test.ts']),
    'await import("file:///dunlin/a%20b.test.ts");\nawait import("file:///dunlin/c.test.ts");\n',
  );
});
