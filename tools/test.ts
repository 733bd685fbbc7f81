/**
 * The test command of the repository: prerequisites, type check, tidy check, then every test with node:test.
 *
 *     npm test                              everything
 *     npm test -- protocol                  only test files whose path contains "protocol"; no type or tidy check
 *     npm test -- --test-name-pattern=QoS   options go to node
 *     npm run test:long                     the checks of test/long, which take minutes
 *
 * It closes with node's own summary; the exit code is 0 only if every step passed.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensurePrerequisites } from './install-prerequisites.ts';

const root = dirname(import.meta.dirname);
const longTests = 'test/long/*.ts';
const tests = ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'];
/** A test that hangs ends after this many milliseconds; the slowest honest one takes a fraction. */
const testTimeoutMs = 300_000;
const longTestTimeoutMs = 3_600_000;

function run(title: string, command: string, parameters: readonly string[]): void {
  const { status, signal, error } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.error(`\n${title} failed${error ? `: ${error.message}` : signal ? ` (${signal})` : ''}`);
  process.exit(status || 1);
}

function find(patterns: readonly string[], filters: readonly string[], exclude: readonly string[] = []): string[] {
  const excluded = new Set(globSync(exclude, { cwd: root }));
  const found = globSync(patterns, { cwd: root }).filter((path) => !excluded.has(path));
  return found.filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter))).sort();
}

const given = process.argv.slice(2);
const long = given.includes('--long');
const filters = given.filter((argument) => !argument.startsWith('-'));
const options = given.filter((argument) => argument.startsWith('-') && argument !== '--long');

const absent = ensurePrerequisites();
if (absent.length > 0 && process.env.CI === 'true') {
  console.error('With CI=true nothing may be skipped, so the tests are not run.');
  process.exit(1);
}
process.env.DUNLIN_MISSING = absent.join(',');

if (filters.length === 0 && !long) {
  run('The type check', join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', '.']);
  run('The tidy check', process.execPath, ['tools/tidy.ts']);
}
const files = long ? find([longTests], filters) : find(tests, filters, [longTests]);
if (files.length === 0) {
  console.error(filters.length > 0 ? `No test file matches ${filters.join(' ')}.` : 'There are no test files.');
  process.exit(long && filters.length === 0 ? 0 : 1);
}
const limit = `--test-timeout=${long ? longTestTimeoutMs : testTimeoutMs}`;
const flags = ['--conditions=@dunlin/source', '--test', '--test-concurrency=2', '--test-reporter=spec', limit];
// Nothing is printed after this: the summary of node stays the last word.
process.exit(
  spawnSync(process.execPath, [...flags, ...options, ...files], { cwd: root, stdio: 'inherit' }).status ?? 1,
);
