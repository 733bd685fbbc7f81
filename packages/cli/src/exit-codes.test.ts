import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_CODES, ExitCode, localError, usageError } from './exit-codes.ts';

test('every exit code stands in the table that --help prints', () => {
  const listed = EXIT_CODES.map(({ code }) => code);
  for (const code of Object.values(ExitCode)) assert.ok(listed.includes(String(code)), String(code));
});

test('errors carry their exit code', () => {
  assert.deepEqual([usageError('a').exitCode, localError('b').exitCode], [1, 3]);
});
