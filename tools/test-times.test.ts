import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timesTable } from './test-times.ts';

test('the slowest processes come first, and the totals at the end', () => {
  const lines = [
    { file: '/dunlin/test/quick.test.ts', wallMs: 400, cpuMs: 300 },
    { file: '/dunlin/test/slow.test.ts', wallMs: 12_345, cpuMs: 1000 },
  ];
  const table = timesTable(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), '/dunlin', 7000);
  assert.deepEqual(table.split('\n'), [
    ' wall s   CPU s  process',
    '   12.3     1.0  test/slow.test.ts',
    '    0.4     0.3  test/quick.test.ts',
    '   12.7     1.3  all 2, in 7 s',
  ]);
});
