/**
 * Which test files share a process. A process of its own costs a test file half a second of work, most of it to load the
 * same modules again; six hundred of them cost more than all tests together.
 *
 * The unit tests of one folder of `packages` run in one process, file after file. Their titles, counts and places stay
 * their own. Every other test file has its own process, and so have the files of `alone`.
 */
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Unit tests that do not share their process, and why. */
export const alone: Readonly<Record<string, string>> = {
  'packages/client/src/contract/ending.test.ts': 'it waits long',
  'packages/lmdb/src/crash.test.ts': 'it waits long',
  'packages/server/src/serve.test.ts': 'it waits long',
};

/** Test files of one process. */
export interface TestGroup {
  /** The folder that they are in, or the path of the only one. */
  readonly name: string;
  /** Paths relative to the root of the repository. */
  readonly files: readonly string[];
}

/** The processes in which these test files run; paths are relative to the root of the repository, with `/`. */
export function groupTests(files: readonly string[]): TestGroup[] {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const name = file.startsWith('packages/') && alone[file] === undefined ? dirname(file) : file;
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return [...groups].map(([name, members]) => ({ name: members.length === 1 ? members[0] : name, files: members }));
}

/**
 * The module that runs test files in one process, whose paths are absolute. No test begins before all of them are loaded:
 * hooks of the whole process (`after` outside of a suite) run as soon as no test is left to do, once, and a file that takes
 * its time to load would find what it needs cleared away.
 */
export function groupModule(paths: readonly string[]): string {
  return [
    "import { before } from 'node:test';",
    'const { promise, resolve } = Promise.withResolvers();',
    'before(() => promise);',
    ...paths.map((path) => `await import(${JSON.stringify(pathToFileURL(path).href)});`),
    'resolve();',
    '',
  ].join('\n');
}
