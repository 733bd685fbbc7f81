import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_CODES, ExitCode, exitCodesOf, localError, usageError } from './exit-codes.ts';

test('every exit code stands in the table that --help prints', () => {
  const listed = EXIT_CODES.map(({ code }) => code);
  for (const code of Object.values(ExitCode)) assert.ok(listed.includes(String(code)), String(code));
});

test('errors carry their exit code', () => {
  assert.deepEqual([usageError('a').exitCode, localError('b').exitCode], [1, 3]);
});

test('a command is told of the exit codes that it has', () => {
  const codes = (command: string) => exitCodesOf(command).map(({ code }) => code);
  assert.deepEqual(codes('pub'), ['0', '1', '2', '3', '128-162']);
  assert.deepEqual(codes('sub'), ['0', '1', '2', '3', '27', '128-162']);
  assert.deepEqual(codes('acl'), ['0', '1', '2', '3', '4', '128-162']);
  assert.deepEqual(codes('device'), ['0', '1', '2', '3', '4', '5', '10', '11', '12', '13', '14', '128-162']);
});
