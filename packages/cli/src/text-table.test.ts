import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textTable } from './text-table.ts';

test('columns are as wide as their widest cell, and what would move the cursor is escaped', () => {
  assert.deepEqual(
    textTable([
      ['ID', 'NAME', 'STATE'],
      ['a', '東京', 'on'],
      ['long-one', '\u001b[2J', ''],
    ]),
    ['ID        NAME       STATE', 'a         東京       on', 'long-one  \\u001b[2J'],
  );
});
