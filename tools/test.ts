/**
 * The test command of the repository: prerequisites, type check, tidy check, then every test with node:test.
 *
 *     npm test                              everything
 *     npm test -- protocol                  only test files whose path contains "protocol"; no type or tidy check
 *     npm test -- --test-name-pattern=QoS   options go to node
 *     npm test -- --times                   and at the end, which processes took longest
 *     npm run test:long                     the checks of test/long, which take minutes
 *
 * It closes with node's own summary (but for `--times`); the exit code is 0 only if every step passed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { ensurePrerequisites } from './install-prerequisites.ts';
import { groupModule, groupTests } from './test-groups.ts';
import { timesTable } from './test-times.ts';

const root = dirname(import.meta.dirname);
/** Compiled code, and the modules of the groups. */
const cache = join(root, 'node_modules/.cache/dunlin-test');
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

/** The files to give to node: what is alone as it is, the others by the module of their group. */
function entries(files: readonly string[]): string[] {
  mkdirSync(cache, { recursive: true });
  return groupTests(files).map((group) => {
    if (group.files.length === 1) return group.files[0];
    const path = join(cache, `${group.name.replaceAll('/', '-')}.mjs`);
    writeFileSync(path, groupModule(group.files.map((file) => join(root, file))));
    return path;
  });
}

const given = process.argv.slice(2);
const own = ['--long', '--times'];
const long = given.includes('--long');
const timed = given.includes('--times');
const filters = given.filter((argument) => !argument.startsWith('-'));
const options = given.filter((argument) => argument.startsWith('-') && !own.includes(argument));

const absent = ensurePrerequisites();
if (absent.length > 0 && process.env.CI === 'true') {
  console.error('With CI=true nothing may be skipped, so the tests are not run.');
  process.exit(1);
}
process.env.DUNLIN_MISSING = absent.join(',');
// Nearly all of the start of a process here is to read and compile TypeScript. The whole run begins anew: what tests
// compile in folders of their own would pile up.
process.env.NODE_COMPILE_CACHE = join(cache, 'compiled');
if (filters.length === 0) rmSync(process.env.NODE_COMPILE_CACHE, { recursive: true, force: true });

if (filters.length === 0 && !long) {
  run('The type check', join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', '.']);
  run('The tidy check', process.execPath, ['tools/tidy.ts']);
}
const files = long ? find([longTests], filters) : find(tests, filters, [longTests]);
if (files.length === 0) {
  console.error(filters.length > 0 ? `No test file matches ${filters.join(' ')}.` : 'There are no test files.');
  process.exit(long && filters.length === 0 ? 0 : 1);
}
const flags = [
  '--conditions=@dunlin/source',
  '--test',
  // Two thirds of what the tests take is waiting: for other processes, and for time to pass.
  `--test-concurrency=${availableParallelism() + 3}`,
  '--test-reporter=spec',
  `--test-timeout=${long ? longTestTimeoutMs : testTimeoutMs}`,
];
const times = join(cache, 'times');
if (timed) {
  rmSync(times, { force: true });
  process.env.DUNLIN_TEST_TIMES = times;
  flags.push(`--import=${join(import.meta.dirname, 'note-test-time.ts')}`);
}
const started = performance.now();
const { status } = spawnSync(process.execPath, [...flags, ...options, ...entries(files)], {
  cwd: root,
  stdio: 'inherit',
});
// Without --times nothing is printed after the summary of node: it stays the last word.
if (timed && existsSync(times)) console.log(timesTable(readFileSync(times, 'utf8'), root, performance.now() - started));
process.exit(status ?? 1);
